/**
 * Has a healthy guest leave its kernel, by an ordinary kexec into another kernel or by a restart through the firmware.
 * The guest's agent asks its own kernel for it; the host records the handoff as it records a crash. An ordinary kexec
 * is over when the new kernel's agent is ready; a restart is over when the guest calls RTAS to reboot.
 */

import type { PartitionEnd } from '../../emulator/host/index.ts';
import type { LeavePhase, LeaveRequest } from '../contract/index.ts';
import { treeFacts } from '../facts/index.ts';
import { readKimage, readThrough } from '../facts/kimage.ts';
import type { LoadedSegment } from '../fidelity/index.ts';
import { instantFacts } from '../fidelity/index.ts';
import type { AgentLine } from '../guest/agent-line.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { describeEnd, isGone, isStandstill, type Session, type Standstill } from '../guest/session.ts';
import { loadByPlan } from '../loading/index.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import { judgeRules } from '../rules/index.ts';
import {
  calls,
  type InterruptEvent,
  type LeavePath,
  PANIC_FUNCTIONS,
  type Trace,
  vectorText,
} from '../trace/index.ts';
import type { ObservedPhase } from '../watch/index.ts';
import { keptAt } from '../watch/index.ts';
import { kernelAfter, kernelOf, type RunningKernel } from './kernel.ts';
import { compareLoaded, keepLoaded } from './kexec-handover.ts';
import type { Lookout } from './lookout.ts';
import { type Prepared, prepareCrash } from './prepare.ts';
import { describeCpus } from './reason.ts';

/** The result of leaving. After an ordinary kexec with the outcome `done` the guest is ready again in the same session. */
export type LeaveResult = {
  readonly outcome: 'done' | 'failed';
  readonly phase: LeavePhase;
  readonly reason?: string;
  /** Absent: the guest ended, or refused, before a trace began. */
  readonly trace?: Trace;
  /** Instructions executed up to T0, from T0 to T2 (a restart: to its end), and from T2 until the new kernel was up. */
  readonly instructions: { readonly boot: number; readonly handoff: number; readonly newKernel: number };
  /** Why the new kernel's agent could not load a crash kernel. */
  readonly noCrashKernel?: string;
  /** The guest refused and is still ready. */
  readonly refused?: true;
  readonly end?: PartitionEnd;
};

export type LeaveOptions = {
  /** Called when the phase changes. */
  readonly onPhase?: (phase: LeavePhase) => void;
  /** Ends the reading of what the guest made; the guest itself is stopped by others. */
  readonly signal?: AbortSignal;
};

/** Guest seconds. */
export const DEFAULT_LEAVE_SECONDS = 1200;
const LOAD_SECONDS = 600;
const REST_SECONDS = 5;
/** A larger tree is not read. */
const TREE_LIMIT = 2 ** 20;
/** The mode that crash kernels are loaded for at boot. */
const DUMP_MODE = 'raw';

/** The phase of a kexec or restart for each phase that the recorder derives from machine events. */
const PHASE_OF: Readonly<Record<ObservedPhase, LeavePhase>> = {
  triggered: 'triggered',
  panic: 'shutdown',
  handoff: 'handoff',
  purgatory: 'purgatory',
  'crash-kernel': 'new-kernel',
  dumping: 'new-kernel',
};

/** Has the guest of `lookout`, which is ready and rests, leave its kernel. @throws Error when the partition's worker dies */
export async function leave(
  lookout: Lookout,
  path: LeavePath,
  request: LeaveRequest,
  options: LeaveOptions = {},
): Promise<LeaveResult> {
  const { session, boot } = lookout;
  const { signal } = options;
  const report = (phase: LeavePhase): void => options.onPhase?.(phase);
  if (!boot.agent) return early(session, `a ${path} needs the agent, which this image does not have`);
  const restless = await session.untilResting(REST_SECONDS);
  if (restless?.kind === 'ended') return early(session, 'the guest had ended already');
  if (path === 'kexec') {
    report('loading');
    const answer = await session.command('load-next', LOAD_SECONDS);
    if (isStandstill(answer))
      return early(
        session,
        `the next kernel was not loaded: the guest did not answer (${answer.kind})`,
        false,
      );
    if (answer.kind !== 'answer') return early(session, `the next kernel was not loaded: ${answer.kind}`);
    if (!answer.ok) return await notLoaded(lookout, answer.text, signal);
  }
  try {
    const prepared = await orFailure(() => prepare(lookout, path, signal));
    if (prepared instanceof ReadingFailure) return early(session, prepared.message);
    const loaded = path === 'kexec' ? await keepLoaded(prepared) : undefined;
    const unfollow = reportPhases(lookout, prepared, report);
    const sign = session.lines.watch((line) => signOf(line, path));
    try {
      await session.type(1, Buffer.from(path === 'kexec' ? 'kexec\n' : 'restart\n', 'latin1'));
      report('triggered');
      const seconds = request.timeoutSeconds ?? DEFAULT_LEAVE_SECONDS;
      const stop = await session.wait(() => sign.found, seconds);
      // The guest may still be printing its prompt. One that never rests, because a program keeps it busy, is up as well.
      if (isSign(stop) && stop.kind === 'ready') await session.untilResting(REST_SECONDS);
      const unread = await orFailure(() => lookout.read(signal));
      const concluded = await conclude(session, prepared, loaded, path, stop, seconds);
      const result = unread instanceof ReadingFailure ? withReason(concluded, unread.message) : concluded;
      if (result.phase !== 'up') return result;
      lookout.know(await kernelEntered(lookout, prepared));
      return await afresh(session, boot, result);
    } finally {
      sign.close();
      unfollow();
    }
  } finally {
    if (session.ended === undefined) await lookout.rearm(signal);
  }
}

