/**
 * Measures part `memory`: the resident memory of a real `kdumpd serve` with no, one and two guests of stock Debian, and of a
 * QEMU process with one, at the same point: the guest in service (booted, crash kernel loaded, agent ready) and idle.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { followCrash } from './guests/crash-run.ts';
import { stockGuest } from './guests/image.ts';
import { buildDaemon, startDaemon } from './guests/our-daemon.ts';
import { powerOnQemu, type QemuMachine } from './guests/qemu-guest.ts';
import { needProgram, programVersion } from './lib/facts.ts';
import { type Held, heldByTree } from './lib/process-memory.ts';
import { type Section, table } from './lib/report.ts';
import { median, spread } from './lib/statistics.ts';

const QEMU = 'qemu-system-ppc64';
const TIMEOUT = 600;
const MIB = 2 ** 20;
/** How long a guest has been idle in service when it is measured. */
const IDLE_SECONDS = 5;
/** How many guests the daemon has. */
const FLEETS = [0, 1, 2] as const;

export type MemoryOptions = { readonly runs: number; readonly log: (text: string) => void };

export async function benchMemory(options: MemoryOptions): Promise<Section> {
  needProgram(QEMU);
  const spec = await stockGuest();
  await buildDaemon();
  const ours: Held[][] = FLEETS.map(() => []);
  const qemu: Held[] = [];
  for (let i = 0; i < options.runs; i++) {
    for (const [at, guests] of FLEETS.entries()) {
      const daemon = await startDaemon(spec, guests, TIMEOUT);
      try {
        ours[at]?.push(await idle(daemon.pid));
      } finally {
        await daemon.close();
      }
    }
    const run = await followCrash((output) => powerOnQemu(spec, output), {
      timeoutSeconds: TIMEOUT,
      until: 'rest',
    });
    try {
      const pid = (run.machine as QemuMachine).pid();
      if (pid === undefined) throw new Error('QEMU has no process');
      qemu.push(await idle(pid));
    } finally {
      await run.machine.close();
    }
    const shown = [...ours, qemu].map((list) => Math.round((list[i]?.rss ?? Number.NaN) / MIB));
    options.log(`RSS of kdumpd with ${FLEETS.join(', ')} guests, of QEMU with one: ${shown.join(', ')} MiB`);
  }
  const row = (name: string, list: readonly Held[]): string[] => {
    const rss = list.map((each) => each.rss);
    return [
      name,
      (median(rss) / MIB).toFixed(0),
      spread(rss),
      (median(list.map(({ pss }) => pss)) / MIB).toFixed(0),
    ];
  };
  return {
    name: 'memory',
    title: 'Memory in service',
    text: [
      `Resident memory (VmRSS) and proportional set size (PSS) of the built \`kdumpd serve --fleet\` as users run it, with HTTP, stores and a worker thread a guest, and of QEMU, each with all processes that it started. Every guest has one CPU and 1 GiB, has booted stock Debian and loaded its crash kernel, its agent is ready, and it has then been idle for ${IDLE_SECONDS} s. A fresh process each time. Medians of ${options.runs} runs; (±) as above.`,
      table(
        ['process', 'RSS MiB', '±', 'PSS MiB'],
        [
          row('kdumpd serve, no guest', ours[0] ?? []),
          row('**kdumpd serve, one guest**', ours[1] ?? []),
          row('**kdumpd serve, two guests**', ours[2] ?? []),
          row(`${QEMU}, one guest`, qemu),
        ],
      ),
      `${programVersion(QEMU)}, as above.`,
    ],
  };
}

async function idle(pid: number): Promise<Held> {
  await sleep(IDLE_SECONDS * 1000);
  return heldByTree(pid);
}
