/**
 * The XIVE interrupt controller of POWER9 in exploitation mode: sources with their two state bits, the table that
 * routes them to queues, queues in guest memory, and each vCPU's presentation registers.
 *
 * Source: QEMU 7.2 hw/intc/xive.c and spapr_xive.c; LoPAR, "XIVE"; how Linux uses it: arch/powerpc/sysdev/xive. A source's pages are two of 64 KiB
 * for each number: trigger, then management. PQ: 00 ready, 10 sent and not ended, 11 another came meanwhile, 01 off.
 * Left out: state buffers of queues (every event notifies), escalation, store EOI, reporting lines, hypervisor's rings.
 */

import { assert } from '../../../base/errors.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { InterruptLine } from '../contract.ts';
import type { AllocatedInterrupt, PresentationState } from '../xics.ts';
import type { InterruptKind } from '../xics-presentation.ts';
import { EventQueue, type QueueSetting } from './event-queue.ts';
import { LEAST_FAVOURED, PRIORITIES, ThreadContext, type ThreadLine } from './thread-context.ts';

export const PQ = { ready: 0, off: 1, pending: 2, queued: 3 } as const;

/** Where a source's events go. Priority 0xff: nowhere. */
export type Route = { readonly target: number; readonly priority: number; readonly data: number };

export type ConfiguredQueue = {
  readonly target: number;
  readonly priority: number;
  readonly page: number;
  readonly bytes: number;
};

type Source = {
  readonly number: number;
  readonly kind: InterruptKind;
  pq: number;
  asserted: boolean;
  route: Route;
};

const MASKED: Route = { target: 0, priority: LEAST_FAVOURED, data: 0 };
const FIRST_LEVEL = 0x1200;
const FIRST_MESSAGE = 0x1300;
/** One more than the highest number of a source. */
export const SOURCES = 0x2000;
const PENDING_BIT = 2;

export class Xive {
  readonly #memory: GuestMemory;
  readonly #threads = new Map<number, ThreadContext>();
  readonly #sources = new Map<number, Source>();
  readonly #queues = new Map<string, EventQueue>();
  readonly #ended: (number: number) => void;
  /** Numbers from 0 that the guest uses for its own interprocessor interrupts. */
  readonly ipis: number;

