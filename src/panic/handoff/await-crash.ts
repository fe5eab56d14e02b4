/** Waits for an unrequested crash, as the service does of a guest that is ready. */

import type { CrashResult, FollowOptions } from './crash-result.ts';
import { followAlarm, unrecordedCrash } from './follow-alarm.ts';
import type { Lookout } from './lookout.ts';

/** @returns the crash; a failed one where the guest rests or ends and has not crashed */
export async function awaitCrash(lookout: Lookout, options: FollowOptions): Promise<CrashResult> {
  const { session } = lookout;
  for (;;) {
    const what = await session.signal.until(() => {
      if (lookout.isAlarmed) return 'alarmed';
      if (session.ended !== undefined) return 'ended';
      return session.isResting ? 'resting' : undefined;
    });
    const crashed = what === 'alarmed' ? await followAlarm(lookout, options) : undefined;
    if (crashed !== undefined) return crashed;
    if (what === 'alarmed') continue;
    const unrecorded = what === 'ended' ? await unrecordedCrash(lookout, options.signal) : undefined;
    return (
      unrecorded ?? {
        outcome: 'failed',
        requested: false,
        phase: 'ready',
        reason: `the guest has not crashed: it ${what === 'ended' ? 'ended' : 'rests'}`,
        instructions: { boot: session.insn, handoff: 0, capture: 0 },
        ...(session.ended === undefined ? {} : { end: session.ended }),
      }
    );
  }
}
