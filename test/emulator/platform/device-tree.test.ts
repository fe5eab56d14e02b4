import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  asString,
  asStrings,
  asU32,
  cells,
  type FdtNode,
  findNode,
  node,
  parseFdt,
} from '../../../src/base/fdt/index.ts';
import type { BootDescription } from '../../../src/emulator/platform/platform.ts';
import { coresOf } from '../../../src/emulator/platform/tree/cpus.ts';
import { type FeatureName, paFeatures } from '../../../src/emulator/platform/tree/features.ts';
import { needsProgram } from '../../support/programs.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { bench } from './platform-under-test.ts';

const BOOT: BootDescription = {
  bootHardwareId: 8,
  rma: 0x10_0000,
  bootargs: 'console=hvc0',
  initrd: { start: 0x8_0000, end: 0x8_1234 },
  rtasBase: 0xf_0000,
  hypertas: ['hcall-tce'],
  rtasProperties: { 'ibm,change-msix-capable': true },
  nodes: [node('pci@800000020000000', { device_type: 'pci' })],
};
const TREE_AT = 0xc_0000;
const RANGES = [
  { base: 0, size: 0x40_0000 },
  { base: 0x1_0000_0000, size: 0x10_0000 },
];

function build(hardwareIds = [0, 1, 8], boot: BootDescription = BOOT) {
  const blob = bench(new FakeMachine(hardwareIds, RANGES)).platform.flatTree(boot, TREE_AT);
  return { blob, tree: parseFdt(blob) };
}

function at(root: FdtNode, path: string): FdtNode {
  const found = findNode(root, path);
  if (found === undefined) throw new Error(`no node ${path}`);
  return found;
}

function property(root: FdtNode, path: string, name: string): Uint8Array {
  const value = at(root, path).properties.get(name);
  if (value === undefined) throw new Error(`no property ${name} of ${path}`);
  return value;
}

