import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../src/base/bytes.ts';
import { arraySource, concatBytes, putU32, putU64 } from '../../../src/base/bytes.ts';
import { buildElfCore, DUMP_DH_COMPRESSED_INCOMPLETE } from '../../../src/vmcore/format/index.ts';
import { checkDump, detectFormat, evaluateAsync, openDump } from '../../../src/vmcore/reader/index.ts';
import { codeOf } from '../../synth/mutate.ts';
import type { Machine } from '../../synth/vmcore.ts';
import {
  COMPRESSIONS,
  elfDump,
  flatten,
  kdumpDump,
  MACHINE,
  machineNotes,
  pageBytes,
  prstatus,
} from '../../synth/vmcore.ts';

const BIG: Machine = { ...MACHINE, endian: 'big', pageSize: 65536, cpus: 3 };

const DUMPS: readonly [string, Machine, Uint8Array][] = [MACHINE, BIG].flatMap(
  (machine): [string, Machine, Uint8Array][] => {
    const kdumps = COMPRESSIONS.map((compression): [string, Machine, Uint8Array] => [
      `kdump ${compression} ${machine.endian}`,
      machine,
      kdumpDump(machine, compression),
    ]);
    return [
      [`ELF ${machine.endian}`, machine, elfDump(machine)],
      ...kdumps,
      [`flattened ELF ${machine.endian}`, machine, flatten(elfDump(machine))],
      [`flattened kdump ${machine.endian}`, machine, flatten(kdumpDump(machine))],
    ];
  },
);

describe.each(DUMPS)('%s', (_, machine, bytes) => {
  const page = machine.pageSize;

  it('checkDump: a whole dump → complete, its length, CPUs, ranges and VMCOREINFO', () => {
    const check = checkDump(arraySource(bytes));
    expect(check).toMatchObject({
      complete: true,
      extent: bytes.length,
      endian: machine.endian,
      problems: [],
    });
    expect(check.cpus).toEqual(Array.from({ length: machine.cpus }, (__, i) => prstatus(i)));
    expect(check.vmcoreinfo.get('OSRELEASE')).toBe('6.1.0-test');
    const range = (pfn: number, pages: number): object => ({
      paddr: BigInt(pfn * page),
      size: BigInt(pages * page),
      dumped: BigInt(pages * page),
    });
    expect(check.ranges).toEqual([range(0, 5), range(16, 4)]);
  });

  it('checkDump: the dump at the start of a larger device full of old data → the same', () => {
    const device = concatBytes([bytes, new Uint8Array(100_000).fill(0xa5)]);
    expect(checkDump(arraySource(device))).toEqual(checkDump(arraySource(bytes)));
  });

  it('readPhysical: pages, and bytes over a page border → what the machine had', () => {
    const dump = openDump(arraySource(bytes));
    for (const pfn of [0, 1, 4, 16, 19])
      expectSame(dump.readPhysical(BigInt(pfn * page), page), pageBytes(machine, pfn));
    const border = concatBytes([
      pageBytes(machine, 2).subarray(page - 24),
      pageBytes(machine, 3).subarray(0, 40),
    ]);
    expectSame(dump.readPhysical(BigInt(3 * page - 24), 64), border);
  });

  it('locate: holes and the space above → absent, and reading them vmcore/memory-absent', () => {
    const dump = openDump(arraySource(bytes));
    expect(dump.locate(BigInt(5 * page))).toEqual({ kind: 'absent', length: BigInt(11 * page) });
    expect(dump.locate(BigInt(20 * page)).kind).toBe('absent');
    expect(codeOf(() => dump.readPhysical(BigInt(5 * page) - 8n, 16))).toBe('vmcore/memory-absent');
  });
});

describe('kdump-compressed', () => {
  it('locate: filtered pages → excluded; the check stays complete', () => {
    const bytes = kdumpDump(MACHINE, 'zlib', { excluded: [2, 3] });
    const dump = openDump(arraySource(bytes));
    expect(dump.locate(2n * 4096n)).toEqual({ kind: 'excluded', length: 8192n });
    expect(codeOf(() => dump.readPhysical(2n * 4096n, 8))).toBe('vmcore/memory-excluded');
    const check = checkDump(arraySource(bytes));
    expect(check.complete).toBe(true);
    expect(check.ranges[0]?.dumped).toBe(3n * 4096n);
  });

  it('checkDump: lost pages and the incomplete flag → incomplete, and why', () => {
    const bytes = kdumpDump(MACHINE, 'lzo', { lost: [18, 19], status: DUMP_DH_COMPRESSED_INCOMPLETE });
    const check = checkDump(arraySource(bytes));
    expect(check.complete).toBe(false);
    expect(check.problems.map(({ code }) => code)).toEqual(['vmcore/marked-incomplete', 'vmcore/lost-pages']);
    const dump = openDump(arraySource(bytes));
    expect(dump.locate(18n * 4096n).kind).toBe('lost');
    expect(codeOf(() => dump.readPhysical(18n * 4096n, 8))).toBe('vmcore/memory-lost');
  });

  it('extent: erase information behind the pages → counted', () => {
    const bytes = kdumpDump();
    putU64(bytes, 4096 + 64, BigInt(bytes.length), 'little');
    putU64(bytes, 4096 + 72, 100n, 'little');
    expect(checkDump(arraySource(bytes))).toMatchObject({ extent: bytes.length + 100, complete: false });
    expect(checkDump(arraySource(concatBytes([bytes, new Uint8Array(100)])))).toMatchObject({
      extent: bytes.length + 100,
      complete: true,
    });
  });

  it('locate: a split dump → pages of the other files are excluded, descriptors count from its start', () => {
    const bytes = kdumpDump(MACHINE, 'none');
    const at = 4 * 4096;
    putU32(bytes, 4096 + 12, 1, 'little');
    putU64(bytes, 4096 + 80, 2n, 'little');
    putU64(bytes, 4096 + 88, 20n, 'little');
    bytes.copyWithin(at, at + 2 * 24, at + 9 * 24);
    const dump = openDump(arraySource(bytes));
    expect(dump.locate(0n).kind).toBe('excluded');
    expectSame(dump.readPhysical(4n * 4096n, 4096), pageBytes(MACHINE, 4));
    expectSame(dump.readPhysical(19n * 4096n, 4096), pageBytes(MACHINE, 19));
  });

  it.each(COMPRESSIONS.filter((name) => name !== 'none'))(
    'readPhysical: damaged %s data → vmcore/bad-page-data',
    (compression) => {
      const bytes = kdumpDump(MACHINE, compression);
      const first = 4 * 4096 + 9 * 24;
      bytes.fill(0xff, first, first + 40);
      expect(codeOf(() => openDump(arraySource(bytes)).readPhysical(0n, 8))).toBe('vmcore/bad-page-data');
    },
  );
});

