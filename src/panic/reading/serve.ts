/** The reading thread's side: does one reading after another, and gets what it reads from the daemon's thread. */

import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { assert } from '../../base/errors.ts';
import { yieldToOthers } from '../../base/thread-priority.ts';
import { errorOf, failureOf } from './failure.ts';
import type { Answer, Ask, FromReader, Job, MachineReads, NameAt, ReadName } from './protocol.ts';

/** The machine, as the thread sees it. */
export type ReadMachine = MachineReads & {
  /** As readDisk, for parsers that do not wait. */
  readDiskNow(disk: number, offset: number, length: number): Uint8Array;
  readonly nameAt: NameAt;
};

/** Serves the thread's owner from now on. @param read gives plain data; what it throws ends this reading alone */
export function serveReadings<I, R>(read: (machine: ReadMachine, input: I) => Promise<R>): void {
  const owner = parentPort;
  assert(owner !== null, 'readings are served in a thread');
  yieldToOthers();
  // A job that cannot be read would never end: the thread does, and its owner learns why.
  owner.on('messageerror', (error) => {
    throw error;
  });
  owner.on('message', async (job: Job) => {
    const say = (message: FromReader): void => job.port.postMessage(message);
    try {
      say({ kind: 'end', value: await read(machineOf(job), job.input as I) });
    } catch (error) {
      say({ kind: 'end', failure: failureOf(error) });
    } finally {
      job.port.close();
    }
  });
}

function machineOf({ config, port, woken }: Job): ReadMachine {
  let answers = 0;
  const ask = (name: Ask['name'], args: readonly unknown[]): unknown => {
    port.postMessage({ kind: 'ask', name, args } satisfies Ask);
    while (Atomics.load(woken, 0) === answers) Atomics.wait(woken, 0, answers);
    answers++;
    const answer: Answer | undefined = receiveMessageOnPort(port)?.message;
    assert(answer !== undefined, 'an answer lies in the port before its thread is woken');
    if ('failure' in answer) throw errorOf(answer.failure);
    return answer.value;
  };
  const method =
    (name: ReadName) =>
    // biome-ignore lint/suspicious/noExplicitAny: the methods differ in their arguments, which are only passed on
    async (...args: unknown[]): Promise<any> =>
      ask(name, args);
  return {
    get config() {
      assert(config !== undefined, 'the reading was given a machine');
      return config;
    },
    readMemory: method('readMemory'),
    readInstant: method('readInstant'),
    readDisk: method('readDisk'),
    instant: method('instant'),
    changes: method('changes'),
    compareDisk: method('compareDisk'),
    readDiskNow: (...args) => ask('readDisk', args) as Uint8Array,
    nameAt: (...args) => ask('nameAt', args) as string | undefined,
  };
}
