/** The tree of a hash partition: what Linux 6.1 reads of it (arch/powerpc/mm/book3s64/hash_utils.c, kernel/prom.c). */

import { describe, expect, it } from 'vitest';
import { asU32, type FdtNode } from '../../../src/base/fdt/index.ts';
import { HashTable } from '../../../src/emulator/mmu/hash/table.ts';
import { buildDeviceTree } from '../../../src/emulator/platform/device-tree.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { bench } from './platform-under-test.ts';

function tree(processor: 'power8' | 'power9', hash: boolean): FdtNode {
  const machine = new FakeMachine([0, 1]);
  if (hash) Object.assign(machine, { hashTable: new HashTable(23, () => undefined) });
  const { platform } = bench(machine, { processor });
  const boot = { bootHardwareId: 0, rma: 0x20_0000, bootargs: '', rtasBase: 0x1f_0000 };
  return buildDeviceTree(platform.describe(boot)).root;
}

function child(node: FdtNode, name: string): FdtNode {
  const found = node.children.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name} in ${node.name}`);
  return found;
}

const cpuOf = (root: FdtNode): FdtNode => child(root, 'cpus').children[0] as FdtNode;
const bytes = (node: FdtNode, name: string): Uint8Array => {
  const value = node.properties.get(name);
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
};
const cells = (node: FdtNode, name: string): number[] => {
  const value = bytes(node, name);
  return Array.from({ length: value.length / 4 }, (_, i) => asU32(value.subarray(4 * i, 4 * i + 4)));
};

describe.each(['power8', 'power9'] as const)('a %s partition with a hashed table', (processor) => {
  const root = tree(processor, true);
  const cpu = cpuOf(root);

  it('its table, its segments, its pages: base size, encoding, then each actual size with its own', () => {
    expect(cells(cpu, 'ibm,pft-size')).toEqual([0, 23]);
    expect(cells(cpu, 'ibm,processor-segment-sizes')).toEqual([28, 40, 0xffffffff, 0xffffffff]);
    expect(cells(cpu, 'ibm,segment-page-sizes')).toEqual([
      ...[12, 0, 3, 12, 0, 16, 7, 24, 0x38],
      ...[16, 0x110, 2, 16, 1, 24, 8],
      ...[24, 0x100, 1, 24, 0],
    ]);
    expect(cells(cpu, 'ibm,slb-size')).toEqual([32]);
    expect(cpu.properties.has('ibm,processor-radix-AP-encodings')).toBe(false);
  });

  it('the hypercalls for it are named; option vector 5 says hash', () => {
    const functions = Buffer.from(bytes(child(root, 'rtas'), 'ibm,hypertas-functions')).toString();
    expect(functions.split('\0')).toEqual(
      expect.arrayContaining(['hcall-pft', 'hcall-bulk', 'hcall-hpt-resize']),
    );
    const vector = bytes(child(root, 'chosen'), 'ibm,architecture-vec-5');
    expect([...vector.subarray(23, 27)]).toEqual([0, 0, 0, 0]);
    const support = bytes(child(root, 'chosen'), 'ibm,arch-vec-5-platform-support');
    expect([...support]).toEqual([23, 0, 24, 0, 25, 0, 26, 0]);
  });
});

describe('what the processors differ in', () => {
  const bit = (features: Uint8Array, byte: number, n: number): boolean =>
    (((features[2 + byte] ?? 0) >> (7 - n)) & 1) === 1;

  it('POWER8: its name and version, features up to ISA 2.07, no large decrementer', () => {
    const cpu = cpuOf(tree('power8', true));
    expect(cpu.name).toBe('PowerPC,POWER8@0');
    expect(cells(cpu, 'cpu-version')).toEqual([0x0f000004]);
    expect(cpu.properties.has('ibm,dec-bits')).toBe(false);
    const features = bytes(cpu, 'ibm,pa-features');
    expect([...features.subarray(0, 2)]).toEqual([24, 0]);
    expect(features).toHaveLength(26);
    // SLB, PP 110, page class keys, ISA 2.07, vector, VSX; not transactional memory.
    expect([bit(features, 0, 2), bit(features, 1, 7), bit(features, 2, 0)]).toEqual([true, true, true]);
    expect([bit(features, 6, 0), bit(features, 16, 0), bit(features, 18, 0)]).toEqual([true, true, true]);
    expect(bit(features, 22, 0)).toBe(false);
  });

  it('POWER9 with hash: as with radix, but for the bit of radix and those of the SLB', () => {
    const hash = bytes(cpuOf(tree('power9', true)), 'ibm,pa-features');
    const radix = bytes(cpuOf(tree('power9', false)), 'ibm,pa-features');
    const differing = [...hash].flatMap((byte, i) =>
      byte === radix[i] ? [] : [[i - 2, byte ^ (radix[i] ?? 0)]],
    );
    expect(differing).toEqual([
      [0, 0x20],
      [1, 0x01],
      [2, 0x80],
      [40, 0x80],
    ]);
    expect(bit(hash, 40, 0)).toBe(false);
    expect(cells(cpuOf(tree('power9', true)), 'ibm,dec-bits')).toEqual([56]);
  });
});
