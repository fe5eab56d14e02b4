import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arraySource, putU64 } from '../../../src/base/bytes.ts';
import { buildElf, EM_PPC64, ET_CORE, PT_NOTE } from '../../../src/base/elf/index.ts';
import { buildFlattened } from '../../../src/vmcore/format/index.ts';
import { checkDump, openDump } from '../../../src/vmcore/reader/index.ts';
import { longOr } from '../../support/long.ts';
import { mutate, mutations, onlyFormatError } from '../../synth/mutate.ts';
import { elfDump, flatten, kdumpDump, MACHINE } from '../../synth/vmcore.ts';

/** Small, so that every length can be tried: one page a range, of the smallest size. */
const SMALL = {
  ...MACHINE,
  cpus: 1,
  ranges: [
    { pfn: 0, pages: 1 },
    { pfn: 3, pages: 2 },
  ],
};

const DUMPS: readonly [string, Uint8Array, number][] = [
  ['ELF', elfDump(SMALL), 2000],
  ['kdump none', kdumpDump(SMALL, 'none'), 17000],
  ['kdump zlib', kdumpDump(SMALL, 'zlib'), 17000],
  ['kdump lzo', kdumpDump(SMALL, 'lzo'), 20000],
  ['kdump snappy', kdumpDump(SMALL, 'snappy'), 20000],
  ['kdump zstd', kdumpDump(SMALL, 'zstd'), 20000],
  ['flattened', flatten(kdumpDump(SMALL, 'zlib')), 12000],
];

describe.each(DUMPS)('%s', (_, bytes, reach) => {
  it('checkDump: cut at every boundary → incomplete, never an exception', () => {
    // Every length near the structures, every 97th elsewhere: boundaries are those of fields, blocks and records.
    for (
      let length = 0;
      length < bytes.length;
      length += length < 600 || length % 4096 > 3900 || length % 4096 < 200 ? 1 : 97
    ) {
      const check = checkDump(arraySource(bytes.subarray(0, length)));
      expect(check.complete, `cut at ${length}`).toBe(false);
      expect(check.problems.length, `cut at ${length}`).toBeGreaterThan(0);
    }
  });

  it('checkDump, readPhysical: damaged → an answer or FormatError, nothing else', () => {
    fc.assert(
      fc.property(mutations(Math.min(reach, bytes.length)), (changes) => {
        const damaged = mutate(bytes, changes);
        const check = checkDump(arraySource(damaged));
        for (const { paddr } of check.ranges.slice(0, 4))
          onlyFormatError(() => openDump(arraySource(damaged)).readPhysical(paddr, 4096));
        onlyFormatError(() => openDump(arraySource(damaged)).locate(0x3000n));
      }),
      { numRuns: longOr(20_000, 400) },
    );
  });
});

describe('any bytes', () => {
  it('checkDump: random bytes behind a signature → an answer', () => {
    const heads = [
      [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1],
      [...Buffer.from('KDUMP   ')],
      [...Buffer.from('makedumpfile\0\0\0\0')],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 8192 }), (head, rest) => {
        expect(checkDump(arraySource(Uint8Array.from([...head, ...rest]))).complete).toBe(false);
      }),
      { numRuns: longOr(20_000, 500) },
    );
  });
});

describe('dumps that claim more than a machine has', () => {
  it('checkDump: ELF whose note segments lie on each other → bad notes, and they are not read', () => {
    const data = new Uint8Array(2 ** 20);
    const segment = { type: PT_NOTE, flags: 4, vaddr: 0n, paddr: 0n, data, memsz: data.length, align: 4n };
    const elf = buildElf({
      endian: 'little',
      type: ET_CORE,
      machine: EM_PPC64,
      segments: Array.from({ length: 20 }, (_, i) =>
        i === 0 ? segment : { ...segment, data: data.subarray(0, 0) },
      ),
    });
    const [PROGRAMS, PROGRAM, OFFSET, FILESZ] = [64, 56, 8, 32];
    const first = new DataView(elf.buffer).getBigUint64(PROGRAMS + OFFSET, true);
    for (let i = 1; i < 20; i++) {
      putU64(elf, PROGRAMS + i * PROGRAM + OFFSET, first, 'little');
      putU64(elf, PROGRAMS + i * PROGRAM + FILESZ, BigInt(data.length), 'little');
    }
    const check = checkDump(arraySource(elf));
    expect(check.problems.find(({ message }) => message === 'absurdly many notes')).toBeDefined();
  });

  it('checkDump: a flattened dump of more records than a machine has pages → refused', () => {
    const data = new Uint8Array(1);
    const one = buildFlattened([{ offset: 0, data }]).subarray(0x1000, 0x1000 + 17);
    const head = buildFlattened([]).subarray(0, 0x1000);
    const records = 2 ** 20 + 1;
    const stream = new Uint8Array(head.length + records * one.length);
    stream.set(head);
    for (let i = 0; i < records; i++) stream.set(one, head.length + i * one.length);
    expect(checkDump(arraySource(stream)).problems).toMatchObject([
      { code: 'vmcore/bad-flat-record', message: 'absurdly many records' },
    ]);
  });
});
