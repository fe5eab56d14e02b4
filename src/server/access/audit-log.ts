/**
 * Records who did what. An entry that cannot be stored goes to the service's log whole, and health says so: what was done
 * cannot be taken back by refusing its answer.
 */

import { defined } from '../../base/defined.ts';
import type { AuditEntry, AuditQuery, Page } from '../../panic/contract/index.ts';
import type { AuditStore } from '../../panic/store/index.ts';
import { clientNetwork } from './hosts.ts';

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
const KEPT = { done: 100_000, notDone: 10_000 } as const;
const KEPT_DAYS = 365;
/** Pruned after so many entries as well as by the clock, so that it is bounded between. */
const PRUNE_EVERY = 500;
/** Of one client, entries of one kind that may be frequent are one in this time. */
const REPEATED_MS = 60_000;
/** Kinds that are told apart; more of them share an entry. */
const MAX_KINDS = 1000;

type Repeated = { readonly since: number; count: number };

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  readonly #frequent = new Map<string, Repeated>();
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

  /** Resolves when it is stored, or could not be. Floods of refusals and failures, and typing, are counted, not stored one by one. */
  async record(event: AuditEvent): Promise<void> {
    const repeated = isFrequent(event) ? this.#repetition(event) : 0;
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

  /** Newest first. @throws Refusal `invalid` for a cursor that no page gave */
  list(query: AuditQuery): Promise<Page<AuditEntry>> {
    return this.#options.store.list(query);
  }

  /** Forgets the oldest entries beyond the limits. @returns how many */
  async prune(): Promise<number> {
    this.#sincePrune = 0;
    const since = new Date(this.#now() - KEPT_DAYS * 24 * 3600_000).toISOString();
    return this.#options.store.prune({ ...KEPT, since });
  }

  /** @returns how many like it had no entry, or undefined where this one gets none either */
  #repetition({ address, actor, action, outcome, problem, target }: AuditEvent): number | undefined {
    const now = this.#now();
    const whose = actor.kind === 'key' ? actor.id : clientNetwork(address ?? '');
    // A client chooses what it is refused, and names of what there is not: its entries are not told apart by that.
    const kinds = { refused: problem, failed: `${action} ${problem}`, done: `${action} ${target}` } as const;
    let key = `${whose} ${kinds[outcome]}`;
    if (!this.#frequent.has(key) && this.#frequent.size >= MAX_KINDS) {
      for (const [each, { since }] of this.#frequent) if (!isRecent(since, now)) this.#frequent.delete(each);
      if (this.#frequent.size >= MAX_KINDS) key = 'others';
    }
    const known = this.#frequent.get(key);
    if (known !== undefined && isRecent(known.since, now)) {
      known.count += 1;
      return undefined;
    }
    this.#frequent.set(key, { since: now, count: 0 });
    return known?.count ?? 0;
  }
}

/** For `/healthz`; nothing while all entries are stored. */
export function auditCheck({ lost }: Pick<AuditLog, 'lost'>): readonly {
  readonly name: string;
  readonly ok: false;
  readonly degraded: true;
  readonly detail: string;
}[] {
  if (lost === 0) return [];
  const detail = `${lost} audit entries could not be stored since the start; the log has them`;
  return [{ name: 'audit', ok: false, degraded: true, detail }];
}

/** A time that is to come was one of a clock that has been set back since. */
function isRecent(since: number, now: number): boolean {
  return since <= now && now - since < REPEATED_MS;
}

/** What a client may make as much of as it likes without doing anything. */
function isFrequent({ outcome, action, bytes }: AuditEvent): boolean {
  // A download that was left has handed bytes over.
  return (outcome !== 'done' && bytes === undefined) || action === 'partition.type';
}
