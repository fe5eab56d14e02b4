/**
 * A guest of two CPUs with an agent, a loaded crash kernel and a small dump: everything that a crash needs to be
 * driven through, acted out event by event. Tests stop it wherever they like.
 */

import { concatBytes, putU32, putU64 } from '../../src/base/bytes.ts';
import { buildElfHeader, buildProgramHeader } from '../../src/base/elf/index.ts';
import { buildFdt, type FdtTree, node } from '../../src/base/fdt/index.ts';
import { VECTOR } from '../../src/base/power.ts';
import type { PartitionConfig } from '../../src/emulator/host/index.ts';
import type { BootImage } from '../../src/panic/index.ts';
import type { FunctionName, KernelPlace } from '../../src/panic/trace/index.ts';
import { kallsymsMemory } from './kallsyms.ts';
import { kexecLoadSpec } from './machine-event.ts';
import { type GuestScript, ScriptedPartition } from './partition-handle.ts';

export const BOOT: BootImage = {
  name: 'debian',
  kernelRelease: '6.1.0',
  kernel: '/k',
  append: '',
  agent: true,
};

export const KERNEL = 0x2000000;
export const PURGATORY = 0x2200000;
export const ENTRY: number = PURGATORY + 0x700;
const CORE = 0x2300000;
const BACKUP = 0x2400000;
export const TREE = 0x2500000;
const NOTE = 0x1f00000;
const MIB = 0x100000;

const FUNCTIONS = [
  ['_stext', 0],
  ['panic', 0x4000],
  ['sysrq_handle_crash', 0x4100],
  ['__crash_kexec', 0x4200],
  ['machine_crash_shutdown', 0x4280],
  ['machine_shutdown', 0x4300],
  ['device_shutdown', 0x4400],
  ['start_kernel', 0x4500],
] as const;

export function configOf(cpus: number, dumpBytes: number = MIB): PartitionConfig {
  return {
    processor: 'power9',
    mmu: 'radix',
    cpus,
    memory: [{ base: 0, size: 64 * MIB }],
    kernel: '/k',
    append: '',
    seed: 1,
    disks: [{ kind: 'scratch', bytes: dumpBytes }],
  };
}

/** A machine whose memory holds a kernel at 0 and the crash image in its reservation. */
export function crashablePartition(
  script: GuestScript,
  config: PartitionConfig = configOf(2),
): ScriptedPartition {
  const guest = new ScriptedPartition(config, script);
  const symbols = FUNCTIONS.map(([name, offset]) => ({ name, offset }));
  guest.place(0, kallsymsMemory({ symbols, bytes: MIB }));
  const kernel = kallsymsMemory({ symbols, bytes: MIB });
  kernel.fill(0xab, 4, 0x100);
  putU32(kernel, 0, 0x48000100, 'little');
  putU32(kernel, 0x5c, 0x72756e30, 'little');
  guest.place(KERNEL, kernel);
  const purgatory = new Uint8Array(0x10000).fill(0xab, 0x700, 0x800);
  for (const [i, address] of [KERNEL, TREE, BACKUP].entries())
    putU64(purgatory, 0x1000 + i * 16, BigInt(address), 'little');
  guest.place(PURGATORY, purgatory);
  guest.place(BACKUP, new Uint8Array(0x10000).fill(0xab, 0, 0x100));
  guest.place(CORE, elfcorehdr(config.cpus));
  const tree = new Uint8Array(0x10000);
  tree.set(buildFdt(nextTree(config)));
  guest.place(TREE, tree);
  guest.place(0x2600000, new Uint8Array(0x1000));
  return guest;
}

