/**
 * Plays a guest of two CPUs with an agent that does a kexec or a restart. Its ordinary image lies scattered, with the list of
 * its pages where the kernel keeps it; until the copy, the image's destination holds other data.
 */

import { putU32, putU64 } from '../../src/base/bytes.ts';
import { buildFdt, node } from '../../src/base/fdt/index.ts';
import type { PartitionConfig } from '../../src/emulator/host/index.ts';
import type { FunctionName, Mark } from '../../src/panic/trace/index.ts';
import { configOf } from './crashing-guest.ts';
import { kallsymsMemory } from './kallsyms.ts';
import { kexecLoadSpec } from './machine-event.ts';
import { type GuestScript, ScriptedPartition } from './partition-handle.ts';

const MIB = 0x100000;
export const PAGE = 0x10000;
export const NEXT_KERNEL = 0x2000000;
export const NEXT_PURGATORY = 0x2200000;
export const NEXT_ENTRY: number = NEXT_PURGATORY + 0x700;
export const NEXT_TREE = 0x2500000;
/** Where the kernel keeps its pointer to the image, the image's head, and the list. */
const POINTER = 0x8000;
const HEAD = 0xa00000;
export const LIST = 0xa10000;
const SOURCES = 0x4000000;
const LINEAR = 0xc000000000000000n;
const REAL = 0x8000000000001003n;
const VIRTUAL = 0x8000000000001033n;
const IND = { destination: 1, indirection: 2, done: 4, source: 8 } as const;

const FUNCTIONS = [
  ['_stext', 0],
  ['panic', 0x4000],
  ['machine_shutdown', 0x4300],
  ['device_shutdown', 0x4400],
  ['start_kernel', 0x4500],
  ['kernel_kexec', 0x4600],
  ['machine_kexec', 0x4700],
  ['kexec_smp_down', 0x4800],
  ['kernel_restart', 0x4900],
  ['start_secondary', 0x4a00],
  ['kexec_image', POINTER],
] as const;

export const NEXT_SEGMENTS: readonly (readonly [mem: number, memsz: number])[] = [
  [NEXT_KERNEL, MIB],
  [NEXT_PURGATORY, PAGE],
  [NEXT_TREE, PAGE],
];

/** The image as it will be, page by page in the order of its segments. */
function imagePages(): readonly { readonly at: number; readonly bytes: Uint8Array }[] {
  const symbols = FUNCTIONS.map(([name, offset]) => ({ name, offset }));
  const kernel = kallsymsMemory({ symbols, bytes: MIB });
  putU32(kernel, 0x5c, 0x72756e30, 'little');
  const purgatory = new Uint8Array(PAGE).fill(0xab, 0x700, 0x800);
  const tree = new Uint8Array(PAGE);
  tree.set(buildFdt({ root: node('', {}, [node('chosen', {}, [])]), reservations: [], bootCpu: 0 }));
  const whole = [kernel, purgatory, tree];
  return NEXT_SEGMENTS.flatMap(([mem, memsz], i) =>
    Array.from({ length: memsz / PAGE }, (_, page) => ({
      at: mem + page * PAGE,
      bytes: (whole[i] as Uint8Array).subarray(page * PAGE, (page + 1) * PAGE),
    })),
  );
}

export function leavingPartition(
  script: GuestScript,
  config: PartitionConfig = configOf(2),
): ScriptedPartition {
  const guest = new ScriptedPartition(config, script);
  const memory = kallsymsMemory({
    symbols: FUNCTIONS.map(([name, offset]) => ({ name, offset })),
    at: 0x10000,
    bytes: MIB,
  });
  putU64(memory, POINTER, LINEAR + BigInt(HEAD), 'little');
  guest.place(0, memory);
  for (const [mem, memsz] of NEXT_SEGMENTS) guest.place(mem, new Uint8Array(memsz).fill(0xee));
  const head = new Uint8Array(0x1000);
  putU64(head, 0, BigInt(LIST | IND.indirection), 'little');
  guest.place(HEAD, head);
  guest.place(LIST, pageList(guest));
  return guest;
}

