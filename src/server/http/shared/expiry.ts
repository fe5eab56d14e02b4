/** Ends what a key or a session began when it expires, by the clock of the host. */

/** A clock may be set, and a timer cannot wait longer than 25 days: the time is compared at least so often. */
const COMPARE_MS = 60_000;

/**
 * Calls `end` once it is `at`.
 * @param at milliseconds since 1970; absent: never
 * @returns a function after which it is not called any more
 */
export function atExpiry(at: number | undefined, end: () => void): () => void {
  if (at === undefined) return () => undefined;
  let timer: NodeJS.Timeout;
  const compare = (): void => {
    const left = at - Date.now();
    if (left <= 0) end();
    else timer = setTimeout(compare, Math.min(left, COMPARE_MS)).unref();
  };
  // Not at once: its caller has not got the function yet.
  timer = setTimeout(compare, 0).unref();
  return () => clearTimeout(timer);
}
