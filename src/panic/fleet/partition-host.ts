/** Runs the operations on partitions: start, stop, reset; panic, kexec, restart. */

import { defined } from '../../base/defined.ts';
import { diskErrorOf } from '../../base/disk-error.ts';
import { BugError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import type { Captures, Room } from '../captures/index.ts';
import type { LeaveRequest, OperationKind, OperationRequest, PanicRequest } from '../contract/index.ts';
import { Refusal, shownUses } from '../contract/index.ts';
import { BOOT_DUMP_MODE } from '../guest/agent-line.ts';
import { stopOnAbort } from '../guest/host-time.ts';
import { crash } from '../handoff/crash.ts';
import type { CrashResult } from '../handoff/crash-result.ts';
import { leave } from '../handoff/kexec.ts';
import { crashMade, leaveMade, type Maker } from '../handoff/made.ts';
import {
  type Accepted,
  earlyEnd,
  OperationFailure,
  type OperationHost,
  type OperationResult,
  type Run,
} from '../operations/index.ts';
import type { LeavePath } from '../trace/index.ts';
import type { FleetMember } from './member.ts';
import { checkPanic } from './requests.ts';

type PartitionOperation = Extract<OperationRequest, { partitionId: string }>;

export class PartitionHost implements OperationHost {
  readonly kinds: readonly OperationKind[] = ['start', 'stop', 'reset', 'panic', 'kexec', 'restart'];
  readonly #member: (id: string) => FleetMember;
  readonly #captures: Pick<Captures, 'ahead' | 'store'>;
  readonly #maker: Maker;
  readonly #room: Pick<Room, 'take'> | undefined;

  /** @param member finds a partition. It throws Refusal `not-found` */
  constructor(
    member: (id: string) => FleetMember,
    captures: Pick<Captures, 'ahead' | 'store'>,
    maker: Maker,
    room?: Pick<Room, 'take'>,
  ) {
    this.#member = member;
    this.#captures = captures;
    this.#maker = maker;
    this.#room = room;
  }

  async accept(request: OperationRequest): Promise<Accepted> {
    const partition = ofPartition(request);
    const member = this.#member(partition.partitionId);
    const drop = await accept(member, partition);
    const giveBack = partition.kind === 'panic' ? await this.#takeRoom(member, drop) : () => undefined;
    return {
      ...defined({ fence: member.fence }),
      turn: (work) => member.enqueue(work).finally(giveBack),
      drop: async () => {
        giveBack();
        await drop();
      },
    };
  }

  hostSeconds(request: OperationRequest): number {
    const partition = ofPartition(request);
    const asked = partition.kind === 'stop' ? undefined : partition.options?.hostTimeoutSeconds;
    return asked ?? this.#member(partition.partitionId).hostSeconds;
  }

  async run(request: OperationRequest, run: Run): Promise<OperationResult> {
    const partition = ofPartition(request);
    const member = this.#member(partition.partitionId);
    switch (partition.kind) {
      case 'start':
        return boot(member, run);
      case 'stop':
        await member.halt();
        return { phase: 'stopped' };
      case 'reset':
        await member.haltBeforeBoot();
        return boot(member, run);
      case 'panic':
        return this.#panic(member, partition.options, run);
      case 'kexec':
      case 'restart':
        return leaveKernel(member, partition.kind, partition.options, run, this.#maker);
    }
  }

  /** @returns gives the room back. @throws Refusal `no-room`; then the partition is as it was before */
  async #takeRoom(member: FleetMember, drop: () => Promise<void> | void): Promise<() => void> {
    try {
      return (
        this.#room?.take(member.captureBytes, `A capture of partition ${member.record.name}`) ??
        (() => undefined)
      );
    } catch (error) {
      await drop();
      throw error;
    }
  }

  /** Crashes the guest and stores what it left; the partition then boots again. A guest that refuses runs on. */
  async #panic(member: FleetMember, request: PanicRequest, run: Run): Promise<OperationResult> {
    const guest = member.takeOut();
    guest.session.past.asked();
    const unwatch = stopOnAbort(guest.session, run.signal);
    const ahead = this.#captures.ahead(guest.handle);
    let refused: CrashResult['refused'];
    run.report('ready');
    try {
      const result = await crash(guest.lookout, request, {
        loadedDump: BOOT_DUMP_MODE,
        ...defined({ noCrashKernel: guest.noCrashKernel }),
        onPhase: (phase) => {
          if (phase !== 'triggered') member.show('crashed');
          if (phase === 'dumping') ahead.begin();
          run.report(phase);
        },
        signal: AbortSignal.any([run.signal, guest.interrupted]),
      });
      ({ refused } = result);
      if (result.phase !== 'ready') member.countCrash();
      const early = earlyEnd(run.signal);
      if (early?.code === 'interrupted') throw early;
      const made = crashMade(
        { ...guest, maker: this.#maker, partition: member.record, trace: result.trace },
        result.requested ? request : undefined,
      );
      const { capture, trouble } = await this.#captures
        .store({
          ...member.identity,
          handle: guest.handle,
          result,
          left: guest.session.left,
          made,
          ahead,
          ...defined({ createdBy: run.requestedBy }),
        })
        .catch((error: unknown) => storeFailed(error, run.signal));
      const end = { phase: capture.phase, captureId: capture.id, made };
      if (trouble !== undefined)
        return { ...end, error: { code: trouble.code, message: capture.reason ?? trouble.message } };
      if (result.outcome === 'captured') return end;
      const message = result.reason ?? `failed in phase ${result.phase}`;
      return { ...end, error: { code: early?.code ?? 'capture-failed', message } };
    } finally {
      unwatch();
      void ahead.giveUp();
      if (refused !== undefined && guest.session.ended === undefined)
        member.putBack(guest, refused.noCrashKernel);
      else member.bootAgain(guest);
    }
  }
}

/** What each kind needs before its turn. @returns how it is undone. @throws Refusal */
async function accept(member: FleetMember, request: PartitionOperation): Promise<() => Promise<void> | void> {
  const { id } = member.record;
  switch (request.kind) {
    case 'start':
      if (member.state !== 'stopped' && member.state !== 'failed')
        throw new Refusal('conflict', `Partition ${id} is ${member.state}, not stopped.`);
      member.reserveMemory();
      member.show('starting');
      return () => member.halt();
    case 'stop':
      if (member.state === 'stopped') throw new Refusal('conflict', `Partition ${id} is stopped.`);
      await member.interrupt();
      return () => member.halt();
    case 'reset':
      member.reserveMemory();
      await member.interrupt();
      return () => member.halt();
    case 'panic':
      checkPanic(member.view, request.options);
      return member.reserve();
    case 'kexec':
    case 'restart':
      return member.reserve();
  }
}

async function boot(member: FleetMember, run: Run): Promise<OperationResult> {
  run.report('booting');
  member.forgive();
  const reason = await member.boot(run.signal);
  if (reason !== undefined) throw new OperationFailure(earlyEnd(run.signal)?.code ?? 'not-ready', reason);
  return { phase: 'ready' };
}

/** An ordinary kexec, after which the guest is ready again, or a restart, after which the partition boots again. */
async function leaveKernel(
  member: FleetMember,
  path: LeavePath,
  request: LeaveRequest,
  run: Run,
  maker: Maker,
): Promise<OperationResult> {
  const guest = member.takeOut();
  guest.session.past.asked();
  const unwatch = stopOnAbort(guest.session, run.signal);
  let isUp = false;
  try {
    const result = await leave(guest.lookout, path, request, {
      onPhase: (phase) => run.report(phase),
      signal: AbortSignal.any([run.signal, guest.interrupted]),
    });
    isUp = guest.session.ended === undefined && (result.phase === 'up' || result.refused === true);
    if (isUp) member.putBack(guest, result.phase === 'up' ? result.noCrashKernel : guest.noCrashKernel);
    const { phase, trace, outcome, reason } = result;
    const { unsupported, words } = guest.session;
    const end = {
      phase,
      made: leaveMade({ ...guest, maker, partition: member.record, trace }, path, request),
      ...(unsupported.length === 0 ? {} : { unsupported: shownUses(unsupported) }),
      ...(words.length === 0 ? {} : { words }),
      ...defined({ trace: trace && JSON.stringify(trace) }),
    };
    if (outcome === 'done') return end;
    const code = earlyEnd(run.signal)?.code ?? `${path}-failed`;
    return { ...end, error: { code, message: reason ?? `failed in phase ${phase}` } };
  } finally {
    unwatch();
    if (!isUp) member.bootAgain(guest);
  }
}

function ofPartition(request: OperationRequest): PartitionOperation {
  if ('partitionId' in request) return request;
  throw new BugError(`${request.kind} is no operation on a partition`);
}

function storeFailed(error: unknown, signal: AbortSignal): never {
  const early = earlyEnd(signal);
  if (early?.code === 'interrupted') throw early;
  const disk = diskErrorOf(error);
  if (disk !== undefined)
    throw new OperationFailure(disk.code, `the capture could not be stored: ${disk.message}`);
  throw new OperationFailure('store-failed', `the capture could not be stored: ${failureText(error)}`);
}