describe('ELF', () => {
  it('locate: p_memsz above p_filesz → the rest is excluded', () => {
    const bytes = buildElfCore({
      endian: 'big',
      notes: machineNotes(BIG),
      ranges: [{ paddr: 0n, data: new Uint8Array(4096), memsz: 8192 }],
    });
    const dump = openDump(arraySource(bytes));
    expect(dump.locate(0n)).toEqual({ kind: 'data', length: 4096n });
    expect(dump.locate(5000n)).toEqual({ kind: 'excluded', length: 3192n });
    expect(checkDump(arraySource(bytes)).complete).toBe(true);
  });

  it('locate: memory above 4 GiB → read there', () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    const dump = openDump(
      arraySource(buildElfCore({ endian: 'little', notes: [], ranges: [{ paddr: 1n << 40n, data }] })),
    );
    expect([...dump.readPhysical(1n << 40n, 4)]).toEqual([1, 2, 3, 4]);
  });

  it('checkDump: the incomplete flag → incomplete', () => {
    const bytes = buildElfCore({
      endian: 'big',
      notes: machineNotes(BIG),
      ranges: [{ paddr: 0n, data: new Uint8Array(4096) }],
      incomplete: true,
    });
    expect(checkDump(arraySource(bytes))).toMatchObject({
      complete: false,
      problems: [{ code: 'vmcore/marked-incomplete' }],
    });
  });

  it('checkDump: overlapping segments, no registers, no VMCOREINFO → each named', () => {
    const ranges = [
      { paddr: 0n, data: new Uint8Array(8192) },
      { paddr: 4096n, data: new Uint8Array(4096) },
    ];
    const check = checkDump(arraySource(buildElfCore({ endian: 'big', notes: [], ranges })));
    expect(check.problems.map(({ code }) => code)).toEqual([
      'vmcore/ranges-overlap',
      'vmcore/no-registers',
      'vmcore/no-vmcoreinfo',
    ]);
  });

  it('openDump: an executable → vmcore/not-a-core', () => {
    const bytes = elfDump();
    bytes[16] = 2;
    expect(codeOf(() => openDump(arraySource(bytes)))).toBe('vmcore/not-a-core');
  });
});

describe('detectFormat', () => {
  it('detectFormat: first bytes → format; anything else → undefined, and the check says unknown', () => {
    expect(detectFormat(arraySource(elfDump()))).toBe('elf');
    expect(detectFormat(arraySource(kdumpDump()))).toBe('kdump-compressed');
    expect(detectFormat(arraySource(flatten(elfDump())))).toBe('flattened');
    expect(detectFormat(arraySource(new Uint8Array(0)))).toBeUndefined();
    expect(checkDump(arraySource(new Uint8Array(1 << 20)))).toMatchObject({
      format: 'unknown',
      complete: false,
      extent: 0,
      problems: [{ code: 'vmcore/unknown-format' }],
    });
  });
});

describe('evaluateAsync', () => {
  it.each(DUMPS)(
    'evaluateAsync: %s read piece by piece → the same check, and little of a raw dump read',
    async (name, _, bytes) => {
      const reads: number[] = [];
      const read = async (offset: number, length: number): Promise<Uint8Array> => {
        reads.push(offset);
        return bytes.subarray(offset, offset + length);
      };
      expect(await evaluateAsync(bytes.length, read, checkDump)).toEqual(checkDump(arraySource(bytes)));
      expect(new Set(reads).size).toBe(reads.length);
      if (name.startsWith('ELF')) expect(reads).toHaveLength(1);
    },
  );

  it('evaluateAsync: a reader that gives too little → vmcore/short-read', async () => {
    const parse = (source: ByteSource): Uint8Array => source.read(0, 10);
    await expect(evaluateAsync(100, async () => new Uint8Array(5), parse)).rejects.toMatchObject({
      code: 'vmcore/short-read',
    });
  });
});

/** Pages compared as bytes: a matcher that can show differences takes seconds for each. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}
