/** The hashed page table's hypercalls: what each answers, and what it leaves. LoPAR §14.5.4.1. */

import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { GROUP, HashTable } from '../../../src/emulator/mmu/hash/table.ts';
import type { HcallName } from '../../../src/emulator/platform/contract/opcodes.ts';
import { H } from '../../../src/emulator/platform/contract/status.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { pageEntry, pageHash, type Segment } from '../../synth/hash-page.ts';
import { type Bench, bench, only } from './platform-under-test.ts';

const SHIFT = 18;
const ENTRIES = 2 ** (SHIFT - 4);
const RAM = 0x40_0000;
const EXACT = 1n << 39n;
const READ_4 = 1n << 37n;
const AVPN = 0x80000000n;
const ANDCOND = 0x40000000n;
const ZERO_PAGE = 0x8000n;
const BOLTED = 0x10n;
const REFERENCE = 0x100n;
const CHANGE = 0x80n;

const SEGMENT: Segment = { ea: 0n, bits: 40, vsid: 0x2345_6789n, flags: 0n };
const [V, R] = pageEntry(SEGMENT, { ea: 0x7654_3000n, raddr: 0x5000n, shift: 12 });
/** As software compares it: the first doubleword without its low seven bits. */
const V_AVPN = V & ~0x7fn;

let table: HashTable;
let dropped: number;
let b: Bench;
const ok = (...returns: bigint[]) => ({ status: 0, returns });
const entry = (index: number): readonly [bigint, bigint] | undefined => {
  const found = table.sample(ENTRIES).find((each) => each.index === index);
  return found === undefined ? undefined : [found.v, found.r];
};

function world(shift = SHIFT): void {
  dropped = 0;
  table = new HashTable(shift, () => {
    dropped++;
  });
  b = bench(Object.assign(new FakeMachine(), { hashTable: table }));
}

beforeEach(() => world());

describe('H_ENTER', () => {
  it('the first free entry of the group, whichever of it was named; the ninth → full', () => {
    for (let i = 0; i < 8; i++) expect(b.hcall('H_ENTER', 0, 21, V, R)).toEqual(ok(BigInt(16 + i)));
    expect(b.hcall('H_ENTER', 0, 16, V, R)).toEqual(only(H.ptegFull));
    expect(table.valid).toBe(8);
    expect(entry(23)).toEqual([V, R]);
  });

  it('exact: that entry or none', () => {
    expect(b.hcall('H_ENTER', EXACT, 21, V, R)).toEqual(ok(21n));
    expect(b.hcall('H_ENTER', EXACT, 21, V, R)).toEqual(only(H.ptegFull));
  });

  it('bits that are the hypervisor’s → cleared; valid is set', () => {
    b.hcall('H_ENTER', EXACT, 0, (V & ~1n) | 0x60n, R);
    expect(entry(0)).toEqual([V, R]);
  });

  it('zero page: RAM is cleared, the rest of it is not', () => {
    b.machine.memory.fill(0x4000, 0x3000, 0xff);
    expect(b.hcall('H_ENTER', ZERO_PAGE, 0, V, R)).toEqual(ok(0n));
    expect(b.machine.memory.read(0x5000, 0x1000).every((byte) => byte === 0)).toBe(true);
    expect([b.machine.memory.readU8(0x4fff), b.machine.memory.readU8(0x6000)]).toEqual([0xff, 0xff]);
  });

  it.each([
    ['an index past the table', [0n, BigInt(ENTRIES), V, R]],
    ['an index of 64 bits', [0n, 1n << 63n, V, R]],
    ['segment size 2', [0n, 0n, (V & ~(3n << 62n)) | (2n << 62n), R]],
    ['segment size 3', [0n, 0n, V | (3n << 62n), R]],
    ['a page size that does not exist', [0n, 0n, V | 4n, R | 0xf000n]],
    ['RAM cache-inhibited', [0n, 0n, V, R | 0x20n]],
    ['RAM not coherent', [0n, 0n, V, R & ~0x10n]],
    ['RAM guarded', [0n, 0n, V, R | 8n]],
    ['no RAM and cached', [0n, 0n, V, (R & 0xfffn) | (1n << 40n)]],
    ['a page that ends outside RAM', [0n, 0n, V | 4n, 0x12n | 0x38000n]],
  ])('%s → H_Parameter, nothing entered', (_what, args) => {
    expect(b.hcall('H_ENTER', ...args)).toEqual(only(H.parameter));
    expect(table.valid).toBe(0);
  });

  it('no RAM, cache-inhibited → entered', () => {
    expect(b.hcall('H_ENTER', 0, 0, V, (1n << 41n) | 0x2an)).toEqual(ok(0n));
  });
});

