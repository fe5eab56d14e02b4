import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putU32 } from '../../src/base/bytes.ts';
import { FormatError } from '../../src/base/errors.ts';
import type { FdtNode, FdtTree } from '../../src/base/fdt/index.ts';
import {
  asNumber,
  asString,
  asStrings,
  asU32,
  asU64,
  buildFdt,
  cells,
  fdtSize,
  findNode,
  node,
  parseFdt,
  propertyValue,
  walkTree,
} from '../../src/base/fdt/index.ts';
import { needsProgram } from '../support/programs.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,20}$/);
const properties = fc
  .uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 40 })), { maxLength: 5, selector: ([key]) => key })
  .map((list) => new Map<string, Uint8Array>(list));
const nodeName = fc
  .tuple(name, fc.option(fc.nat(0xffff)))
  .map(([text, unit]) => (unit === null ? text : `${text}@${unit.toString(16)}`));
const children = (depth: number): fc.Arbitrary<FdtNode[]> =>
  depth === 0
    ? fc.constant([])
    : fc.uniqueArray(fc.record({ name: nodeName, properties, children: children(depth - 1) }), {
        maxLength: 3,
        selector: (n) => n.name,
      });
const tree: fc.Arbitrary<FdtTree> = fc.record({
  root: fc.record({ name: fc.constant(''), properties, children: children(3) }),
  reservations: fc.array(
    fc.record({ address: fc.bigInt(0n, (1n << 63n) - 1n), size: fc.bigInt(1n, 1n << 63n) }),
    { maxLength: 3 },
  ),
  bootCpu: fc.nat(),
});

