/** The built-in guest in a partition of its own: what it prints on both terminals, and waiting for it. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type MmuMode,
  openPartition,
  type PartitionEnd,
  type PartitionHandle,
  type Processor,
} from '../../src/emulator/host/index.ts';
import { parseMemorySpec } from '../../src/emulator/partition/size/index.ts';

export const KERNEL: string = fileURLToPath(new URL('../../guest/prebuilt/kernel.elf', import.meta.url));

export type GuestOptions = {
  readonly processor?: Processor;
  readonly mmu?: MmuMode;
  readonly cpus?: number;
  readonly memory?: string;
  readonly append?: string;
  readonly loadAt?: number;
  /** Changes the ELF file before it boots. */
  readonly patch?: (file: Buffer) => void;
  readonly refuseSysReset?: boolean;
  /** Default: yes. */
  readonly endsAtOsTerm?: boolean;
};

export type Guest = {
  readonly handle: PartitionHandle;
  console(): string;
  agent(): string;
  /** Instructions as of the last that was heard of it. */
  instructions(): number;
  /** Until one of the terminals' texts matches. Rejects, with both texts, when the partition ends or the time is over. */
  until(vty: 0 | 1, pattern: RegExp): Promise<RegExpMatchArray>;
  /** Until it waits for input. Rejects like {@link until}. */
  rested(): Promise<void>;
  ended(): Promise<PartitionEnd>;
  /** Types a line to the agent. */
  tell(line: string): Promise<boolean>;
  close(): Promise<void>;
};

/** Starts it; the caller closes it. */
export async function startGuest(options: GuestOptions = {}): Promise<Guest> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-guest-'));
  let kernel = KERNEL;
  if (options.patch !== undefined) {
    const file = readFileSync(KERNEL);
    options.patch(file);
    kernel = join(folder, 'kernel.elf');
    writeFileSync(kernel, file);
  }
  const handle = openPartition({
    processor: options.processor ?? 'power9',
    mmu: options.mmu ?? 'radix',
    cpus: options.cpus ?? 1,
    memory: parseMemorySpec(options.memory ?? '256M'),
    kernel,
    append: options.append ?? 'crashkernel=32M@64M',
    seed: 1,
    disks: [],
    endsAtOsTerm: options.endsAtOsTerm ?? true,
    ...(options.loadAt === undefined ? {} : { loadAt: options.loadAt }),
    ...(options.refuseSysReset === undefined ? {} : { refuseSysReset: options.refuseSysReset }),
  });
  const texts: [string, string] = ['', ''];
  let end: PartitionEnd | undefined;
  let instructions = 0;
  let isResting = false;
  const listeners = new Set<() => void>();
  handle.subscribe((notice) => {
    if ('insn' in notice) instructions = notice.insn;
    if (notice.kind === 'console') texts[notice.vty] += Buffer.from(notice.bytes).toString('latin1');
    else if (notice.kind === 'progress') isResting = notice.resting;
    else if (notice.kind === 'ended') end = notice.end;
    else if (notice.kind === 'unsupported' && notice.count === 1)
      texts[0] += `unsupported: ${JSON.stringify(notice.what)}\n`;
    for (const listener of listeners) listener();
  });
  const wait = <T>(check: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        listeners.delete(listener);
      };
      const fail = (why: string): void => {
        stop();
        reject(new Error(`${why}\nconsole:\n${texts[0]}\nagent:\n${texts[1]}`));
      };
      const timer = setTimeout(() => fail('it takes too long'), 45_000);
      const listener = (): void => {
        const found = check();
        if (found !== undefined) {
          stop();
          resolve(found);
        } else if (end !== undefined) fail(`it ended: ${JSON.stringify(end)}`);
      };
      listeners.add(listener);
      listener();
    });
  await handle.start();
  return {
    handle,
    console: () => texts[0],
    agent: () => texts[1],
    instructions: () => instructions,
    until: (vty, pattern) => wait(() => texts[vty].match(pattern) ?? undefined),
    rested: async () => void (await wait(() => (isResting ? true : undefined))),
    ended: () => wait(() => end),
    tell: async (line) => (await handle.input(1, Buffer.from(`${line}\n`))) !== undefined,
    close: async () => {
      await handle.close();
      rmSync(folder, { recursive: true });
    },
  };
}
