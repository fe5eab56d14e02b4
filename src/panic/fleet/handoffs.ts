/** Operations that take a guest out of its kernel: crashed or left, and what came of it kept. */

import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { CaptureKeeper } from '../captures/capture-keeper.ts';
import type { Capture, LeaveRequest, PanicRequest, ServiceEvent } from '../contract/index.ts';
import type { Life } from '../guest/session.ts';
import { unaskedCrash } from '../handoff/crash.ts';
import type { RunningOperation } from '../operations/operation-book.ts';
import { OperationFailure } from '../operations/operation-failure.ts';
import type { MetadataStore, PartitionRecord } from '../store/index.ts';
import type { LeavePath } from '../trace/index.ts';
import type { FleetMember } from './member.ts';

export type HandoffsOptions = {
  readonly metadata: Pick<MetadataStore, 'putOperationTrace'>;
  readonly keeper: CaptureKeeper;
  readonly emit: (event: ServiceEvent) => void;
  readonly isClosing: () => boolean;
};

export class Handoffs {
  readonly #options: HandoffsOptions;

  constructor(options: HandoffsOptions) {
    this.#options = options;
  }

  /** @throws OperationFailure `not-ready`, `capture-failed`, `store-failed`, `interrupted` */
  async crash(member: FleetMember, request: PanicRequest, running: RunningOperation): Promise<void> {
    requireBusy(member);
    let capture: Capture | undefined;
    const result = await member.crash(
      request,
      (phase) => running.move({ phase }),
      async (handle, done, life) => {
        if (this.#options.isClosing()) throw new OperationFailure('interrupted', 'the service was shut down');
        capture = await this.#options.keeper.store(member.record, handle, done, life).catch(storeFailed);
      },
    );
    if (capture === undefined) throw new OperationFailure('interrupted', 'nothing was stored');
    running.move({ phase: capture.phase, captureId: capture.id });
    this.#tell(capture);
    if (result.outcome === 'failed')
      throw new OperationFailure('capture-failed', result.reason ?? `failed in phase ${result.phase}`);
  }

  /** @throws OperationFailure `not-ready`, `kexec-failed`, `restart-failed`, `store-failed` */
  async leave(
    member: FleetMember,
    path: LeavePath,
    request: LeaveRequest,
    running: RunningOperation,
  ): Promise<void> {
    requireBusy(member);
    const result = await member.leave(
      path,
      request,
      (phase) => running.move({ phase }),
      async ({ phase, trace }) => {
        running.move({ phase });
        if (trace === undefined) return;
        await this.#options.metadata.putOperationTrace(running.id, JSON.stringify(trace)).catch(storeFailed);
        running.move({ traced: true });
      },
    );
    if (result.outcome === 'failed')
      throw new OperationFailure(`${path}-failed`, result.reason ?? `failed in phase ${result.phase}`);
  }

  /** A crash that nobody asked for left a dump, too; there was nobody to trace it. */
  async storeUnasked(record: PartitionRecord, handle: PartitionHandle, life: Life): Promise<void> {
    const result = await unaskedCrash(handle, life);
    if (result === undefined || this.#options.isClosing()) return;
    this.#tell(await this.#options.keeper.store(record, handle, result, life));
  }

  #tell({ id, partitionId }: Capture): void {
    this.#options.emit({ kind: 'capture', id, partitionId });
  }
}

/** Between the request and its turn the partition may have been stopped. */
function requireBusy({ state }: FleetMember): void {
  if (state !== 'busy') throw new OperationFailure('not-ready', `the partition is ${state}`);
}

function storeFailed(error: unknown): never {
  throw new OperationFailure(
    'store-failed',
    `what it left could not be stored: ${error instanceof Error ? error.message : error}`,
  );
}