describe('the flattened tree', () => {
  it('header and map → boot CPU, RTAS, initrd and the tree itself', () => {
    const { blob, tree } = build();
    expect(tree.bootCpu).toBe(8);
    expect(tree.reservations).toEqual([
      { address: 0xf_0000n, size: 0x1_0000n },
      { address: 0x8_0000n, size: 0x1234n },
      { address: BigInt(TREE_AT), size: BigInt(blob.length) },
    ]);
  });

  it('the same machine and seed → the same bytes', () => {
    expect(build().blob).toEqual(build().blob);
  });

  it('dtc → reads it and finds nothing wrong', () => {
    needsProgram('dtc');
    const { blob } = build();
    // PAPR's nodes have no unit addresses where dtc expects them, and interrupts without a parent property.
    const quiet = [
      'unit_address_vs_reg',
      'interrupts_property',
      'interrupt_provider',
      'pci_bridge',
      'simple_bus_reg',
    ];
    const { status, stdout, stderr } = spawnSync(
      'dtc',
      ['-I', 'dtb', '-O', 'dts', ...quiet.flatMap((name) => ['-W', `no-${name}`])],
      { input: blob, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('/memreserve/\t0x00000000000f0000 0x0000000000010000;');
    expect(stdout).toContain('linux,stdout-path = "/vdevice/vty@71000000";');
  });
});

describe('memory nodes', () => {
  it('memory@0 is the real-mode area; the rest, in aligned powers of two, and the range past the hole follow', () => {
    const { root } = build().tree;
    expect(cells(property(root, '/memory@0', 'reg'))).toEqual([0, 0, 0, 0x10_0000]);
    expect(cells(property(root, '/memory@100000', 'reg'))).toEqual([0, 0x10_0000, 0, 0x10_0000]);
    expect(cells(property(root, '/memory@200000', 'reg'))).toEqual([0, 0x20_0000, 0, 0x20_0000]);
    expect(cells(property(root, '/memory@100000000', 'reg'))).toEqual([1, 0, 0, 0x10_0000]);
    expect(root.children.filter(({ name }) => name.startsWith('memory@'))).toHaveLength(4);
  });

  it('a real-mode area of the whole first range → one node for it', () => {
    const { root } = build([0], { ...BOOT, bootHardwareId: 0, rma: 0x40_0000 }).tree;
    expect(root.children.filter(({ name }) => name.startsWith('memory@')).map(({ name }) => name)).toEqual([
      'memory@0',
      'memory@100000000',
    ]);
  });

  it('a real-mode area larger than the first range → refused', () => {
    expect(() => build([0], { ...BOOT, rma: 0x50_0000 })).toThrow(/first range/);
  });
});

describe('cpus', () => {
  it('0, 1, 8 → a core of two threads and one of one', () => {
    const { root } = build().tree;
    expect(at(root, '/cpus').children.map(({ name }) => name)).toEqual([
      'PowerPC,POWER9@0',
      'PowerPC,POWER9@8',
    ]);
    expect(cells(property(root, '/cpus/PowerPC,POWER9@0', 'ibm,ppc-interrupt-server#s'))).toEqual([0, 1]);
    expect(cells(property(root, '/cpus/PowerPC,POWER9@8', 'ibm,ppc-interrupt-server#s'))).toEqual([8]);
    expect(asU32(property(root, '/cpus/PowerPC,POWER9@8', 'reg'))).toBe(8);
    expect(coresOf([0, 1, 8, 9, 16])).toEqual([[0, 1], [8, 9], [16]]);
  });

  it('ids from 16 on → names in hex', () => {
    const { root } = build([0, 1, 8, 9, 16, 17, 24, 25]).tree;
    expect(at(root, '/cpus').children.map(({ name }) => name)).toEqual(
      ['0', '8', '10', '18'].map((unit) => `PowerPC,POWER9@${unit}`),
    );
  });

  it('what is not executed → not advertised', () => {
    const { root } = build().tree;
    const cpu = at(root, '/cpus/PowerPC,POWER9@0');
    expect(cpu.properties.has('ibm,dfp')).toBe(false);
    expect(cpu.properties.has('ibm,ppc-interrupt-gserver#s')).toBe(false);
    const features = property(root, '/cpus/PowerPC,POWER9@0', 'ibm,pa-features');
    const bit = (byte: number, n: number) => (((features[2 + byte] ?? 0) >> (7 - n)) & 1) === 1;
    expect([...features.subarray(0, 2)]).toEqual([66, 0]);
    expect(features).toHaveLength(68);
    // As Linux's table numbers them: MMU, FPU, CTRL, no-execute, large CI pages, little-endian, radix; not TM, DFP, copy-paste.
    expect([bit(0, 0), bit(0, 1), bit(0, 3), bit(0, 6), bit(1, 2), bit(5, 0), bit(40, 0)]).toEqual(
      Array(7).fill(true),
    );
    expect([bit(22, 0), bit(54, 0), bit(38, 0)]).toEqual(Array(3).fill(false));
  });

  it('paFeatures: all facilities but transactional memory → the bytes that QEMU’s POWER9 has', () => {
    const names: FeatureName[] = [
      'mmu',
      'fpu',
      'slb',
      'run',
      'dabr',
      'no-execute',
      'ci-large-pages',
      'fri',
      'dabrx',
      'sprg3-user',
      'slb-class-0',
      'pp110',
      'virtual-page-class',
      'isa-2.05',
      'ppr',
      'isa-2.02',
      'isa-2.06',
      'load-store-double',
      'unaligned-graduated',
      'strong-order',
      'little-endian',
      'cfar',
      'eb',
      'lsq',
      'isa-2.07',
      'vector',
      'vector-scalar',
      'vector-xor',
      'extended-decrementer',
      '64-bit',
      'performance-monitor',
      'mmr',
      'little-endian-atomics',
      'event-based-branch',
      'event-based-branch-extended',
      'spr-so',
      'copy-paste',
      'radix',
      'performance-monitor-3.0',
      'pc-relative-add',
      'system-call-vectored',
      'simd-3.0',
      'quad-precision',
      'string',
      'decimal-floating-point',
      'decimal-integer',
      'sha',
      'non-memory-atomics',
      'random-number',
    ];
    const words = '4200f63f c7c080f0 80000000 00000000 00008000 80008000 00008000 80008000 80008000 c0008000';
    const expected = `${words}${' 80008000'.repeat(6)} 80000000`.replaceAll(' ', '');
    expect(Buffer.from(paFeatures(names)).toString('hex')).toBe(expected);
  });

  it('paFeatures: none → length and type alone', () => {
    expect(paFeatures([])).toEqual(Uint8Array.from([66, 0, ...new Array<number>(66).fill(0)]));
  });
});

describe('rtas and chosen', () => {
  it('every token → a property; the blob’s place; hypertas with what others add', () => {
    const { platform } = bench();
    const { root } = build().tree;
    for (const [name, token] of platform.rtasTokens) expect(asU32(property(root, '/rtas', name))).toBe(token);
    expect(asU32(property(root, '/rtas', 'linux,rtas-base'))).toBe(0xf_0000);
    expect(asU32(property(root, '/rtas', 'linux,rtas-entry'))).toBe(0xf_0000);
    expect(asU32(property(root, '/rtas', 'rtas-size'))).toBeGreaterThanOrEqual(platform.rtasBlob.length);
    const hypertas = asStrings(property(root, '/rtas', 'ibm,hypertas-functions'));
    expect(hypertas).toContain('hcall-tce');
    expect(hypertas).toContain('hcall-join');
    for (const absent of ['hcall-pft', 'hcall-watchdog', 'hcall-sprg0', 'hcall-dabr']) {
      expect(hypertas).not.toContain(absent);
    }
    expect(property(root, '/rtas', 'ibm,change-msix-capable')).toHaveLength(0);
  });

  it('ibm,lrdr-capacity → end of memory, block, number of cores', () => {
    expect(cells(property(build().tree.root, '/rtas', 'ibm,lrdr-capacity'))).toEqual([
      1, 0x10_0000, 0, 0x1000_0000, 2,
    ]);
  });

  it('option vector 5 → radix with guest tlbie, XICS, form 2 affinity', () => {
    const vector = property(build().tree.root, '/chosen', 'ibm,architecture-vec-5');
    expect(vector).toHaveLength(27);
    expect(vector[0]).toBe(25);
    expect([5, 23, 24, 25, 26].map((n) => vector[n])).toEqual([0xa0, 0x00, 0x40, 0x00, 0x40]);
  });

  it('chosen → command line, initrd, console, seed', () => {
    const { root } = build().tree;
    expect(asString(property(root, '/chosen', 'bootargs'))).toBe('console=hvc0');
    expect(asU32(property(root, '/chosen', 'linux,initrd-start'))).toBe(0x8_0000);
    expect(asU32(property(root, '/chosen', 'linux,initrd-end'))).toBe(0x8_1234);
    expect(asString(property(root, '/chosen', 'stdout-path'))).toBe('/vdevice/vty@71000000');
    expect([...property(root, '/chosen', 'rng-seed')]).toEqual(Array.from({ length: 32 }, (_, i) => 17 + i));
  });

  it('no initrd → no properties and no reservation for it', () => {
    const { initrd: _, ...boot } = BOOT;
    const { tree } = build([0, 1, 8], boot);
    expect(at(tree.root, '/chosen').properties.has('linux,initrd-start')).toBe(false);
    expect(tree.reservations).toHaveLength(2);
  });

  it('without a machine that can join → hcall-join is not offered', () => {
    const machine = new FakeMachine([0]);
    Object.defineProperty(machine.vcpus[0], 'join', { value: undefined });
    const it_ = bench(machine);
    expect(it_.platform.describe(BOOT).hypertas).toEqual(['hcall-tce']);
    expect(it_.hcall('H_JOIN')).toEqual({ status: -2, returns: [] });
  });
});

describe('devices', () => {
  it('two terminals with edge interrupts, NVRAM, the interrupt controller and others’ nodes', () => {
    const { root } = build().tree;
    expect(cells(property(root, '/vdevice/vty@71000000', 'interrupts'))).toEqual([0x1100, 0]);
    expect(cells(property(root, '/vdevice/vty@71000001', 'interrupts'))).toEqual([0x1101, 0]);
    expect(asString(property(root, '/vdevice/vty@71000001', 'compatible'))).toBe('hvterm1');
    expect(asU32(property(root, '/vdevice/nvram@71000002', '#bytes'))).toBe(0x1_0000);
    expect(cells(property(root, '/interrupt-controller', 'ibm,interrupt-server-ranges'))).toEqual([0, 9]);
    expect(asString(property(root, '/', 'vm,uuid'))).toMatch(/^01020304-0506-4708-890a-0b0c0d0e0f10$/);
    expect(findNode(root, '/pci@800000020000000')).toBeDefined();
  });
});