describe('H_REMOVE', () => {
  beforeEach(() => void b.hcall('H_ENTER', EXACT, 9, V, R));

  it('the entry comes back and is gone', () => {
    expect(b.hcall('H_REMOVE', 0, 9)).toEqual(ok(V, R));
    expect(b.hcall('H_REMOVE', 0, 9)).toEqual(only(H.notFound));
    expect(table.valid).toBe(0);
  });

  it('by virtual page: only that one', () => {
    expect(b.hcall('H_REMOVE', AVPN, 9, V_AVPN ^ 0x80n)).toEqual(only(H.notFound));
    expect(b.hcall('H_REMOVE', AVPN, 9, V_AVPN)).toEqual(ok(V, R));
  });

  it('with a condition: not when one of its bits is set', () => {
    expect(b.hcall('H_REMOVE', ANDCOND, 9, 1)).toEqual(only(H.notFound));
    expect(b.hcall('H_REMOVE', ANDCOND, 9, 2)).toEqual(ok(V, R));
  });

  it('index outside → H_Parameter', () => {
    expect(b.hcall('H_REMOVE', 0, ENTRIES)).toEqual(only(H.parameter));
    expect(b.hcall('H_REMOVE', 0, -1)).toEqual(only(H.parameter));
  });

  it('translations made from it → dropped, once', () => {
    table.keep(9);
    b.hcall('H_REMOVE', 0, 9);
    b.hcall('H_ENTER', EXACT, 9, V, R);
    b.hcall('H_REMOVE', 0, 9);
    expect(dropped).toBe(1);
  });
});

describe('H_BULK_REMOVE', () => {
  const REQUEST = 1n << 62n;
  const END = 3n << 62n;
  const RESPONSE = 2n << 62n;
  const bulk = (...args: bigint[]) => {
    const answer = b.hcall('H_BULK_REMOVE', ...args);
    if (answer === 'none') throw new Error('it returns');
    return { status: answer.status, words: [0, 2, 4, 6].map((i) => answer.returns[i] as bigint) };
  };

  it('found, of another page, not there, end: each answered in its place, R and C with it', () => {
    b.hcall('H_ENTER', EXACT, 1, V, R | REFERENCE | CHANGE);
    b.hcall('H_ENTER', EXACT, 2, V, R | REFERENCE);
    const { status, words } = bulk(
      REQUEST | 1n,
      0n,
      REQUEST | (2n << 56n) | 2n,
      0n,
      REQUEST | 3n,
      0n,
      END,
      0n,
    );
    expect(status).toBe(0);
    expect(words).toEqual([
      RESPONSE | (3n << 58n) | 1n,
      RESPONSE | (1n << 60n) | (2n << 56n) | 2n,
      RESPONSE | (1n << 60n) | 3n,
      END,
    ]);
    expect(table.valid).toBe(1);
    const second = bulk(REQUEST | (2n << 56n) | 2n, V_AVPN, END, 0n);
    expect(second.words[0]).toBe(RESPONSE | (2n << 58n) | (2n << 56n) | 2n);
    expect(table.valid).toBe(0);
  });

  it('a bad index, both conditions or a bad type → H_Parameter; what came before is done, the rest is not', () => {
    for (const bad of [REQUEST | BigInt(ENTRIES), REQUEST | (3n << 56n) | 2n, 2n, RESPONSE | 2n]) {
      world();
      b.hcall('H_ENTER', EXACT, 1, V, R);
      b.hcall('H_ENTER', EXACT, 2, V, R);
      b.hcall('H_ENTER', EXACT, 3, V, R);
      const { status } = bulk(REQUEST | 1n, 0n, bad, 0n, REQUEST | 3n, 0n);
      expect(status).toBe(H.parameter);
      expect([1, 2, 3].map((i) => entry(i) !== undefined)).toEqual([false, true, true]);
    }
  });
});

describe('H_READ', () => {
  it('one entry, or the four around it', () => {
    b.hcall('H_ENTER', EXACT, 6, V, R);
    expect(b.hcall('H_READ', 0, 6)).toEqual(ok(V, R));
    expect(b.hcall('H_READ', READ_4, 5)).toEqual(ok(0n, 0n, 0n, 0n, V, R, 0n, 0n));
    expect(b.hcall('H_READ', READ_4, ENTRIES)).toEqual(only(H.parameter));
  });
});

