/**
 * Counts what a guest met that the machine lacks. A guest chooses the keys, so that only so many are counted apart; all
 * others are one entry. A count is reported when it begins and each time it has doubled, and all of them at rest and at the end.
 */

import type { ReportUnsupported, Unsupported } from '../../devices/contract.ts';

/** As much of a guest's text as is kept. */
const TEXT = 200;
const OTHERS: Unsupported = { kind: 'others', key: 'beyond the limit of kinds' };

type Entry = { readonly what: Unsupported; count: number; reported: number };

export class UnsupportedCounts {
  readonly #limit: number;
  readonly #report: (what: Unsupported, count: number) => void;
  readonly #entries = new Map<string, Entry>();
  #others: Entry | undefined;

  constructor(limit: number, report: (what: Unsupported, count: number) => void) {
    this.#limit = limit;
    this.#report = report;
  }

  /** `kind key` → times. */
  get counts(): ReadonlyMap<string, number> {
    return new Map(this.#all().map(({ what, count }) => [`${what.kind} ${what.key}`, count]));
  }

  /** As at power-on. */
  reset(): void {
    this.#entries.clear();
    this.#others = undefined;
  }

  readonly add: ReportUnsupported = (what) => {
    const entry = this.#entryOf(what);
    entry.count++;
    if (entry.count >= 2 * entry.reported) this.#emit(entry);
  };

  /** Reports every count that has changed since it was reported. */
  settle(): void {
    for (const entry of this.#all()) if (entry.count !== entry.reported) this.#emit(entry);
  }

  #entryOf(what: Unsupported): Entry {
    const key = `${what.kind} ${what.key.slice(0, TEXT)}`;
    const found = this.#entries.get(key);
    if (found !== undefined) return found;
    if (this.#entries.size >= this.#limit) {
      this.#others ??= { what: OTHERS, count: 0, reported: 0 };
      return this.#others;
    }
    const entry = { what: shortened(what), count: 0, reported: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #all(): readonly Entry[] {
    return [...this.#entries.values(), ...(this.#others === undefined ? [] : [this.#others])];
  }

  #emit(entry: Entry): void {
    entry.reported = entry.count;
    this.#report(entry.what, entry.count);
  }
}

function shortened({ detail, ...what }: Unsupported): Unsupported {
  return {
    ...what,
    key: what.key.slice(0, TEXT),
    ...(detail === undefined ? {} : { detail: detail.slice(0, TEXT) }),
  };
}
