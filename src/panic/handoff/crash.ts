/** Crashes a guest that is ready, as it was asked for, and follows the crash to the guest's end. */

import { defined } from '../../base/defined.ts';
import { FormatError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import type { MachineFault, PartitionHandle } from '../../emulator/host/index.ts';
import type { PanicRequest } from '../contract/index.ts';
import { resolveFault } from '../faults/index.ts';
import { dumpMode } from '../guest/agent-line.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { isStandstill, type Session, type Standstill } from '../guest/session.ts';
import { loadByPlan, waitsForPlan } from '../loading/index.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import { conclude } from './conclude-crash.ts';
import type { CrashResult, FollowOptions } from './crash-result.ts';
import { followAlarm, reportPhases } from './follow-alarm.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';
import type { Lookout } from './lookout.ts';
import type { Prepared } from './prepare.ts';
import { StuckMaster } from './stuck-master.ts';
import { pullTrigger } from './trigger.ts';

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
  const unfollow = reportPhases(lookout, prepared, options.onPhase);
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
    const isRequested = true;
    return await conclude({
      ...options,
      lookout,
      prepared,
      stop,
      noCrashKernel,
      timeoutSeconds,
      faults,
      isRequested,
    });
  } finally {
    refused.close();
    unfollow();
  }
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
