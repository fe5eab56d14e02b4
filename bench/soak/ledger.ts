/** What a daemon has answered to its clients, and therefore owes them: over kills, power cuts and full disks. */

/** `asked`: a request of which no answer came; it may be done or not. `owed`: it is there. `released`: it is gone. */
type Debt = 'asked' | 'owed' | 'released';

/** One thing that was asked for or answered. */
export type Entry =
  /** `sha256` of the vmcore; null: the crash left none. */
  | {
      readonly kind: 'capture';
      readonly id: string;
      readonly sha256: string | null;
      readonly bytes: number;
    }
  | { readonly kind: 'deletion'; readonly id: string; readonly isDone: boolean }
  | { readonly kind: 'operation' | 'partition' | 'image'; readonly id: string; readonly debt: Debt };

export type OwedCapture = Extract<Entry, { kind: 'capture' }>;

export class Ledger {
  readonly #captures = new Map<string, OwedCapture>();
  readonly #deletions = new Map<string, boolean>();
  readonly #debts = {
    operation: new Map<string, Debt>(),
    partition: new Map<string, Debt>(),
    image: new Map<string, Debt>(),
  };
  readonly #onEntry: (entry: Entry) => void;

  /** @param onEntry called with each entry, before anything that follows from it */
  constructor(onEntry: (entry: Entry) => void = () => undefined) {
    this.#onEntry = onEntry;
  }

  add(entry: Entry): void {
    if (entry.kind === 'capture') this.#captures.set(entry.id, entry);
    else if (entry.kind === 'deletion') this.#deletions.set(entry.id, entry.isDone);
    else this.#debts[entry.kind].set(entry.id, entry.debt);
    this.#onEntry(entry);
  }

  /** Captures that must be there. */
  get captures(): readonly OwedCapture[] {
    return [...this.#captures.values()].filter(({ id }) => !this.#deletions.has(id));
  }

  /** Whether a capture must be there: no client has begun to delete it. */
  owes(id: string): boolean {
    return this.#captures.has(id) && !this.#deletions.has(id);
  }

  /** Those with a vmcore. */
  get vmcores(): readonly (OwedCapture & { readonly sha256: string })[] {
    return this.captures.flatMap((each) => (each.sha256 === null ? [] : [{ ...each, sha256: each.sha256 }]));
  }

  /** Captures that must be gone. */
  get deleted(): readonly string[] {
    return [...this.#deletions].flatMap(([id, isDone]) => (isDone ? [id] : []));
  }

  all(kind: 'operation' | 'partition' | 'image', debt: Debt): readonly string[] {
    return [...this.#debts[kind]].flatMap(([id, each]) => (each === debt ? [id] : []));
  }

  /** Operations that have been asked for once need not be asked for again. */
  forgetOperations(ids: readonly string[]): void {
    for (const id of ids) this.#debts.operation.delete(id);
  }
}
