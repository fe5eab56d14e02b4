import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildFdt, node, u64 } from '../../src/base/fdt/index.ts';
import {
  buildElfcorehdr,
  elfcorehdrSize,
  intersectRanges,
  type MachineFacts,
  mergeRanges,
  planLoad,
  type Range,
  readMachine,
  subtractRanges,
} from '../../src/crashkernel/index.ts';
import { flatTree, GUEST, loadRequest, machineTree, RESERVED, RTAS_BASE } from '../synth/crash-load.ts';
import { mutate, mutations, onlyFormatError } from '../synth/mutate.ts';

describe('readMachine', () => {
  it('memory, the real-mode area, RTAS in whole pages; the old initrd and tree are no reservations any more', () => {
    const tree = machineTree();
    const self = { address: 0x0700_0000n, size: 0x4444n };
    const facts = readMachine({ ...tree, reservations: [...tree.reservations, self] }, 0x4444);
    expect(facts).toEqual({
      memory: [{ start: 0, end: 0x1000_0000 }],
      rma: 0x0800_0000,
      rtas: { start: RTAS_BASE, end: RTAS_BASE + 0x10000 },
      tceTables: [],
      reserved: [
        { start: 0x0630_0000, end: 0x0632_0000 },
        { start: RTAS_BASE, end: RTAS_BASE + 0x10000 },
      ],
    });
  });

  it('memory on an accelerator → no RAM', () => {
    const tree = machineTree();
    tree.root.children.push(
      node('memory@6000000000000', {
        compatible: 'ibm,coherent-device-memory',
        reg: [0x0006_0000_0000_0000n, 0x1000_0000n],
      }),
    );
    expect(readMachine(tree, 0).memory).toEqual([{ start: 0, end: 0x1000_0000 }]);
  });

  it.each([
    ['no memory at 0', [[0x1000_0000n, 0x1000_0000n]], 'load/bad-tree'],
    [
      'an address beyond any memory',
      [
        [0n, 0x1000n],
        [1n << 60n, 1n],
      ],
      'load/bad-tree',
    ],
  ] as const)('%s → refused', (_name, memory, code) => {
    expect(() => readMachine(machineTree({ memory }), 0)).toThrow(expect.objectContaining({ code }));
  });

  it('reg that is not pairs; cells that are neither 1 nor 2; memory by drconf → refused', () => {
    const torn = machineTree();
    torn.root.children.push(node('memory@20000000', { reg: u64(1n) }));
    expect(() => readMachine(torn, 0)).toThrow(expect.objectContaining({ code: 'load/bad-tree' }));
    const cells = machineTree();
    cells.root.properties.set('#size-cells', Uint8Array.of(0, 0, 0, 3));
    expect(() => readMachine(cells, 0)).toThrow(expect.objectContaining({ code: 'load/bad-tree' }));
    const drconf = machineTree({ nodes: [node('ibm,dynamic-reconfiguration-memory')] });
    expect(() => readMachine(drconf, 0)).toThrow(
      expect.objectContaining({ code: 'load/unsupported-memory' }),
    );
  });

  it('a damaged tree → FormatError or a plan, nothing else', () => {
    const whole = flatTree();
    fc.assert(
      fc.property(mutations(whole.length), (changes) => {
        onlyFormatError(() => planLoad(loadRequest({ tree: mutate(whole, changes) })));
      }),
      { numRuns: 300 },
    );
  });

  it('a tree is built again and again → the same bytes', () => {
    const plan = () =>
      planLoad(loadRequest()).segments.map(({ bytes }) => Buffer.from(bytes).toString('base64'));
    expect(plan()).toEqual(plan());
    expect(buildFdt(machineTree())).toEqual(flatTree());
  });
});

describe('elfcorehdr', () => {
  const pieces = (count: number): MachineFacts => ({
    memory: Array.from({ length: count }, (_, i) => ({ start: i * 0x20000, end: i * 0x20000 + 0x10000 })),
    rma: 0x10000,
    tceTables: [],
    reserved: [],
  });
  const guest = { ...GUEST, notes: [] };
  const reserved = { start: 2 ** 50, end: 2 ** 50 + 0x10000 };

  it('65534 headers → built; one more → load/too-many-headers', () => {
    // One header is VMCOREINFO's.
    const most = buildElfcorehdr('little', pieces(65533), guest, reserved, 0);
    expect(most.length).toBe(64 + 65534 * 56);
    expect(elfcorehdrSize(pieces(65533), guest, reserved)).toBe(most.length);
    expect(() => elfcorehdrSize(pieces(65534), guest, reserved)).toThrow(
      expect.objectContaining({ code: 'load/too-many-headers' }),
    );
  });

  it('the reservation → in no PT_LOAD, whatever it touches', () => {
    const machine = readMachine(machineTree(), 0);
    const size = elfcorehdrSize(machine, GUEST, RESERVED);
    expect(size).toBe(64 + (2 + 1 + 1 + 2) * 56);
  });
});

describe('ranges', () => {
  const range: fc.Arbitrary<Range> = fc
    .tuple(fc.nat(60), fc.nat(20))
    .map(([start, size]) => ({ start, end: start + size }));
  const list = fc.array(range, { maxLength: 8 });
  const points = (ranges: readonly Range[]): Set<number> =>
    new Set(ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)));

  it('merge, subtract and intersect → as sets of points do; results neither touch nor overlap', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const [inA, inB] = [points(a), points(b)];
        expect(points(mergeRanges(a))).toEqual(new Set([...inA].sort((x, y) => x - y)));
        expect(points(subtractRanges(a, b))).toEqual(new Set([...inA].filter((each) => !inB.has(each))));
        expect(points(intersectRanges(a, b))).toEqual(new Set([...inA].filter((each) => inB.has(each))));
        const out = subtractRanges(a, b);
        out.forEach(({ start }, i) => {
          const before = out[i - 1];
          if (before !== undefined) expect(start).toBeGreaterThan(before.end);
        });
      }),
    );
  });
});