  /** @param ended called when the guest ends an interrupt of a source (EOI) */
  constructor(
    memory: GuestMemory,
    threads: readonly ThreadLine[],
    ended: (number: number) => void = () => undefined,
  ) {
    this.#memory = memory;
    this.#ended = ended;
    for (const thread of threads) {
      assert(!this.#threads.has(thread.hardwareId), 'two interrupt targets with one number');
      this.#threads.set(thread.hardwareId, new ThreadContext(thread));
    }
    this.ipis = threads.length;
    for (let number = 0; number < this.ipis; number++) this.#add(number, 'msi');
  }

  /** As {@link Xics.allocate}: a new source, off, at the lowest free number from `first` on. */
  allocate(kind: InterruptKind, first?: number): AllocatedInterrupt {
    let number = first ?? (kind === 'level' ? FIRST_LEVEL : FIRST_MESSAGE);
    while (this.#sources.has(number)) number++;
    assert(number < SOURCES, 'interrupt sources are used up');
    const source = this.#add(number, kind);
    const line: InterruptLine = {
      set: (asserted) => {
        assert(kind === 'level', 'set() is for level sources');
        source.asserted = asserted;
        if (asserted && source.pq === PQ.ready) this.#send(source);
      },
      pulse: () => {
        assert(kind === 'msi', 'pulse() is for message sources');
        this.#trigger(source);
      },
    };
    return { number, line };
  }

  kindOf(number: number): InterruptKind | undefined {
    return this.#sources.get(number)?.kind;
  }
  thread(hardwareId: number): ThreadContext | undefined {
    return this.#threads.get(hardwareId);
  }

  route(number: number): Route | undefined {
    return this.#sources.get(number)?.route;
  }
  setRoute(number: number, route: Route): void {
    const source = this.#sources.get(number);
    assert(source !== undefined, `interrupt ${number} is not allocated`);
    source.route = route;
  }

  queue(target: number, priority: number): EventQueue | undefined {
    return this.#queues.get(`${target}/${priority}`);
  }
  /** A queue from its start, or none. */
  setQueue(target: number, priority: number, setting: QueueSetting | undefined): void {
    if (setting === undefined) this.#queues.delete(`${target}/${priority}`);
    else this.#queues.set(`${target}/${priority}`, new EventQueue(setting));
  }

  /** Every queue in memory; `target` is a hardware id. */
  queues(): readonly ConfiguredQueue[] {
    return [...this.#queues].map(([key, { setting }]) => {
      const [target = 0, priority = 0] = key.split('/').map(Number);
      return { target, priority, page: setting.page, bytes: 2 ** setting.sizeLog2 };
    });
  }

  /** A store to a source's trigger page. */
  trigger(number: number): void {
    const source = this.#sources.get(number);
    if (source !== undefined) this.#trigger(source);
  }

  /** A load from a source's management page. @returns the value; undefined where there is no such source or offset. */
  manage(number: number, offset: number): number | undefined {
    const source = this.#sources.get(number);
    if (source === undefined) return undefined;
    switch (offset >>> 8) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#end(source) ? 1 : 0;
      case 8:
      case 9:
      case 10:
      case 11:
        return source.pq;
      case 12:
      case 13:
      case 14:
      case 15: {
        const before = source.pq;
        source.pq = (offset >>> 8) & 3;
        // Linux ends a message interrupt so, and sends the one that came meanwhile itself.
        if (source.pq === PQ.ready && (before & PENDING_BIT) !== 0) this.#ended(source.number);
        return before;
      }
      default:
        return undefined;
    }
  }

  /** H_INT_RESET: every source off and without a route, no queue. */
  reset(): void {
    for (const source of this.#sources.values()) {
      source.pq = PQ.off;
      source.route = MASKED;
    }
    this.#queues.clear();
  }

  /** In XICS's words. Unfinished are sources that were sent to this vCPU and not ended. */
  presentation(hardwareId: number): PresentationState {
    const thread = this.#threads.get(hardwareId);
    assert(thread !== undefined, `interrupt target ${hardwareId} does not exist`);
    const inService = [...this.#sources.values()]
      .filter(({ pq, route }) => (pq & PENDING_BIT) !== 0 && route.target === hardwareId)
      .filter(({ route }) => route.priority !== LEAST_FAVOURED)
      .map(({ number }) => number);
    const xisr = thread.presented ? (inService[0] ?? 0) : 0;
    return { hardwareId, cppr: thread.cppr, xisr, mfrr: LEAST_FAVOURED, inService };
  }

  #add(number: number, kind: InterruptKind): Source {
    const source: Source = { number, kind, pq: PQ.off, asserted: false, route: MASKED };
    this.#sources.set(number, source);
    return source;
  }

  #trigger(source: Source): void {
    if (source.pq === PQ.ready) this.#send(source);
    else if (source.pq === PQ.pending) source.pq = PQ.queued;
  }

  /** @returns whether another event was sent. */
  #end(source: Source): boolean {
    if (source.pq === PQ.off) return false;
    if ((source.pq & PENDING_BIT) !== 0) this.#ended(source.number);
    const again = source.kind === 'level' ? source.asserted : source.pq === PQ.queued;
    source.pq = PQ.ready;
    if (again) this.#send(source);
    return again;
  }

  #send(source: Source): void {
    source.pq = PQ.pending;
    const { target, priority, data } = source.route;
    if (priority >= PRIORITIES) return;
    const queue = this.queue(target, priority);
    if (queue === undefined) return;
    queue.put(this.#memory, data);
    this.#threads.get(target)?.present(priority);
  }
}
