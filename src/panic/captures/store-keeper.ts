/**
 * Watches over the store: which captures lost bytes, what the last verification found, and the operations that verify and
 * repair. Damage is reported once each.
 */

import { defined } from '../../base/defined.ts';
import type { VmcoreStore } from '../../vmcore/store/index.ts';
import type { OperationRequest, StoreReport, StoreView } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import type { Accepted, OperationHost, OperationResult, Run } from '../operations/index.ts';
import type { CheckJob, MetadataStore, StoreCheck } from '../store/index.ts';

export type StoreKeeperOptions = {
  readonly metadata: Pick<MetadataStore, 'captures' | 'damaged'>;
  readonly vmcores: Pick<VmcoreStore, 'damage' | 'quarantine' | 'figures'>;
  /** Verifies or repairs, without holding up the store. */
  readonly check: (
    kind: CheckJob['kind'],
    onProgress: (phase: string) => void,
    signal: AbortSignal,
  ) => Promise<StoreCheck>;
  /** Called once for each capture of which something is lost. */
  readonly onDamage: (capture: { readonly id: string; readonly reason: string }) => void;
  readonly onReport: (report: StoreReport) => void;
  readonly onError: (error: Error) => void;
};

/** Content is read at a bounded rate, and a store may hold terabytes. */
const HOST_SECONDS = 24 * 3600;

export class StoreKeeper {
  readonly host: OperationHost;
  readonly #options: StoreKeeperOptions;
  /** By id: what of a capture is lost. */
  #damaged: ReadonlyMap<string, string> = new Map();
  #records: readonly string[] = [];
  #last: StoreReport | undefined;
  #busy = false;
  #refreshing: Promise<void> | undefined;

  constructor(options: StoreKeeperOptions) {
    this.#options = options;
    this.host = {
      kinds: ['verify', 'repair'],
      hostSeconds: () => HOST_SECONDS,
      accept: async () => this.#accept(),
      run: (request, run) => this.#run(request, run),
    };
  }

  /** What of a capture is lost; undefined: nothing that is known. */
  reasonOf(captureId: string): string | undefined {
    return this.#damaged.get(captureId);
  }

  /** Asks the stores what they have found damaged. Its failure is reported. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh()
      .catch((error: unknown) =>
        this.#options.onError(error instanceof Error ? error : new Error(`${error}`)),
      )
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  /** What was found damaged so far, and by the last verification. */
  summary(): {
    readonly captures: readonly { readonly id: string; readonly reason: string }[];
    readonly records: readonly string[];
    readonly last: StoreReport | undefined;
  } {
    const captures = [...this.#damaged].map(([id, reason]) => ({ id, reason }));
    return { captures, records: this.#records, last: this.#last };
  }

  async view(): Promise<StoreView> {
    await this.refresh();
    const { bytes: chunkBytes, ...figures } = await this.#options.vmcores.figures();
    return {
      ...figures,
      chunkBytes,
      damagedRecords: this.#records,
      damagedCaptures: this.summary().captures,
      ...defined({ last: this.#last }),
    };
  }

  /** Verifies, as its schedule does. */
  async verify(signal: AbortSignal): Promise<StoreReport> {
    const { report, lost } = await this.#options.check('verify', () => undefined, signal);
    await this.#settle(report, lost);
    return report;
  }

  #accept(): Accepted {
    if (this.#busy) throw new Refusal('conflict', 'The store is being verified or repaired.');
    this.#busy = true;
    return {
      turn: (work) =>
        work().finally(() => {
          this.#busy = false;
        }),
      drop: () => {
        this.#busy = false;
      },
    };
  }

  async #run(request: OperationRequest, run: Run): Promise<OperationResult> {
    const kind = request.kind === 'repair' ? 'repair' : 'verify';
    const { report, lost } = await this.#options.check(kind, (phase) => run.report(phase), run.signal);
    await this.#settle(report, lost);
    const { damage } = report;
    return {
      phase: damage.length === 0 ? 'no damage' : `${damage.length} damaged`,
      ...(damage.length === 0 || kind === 'verify'
        ? {}
        : {
            error: {
              code: 'store/damaged',
              message: `${damage.length} things stay damaged; GET /store names them`,
            },
          }),
    };
  }

  async #settle(report: StoreReport, lost: StoreCheck['lost']): Promise<void> {
    this.#last = report;
    await this.#options.vmcores.quarantine(lost);
    await this.refresh();
    this.#options.onReport(report);
  }

  async #refresh(): Promise<void> {
    const { metadata, vmcores, onDamage } = this.#options;
    this.#records = (await metadata.damaged()).map(({ table, id }) => `${table} ${id}`);
    const damage = await vmcores.damage();
    const reasons = new Map(damage.map(({ manifestId, reason }) => [manifestId, reason]));
    const holders = damage.length === 0 ? [] : await metadata.captures.holders([...reasons.keys()]);
    const damaged = new Map(holders.map(({ id, manifestId }) => [id, reasons.get(manifestId) ?? '']));
    const before = this.#damaged;
    this.#damaged = damaged;
    for (const [id, reason] of damaged) if (!before.has(id)) onDamage({ id, reason });
  }
}
