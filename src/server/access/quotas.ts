/**
 * Holds keys to their quotas: how many partitions, how much memory, how many captures. Holds the daemon to its number of partitions;
 * its memory is counted where partitions are powered on (src/panic/fleet/memory-budget.ts).
 */

import { defined } from '../../base/defined.ts';
import { FormatError } from '../../base/errors.ts';
import { sizeText } from '../../base/free-room.ts';
import type {
  Actor,
  Capture,
  CaptureQuery,
  Fleet,
  Operations,
  Page,
  PartitionRequest,
  PartitionView,
} from '../../panic/contract/index.ts';
import { Refusal } from '../../panic/contract/index.ts';
import { memoryBytesOf, resolveMachine } from '../../panic/index.ts';
import type { Principal } from './scopes.ts';
import { isSameActor } from './scopes.ts';

export type QuotasOptions = {
  readonly fleet: Pick<Fleet, 'list' | 'create'>;
  readonly captures: { list(query: CaptureQuery): Promise<Page<Capture>> };
  readonly operations: Pick<Operations, 'list'>;
  /** Partitions at a time, of all makers; default {@link MAX_PARTITIONS}. */
  readonly maxPartitions?: number;
};

/** A partition is a thread, and most of them rest. */
const MAX_PARTITIONS = 256;
const PAGE = 200;

export class Quotas {
  readonly #options: QuotasOptions;
  /** What is counted before it is made. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: QuotasOptions) {
    this.#options = options;
  }

  /** Makes a partition for `maker`, or for the daemon itself. @throws Refusal `quota` with the figures */
  createPartition(
    request: PartitionRequest,
    maker?: Pick<Principal, 'actor' | 'quota'>,
  ): Promise<PartitionView> {
    return this.#inTurn(() => {
      this.#admit(request, maker);
      return this.#options.fleet.create(request, maker?.actor);
    });
  }

  /**
   * Submits a crash that `maker` asks for, which leaves a capture. Those that have not ended count as captures already; one by one,
   * as partitions are made.
   * @param submit asks its argument before it takes a new request; that throws Refusal `quota` with the figures
   */
  submitCrash<T>(
    { actor, quota }: Pick<Principal, 'actor' | 'quota'>,
    submit: (admit: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const max = quota?.maxCaptures;
    if (max === undefined) return submit(async () => undefined);
    return this.#inTurn(() =>
      submit(async () => {
        const count = (await this.#captures(actor)) + (await this.#crashes(actor));
        check('captures', count + 1, max, count, String, 'the key');
      }),
    );
  }

  #admit(request: PartitionRequest, maker: Pick<Principal, 'actor' | 'quota'> | undefined): void {
    const { fleet, maxPartitions: most = MAX_PARTITIONS } = this.#options;
    const all = fleet.list();
    check('partitions', all.length + 1, most, all.length, String, 'the daemon');
    if (maker?.quota === undefined) return;
    const { maxPartitions = Number.POSITIVE_INFINITY, maxMemoryBytes = Number.POSITIVE_INFINITY } =
      maker.quota;
    const owned = all.filter(({ createdBy }) => isSameActor(maker.actor, createdBy));
    check('partitions', owned.length + 1, maxPartitions, owned.length, String, 'the key');
    const used = owned.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
    check('memory of partitions', used + memoryOf(request), maxMemoryBytes, used, sizeText, 'the key');
  }

  async #captures(actor: Actor): Promise<number> {
    const { captures } = this.#options;
    return countOf(
      (page) => captures.list(page),
      ({ createdBy }) => isSameActor(actor, createdBy),
    );
  }

  /** Crashes that the actor asked for and that have not ended. */
  async #crashes(actor: Actor): Promise<number> {
    const { operations } = this.#options;
    let count = 0;
    for (const state of ['queued', 'running'] as const)
      count += await countOf(
        (page) => operations.list({ ...page, state }),
        ({ kind, requestedBy }) => kind === 'panic' && isSameActor(actor, requestedBy),
      );
    return count;
  }

  /** One after another: two at once would each find room for one. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // The caller gets the error; later callers only wait for the end.
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** How many of all pages count. */
async function countOf<T>(
  list: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<T>>,
  counts: (item: T) => boolean,
): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await list({ limit: PAGE, ...defined({ cursor }) });
    count += page.items.filter(counts).length;
    cursor = page.next;
  } while (cursor !== undefined);
  return count;
}

function check(
  what: string,
  wanted: number,
  limit: number,
  has: number,
  text: (value: number) => string,
  who: string,
): void {
  if (wanted <= limit) return;
  throw new Refusal(
    'quota',
    `${what}: ${who} has ${text(has)} and may have ${text(limit)}; this would be ${text(wanted)}.`,
  );
}

/** A machine that cannot be is refused where it is made, with its reason. */
function memoryOf(request: PartitionRequest): number {
  try {
    return memoryBytesOf(resolveMachine(request));
  } catch (error) {
    if (error instanceof FormatError) return 0;
    throw error;
  }
}
