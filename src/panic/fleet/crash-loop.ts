/**
 * Recognises a partition that may have taken the service with it: it was running when the service died, twice, each time
 * soon after its start. It is then not started again by itself, so that the service stays up and can be asked why.
 */

const SOON_MS = 60_000;

/**
 * @param ages milliseconds since the starts that no orderly end has followed, the newest first
 * @returns why the partition is not to be started
 */
export function crashLoop([newest, before]: readonly number[]): string | undefined {
  if (newest === undefined || before === undefined) return undefined;
  if (!isSoon(newest) || !isSoon(before - newest)) return undefined;
  return 'not started: it was running when the service died twice, each time within a minute of its start; start it by hand (POST …/start)';
}

/** Less than nothing has passed where the clock was set back meanwhile: then it is not known how much. */
function isSoon(ms: number): boolean {
  return ms >= 0 && ms < SOON_MS;
}