/** The tree for a crash kernel: all memory, the part that it may use, and where everything is. */
function nextTree({ cpus, memory }: PartitionConfig): FdtTree {
  const chosen = node('chosen', {
    bootargs: `elfcorehdr=${CORE / 1024}K`,
    'linux,initrd-start': [0x2600000],
    'linux,initrd-end': [0x2601000],
  });
  const cpu = (index: number) =>
    node(`cpu@${index}`, { device_type: 'cpu', 'ibm,ppc-interrupt-server#s': [index] });
  const ram = memory.map(({ base, size }) =>
    node(`memory@${base.toString(16)}`, {
      device_type: 'memory',
      reg: [BigInt(base), BigInt(size)],
      'linux,usable-memory': [BigInt(KERNEL), BigInt(16 * MIB)],
    }),
  );
  const rtas = node('rtas', {
    'linux,rtas-base': [0x2f00000],
    'linux,rtas-entry': [0x2f00000],
    'rtas-size': [0x1000],
  });
  const hwcpus = Array.from({ length: cpus }, (_, index) => cpu(index));
  return {
    root: node('', { '#address-cells': [2], '#size-cells': [2] }, [
      ...ram,
      rtas,
      node('cpus', {}, hwcpus),
      chosen,
    ]),
    reservations: [{ address: 0x2600000n, size: 0x1000n }],
    bootCpu: 0,
  };
}

function elfcorehdr(cpus: number): Uint8Array {
  const phnum = cpus + 2;
  const header = {
    endian: 'little',
    osAbi: 0,
    abiVersion: 0,
    type: 4,
    machine: 21,
    entry: 0n,
    flags: 0,
    phoff: 64,
    shoff: 0,
    shstrndx: 0,
  } as const;
  const base = { flags: 0, vaddr: 0n, align: 0n };
  const notes = Array.from({ length: cpus }, (_, cpu) => ({
    ...base,
    type: 4,
    offset: NOTE + cpu * 0x1000,
    paddr: BigInt(NOTE + cpu * 0x1000),
    filesz: 0x1a0,
    memsz: 0x1a0,
  }));
  const info = { ...base, type: 4, offset: 0x10000, paddr: 0x10000n, filesz: 0x1024, memsz: 0x1024 };
  const low = { ...base, type: 1, offset: BACKUP, paddr: 0n, filesz: 0x10000, memsz: 0x10000 };
  const bytes = new Uint8Array(0x10000);
  bytes.set(
    concatBytes([
      buildElfHeader(header, phnum, 0),
      ...[...notes, info, low].map((program) => buildProgramHeader(program, 'little')),
    ]),
  );
  return bytes;
}

/** The guest's boot: loads the crash kernel and says so. */
export function bootWithCrashKernel(guest: ScriptedPartition): void {
  loadCrashKernel(guest);
  guest.say('kdumpd-agent ready');
  guest.rest();
}

export function loadCrashKernel(guest: ScriptedPartition): void {
  const segments = [
    [KERNEL, MIB],
    [BACKUP, 0x10000],
    [CORE, 0x10000],
    [PURGATORY, 0x10000],
    [0x2600000, 0x1000],
    [TREE, 0x10000],
  ] as const;
  guest.event(kexecLoadSpec(ENTRY, segments, 0x150001n));
}

const REAL = 0x8000000000001003n;
const VIRTUAL = 0x8000000000001033n;
const LINEAR = 0xc000000000000000n;

