/** What a loader works with: kernels in either byte order, machine trees, a guest's facts, a purgatory of our own making. */

import { type Endian, putU32, putU64 } from '../../src/base/bytes.ts';
import {
  buildElf,
  type ElfSymbol,
  EM_PPC64,
  ET_DYN,
  ET_EXEC,
  PF_R,
  PF_W,
  PF_X,
  PT_DYNAMIC,
  PT_LOAD,
} from '../../src/base/elf/index.ts';
import { buildFdt, type FdtNode, type FdtTree, node, u64 } from '../../src/base/fdt/index.ts';
import {
  type GuestFacts,
  type LoadRequest,
  probeImage,
  type Range,
  RUN_AT_LOAD_MARKER,
  readPurgatory,
} from '../../src/crashkernel/index.ts';

export const MIB: number = 2 ** 20;
const LINEAR = 0xc000000000000000n;

export type KernelSpec = {
  readonly endian?: Endian;
  readonly paddr?: number;
  readonly bytes?: number;
  readonly memsz?: number;
  /** The word at 0x5c; default the marker. */
  readonly word?: number;
  readonly type?: number;
  readonly machine?: number;
  readonly symbols?: readonly ElfSymbol[];
};

/** A kernel with each byte telling its place, the layout of head_64 and one segment. */
export function loadableKernel(spec: KernelSpec = {}): Uint8Array {
  const { endian = 'big', paddr = 0, bytes = 0x3000, memsz = 0x14000 } = spec;
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  putU32(data, 0x5c, spec.word ?? RUN_AT_LOAD_MARKER, endian);
  return buildElf({
    endian,
    type: spec.type ?? ET_EXEC,
    machine: spec.machine ?? EM_PPC64,
    entry: LINEAR + BigInt(paddr),
    segments: [
      {
        type: PT_LOAD,
        flags: PF_R | PF_W | PF_X,
        vaddr: LINEAR + BigInt(paddr),
        paddr: BigInt(paddr),
        data,
        memsz,
      },
    ],
    ...(spec.symbols === undefined ? {} : { symbols: spec.symbols }),
  });
}

export function symbol(name: string, value: bigint, size: number = 8): ElfSymbol {
  return { name, value, size: BigInt(size), bind: 1, type: 1, other: 0, shndx: 1 };
}

export type TreeSpec = {
  /** Address and size of each memory node; default 128 MiB of real-mode area and 128 MiB above. */
  readonly memory?: readonly (readonly [bigint, bigint])[];
  readonly rtas?: number;
  /** Added to /chosen and to the root. */
  readonly chosen?: FdtNode['properties'];
  readonly nodes?: readonly FdtNode[];
};

export const RTAS_BASE: number = 0x07ff0000;

/** A machine's tree as firmware gives it to the first kernel, with that kernel's own properties in it. */
export function machineTree(spec: TreeSpec = {}): FdtTree {
  const memory = spec.memory ?? [
    [0n, 0x0800_0000n],
    [0x0800_0000n, 0x0800_0000n],
  ];
  const rtas = spec.rtas ?? RTAS_BASE;
  const chosen = node('chosen', {
    bootargs: 'console=hvc0 crashkernel=32M@64M',
    'linux,stdout-path': '/vdevice/vty@71000000',
    'linux,initrd-start': 0x0600_0000,
    'linux,initrd-end': 0x0610_0000,
    'linux,crashkernel-base': 0x0400_0000n,
    'linux,kernel-end': 0x0010_0000n,
    'rng-seed': new Uint8Array(32).fill(7),
    'ibm,architecture-vec-5': new Uint8Array([5, 0, 0, 0, 0, 0x80]),
  });
  for (const [name, value] of spec.chosen ?? []) chosen.properties.set(name, value);
  return {
    bootCpu: 0,
    reservations: [
      { address: BigInt(rtas), size: 0x10000n },
      { address: 0x0600_0000n, size: 0x0010_0000n },
      { address: 0x0630_0000n, size: 0x0002_0000n },
    ],
    root: node('', { '#address-cells': 2, '#size-cells': 2, model: 'a machine of tests' }, [
      chosen,
      ...memory.map(([base, size]) =>
        node(`memory@${base.toString(16)}`, { device_type: 'memory', reg: [base, size] }),
      ),
      node('rtas', { 'linux,rtas-base': rtas, 'linux,rtas-entry': rtas, 'rtas-size': 0x100 }),
      node('vdevice', { '#address-cells': 1, '#size-cells': 0 }, [
        node('vty@71000000', { compatible: 'hvterm1', reg: 0x71000000 }),
      ]),
      ...(spec.nodes ?? []),
    ]),
  };
}

export function flatTree(spec: TreeSpec = {}): Uint8Array {
  return buildFdt(machineTree(spec));
}

export const RESERVED: Range = { start: 64 * MIB, end: 96 * MIB };

export const GUEST: GuestFacts = {
  notes: [0x0080_0000, 0x0080_0400],
  noteSize: 0x400,
  vmcoreinfo: { start: 0x0081_0000, end: 0x0081_1000 },
  reserved: RESERVED,
  kernel: { start: 0, end: 0x0020_0000 },
};

/** A purgatory that holds every variable, and one relocation: a word that is to hold its own address. */
export function syntheticPurgatory(
  change: (symbols: ElfSymbol[], data: Uint8Array) => void = () => {},
): Uint8Array {
  const data = new Uint8Array(0x800);
  putU32(data, 0, 0x48010148, 'big');
  putU32(data, 0x5c, RUN_AT_LOAD_MARKER, 'big');
  const symbols = [
    symbol('purgatory_start', 0n, 0x100),
    symbol('run_at_load', 0x5cn, 4),
    ...['kernel', 'dt_offset', 'stack', 'backup_src', 'backup_dst', 'backup_len', 'console_unit'].map(
      (name, i) => symbol(name, 0x200n + BigInt(i) * 8n),
    ),
    symbol('panic_kernel', 0x280n, 4),
    symbol('sha256_count', 0x284n, 4),
    symbol('sha256_digest', 0x288n, 32),
    symbol('sha256_regions', 0x300n, 256),
  ];
  // R_PPC64_RELATIVE at 0x700 with addend 0x700; the table is at 0x600.
  putU64(data, 0x600, 0x700n, 'big');
  putU64(data, 0x608, 22n, 'big');
  putU64(data, 0x610, 0x700n, 'big');
  change(symbols, data);
  const dynamic = [7n, 0x600n, 8n, 24n, 9n, 24n, 0n, 0n].flatMap((value) => [...u64(value)]);
  return buildElf({
    endian: 'big',
    type: ET_DYN,
    entry: 0n,
    segments: [
      { type: PT_LOAD, flags: PF_R | PF_W | PF_X, vaddr: 0n, data, memsz: 0x1000 },
      { type: PT_DYNAMIC, flags: PF_R, vaddr: 0x800n, data: Uint8Array.from(dynamic), align: 8n },
    ],
    symbols,
  });
}

/** A load for a crash of the machine of {@link flatTree}; `over` replaces parts of it. */
export function loadRequest(over: Partial<LoadRequest> = {}): LoadRequest {
  return {
    crash: true,
    image: probeImage(loadableKernel()),
    commandLine: 'console=hvc0 maxcpus=1',
    tree: flatTree(),
    guest: GUEST,
    purgatory: readPurgatory(syntheticPurgatory()),
    ...over,
  };
}
