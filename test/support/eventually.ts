/** Waiting in a test for what happens on other turns of the event loop. */

const PATIENCE_MS = 20_000;

/** The first result of `probe` that is not undefined. @throws Error when that takes too long */
export async function eventually<T>(probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await probe();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw new Error('what the test waits for has not happened');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
