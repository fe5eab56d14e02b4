/**
 * Part `memory`: resident memory of one process that holds no, one and two partitions of stock Debian at rest (booted, crash
 * kernel loaded, nothing to do), all their workers included; and a QEMU process at the same point.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { followCrash } from './guests/crash-run.ts';
import { stockGuest } from './guests/image.ts';
import { powerOnQemu, type QemuMachine } from './guests/qemu-guest.ts';
import { needProgram } from './lib/facts.ts';
import { type Section, table } from './lib/report.ts';
import { median, spread } from './lib/statistics.ts';

const QEMU = 'qemu-system-ppc64';
const TIMEOUT = 600;
const MIB = 2 ** 20;

export type MemoryOptions = { readonly runs: number; readonly log: (text: string) => void };

/** Resident bytes of a process: VmRSS, shared pages included. @throws Error when there is no such process */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (found === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(found[1]) * 1024;
}

export async function benchMemory(options: MemoryOptions): Promise<Section> {
  needProgram(QEMU);
  const spec = await stockGuest();
  const ours: number[][] = [];
  const qemu: number[] = [];
  for (let i = 0; i < options.runs; i++) {
    ours.push(await measureOurs(2));
    const run = await followCrash((output) => powerOnQemu(spec, output), {
      timeoutSeconds: TIMEOUT,
      until: 'rest',
    });
    const pid = (run.machine as QemuMachine).pid();
    if (pid === undefined) throw new Error('QEMU has no process');
    qemu.push(residentBytes(pid));
    await run.machine.close();
    options.log(
      `ours ${ours[i]?.map((each) => Math.round(each / MIB)).join(', ')} MiB; QEMU ${Math.round((qemu[i] ?? 0) / MIB)} MiB`,
    );
  }
  const column = (n: number): number[] => ours.map((each) => each[n] ?? Number.NaN);
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    (median(values) / MIB).toFixed(0),
    spread(values),
  ];
  return {
    name: 'memory',
    title: 'Memory at rest',
    text: [
      `Resident memory (VmRSS) of a Node process that holds partitions of 1 GiB as the daemon does, each in its worker, when every guest has booted, loaded its crash kernel and rests. Medians of ${options.runs} runs; (±) as above.`,
      table(
        ['process', 'MiB', '±'],
        [
          row('no guest', column(0)),
          row('**one guest**', column(1)),
          row('**two guests**', column(2)),
          row(`${QEMU}, one guest`, qemu),
        ],
      ),
    ],
  };
}

/** Resident bytes with 0, 1, … `guests` guests at rest, in a process of its own. */
async function measureOurs(guests: number): Promise<number[]> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, 'memory-host.ts'), `${guests}`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  if (child.pid === undefined) throw new Error('no process could be started');
  const out: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'at rest') throw new Error(`memory-host.ts said ${line}`);
    out.push(residentBytes(child.pid));
    child.stdin.write('next\n');
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  if (code !== 0 || out.length !== guests + 1)
    throw new Error(`memory-host.ts ended with ${code} after ${out.length} measurements`);
  return out;
}
