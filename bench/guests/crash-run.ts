/**
 * One whole crash of a stock guest, watched through its two consoles: power-on, /init, the agent's word, a panic on CPU 0,
 * purgatory, the crash kernel, the dump. The same marks are read from the same lines whatever machine runs the guest.
 */

import type { ImageRecord } from '../../src/images/image-record.ts';
import { LineBuffer, type Mark, markOfAgent, marksOfConsole } from './marks.ts';

/** The machine that both emulators are given. */
export type GuestSpec = {
  /** Folder of the image's files, and what they are. */
  readonly folder: string;
  readonly image: ImageRecord;
  /** The production kernel's command line. */
  readonly append: string;
  /** POWER8 has a hash table, POWER9 a radix tree. */
  readonly processor: 'power8' | 'power9';
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly dumpDiskBytes: number;
};

/** When a mark was seen: wall seconds since power-on; instructions where the machine counts them. */
export type Instant = { readonly seconds: number; readonly instructions?: number };

export type CrashRun = {
  readonly marks: ReadonlyMap<Mark, Instant>;
  /** Lines of the first vty, without line ends. */
  readonly console: readonly string[];
  /** Lines of the second vty: the agent's. */
  readonly agent: readonly string[];
};

/** A powered-on guest as a driver gives it to {@link followCrash}. */
export interface GuestMachine {
  /** Types on the agent's vty. */
  agentInput(text: string): void;
  /** Resolves with nothing when the machine is over (power-off, reboot); rejects when it broke. */
  readonly over: Promise<void>;
  close(): Promise<void>;
}

export type Output = (vty: 0 | 1, bytes: Uint8Array, at: Instant) => void;

export type FollowOptions = {
  readonly timeoutSeconds: number;
  /** `rest`: stop where the agent is ready. `crash`: panic CPU 0 and go on to the reboot. */
  readonly until: 'rest' | 'crash';
};

/**
 * Runs a guest to its end (`crash`) or to the agent's readiness (`rest`; the caller closes the machine).
 * @throws Error when it ends early or takes too long; the message has the last console lines.
 */
export async function followCrash(
  powerOn: (output: Output) => GuestMachine,
  options: FollowOptions,
): Promise<CrashRun & { readonly machine: GuestMachine }> {
  const marks = new Map<Mark, Instant>();
  const console: string[] = [];
  const agent: string[] = [];
  const lines = [new LineBuffer(), new LineBuffer()] as const;
  let reached: () => void = () => undefined;
  const rest = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const mark = (name: Mark, at: Instant): void => {
    if (!marks.has(name)) marks.set(name, at);
  };
  const onConsole = (line: string, at: Instant): void => {
    console.push(line);
    for (const each of marksOfConsole(line, (name) => marks.has(name))) mark(each, at);
  };
  const onAgent = (line: string, at: Instant): void => {
    agent.push(line);
    const found = markOfAgent(line);
    if (found !== undefined) mark(found, at);
    if (found !== 'ready') return;
    if (options.until === 'rest') reached();
    else machine.agentInput('panic 0\n');
  };
  const machine = powerOn((vty, bytes, at) => {
    for (const line of lines[vty].add(bytes)) (vty === 0 ? onConsole : onAgent)(line, at);
  });
  const fail = (why: string): Error =>
    new Error(
      `${why}; agent: ${agent.slice(-3).join(' | ')}; console ends with:\n${console.slice(-12).join('\n')}`,
    );
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(fail(`not done after ${options.timeoutSeconds} s`)),
      options.timeoutSeconds * 1000,
    );
  });
  try {
    const over = machine.over.then(() => {
      if (!marks.has('t4')) throw fail('the machine ended before the dump was done');
    });
    await Promise.race([timeout, over, ...(options.until === 'rest' ? [rest] : [])]);
    return { marks, console, agent, machine };
  } catch (error) {
    await machine.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