/** The guest refused the next kernel. Rules about loading are still judged, from its answer to each load. */
async function notLoaded(
  lookout: Lookout,
  text: string,
  signal: AbortSignal | undefined,
): Promise<LeaveResult> {
  const { session } = lookout;
  const prepared = await orFailure(() => prepare(lookout, 'kexec', signal));
  if (prepared instanceof ReadingFailure)
    return early(session, `the next kernel was not loaded: ${text}; ${prepared.message}`);
  const trace = prepared.recorder.trace();
  await lookout.rearm(signal);
  return {
    ...early(session, `the next kernel was not loaded: ${text}`),
    trace: { ...trace, rules: judgeRules(trace) },
  };
}

/** Sets the watches for this way out. An ordinary image is read through the list of its pages. */
async function prepare(
  lookout: Lookout,
  path: LeavePath,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const { session, kernel } = lookout;
  const load = path === 'kexec' ? session.next : undefined;
  const prepared = await prepareCrash(session.handle, kernel, load, {
    path,
    signal,
    loads: session.loads.calls,
    readImage: async (read, production, next) => {
      const kimage = await readKimage(read, production, next, kernel.vmlinux);
      return kimage === undefined ? undefined : readThrough(read, kimage);
    },
  });
  lookout.follow(prepared);
  return prepared;
}

/** What is known of the kernel that was entered: of the tree that it was given, only what lay there when it was entered. */
async function kernelEntered(
  { session: { handle }, boot }: Lookout,
  { image, isSameKernel, recorder }: Prepared,
): Promise<RunningKernel> {
  const before = kernelOf(handle.config, boot);
  const { tree } = image ?? {};
  const kept = await keptAt(handle, 't2', recorder.instants.t2);
  if (tree === undefined || tree.memsz > TREE_LIMIT || kept === undefined)
    return kernelAfter(before, isSameKernel, undefined);
  const bytes = await handle.readInstant('t2', tree.mem, tree.memsz);
  const facts = treeFacts(bytes);
  return kernelAfter(before, isSameKernel, facts === undefined ? undefined : { bytes, facts });
}

/** Loads a crash kernel again where the guest loads by plan: its new kernel waits for a plan, as after power-on. */
async function afresh(session: Session, boot: BootImage, result: LeaveResult): Promise<LeaveResult> {
  if (boot.loading === undefined) return result;
  const { noCrashKernel: _waiting, ...rest } = result;
  const { failure } = await loadByPlan(session, boot, DUMP_MODE);
  return failure === undefined ? rest : { ...rest, noCrashKernel: failure };
}

/** Reports each new phase that the recorder sees. @returns ends that */
function reportPhases(
  lookout: Lookout,
  { recorder }: Prepared,
  report: (phase: LeavePhase) => void,
): () => void {
  let reported: LeavePhase = 'triggered';
  lookout.onEvent(() => {
    const phase = PHASE_OF[recorder.phase];
    if (phase === reported) return;
    reported = phase;
    report(phase);
  });
  return () => lookout.onEvent(undefined);
}

/** The line of the agent that ends the wait. */
type Sign =
  | { readonly kind: 'ready'; readonly noCrashKernel?: string }
  | { readonly kind: 'refused'; readonly text: string };

function signOf(line: AgentLine, path: LeavePath): Sign | undefined {
  if (line.kind === 'answer' && !line.ok) return { kind: 'refused', text: line.text };
  return line.kind === 'ready' && path === 'kexec' ? line : undefined;
}

function isSign(value: Sign | Standstill): value is Sign {
  return value.kind === 'ready' || value.kind === 'refused';
}

