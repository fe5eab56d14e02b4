/**
 * Measures part `linux`: stock Debian from power-on through a crash to the end of its dump, on a partition of kdumpd and on
 * qemu-system-ppc64, in turns: same kernel, initramfs, disk, command line, memory and CPUs.
 */

import { type CrashRun, followCrash, type GuestSpec } from './guests/crash-run.ts';
import { stockGuest } from './guests/image.ts';
import type { Mark } from './guests/marks.ts';
import { powerOnOurs } from './guests/our-guest.ts';
import { powerOnQemu, QEMU_MACHINE } from './guests/qemu-guest.ts';
import { needProgram, programVersion } from './lib/facts.ts';
import { type Section, table } from './lib/report.ts';
import { median, spread } from './lib/statistics.ts';

const QEMU = 'qemu-system-ppc64';
const TIMEOUT = 600;
/** Seconds that a batch of our output may cover. */
const RESOLUTION = 0.05;

export type LinuxOptions = { readonly runs: number; readonly log: (text: string) => void };

type Stretch = { readonly name: string; readonly from?: Mark; readonly to: Mark };

const STRETCHES: readonly Stretch[] = [
  { name: 'power-on → the kernel’s first lines', to: 'start-kernel' },
  { name: '**power-on → /init**', to: 'init' },
  { name: 'power-on → crash kernel loaded, agent ready', to: 'ready' },
  { name: 'T0 → T1 (purgatory)', from: 't0', to: 't1' },
  { name: '**T0 → T2 (crash kernel’s first line)**', from: 't0', to: 't2' },
  { name: 'T0 → the crash kernel’s /init', from: 't0', to: 'crash-init' },
  { name: 'T0 → T3 (dump starts)', from: 't0', to: 't3' },
  { name: '**T0 → T4 (dump complete)**', from: 't0', to: 't4' },
];

/** The machines that are measured. With four CPUs QEMU's secondaries spin while they are parked; ours wait. */
const MACHINES: readonly Pick<GuestSpec, 'processor' | 'cpus'>[] = [
  { processor: 'power9', cpus: 1 },
  { processor: 'power8', cpus: 1 },
  { processor: 'power9', cpus: 4 },
];

export async function benchLinux(options: LinuxOptions): Promise<Section> {
  needProgram(QEMU);
  const stock = await stockGuest();
  const parts: string[] = [];
  for (const machine of MACHINES) {
    const spec = { ...stock, ...machine };
    const mmu = machine.processor === 'power8' ? 'hash table' : 'radix tree';
    const title = `${machine.processor.toUpperCase()}, ${mmu}, ${machine.cpus} CPU${machine.cpus > 1 ? 's' : ''}`;
    options.log(title);
    parts.push(`### ${title}`, await measure(spec, options));
  }
  return {
    name: 'linux',
    title: 'Stock Linux: boot, panic, capture',
    text: [
      `Kernel ${stock.image.kernelRelease ?? ''} of Debian with the imported initramfs (\`image import debian\`), 1 GiB, \`${stock.append}\`. The agent panics CPU 0; makedumpfile writes to a virtio disk. Power-on is the moment at which the partition is opened, or the QEMU process started. Both are timed by the same marks: console lines (\`Linux version\`, \`Run /init\`, \`sysrq: Trigger a crash\`, \`I'm in purgatory\`, the first line after it) and the agent's lines. Ours come in batches of 5 million instructions, so each time may be late by some hundredths of a second (where that is all, no ratio is given); the instruction counts are exact, those of the first run: runs differ by when the agent’s command arrives. Seconds are medians of ${options.runs} runs each, in turns; (±) as above; ratio below 1: ours is faster.`,
      ...parts,
      `${programVersion(QEMU)}, TCG, \`-M ${QEMU_MACHINE} -cpu power8|power9 -smp N\`. QEMU's own start includes its virtual open firmware, with which the kernel makes client calls before it starts (some 56 million instructions); ours enters the kernel as kexec does.`,
    ],
  };
}

/** Runs of one machine, ours and QEMU's in turns, as a table. */
async function measure(spec: GuestSpec, options: LinuxOptions): Promise<string> {
  const ours: CrashRun[] = [];
  const qemu: CrashRun[] = [];
  for (let i = 0; i < options.runs; i++) {
    for (const [name, list, powerOn] of [
      ['ours', ours, powerOnOurs],
      [QEMU, qemu, powerOnQemu],
    ] as const) {
      const { machine, ...run } = await followCrash((output) => powerOn(spec, output), {
        timeoutSeconds: TIMEOUT,
        until: 'crash',
      });
      await machine.close();
      list.push(run);
      options.log(
        `${name}: /init ${at(run, 'init').seconds.toFixed(2)} s, T0 → T4 ${stretchOf(run, { name: '', from: 't0', to: 't4' }).seconds.toFixed(2)} s`,
      );
    }
  }
  const rows = STRETCHES.map((stretch) => {
    const mine = ours.map((run) => stretchOf(run, stretch));
    const theirs = qemu.map((run) => stretchOf(run, stretch).seconds);
    const seconds = mine.map((each) => each.seconds);
    const instructions = mine[0]?.instructions;
    // Both ends in one batch of our output: nothing can be said.
    const shown = Math.min(median(seconds), median(theirs)) >= RESOLUTION;
    return [
      stretch.name,
      ((instructions ?? 0) / 1e6).toFixed(1),
      median(seconds).toFixed(2),
      shown ? spread(seconds) : '',
      median(theirs).toFixed(2),
      shown ? spread(theirs) : '',
      shown ? (median(seconds) / median(theirs)).toFixed(2) : '',
    ];
  });
  return table(
    ['stretch', 'million instructions (ours)', 'seconds', '±', 'QEMU seconds', '±', 'ratio'],
    rows,
  );
}

function at(run: CrashRun, mark: Mark): { readonly seconds: number; readonly instructions?: number } {
  const instant = run.marks.get(mark);
  if (instant === undefined) throw new Error(`the run had no ${mark}`);
  return instant;
}

function stretchOf(
  run: CrashRun,
  { from, to }: Stretch,
): { readonly seconds: number; readonly instructions: number } {
  const end = at(run, to);
  const begin = from === undefined ? { seconds: 0, instructions: 0 } : at(run, from);
  return {
    seconds: end.seconds - begin.seconds,
    instructions: (end.instructions ?? 0) - (begin.instructions ?? 0),
  };
}
