/** Mutants of load time: what a guest accepts and refuses, what a loader leaves out, images that are none. */

import { putU32 } from '../../../src/base/bytes.ts';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD } from '../../../src/base/elf/index.ts';
import { type FdtNode, type FdtTree, findNode, propertyValue } from '../../../src/base/fdt/index.ts';
import type { MachineEvent } from '../../../src/emulator/host/index.ts';
import type { BootImage } from '../../../src/panic/index.ts';
import { fileOf, flip, inPurgatory, MIB, type Mutant, RESERVATION } from '../mutants.ts';

/** `b .` */
const STOP = 0x48000000;

function words(bytes: number, stops: readonly number[]): Uint8Array {
  const data = new Uint8Array(bytes);
  for (const at of stops) putU32(data, at, STOP, 'big');
  return data;
}

/** What stands still where it is entered. */
function stub(): string {
  return fileOf('stub', words(0x200, [0, 0x60]));
}

/** A kernel of the ABI that was given up: no marker at 0x5c, a doubleword at 0x18 with a name. */
function oldAbiKernel(): string {
  const base = 0xc000000000000000n + BigInt(RESERVATION);
  const kernel = buildElf({
    endian: 'big',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: base,
    segments: [
      {
        type: PT_LOAD,
        flags: PF_R | PF_W | PF_X,
        vaddr: base,
        paddr: BigInt(RESERVATION),
        data: words(0x1000, [0, 0x60]),
        memsz: 0x10000,
      },
    ],
    symbols: [
      { name: '__kdump_flag', value: base + 0x18n, size: 8n, bind: 1, type: 1, other: 0, shndx: 0xfff1 },
    ],
  });
  return fileOf('old', kernel);
}

/** Firmware has an initrd for the production kernel. */
function bootedWithInitrd(image: BootImage): BootImage {
  return { ...image, initrd: fileOf('initrd', new Uint8Array(MIB).fill(1)) };
}

/** The next kernel has one. */
function loadedWithInitrd(image: BootImage): BootImage {
  if (image.loading === undefined) throw new Error('the built-in image loads by plan');
  return { ...image, loading: { ...image.loading, initrd: fileOf('initrd', new Uint8Array(MIB).fill(1)) } };
}

function drop(node: FdtNode | undefined, matches: (name: string) => boolean): void {
  const at = node?.children.findIndex(({ name }) => matches(name)) ?? -1;
  if (node === undefined || at < 0) throw new Error('the tree has no such node');
  node.children.splice(at, 1);
}

/** A loader that sees no memory above 4 GiB. */
function withoutHighMemory({ root }: FdtTree): void {
  drop(root, (name) => name === 'memory@100000000');
}

/** A loader that takes all memory for what real mode reaches. */
function withoutRealModeArea({ root }: FdtTree): void {
  findNode(root, '/memory@0')?.properties.set('reg', propertyValue([0n, 128n * BigInt(MIB)]));
  drop(root, (name) => name === 'memory@4000000');
}

/** Where that loader puts the tree. */
const HIGH_TREE = 0x7ff0000n;

/**
 * Real mode has ended; the old kernel's vectors, to which purgatory's interrupt goes, do not come to an end: each puts a
 * frame below the last one. So the new kernel lies above purgatory, where these frames do not reach it.
 */
function isUnreadable(event: MachineEvent): boolean {
  return event.kind === 'interrupt' && event.regs.dar === HIGH_TREE;
}

/** A loader that does not see the second core. */
function withoutCore({ root }: FdtTree): void {
  drop(findNode(root, '/cpus'), (name) => name.endsWith('@8'));
}

