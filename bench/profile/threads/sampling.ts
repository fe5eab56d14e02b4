/** Samples the stacks of the calling thread. */

import { Session } from 'node:inspector';
import type { CpuProfile } from '../record.ts';

/** Microseconds between two samples. */
const INTERVAL_US = 1000;

/** @returns ends it and gives the profile */
export function startSampling(): () => CpuProfile {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  session.post('Profiler.start');
  return () => {
    let profile: CpuProfile | undefined;
    let failure: Error | null = null;
    // The answer comes before `post` returns: session and profiler are of one thread.
    session.post('Profiler.stop', (error, result) => {
      failure = error;
      profile = result.profile as CpuProfile;
    });
    session.disconnect();
    if (profile === undefined) throw new Error('V8 gave no profile', { cause: failure });
    return profile;
  };
}