describe('fdt', () => {
  it('parseFdt: a built tree → the tree', () => {
    fc.assert(
      fc.property(tree, (given) => {
        const blob = buildFdt(given);
        expect(fdtSize(blob)).toBe(blob.length);
        expect(parseFdt(blob)).toEqual(given);
        expect(buildFdt(parseFdt(blob))).toEqual(blob);
      }),
      { numRuns: 200 },
    );
  });

  it('parseFdt: any bytes changed → parsed or FormatError, nothing else', () => {
    fc.assert(
      fc.property(
        tree,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (given, changes) => {
          const blob = buildFdt(given);
          for (const [at, value] of changes) blob[at % blob.length] = value;
          try {
            parseFdt(blob);
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('parseFdt: cut at every length → FormatError', () => {
    const blob = buildFdt(sample());
    for (let length = 0; length < blob.length; length++)
      expect(() => parseFdt(blob.subarray(0, length)), `cut at ${length}`).toThrow(FormatError);
  });

  it('parseFdt: a blob inside a longer area → the tree', () => {
    const blob = buildFdt(sample(), { minimumSize: 4096 });
    expect(blob.length).toBe(4096);
    const area = new Uint8Array(8192);
    area.set(blob);
    expect(parseFdt(area)).toEqual(sample());
  });

  it.each<[string, string, (blob: Uint8Array) => void]>([
    ['another magic number', 'fdt/not-fdt', (b) => putU32(b, 0, 1, 'big')],
    ['version 16', 'fdt/bad-version', (b) => putU32(b, 20, 16, 'big')],
    ['a future incompatible version', 'fdt/bad-version', (b) => putU32(b, 24, 18, 'big')],
    ['totalsize beyond the blob', 'fdt/truncated', (b) => putU32(b, 4, 1 << 20, 'big')],
    ['structure outside', 'fdt/bad-header', (b) => putU32(b, 36, 1 << 20, 'big')],
    ['structure starts with END', 'fdt/bad-token', (b) => putU32(b, 40 + 32, 9, 'big')],
    ['no end of the map', 'fdt/bad-reserve-map', (b) => b.fill(1, 40, b.length)],
  ])('parseFdt: %s → %s', (_, code, damage) => {
    const blob = buildFdt(sample());
    damage(blob);
    expect(codeOf(() => parseFdt(blob))).toBe(code);
  });

  it('buildFdt: bad trees → FormatError', () => {
    const of = (children: FdtNode[]): FdtTree => ({
      root: node('', {}, children),
      reservations: [],
      bootCpu: 0,
    });
    expect(codeOf(() => buildFdt(of([node('a'), node('a')])))).toBe('fdt/duplicate-name');
    expect(codeOf(() => buildFdt(of([node('a/b')])))).toBe('fdt/bad-name');
    expect(codeOf(() => buildFdt(of([node('')])))).toBe('fdt/bad-name');
    let deep = node('x');
    for (let i = 0; i < 70; i++) deep = node('x', {}, [deep]);
    expect(codeOf(() => buildFdt(of([deep])))).toBe('fdt/too-deep');
    expect(codeOf(() => buildFdt({ ...of([]), reservations: [{ address: 1n, size: 0n }] }))).toBe(
      'fdt/bad-reserve-map',
    );
  });

  it('values: encoded → read back', () => {
    expect(asU32(propertyValue(5))).toBe(5);
    expect(asU64(propertyValue(1n << 40n))).toBe(1n << 40n);
    expect(asNumber(propertyValue(7))).toBe(7n);
    expect(asString(propertyValue('chrp'))).toBe('chrp');
    expect(asStrings(propertyValue(['a', 'b']))).toEqual(['a', 'b']);
    expect(cells(propertyValue([1, 2n, 3]))).toEqual([1, 0, 2, 3]);
    expect(propertyValue(true)).toHaveLength(0);
    expect(codeOf(() => asString(propertyValue(['a', 'b'])))).toBe('fdt/bad-value');
    expect(codeOf(() => asStrings(Uint8Array.of(65)))).toBe('fdt/bad-value');
    expect(codeOf(() => cells(new Uint8Array(3)))).toBe('fdt/bad-value');
  });

  it('findNode: paths with and without unit addresses → nodes', () => {
    const { root } = sample();
    expect(findNode(root, '/cpus/PowerPC,POWER9@8')?.properties.has('reg')).toBe(true);
    expect(findNode(root, '/memory')?.name).toBe('memory@0');
    expect(findNode(root, '/')).toBe(root);
    expect(findNode(root, '/absent/x')).toBeUndefined();
    expect([...walkTree(root)].map(({ path }) => path)).toEqual([
      '/',
      '/cpus',
      '/cpus/PowerPC,POWER9@8',
      '/memory@0',
    ]);
  });

  it('buildFdt: dtc reads the blob and writes its own → the same tree', () => {
    needsProgram('dtc');
    const text = execFileSync('dtc', ['-q', '-q', '-I', 'dtb', '-O', 'dts', '-'], {
      input: buildFdt(sample()),
      encoding: 'utf8',
    });
    expect(text).toContain('/memreserve/\t0x0000000000010000 0x0000000000002000;');
    expect(text).toContain('model = "IBM pSeries (emulated by qemu)"');
    expect(text).toMatch(/PowerPC,POWER9@8 \{\s+reg = <0x08>;/);
    expect(text).toMatch(/memory@0 \{[^}]*reg = <0x00 0x00 0x00 0x40000000>;/);
    const back = execFileSync('dtc', ['-q', '-q', '-I', 'dts', '-O', 'dtb', '-b', '8', '-'], { input: text });
    expect(parseFdt(back)).toEqual(sample());
  });
});

function sample(): FdtTree {
  return {
    root: node(
      '',
      {
        model: 'IBM pSeries (emulated by qemu)',
        '#address-cells': 2,
        '#size-cells': 2,
        compatible: ['qemu,pseries', 'x'],
      },
      [
        node('cpus', { '#address-cells': 1, '#size-cells': 0 }, [
          node('PowerPC,POWER9@8', { reg: 8, device_type: 'cpu', '64-bit': true }),
        ]),
        node('memory@0', { device_type: 'memory', reg: [0n, 0x4000_0000n] }),
      ],
    ),
    reservations: [{ address: 0x10000n, size: 0x2000n }],
    bootCpu: 8,
  };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return 'no error';
}
