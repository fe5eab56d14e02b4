/**
 * Follows a crash to the guest's end: handoff, dump, result. It was asked for, and is caused here, or the guest crashed by itself. The phase
 * comes from machine events alone. The agent's lines decide only whether the guest itself calls its dump done or failed.
 */

import { defined } from '../../base/defined.ts';
import { FormatError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import type { MachineFault, PartitionEnd, PartitionHandle } from '../../emulator/host/index.ts';
import type { CapturePhase, PanicRequest } from '../contract/index.ts';
import { type CrashIdentity, identifyCrash } from '../facts/identity.ts';
import { onlineCpus } from '../facts/index.ts';
import type { ReadMemory } from '../facts/symbols/index.ts';
import { resolveFault } from '../faults/index.ts';
import type { Examination } from '../fidelity/index.ts';
import { examineApart } from '../fidelity/index.ts';
import { dumpMode } from '../guest/agent-line.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { dumpDiskOf, type FoundDump, findDump } from '../guest/dump-device.ts';
import { describeEnd, isGone, isStandstill, type Session, type Standstill } from '../guest/session.ts';
import { loadByPlan, waitsForPlan } from '../loading/index.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import { judgeRules } from '../rules/index.ts';
import type { Trace } from '../trace/index.ts';
import { keptAt, type UnjudgedTrace } from '../watch/index.ts';
import { answers } from './entry-reading.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';
import type { Lookout } from './lookout.ts';
import type { Prepared } from './prepare.ts';
import { reasonOf } from './reason.ts';
import { overdueRestart, StuckMaster } from './stuck-master.ts';
import { pullTrigger } from './trigger.ts';

/** The result of a crash. The dump is still on the partition's disk: read it before the partition starts again. */
export type CrashResult = {
  readonly outcome: 'captured' | 'failed';
  /** Whether somebody asked for it; otherwise the guest crashed by itself. */
  readonly requested: boolean;
  readonly phase: CapturePhase;
  readonly reason?: string;
  /** Absent: the crash ended before anything could be traced. */
  readonly trace?: Trace;
  /** Absent: no CPU was seen to panic. */
  readonly identity?: CrashIdentity;
  readonly dump?: FoundDump;
  /** Instructions executed up to T0, from T0 to T2, and from T2 to T4; 0 where the crash did not get there. */
  readonly instructions: { readonly boot: number; readonly handoff: number; readonly capture: number };
  readonly end?: PartitionEnd;
  /** The request came to nothing, and the guest runs on as before; where a load failed, it has no crash kernel any more. */
  readonly refused?: { readonly noCrashKernel?: string };
};

export type FollowOptions = {
  /** Why the agent could not load a crash kernel, as it said at its start. */
  readonly noCrashKernel?: string;
  /** Called when the phase changes. */
  readonly onPhase?: (phase: CapturePhase) => void;
  /** Ends the reading of what the guest left; the guest itself is stopped by others. */
  readonly signal?: AbortSignal;
};

export type CrashOptions = FollowOptions & {
  /** The dump mode that the crash kernel was loaded with. */
  readonly loadedDump: string;
};

const LOAD_SECONDS = 600;
/** Guest seconds that a guest gets to finish what was typed before it is crashed. */
const REST_SECONDS = 5;

/**
 * Crashes the guest of `lookout`, which is ready.
 * @throws FormatError `panic/bad-dump-mode`; Error when the partition's worker dies
 */
export async function crash(
  lookout: Lookout,
  request: PanicRequest,
  options: CrashOptions,
): Promise<CrashResult> {
  const { session, boot } = lookout;
  const { signal } = options;
  const timeoutSeconds = request.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const wanted = dumpMode(request.dump);
  let noCrashKernel = options.noCrashKernel;
  const restless = await session.untilResting(REST_SECONDS);
  // A guest that does not rest, because a program keeps it busy, is crashed while it runs.
  if (restless?.kind === 'ended') return early(session, 'the guest had ended already');
  if (restless !== undefined) session.past.hinder('it did not rest when it was crashed');
  // It may have begun to crash by itself.
  const own = await followAlarm(lookout, options);
  if (own !== undefined) return own;
  // After an ordinary kexec a guest that loads by plan waits for one again.
  if (boot.agent && (wanted !== dumpMode(options.loadedDump) || waitsForPlan(boot, noCrashKernel))) {
    const failure = await load(session, boot, wanted);
    if (failure !== undefined) return early(session, failure, { noCrashKernel: failure });
    noCrashKernel = undefined;
  }
  /** Undoes what was prepared. */
  const refuse = async (reason: string): Promise<CrashResult> => {
    if (session.ended === undefined) await lookout.rearm(signal);
    return early(session, reason, defined({ noCrashKernel }));
  };
  const prepared = await orFailure(() => lookout.armFor(request.trigger === 'nmi', signal));
  if (prepared instanceof ReadingFailure) return await refuse(prepared.message);
  let faults: readonly MachineFault[];
  try {
    faults = (request.faults ?? []).map((fault) =>
      resolveFault(fault, {
        cpus: session.handle.config.cpus,
        ...(prepared.image === undefined ? {} : { image: prepared.image }),
      }),
    );
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return await refuse(error.message);
  }
  const refused = session.lines.watch((line) => (line.kind === 'answer' && !line.ok ? line : undefined));
  const unfollow = tellPhases(lookout, prepared, options.onPhase);
  try {
    const failure = await pullTrigger(session, request, boot.agent, () => inject(session.handle, faults));
    // Faults may have been done by now: such a guest is not as it was.
    const giveUp = faults.length === 0 ? refuse : (reason: string) => early(session, reason);
    if (typeof failure === 'string') return await giveUp(failure);
    options.onPhase?.('triggered');
    const refusal = (): string | undefined =>
      prepared.recorder.phase === 'triggered' ? refused.found?.text : undefined;
    const stuck = new StuckMaster(session, prepared);
    const over = (): string | Standstill | undefined => refusal() ?? stuck.look();
    const stop = failure ?? (await session.wait(over, timeoutSeconds, followUp(session, request, prepared)));
    if (typeof stop === 'string') return await giveUp(`the agent refused: ${stop}`);
    const limits = { timeoutSeconds, signal };
    return await conclude({
      lookout,
      prepared,
      stop,
      noCrashKernel,
      faults,
      isRequested: true,
      ...defined({ onPhase: options.onPhase }),
      ...limits,
    });
  } finally {
    refused.close();
    unfollow();
  }
}

/**
 * Follows a crash that nobody asked for, from where it is, to the guest's end.
 * @returns undefined where it came to nothing, and the guest goes on
 */
export async function followAlarm(
  lookout: Lookout,
  { noCrashKernel, onPhase, signal }: FollowOptions = {},
): Promise<CrashResult | undefined> {
  const { session, prepared } = lookout;
  if (prepared === undefined || !lookout.isAlarmed) return undefined;
  const timeoutSeconds = DEFAULT_TIMEOUT_SECONDS;
  const unfollow = tellPhases(lookout, prepared, onPhase);
  try {
    const stuck = new StuckMaster(session, prepared);
    const over = (): 'calm' | Standstill | undefined => (lookout.isAlarmed ? stuck.look() : 'calm');
    const stop = await session.wait(over, timeoutSeconds);
    if (stop === 'calm') return undefined;
    const limits = { timeoutSeconds, signal };
    return await conclude({
      lookout,
      prepared,
      stop,
      noCrashKernel,
      faults: [],
      isRequested: false,
      ...defined({ onPhase }),
      ...limits,
    });
  } finally {
    unfollow();
  }
}

/** Tells each new phase that the recorder sees. @returns ends that */
function tellPhases(
  lookout: Lookout,
  { recorder }: Prepared,
  onPhase: ((phase: CapturePhase) => void) | undefined,
): () => void {
  let told: CapturePhase = 'triggered';
  const look = (): void => {
    if (recorder.phase === told) return;
    told = recorder.phase;
    if (told !== 'triggered') onPhase?.(told);
  };
  look();
  lookout.onEvent(look);
  return () => lookout.onEvent(undefined);
}

/** Loads the crash kernel for another way to dump. @returns why not. */
async function load(session: Session, boot: BootImage, mode: string): Promise<string | undefined> {
  if (boot.loading !== undefined) {
    const { failure } = await loadByPlan(session, boot, mode);
    return failure === undefined ? undefined : `the crash kernel could not be loaded for ${mode}: ${failure}`;
  }
  const answer = await session.command(`load ${mode}`, LOAD_SECONDS);
  if (isStandstill(answer)) return `the guest did not load the crash kernel for ${mode}: ${answer.kind}`;
  if (answer.kind === 'answer' && answer.ok) return undefined;
  return `the crash kernel could not be loaded for ${mode}: ${answer.kind === 'answer' ? answer.text : answer.kind}`;
}

/**
 * A system reset on one CPU leaves Linux waiting for the operator to reset the others. The master is left alone: a second
 * reset would damage the registers that it has saved (docs/double-reset.md). One reset is enough, and it must come at once:
 * some seconds later the other CPUs' hard lockup watchdog (6.1 arch/powerpc/kernel/watchdog.c) resets the master. That
 * reset reuses the system reset stack on which the master still runs, and the master never continues.
 */
function followUp(
  session: Session,
  request: PanicRequest,
  { recorder, image }: Prepared,
): () => Promise<boolean> {
  let done = request.trigger !== 'nmi' || image === undefined || session.handle.config.cpus === 1;
  return async () => {
    if (done || (recorder.phase !== 'panic' && recorder.phase !== 'handoff')) return false;
    done = true;
    // One request for all CPUs: between separate requests the guest would run for as long as the host takes, and runs would differ.
    await session.nmi(everyCpu(session).filter((cpu) => cpu !== recorder.master));
    return true;
  };
}

function everyCpu({ handle }: Session): number[] {
  return Array.from({ length: handle.config.cpus }, (_, cpu) => cpu);
}

type Conclusion = {
  readonly lookout: Lookout;
  readonly prepared: Prepared;
  readonly stop: Standstill;
  readonly noCrashKernel: string | undefined;
  readonly timeoutSeconds: number;
  readonly faults: readonly MachineFault[];
  readonly isRequested: boolean;
  readonly onPhase?: (phase: CapturePhase) => void;
  readonly signal: AbortSignal | undefined;
};

async function conclude({
  lookout,
  prepared,
  stop,
  noCrashKernel,
  timeoutSeconds,
  faults,
  isRequested,
  onPhase,
  signal,
}: Conclusion): Promise<CrashResult> {
  const { session, boot } = lookout;
  const { recorder } = prepared;
  const observed = recorder.phase;
  const { handle, past } = session;
  if (stop.kind === 'timeout' || (stop.kind === 'standing' && !session.isResting))
    past.hinder('it was given up while it ran, by a limit of time');
  const alive = stop.kind !== 'ended' || !isGone(stop.end);
  /** Why a part of what the guest left is not known: it took too much to read. */
  const unread: string[] = [];
  /** What is read of the machine; undefined where its worker is gone, or dies meanwhile, or where the reading exceeds a limit. */
  const known = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ReadingFailure) {
        unread.push(error.message);
        past.hinder('what it left took too much of the host to read');
      } else if (await answers(handle)) throw error;
      return undefined;
    }
  };
  await known(() => lookout.read(signal));
  const begun = alive ? await known(() => keptAt(handle, 't0', recorder.instants.t0)) : undefined;
  if (begun !== undefined) {
    const readBegun: ReadMemory = (raddr, length) => handle.readInstant('t0', raddr, length);
    const online = await known(() => onlineCpus(begun.vcpus, prepared.production, readBegun));
    if (online !== undefined) recorder.setOnline(online);
  }
  const disk = recorder.dumpDisk;
  const found =
    observed === 'dumping' && alive && disk !== undefined
      ? await known(() => findDump(handle, disk, signal))
      : undefined;
  const failed = session.lines.has('dump-failed');
  // A guest without an agent sends no lines: a reboot or power-off after a whole dump counts as its `dump-done`.
  const said = boot.agent
    ? session.lines.has('dump-done')
    : stop.kind === 'ended' &&
      (stop.end.kind === 'reboot' || stop.end.kind === 'power-off') &&
      !crashedAgain(session, recorder.instants.t2?.insn);
  // Without `dump-done` this dump may have been cut, with the rest of an earlier, longer dump behind it on the device.
  const dump = found === undefined || said ? found : { ...found, complete: false };
  const captured = dump?.complete === true && said && !failed;
  if (captured) {
    recorder.setDumped();
    onPhase?.('dumped');
  }
  const phase: CapturePhase = captured ? 'dumped' : observed;
  const situation = {
    session,
    prepared,
    phase,
    stop,
    timeoutSeconds,
    faults: faults.map(({ name }) => name),
    ...(noCrashKernel === undefined ? {} : { noCrashKernel }),
    ...(dump === undefined ? {} : { dump }),
  };
  const dropped = alive ? await known(() => handle.dropped()) : undefined;
  if (dropped !== undefined) recorder.setDropped(dropped);
  const recorded = recorder.trace();
  const { unsupported } = session;
  const seen = {
    ...recorded,
    image: { ...recorded.image, ...session.planned },
    ...(unsupported.length === 0 ? {} : { unsupported }),
  };
  const truth = alive ? await known(() => withGroundTruth(session, seen, prepared, dump, signal)) : undefined;
  const trace = truth ?? seen;
  const identity = (await answers(handle))
    ? await known(() => identifyCrash(trace, prepared.read, prepared.production, boot.vmlinux))
    : undefined;
  const { t0, t2, t4 } = trace.instants;
  return {
    outcome: captured ? 'captured' : 'failed',
    requested: isRequested,
    phase,
    ...reasonWith(captured ? [] : [await reasonOf(situation)], unread),
    trace: { ...trace, rules: judgeRules(trace) },
    ...(identity === undefined ? {} : { identity }),
    ...(dump === undefined ? {} : { dump }),
    instructions: {
      boot: t0?.insn ?? session.insn,
      handoff: t0 === undefined || t2 === undefined ? 0 : t2.insn - t0.insn,
      capture: t2 === undefined || t4 === undefined ? 0 : t4.insn - t2.insn,
    },
    ...(stop.kind === 'ended' ? { end: stop.end } : {}),
  };
}