/** Places the pages backwards, and lists their destinations in two pieces, as a kernel with many pages does. */
function pageList(guest: ScriptedPartition): Uint8Array {
  const pages = imagePages();
  const sources = new Uint8Array(pages.length * PAGE);
  const list = new Uint8Array(0x2000);
  let at = 0;
  const add = (address: number, flag: number): void => {
    // The last entry of a full page leads to the next one.
    if (at === 0x40) {
      putU64(list, at, BigInt(LIST + 0x1000) | BigInt(IND.indirection), 'little');
      at = 0x1000;
    }
    putU64(list, at, BigInt(address) | BigInt(flag), 'little');
    at += 8;
  };
  for (const [i, { at: destination, bytes }] of pages.entries()) {
    if (NEXT_SEGMENTS.some(([mem]) => mem === destination)) add(destination, IND.destination);
    const slot = pages.length - 1 - i;
    sources.set(bytes, slot * PAGE);
    add(SOURCES + slot * PAGE, IND.source);
  }
  add(0, IND.done);
  guest.place(SOURCES, sources);
  return list;
}

/** The guest's kexec_load for the ordinary image. */
export function loadNext(guest: ScriptedPartition): void {
  guest.event(kexecLoadSpec(NEXT_ENTRY, NEXT_SEGMENTS, 0x150000n));
}

const production = (name: FunctionName): Mark => ({ at: 'function', name, in: 'production' });
const COPY: Mark = { at: 'copy', role: 'kernel' };

/** From the reboot call on CPU 1 to the new kernel's first steps on CPU 0. */
export function kexec(guest: ScriptedPartition): void {
  // Other code and stores at the image's place, before it is the image's.
  fetch(guest, 1, { at: 'entry' }, NEXT_ENTRY);
  store(guest, 1, COPY, NEXT_KERNEL);
  fetch(guest, 1, production('kernel_kexec'), 0x4600);
  fetch(guest, 1, { at: 'entry' }, NEXT_ENTRY);
  store(guest, 1, COPY, NEXT_KERNEL);
  fetch(guest, 1, production('device_shutdown'), 0x4400);
  fetch(guest, 0, production('machine_shutdown'), 0x4300);
  fetch(guest, 0, production('machine_kexec'), 0x4700);
  fetch(guest, 1, production('kexec_smp_down'), 0x4800);
  guest.event({ cpu: 1, kind: 'msr', ea: LINEAR, before: VIRTUAL, after: REAL, r3: 1n });
  store(guest, 0, COPY, NEXT_KERNEL);
  fetch(guest, 0, { at: 'entry' }, NEXT_ENTRY);
  for (const { at, bytes } of imagePages()) guest.write(at, bytes);
  fetch(guest, 0, { at: 'segment', role: 'kernel' }, NEXT_KERNEL, { r3: BigInt(NEXT_TREE) });
}

/** The new kernel's boot until its agent is ready. */
export function startUp(guest: ScriptedPartition): void {
  // The new kernel uses the place from which it has moved, and functions of the old one's addresses.
  store(guest, 0, COPY, NEXT_KERNEL);
  fetch(guest, 1, production('machine_shutdown'), 0x4300);
  fetch(guest, 1, { at: 'function', name: 'start_secondary', in: 'moved' }, 0x4a00);
  guest.say('kdumpd-agent ready');
  guest.rest();
}

export function fetch(
  guest: ScriptedPartition,
  cpu: number,
  mark: Mark,
  raddr: number,
  regs: { readonly r3?: bigint } = {},
): void {
  guest.event({
    cpu,
    kind: 'fetch',
    ea: LINEAR + BigInt(raddr),
    mark,
    regs: { msr: VIRTUAL, r1: 1n, ...regs },
  });
}

function store(guest: ScriptedPartition, cpu: number, mark: Mark, raddr: number): void {
  guest.event({ cpu, kind: 'store', raddr, mark, by: { nia: LINEAR + 0x4710n, r3: 0n } });
}