async function conclude(
  session: Session,
  prepared: Prepared,
  loaded: readonly LoadedSegment[] | undefined,
  path: LeavePath,
  stop: Sign | Standstill,
  seconds: number,
): Promise<LeaveResult> {
  const { recorder } = prepared;
  const reached = PHASE_OF[recorder.phase];
  const done =
    path === 'kexec'
      ? stop.kind === 'ready' && recorder.entryOfKernel !== undefined
      : stop.kind === 'ended' && stop.end.kind === 'reboot';
  const phase: LeavePhase = done ? (path === 'kexec' ? 'up' : 'restarted') : reached;
  const alive = stop.kind !== 'ended' || !isGone(stop.end);
  if (alive) recorder.setDropped(await session.handle.dropped());
  const { unsupported } = session;
  const seen = { ...recorder.trace(), ...(unsupported.length === 0 ? {} : { unsupported }) };
  const t1 = alive ? await keptAt(session.handle, 't1', seen.instants.t1) : undefined;
  const handover =
    t1 === undefined || loaded === undefined
      ? undefined
      : await compareLoaded(session.handle, prepared, loaded, t1);
  const trace =
    t1 === undefined
      ? seen
      : { ...seen, records: { t1: instantFacts(t1) }, ...(handover === undefined ? {} : { handover }) };
  const { t0, t2 } = trace.instants;
  const handoffEnd = path === 'restart' && done ? session.insn : t2?.insn;
  return {
    outcome: done ? 'done' : 'failed',
    phase,
    ...(done ? {} : { reason: await reasonOf(session, recorder, stop, reached, seconds) }),
    trace: { ...trace, rules: judgeRules(trace) },
    instructions: {
      boot: t0?.insn ?? session.insn,
      handoff: t0 === undefined || handoffEnd === undefined ? 0 : handoffEnd - t0.insn,
      newKernel: t2 === undefined ? 0 : session.insn - t2.insn,
    },
    ...(stop.kind === 'ready' && stop.noCrashKernel !== undefined
      ? { noCrashKernel: stop.noCrashKernel }
      : {}),
    ...(stop.kind === 'refused' && reached === 'triggered' ? { refused: true } : {}),
    ...(stop.kind === 'ended' ? { end: stop.end } : {}),
  };
}

async function reasonOf(
  session: Session,
  recorder: Prepared['recorder'],
  stop: Sign | Standstill,
  phase: LeavePhase,
  seconds: number,
): Promise<string> {
  switch (stop.kind) {
    case 'ready':
      return 'the agent reported that it is ready again, but no new kernel started';
    case 'refused':
      return `the agent refused: ${stop.text}`;
    case 'ended':
      return `${crashOnTheWay(recorder) ?? 'the guest'} ended in phase ${phase} (${describeEnd(stop.end, session.osTerm)})`;
    case 'standing':
      return `every CPU stands still in phase ${phase}: ${describeCpus(recorder, await session.handle.vcpus())}`;
    case 'timeout':
      return `not done after ${seconds} s of guest time, in phase ${phase}: ${describeCpus(recorder, await session.handle.vcpus())}`;
  }
}

/** Describes the crash of a guest that panicked between T0 and T2: function, CPU and the interrupt before it. */
function crashOnTheWay(recorder: Prepared['recorder']): string | undefined {
  const { instants, events } = recorder.trace();
  const from = instants.t0?.event;
  if (from === undefined || instants.t2 !== undefined) return undefined;
  const crash = events.find((event) => event.n >= from && calls(event, PANIC_FUNCTIONS));
  if (crash === undefined) return undefined;
  const cause = events.findLast(
    (event): event is InterruptEvent =>
      event.kind === 'interrupt' && event.cpu === crash.cpu && event.n < crash.n,
  );
  const why =
    cause === undefined
      ? ''
      : ` after interrupt ${vectorText(cause.vector)} at ${cause.symbol ?? cause.regs.srr0}`;
  return `the guest crashed (${crash.text} on CPU ${crash.cpu}${why}); it`;
}

function withReason(result: LeaveResult, reason: string): LeaveResult {
  return { ...result, reason: result.reason === undefined ? reason : `${reason}; ${result.reason}` };
}

/** The result where the guest was never asked to leave. @param well the guest is ready as before */
function early(session: Session, reason: string, well = true): LeaveResult {
  const { ended } = session;
  return {
    outcome: 'failed',
    phase: 'ready',
    reason,
    instructions: { boot: session.insn, handoff: 0, newKernel: 0 },
    ...(ended !== undefined ? { end: ended } : well ? { refused: true } : {}),
  };
}