describe('H_PROTECT', () => {
  it('protection, no-execute and key from the flags; all else stays', () => {
    b.hcall('H_ENTER', EXACT, 0, V, R | REFERENCE | CHANGE);
    // PP 101, N, key 11111.
    expect(b.hcall('H_PROTECT', 0x100n | 0x3000n | 0xe00n | 4n | 1n, 0)).toEqual(only(0));
    const before = R | REFERENCE | CHANGE;
    expect(entry(0)).toEqual([V, (before & ~7n) | (1n << 63n) | (3n << 60n) | 0xe00n | 4n | 1n]);
    expect(b.hcall('H_PROTECT', 2, 0)).toEqual(only(0));
    expect(entry(0)?.[1]).toBe((before & ~7n) | 2n);
  });

  it.each([
    ['outside', [0n, BigInt(ENTRIES)], H.parameter],
    ['not valid', [0n, 1n], H.notFound],
    ['of another page', [AVPN, 0n, V_AVPN ^ (1n << 30n)], H.notFound],
    ['of its page', [AVPN, 0n, V_AVPN], 0],
  ])('%s', (_what, args, status) => {
    b.hcall('H_ENTER', EXACT, 0, V, R);
    table.keep(0);
    expect(b.hcall('H_PROTECT', ...args)).toEqual(only(status));
    expect(dropped).toBe(status === 0 ? 1 : 0);
  });
});

describe.each([
  ['H_CLEAR_MOD', CHANGE],
  ['H_CLEAR_REF', REFERENCE],
] as const)('%s', (name, bit) => {
  it('the bit goes and the old doubleword is answered; translations are dropped', () => {
    const old = R | REFERENCE | CHANGE;
    b.hcall('H_ENTER', EXACT, 4, V, old);
    table.keep(4);
    expect(b.hcall(name, 0, 4)).toEqual(ok(old));
    expect(entry(4)).toEqual([V, old & ~bit]);
    expect(dropped).toBe(1);
    expect(b.hcall(name, 0, 5)).toEqual(only(H.notFound));
    expect(b.hcall(name, 0, ENTRIES)).toEqual(only(H.parameter));
  });
});

describe('H_CLEAR_HPT', () => {
  it('a large table: H_Continue until it is empty, whatever r4 holds; and again from its start', () => {
    for (let round = 0; round < 2; round++) {
      world(23);
      const last = table.entries - 1;
      b.hcall('H_ENTER', EXACT, 0, V, R);
      b.hcall('H_ENTER', EXACT, last, V, R);
      const statuses = Array.from({ length: 8 }, () => {
        const answer = b.hcall('H_CLEAR_HPT', -1);
        return answer === 'none' ? answer : answer.status;
      });
      expect(statuses).toEqual([...new Array<number>(7).fill(H.continue), 0]);
      expect(table.valid).toBe(0);
      expect(b.machine.log).toEqual(new Array<string>(8).fill('flush'));
    }
  });
});

