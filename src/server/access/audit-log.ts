/**
 * Records who did what. An entry that cannot be stored goes to the service's log whole, and health says so: what was done
 * cannot be taken back by refusing its answer.
 */

import { defined } from '../../base/defined.ts';
import type { AuditEntry } from '../../panic/contract/index.ts';
import type { AuditStore } from '../../panic/store/index.ts';

export type AuditLogOptions = {
  readonly store: AuditStore;
  readonly newId: (prefix: string) => string;
  readonly now?: () => number;
  /** Called with an entry that could not be stored. */
  readonly onLost: (entry: AuditEntry, error: unknown) => void;
};

/** An entry before it is one: without its id, time and count. */
export type AuditEvent = Omit<AuditEntry, 'id' | 'at' | 'repeated'>;

/** What is kept: about as many entries as a busy fleet makes in a year. */
const KEPT = { entries: 100_000, refused: 10_000 } as const;
const KEPT_DAYS = 365;
/** Pruned after so many entries as well as by the clock, so that it is bounded between. */
const PRUNE_EVERY = 500;
/** Of one client, refusals of one kind have one entry in this time. */
const REFUSAL_MS = 60_000;
/** Clients that are told apart by their refusals; more of them share an entry. */
const MAX_REFUSED = 1000;

type Refusals = { readonly since: number; count: number };

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  readonly #refused = new Map<string, Refusals>();
  #sincePrune = 0;
  #lost = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Entries that could not be stored since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves when it is stored, or could not be. A flood of refusals is counted, not stored one by one. */
  async record(event: AuditEvent): Promise<void> {
    const repeated = event.outcome === 'refused' ? this.#refusal(event) : 0;
    if (repeated === undefined) return;
    const at = new Date(this.#now()).toISOString();
    const entry: AuditEntry = {
      id: this.#options.newId('a'),
      at,
      ...event,
      ...defined({ repeated: repeated === 0 ? undefined : repeated }),
    };
    try {
      await this.#options.store.add(entry);
      this.#sincePrune += 1;
      if (this.#sincePrune >= PRUNE_EVERY) await this.prune();
    } catch (error) {
      this.#lost += 1;
      this.#options.onLost(entry, error);
    }
  }

  /** Forgets the oldest entries beyond the limits. @returns how many */
  async prune(): Promise<number> {
    this.#sincePrune = 0;
    const since = new Date(this.#now() - KEPT_DAYS * 24 * 3600_000).toISOString();
    return this.#options.store.prune({ ...KEPT, since });
  }

  /** @returns how many like it had no entry, or undefined where this one gets none either */
  #refusal({ address, actor, problem }: AuditEvent): number | undefined {
    const now = this.#now();
    const whose = actor.kind === 'key' ? actor.id : address;
    let key = `${whose} ${problem}`;
    if (!this.#refused.has(key) && this.#refused.size >= MAX_REFUSED) {
      for (const [each, { since }] of this.#refused)
        if (now - since >= REFUSAL_MS) this.#refused.delete(each);
      if (this.#refused.size >= MAX_REFUSED) key = 'others';
    }
    const known = this.#refused.get(key);
    if (known !== undefined && now - known.since < REFUSAL_MS) {
      known.count += 1;
      return undefined;
    }
    this.#refused.set(key, { since: now, count: 0 });
    return known?.count ?? 0;
  }
}