/** Whether the crash kernel panicked itself. */
function crashedAgain({ osTerm }: Session, entered: number | undefined): boolean {
  return osTerm !== undefined && entered !== undefined && osTerm.insn > entered;
}

function reasonWith(reasons: readonly string[], unread: readonly string[]): { reason?: string } {
  const all = [...unread, ...reasons];
  return all.length === 0 ? {} : { reason: all.join('; ') };
}

/** Adds to the trace what the emulator kept at T0 and T1, and the comparison of the dump with it. */
async function withGroundTruth<T extends UnjudgedTrace>(
  { handle, console, words }: Session,
  trace: T,
  { recorder, production }: Prepared,
  dump: FoundDump | undefined,
  signal: AbortSignal | undefined,
): Promise<T & Examination> {
  const input = {
    handle,
    facts: trace.image,
    online: trace.machine.cpus.filter(({ online }) => online !== false).map(({ index }) => index),
    ...(dump === undefined ? {} : { dump }),
    ...(trace.instants.t2 === undefined ? {} : { entered: trace.instants.t2.insn }),
    nameOf: (nia: bigint, insn: number) => recorder.nameAt(nia, insn),
    symbols: production.table.pack(),
    // makedumpfile's report is on the console of a guest without an agent, and among its words in one with an agent.
    console: [new TextDecoder('latin1').decode(console), ...words.flatMap(({ lines }) => lines)].join('\n'),
  };
  const examined = await examineApart(input, signal);
  return { ...trace, ...examined };
}