/** From the trigger to the master's entry into purgatory; CPU `master` panics, the other one is stopped. */
export function handoff(guest: ScriptedPartition, master: number): void {
  const other = 1 - master;
  call(guest, master, 'sysrq_handle_crash', 0x4100);
  call(guest, master, 'panic', 0x4000);
  call(guest, master, '__crash_kexec', 0x4200);
  call(guest, master, 'machine_crash_shutdown', 0x4280);
  if (guest.config.cpus > 1) {
    guest.event({ cpu: master, kind: 'hcall', name: 'H_SIGNAL_SYS_RESET' });
    guest.event({
      cpu: other,
      kind: 'interrupt',
      vector: VECTOR.systemReset,
      requestedBy: 'guest',
      regs: { srr0: LINEAR + 0x4008n, srr1: VIRTUAL },
    });
    guest.event({
      cpu: other,
      kind: 'store',
      raddr: NOTE + other * 0x1000,
      mark: { at: 'note', cpu: other },
      length: 4,
    });
    guest.event({ cpu: other, kind: 'msr', ea: LINEAR, before: VIRTUAL, after: REAL, r3: BigInt(other) });
    for (const cpu of [other, master])
      guest.event({ cpu, kind: 'hcall', name: 'H_IPI', args: [BigInt(cpu), 0xffn] });
  }
  for (let at = 0; at < 0x100; at += 8)
    guest.event({
      cpu: master,
      kind: 'store',
      raddr: at,
      mark: { at: 'low' },
      by: { nia: LINEAR + 0x4210n, r3: 0n },
      new: new Uint8Array(8).fill(0xab),
    });
  const regs = { msr: REAL, r1: 0x1000n, r3: BigInt(master), r4: BigInt(ENTRY), r5: 0n };
  guest.event({ cpu: master, kind: 'fetch', ea: BigInt(ENTRY), mark: { at: 'entry' }, regs });
  if (guest.config.cpus > 1)
    guest.event({
      cpu: other,
      kind: 'fetch',
      ea: 0x60n,
      mark: { at: 'low' },
      regs: { msr: 0x8000000000001002n, r3: BigInt(other) },
    });
}

/** Purgatory's work, and the new kernel's first steps. */
export function enterKernel(guest: ScriptedPartition, master: number): void {
  // What purgatory writes: the boot CPU into the tree, and the flag into the kernel.
  const tree = new Uint8Array(40);
  putU32(tree, 0, 0xd00dfeed, 'big');
  putU32(tree, 20, 17, 'big');
  putU32(tree, 28, master, 'big');
  guest.write(TREE, tree);
  guest.write(KERNEL + 0x5c, new Uint8Array([1, 0, 0, 0]));
  const bootCpu = new Uint8Array([0, 0, 0, master]);
  guest.event({ cpu: master, kind: 'store', raddr: BACKUP, mark: { at: 'copy', role: 'backup' } });
  guest.event({
    cpu: master,
    kind: 'store',
    raddr: TREE + 28,
    mark: { at: 'boot-cpu' },
    length: 4,
    new: bootCpu,
  });
  guest.event({
    cpu: master,
    kind: 'store',
    raddr: KERNEL + 0x5c,
    mark: { at: 'run-at-load' },
    length: 4,
    old: new Uint8Array([0x30, 0x6e, 0x75, 0x72]),
    new: new Uint8Array([1, 0, 0, 0]),
  });
  const regs = {
    msr: 0x8000000000001002n,
    r1: BigInt(TREE - 0x1000),
    r3: BigInt(TREE),
    r4: BigInt(KERNEL),
    r5: 0n,
  };
  guest.event({
    cpu: master,
    kind: 'fetch',
    ea: BigInt(KERNEL),
    mark: { at: 'segment', role: 'kernel' },
    regs,
  });
  call(guest, master, 'start_kernel', KERNEL + 0x4500, 'crash');
}

/** The dump goes to disk 0 and the guest reboots. */
export function dump(guest: ScriptedPartition, vmcore: Uint8Array): void {
  guest.say('kdumpd-agent dump-start raw');
  guest.disks.set(0, vmcore);
  guest.event({ cpu: -1, kind: 'disk', write: 'first' });
  guest.say(`kdumpd-agent dump-done ${vmcore.length}`);
  guest.event({ cpu: 0, kind: 'rtas', name: 'system-reboot' });
  guest.end({ kind: 'reboot' });
}

function call(
  guest: ScriptedPartition,
  cpu: number,
  name: FunctionName,
  raddr: number,
  place: KernelPlace = 'production',
): void {
  guest.event({
    cpu,
    kind: 'fetch',
    ea: LINEAR + BigInt(raddr),
    mark: { at: 'function', name, in: place },
    regs: { msr: VIRTUAL, r1: 1n },
  });
}
