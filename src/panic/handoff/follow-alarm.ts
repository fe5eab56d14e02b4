/** Follows an unrequested crash: one that the recorder sees, from where it is to the guest's end, and one that was not recorded. */

import type { CapturePhase } from '../contract/index.ts';
import { dataSymbols } from '../facts/index.ts';
import { warmExamination } from '../fidelity/index.ts';
import { dumpDiskOf, findDump, warmDumpCheck } from '../guest/dump-device.ts';
import { describeEnd, type Standstill } from '../guest/session.ts';
import { orFailure, ReadingFailure } from '../reading/index.ts';
import { conclude } from './conclude-crash.ts';
import type { CrashResult, FollowOptions } from './crash-result.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';
import type { Lookout } from './lookout.ts';
import type { Prepared } from './prepare.ts';
import { overdueRestart, StuckMaster } from './stuck-master.ts';

/**
 * Follows an unrequested crash from where it is to the guest's end.
 * @returns undefined where it came to nothing, and the guest continues
 */
export async function followAlarm(
  lookout: Lookout,
  options: FollowOptions = {},
): Promise<CrashResult | undefined> {
  const { session, prepared } = lookout;
  if (prepared === undefined || !lookout.isAlarmed) return undefined;
  const timeoutSeconds = DEFAULT_TIMEOUT_SECONDS;
  const unfollow = reportPhases(lookout, prepared, options.onPhase);
  try {
    const stuck = new StuckMaster(session, prepared);
    const over = (): 'calm' | Standstill | undefined => (lookout.isAlarmed ? stuck.look() : 'calm');
    const stop = await session.wait(over, timeoutSeconds);
    if (stop === 'calm') return undefined;
    return await conclude({
      ...options,
      lookout,
      prepared,
      stop,
      timeoutSeconds,
      faults: [],
      isRequested: false,
    });
  } finally {
    unfollow();
  }
}

/** Reports each new phase that the recorder sees. @returns ends that */
export function reportPhases(
  lookout: Lookout,
  { recorder, production }: Prepared,
  onPhase: ((phase: CapturePhase) => void) | undefined,
): () => void {
  let reported: CapturePhase = 'triggered';
  const look = (): void => {
    if (recorder.phase === reported) return;
    if (reported === 'triggered') beginReading(lookout, production);
    reported = recorder.phase;
    if (reported !== 'triggered') onPhase?.(reported);
  };
  look();
  lookout.onEvent(look);
  return () => lookout.onEvent(undefined);
}

/** While the guest hands over and dumps, what will read its dump starts. */
function beginReading({ boot }: Lookout, production: Prepared['production']): void {
  warmDumpCheck();
  warmExamination();
  // Where this fails, who needs the result is given the error.
  dataSymbols(production, boot.vmlinux).catch(() => undefined);
}

/**
 * The result of an unrequested crash that was not recorded; undefined where there was none: the guest neither called
 * ibm,os-term, as a kernel does that panicked, nor did a crash kernel say that it began to dump. A guest that continues after
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