/**
 * The result of a crash that nobody asked for and that was not recorded; undefined where there was none: the guest neither called
 * ibm,os-term, as a kernel does that panicked, nor did a crash kernel say that it began to dump. A guest that goes on after
 * ibm,os-term is followed until it restarts, or does not.
 */
export async function unrecordedCrash(
  { session, unprepared }: Lookout,
  signal?: AbortSignal,
): Promise<CrashResult | undefined> {
  const { handle, lines, osTerm } = session;
  const stop =
    osTerm === undefined
      ? undefined
      : await session.wait(() => overdueRestart(session), DEFAULT_TIMEOUT_SECONDS);
  const { ended } = session;
  const disk = dumpDiskOf(handle.config);
  const began = disk !== undefined && lines.has('dump-start');
  if (!began && osTerm === undefined) return undefined;
  const read = began ? await orFailure(() => findDump(handle, disk, signal)) : undefined;
  const [found, unread] = read instanceof ReadingFailure ? [undefined, [read.message]] : [read, []];
  const dump = found === undefined || lines.has('dump-done') ? found : { ...found, complete: false };
  const captured = dump?.complete === true;
  const how =
    osTerm === undefined
      ? 'the guest left no complete dump'
      : stop?.kind === 'ended'
        ? `the guest ended (${describeEnd(stop.end, osTerm)})`
        : `the guest called ibm,os-term: ${osTerm.message}, and did not restart`;
  const why = `the crash was not recorded: ${unprepared ?? 'it was not seen to begin'}`;
  return {
    outcome: captured ? 'captured' : 'failed',
    requested: false,
    phase: captured ? 'dumped' : began ? 'dumping' : 'panic',
    reason: [...unread, ...(captured ? [] : [how]), why].join('; '),
    ...(dump === undefined ? {} : { dump }),
    instructions: { boot: session.insn, handoff: 0, capture: 0 },
    ...(ended === undefined ? {} : { end: ended }),
  };
}

/** Injects the faults. @returns why that failed; undefined where it did not */
async function inject(handle: PartitionHandle, faults: readonly MachineFault[]): Promise<string | undefined> {
  if (faults.length === 0) return undefined;
  try {
    await handle.inject(faults);
    return undefined;
  } catch (error) {
    return `a fault could not be injected: ${failureText(error)}`;
  }
}

/** The result where no trigger was delivered. @param refused given where the guest is as it was, if it still runs */
function early(session: Session, reason: string, refused?: CrashResult['refused']): CrashResult {
  return {
    outcome: 'failed',
    requested: true,
    phase: 'ready',
    reason,
    instructions: { boot: session.insn, handoff: 0, capture: 0 },
    ...(session.ended === undefined ? defined({ refused }) : { end: session.ended }),
  };
}