describe('H_RESIZE_HPT_PREPARE and _COMMIT', () => {
  const drawn = fc.record({
    bits: fc.constantFrom(28 as const, 40 as const),
    size: fc.constantFrom([0n, 12] as const, [0n, 16] as const, [0x110n, 16] as const),
    ea: fc.bigInt({ min: 0n, max: (1n << 40n) - 1n }),
    vsid: fc.bigInt({ min: 0n, max: (1n << 38n) - 1n }),
    secondary: fc.boolean(),
    slot: fc.nat(7),
  });

  it.each([
    [18, 19],
    [19, 18],
  ])(
    'from 2^%i bytes to 2^%i: a bolted page is found where its address says, others are gone',
    (from, to) => {
      fc.assert(
        fc.property(drawn, ({ bits, size: [flags, shift], ea, vsid, secondary, slot }) => {
          world(from);
          const segment: Segment = { ea, bits, vsid, flags };
          const page = { ea, raddr: 0x1_0000n, shift };
          const [v, r] = pageEntry(segment, page);
          const hash = secondary ? ~pageHash(segment, page) : pageHash(segment, page);
          const bolted = v | BOLTED | (secondary ? 2n : 0n);
          const place = (): number => Number(hash & BigInt(table.groupMask)) * GROUP + slot;
          b.hcall('H_ENTER', EXACT, place(), bolted, r);
          b.hcall('H_ENTER', EXACT, place() ^ 1, v, r);
          expect(b.hcall('H_RESIZE_HPT_PREPARE', 0, to)).toEqual(only(0));
          expect(b.hcall('H_RESIZE_HPT_COMMIT', 0, to)).toEqual(only(0));
          expect(table.shift).toBe(to);
          expect(table.sample(10)).toEqual([{ index: place(), v: bolted, r }]);
          expect(table.valid).toBe(1);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('two bolted entries for one place → H_PTEG_Full, the old table stays', () => {
    world(19);
    const groups = 2 ** 11;
    for (const group of [5, 5 + groups]) {
      const ea = BigInt(group ^ Number(SEGMENT.vsid & 0xfffn)) << 12n;
      const [v, r] = pageEntry(SEGMENT, { ea, raddr: 0n, shift: 12 });
      b.hcall('H_ENTER', EXACT, group * GROUP, v | BOLTED, r);
    }
    expect(b.hcall('H_RESIZE_HPT_PREPARE', 0, 18)).toEqual(only(0));
    expect(b.hcall('H_RESIZE_HPT_COMMIT', 0, 18)).toEqual(only(H.ptegFull));
    expect([table.shift, table.valid]).toEqual([19, 2]);
    expect(b.hcall('H_RESIZE_HPT_COMMIT', 0, 18)).toEqual(only(H.closed));
  });

  it.each<[string, HcallName, readonly number[], number]>([
    ['flags', 'H_RESIZE_HPT_PREPARE', [1, 18], H.parameter],
    ['too small', 'H_RESIZE_HPT_PREPARE', [0, 17], H.parameter],
    ['beyond the architecture', 'H_RESIZE_HPT_PREPARE', [0, 47], H.parameter],
    ['beyond what the memory deserves', 'H_RESIZE_HPT_PREPARE', [0, 20], H.resource],
    ['giving up', 'H_RESIZE_HPT_PREPARE', [0, 0], 0],
    ['flags', 'H_RESIZE_HPT_COMMIT', [1, 18], H.parameter],
    ['nothing prepared', 'H_RESIZE_HPT_COMMIT', [0, 18], H.closed],
  ])('%s: %s', (_what, name, args, status) => {
    expect(RAM).toBe(b.machine.memory.ranges[0]?.size);
    expect(b.hcall(name, ...args)).toEqual(only(status));
  });

  it('another size than was prepared → closed; given up → closed', () => {
    b.hcall('H_RESIZE_HPT_PREPARE', 0, 19);
    expect(b.hcall('H_RESIZE_HPT_COMMIT', 0, 18)).toEqual(only(H.closed));
    b.hcall('H_RESIZE_HPT_PREPARE', 0, 0);
    expect(b.hcall('H_RESIZE_HPT_COMMIT', 0, 19)).toEqual(only(H.closed));
  });
});

describe('H_REGISTER_PROCESS_TABLE of a hash partition', () => {
  it.each([
    ['nothing registered, hash', [0, 0, 0, 0], 0],
    ['radix', [0x1c, 0x10000, 0, 4], H.parameter],
    ['keeping, radix', [4, 0, 0, 0], H.parameter],
    ['segment tables', [0x1a, 0, 0, 4], H.parameter],
    ['a table of the hash form', [0x18, 0x10000, 5, 4], 0],
    ['its segment too large', [0x18, 2 ** 38, 5, 4], H.p2],
    ['its page size', [0x18, 0, 8, 4], H.p3],
    ['its size', [0x18, 0, 5, 25], H.p4],
    ['none any more', [0x10, 0, 0, 0], 0],
  ])('%s → %s', (_what, args, status) => {
    expect(b.hcall('H_REGISTER_PROCESS_TABLE', ...args)).toEqual(only(status));
  });
});

describe('hostile arguments', () => {
  const CALLS: readonly HcallName[] = [
    'H_ENTER',
    'H_REMOVE',
    'H_BULK_REMOVE',
    'H_READ',
    'H_PROTECT',
    'H_CLEAR_MOD',
    'H_CLEAR_REF',
    'H_CLEAR_HPT',
    'H_RESIZE_HPT_PREPARE',
    'H_RESIZE_HPT_COMMIT',
  ];
  const word = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.bigInt({ min: 0n, max: BigInt(ENTRIES + 2) }),
    fc.constantFrom(V, R, V_AVPN, EXACT, AVPN, ANDCOND, ZERO_PAGE, 1n << 62n, 3n << 62n),
  );

  it('any calls in any order → an answer, and as many valid entries as are counted', () => {
    const call = fc.tuple(fc.constantFrom(...CALLS), fc.array(word, { minLength: 0, maxLength: 9 }));
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        world();
        for (const [name, args] of calls) expect(b.hcall(name, ...args)).not.toBe('none');
        expect(table.sample(Number.POSITIVE_INFINITY)).toHaveLength(table.valid);
        expect(b.machine.reports).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('a radix partition → H_Function for all of them', () => {
    const radix = bench();
    for (const name of CALLS) expect(radix.hcall(name)).toEqual(only(H.function));
  });
});