export const LOADING: readonly Mutant[] = [
  {
    name: 'a crash kernel forced over the running one',
    way: { place: { kernel: MIB }, force: ['overlaps-kernel', 'outside-reservation'] },
    failed: {
      phase: 'panic',
      reason:
        /^no crash kernel is loaded \(ETXTBSY segment 0 at 0x100000\+0x\w+ lies over the running kernel\)/,
    },
    held: {
      'load-no-overlap': /0x100000/,
      'load-in-reservation': /^a segment at 0x100000–0x\w+ outside of .* was refused with ETXTBSY$/,
    },
  },
  {
    name: 'an ordinary kernel forced over the running one, which does not look',
    way: {
      path: 'kexec',
      fault: 'no-prepare',
      place: { kernel: MIB },
      force: ['overlaps-kernel', 'outside-reservation'],
    },
    broken: {
      'hooks-paired': /an ordinary image .* was accepted, but machine_kexec_prepare did not run$/,
      'load-no-overlap': /^a segment at 0x100000–0x\w+ over the running kernel .* was accepted$/,
      'memory-intact': /^\d+ pages were not as loaded at T1, the first in kernel at 0x/,
    },
  },
  {
    name: 'a crash kernel forced outside of the reservation',
    way: { place: { kernel: 64 * MIB }, force: ['outside-reservation'] },
    failed: {
      phase: 'panic',
      reason: /^no crash kernel is loaded \(EADDRNOTAVAIL segment \d at 0x4000000\+0x/,
    },
    held: { 'load-in-reservation': /^a segment at 0x4000000–0x\w+ outside of .* EADDRNOTAVAIL$/ },
  },
  {
    name: 'elfcorehdr forced outside of the reservation, where the guest does not look',
    way: { fault: 'no-place-check', place: { elfcorehdr: 64 * MIB }, force: ['outside-reservation'] },
    broken: {
      'load-in-reservation':
        /^a segment at 0x4000000–0x400ffff outside of the reservation 0x1000000–0x2ffffff was accepted$/,
    },
  },
  {
    name: 'a guest that refuses an initrd above the real-mode area',
    way: { path: 'kexec', rma: '64M', fault: 'refuse-high', image: loadedWithInitrd },
    failed: {
      phase: 'ready',
      reason:
        /^the next kernel was not loaded: EADDRNOTAVAIL segment \d at 0x7f00000\+0x100000 is above the real-mode area$/,
    },
    broken: { 'load-anywhere': /^segments in free memory were refused with EADDRNOTAVAIL$/ },
  },
  {
    name: 'a digest over what real mode cannot read',
    way: {
      path: 'kexec',
      rma: '64M',
      place: { kernel: 32 * MIB },
      misread: withoutRealModeArea,
      until: isUnreadable,
    },
    failed: { phase: 'purgatory', reason: /ended in phase purgatory \(stopped\)$/ },
    broken: {
      'load-anywhere':
        /^purgatory's digest covers 0x7ff0000–0x7ffffff, which real mode cannot read above 0x4000000$/,
    },
  },
  {
    name: 'no kernel but a stub',
    way: { payload: stub },
    failed: {
      phase: 'crash-kernel',
      reason:
        /^every CPU stands still in phase crash-kernel: CPU 0 parked at 0x0{14}60 .*CPU 1 parked at 0x0{9}1000000 /,
    },
    held: { 'payload-any': /./ },
  },
  {
    name: 'a guest that refuses a stub',
    way: { payload: stub, fault: 'kernels-only' },
    failed: { phase: 'panic', reason: /^no crash kernel is loaded \(ENOEXEC no segment is a kernel\)/ },
    broken: { 'payload-any': /^the image was refused with ENOEXEC/ },
  },
  {
    name: 'a loader that sees no memory above 4 GiB',
    way: { memory: '128M,64M@4G', misread: withoutHighMemory },
    broken: {
      'memory-64bit': /^the tree lacks 0x100000000–0x103ffffff; elfcorehdr lacks 0x100000000–0x103ffffff$/,
      'tree-carries-all': /^it lacks memory 0x100000000–0x103ffffff$/,
      'vmcore-complete': /^\d+ pages are not in the dump, the first of them \d+ bytes at 0x0000000100000000$/,
    },
  },
  {
    name: 'a loader that does not see a core',
    way: { cpus: 4, misread: withoutCore },
    broken: {
      'tree-carries-all': /^it lacks CPU 2 \(hardware id 8\); it lacks CPU 3 \(hardware id 9\)$/,
    },
  },
  {
    name: 'a kernel of the old ABI',
    way: { payload: oldAbiKernel },
    failed: {
      phase: 'panic',
      reason: /^no crash kernel is loaded \(load\/old-abi: the image has __kdump_flag at 0x18/,
    },
    held: { 'run-at-load-old-abi': /__kdump_flag/ },
  },
  {
    name: 'a kernel of the old ABI, forced',
    way: { payload: oldAbiKernel, force: ['old-abi'] },
    failed: { phase: 'crash-kernel', reason: /^every CPU stands still in phase crash-kernel: / },
    broken: { 'run-at-load-old-abi': /__kdump_flag/ },
  },
  {
    name: 'purgatory hands on another place than the tree',
    way: { faults: [flip('purgatory', inPurgatory('dt_offset') + 6)] },
    failed: {
      phase: 'crash-kernel',
      reason: /^every CPU stands still in phase crash-kernel: .*CPU 1 parked at panic\+0x/,
    },
    broken: {
      'purgatory-patched': /^it entered the kernel with r3 = 0x\w+, not the tree$/,
      'boot-cpu-recorded': /^r3 does not point to a flattened tree$/,
    },
  },
  {
    name: "a boot-time allocator that does not know the initrd's place",
    way: { rma: '128M', fault: 'initrd-unclaimed', image: bootedWithInitrd },
    broken: {
      'claims-kept':
        /^over initrd at 0x\w+–0x\w+ lies over the reserve map at .*; its map does not list the initrd at 0x/,
    },
  },
];
