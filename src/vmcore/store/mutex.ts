/** Runs tasks one at a time, in the order of the calls. */

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when every earlier one has ended, well or not. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task);
    // The next one waits for the end, not for success: failures go to the caller.
    this.#last = result.catch(() => undefined);
    return result;
  }
}
