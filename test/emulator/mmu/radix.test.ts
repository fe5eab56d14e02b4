/**
 * The radix walk on trees built here: every page size, every permission, and trees that a hostile or broken guest may
 * make. Power ISA 3.0B, Book III, §5.7.10–5.7.12; the shape of the tree is Linux's (52 bits: 13, 9, 9, and 9 or 5).
 */

import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Arena } from '../../../src/emulator/memory/arena.ts';
import { Ram } from '../../../src/emulator/memory/ram.ts';
import {
  type Access,
  DSISR_BAD_TREE,
  DSISR_KEY,
  DSISR_NO_TRANSLATION,
  DSISR_PROTECTION,
  DSISR_STORE,
  SRR1_NO_EXECUTE,
  type Translation,
} from '../../../src/emulator/mmu/contract.ts';
import { type RadixContext, RadixMmu } from '../../../src/emulator/mmu/radix.ts';

const RAM_BYTES = 8 * 1024 * 1024;
const PROCESS_TABLE = 0x10000;
const VALID = 1n << 63n;
const LEAF = 1n << 62n;
const PRIVILEGED = 8n;
const READ = 4n;
const WRITE = 2n;
const EXECUTE = 1n;
const REFERENCE = 0x100n;
const CHANGE = 0x80n;
/** Widths of the levels below the root, by bits that the last one leaves for the page. */
const WIDTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [12, [13, 9, 9, 9]],
  [16, [13, 9, 9, 5]],
  [21, [13, 9, 9]],
  [30, [13, 9]],
]);

/** A tree in RAM, made page by page. */
class Tree {
  readonly ram: Ram;
  readonly root: number;
  #next: number;

  constructor(ram: Ram, base: number) {
    this.ram = ram;
    this.root = base;
    this.#next = base + 0x10000;
  }

  /** Maps the page at `ea`; `permissions` are the low bits of the entry. @returns where the leaf entry is. */
  map(ea: bigint, pageBits: number, frame: bigint, permissions: bigint): number {
    const widths = WIDTHS.get(pageBits) as readonly number[];
    let table = this.root;
    let left = 52;
    for (const [level, width] of widths.entries()) {
      left -= width;
      const at = table + Number((ea >> BigInt(left)) & ((1n << BigInt(width)) - 1n)) * 8;
      if (level === widths.length - 1) {
        this.ram.writeU64(at, VALID | LEAF | frame | permissions, false);
        return at;
      }
      const entry = this.ram.readU64(at, false);
      if ((entry & VALID) === 0n) {
        const below = BigInt(widths[level + 1] as number);
        this.ram.writeU64(at, VALID | BigInt(this.#next) | below, false);
        table = this.#next;
        this.#next += 0x1000;
      } else table = Number(entry & 0x0fff_ffff_ffff_ff00n);
    }
    throw new Error('unreachable');
  }
}

let arena: Arena;
let ram: Ram;
let mmu: RadixMmu;

/** Registers a tree for a process: root size 13 bits, 52 bits translated (RTS = 21). */
function setProcess(pid: number, root: number, rootBits = 13n, rts = 21n): void {
  const entry = ((rts >> 3n) << 61n) | ((rts & 7n) << 5n) | BigInt(root) | rootBits;
  ram.writeU64(PROCESS_TABLE + pid * 16, entry, false);
}

const CONTEXT: RadixContext = {
  problemState: false,
  pid: 1,
  amrRead: false,
  amrWrite: false,
  iamrExecute: false,
};

function translate(ea: bigint, access: Access, context: Partial<RadixContext> = {}): Translation {
  const out: Translation = { raddr: -1, fault: 0, segment: false, userPage: false };
  mmu.translate(
    Number(BigInt.asIntN(32, ea)),
    Number(BigInt.asIntN(32, ea >> 32n)),
    access,
    { ...CONTEXT, ...context },
    out,
  );
  return out;
}

beforeEach(() => {
  arena = new Arena(RAM_BYTES + 0x100000);
  ram = new Ram(arena, [{ base: 0, size: RAM_BYTES }]);
  mmu = new RadixMmu(arena, ram, () => []);
  mmu.setProcessTable(PROCESS_TABLE, 0x10000);
});

describe('RadixMmu', () => {
  it('any pages of any size → frame and offset', () => {
    const page = fc.record({
      number: fc.bigInt({ min: 0n, max: 63n }),
      bits: fc.constantFrom(12, 16, 21, 30),
      frame: fc.bigInt({ min: 0n, max: (1n << 21n) - 1n }),
      offset: fc.bigInt({ min: 0n, max: (1n << 30n) - 1n }),
    });
    fc.assert(
      fc.property(page, ({ number, bits, frame, offset }) => {
        ram.clear();
        const tree = new Tree(ram, 0x100000);
        setProcess(1, tree.root);
        const size = 1n << BigInt(bits);
        // Top bits of the 52 as well, and the page's own.
        const base = ((number << 46n) | (number << 31n)) & ~(size - 1n) & ((1n << 52n) - 1n);
        const real = (frame << 30n) & ~(size - 1n);
        tree.map(base, bits, real, READ | PRIVILEGED);
        const within = offset & (size - 1n);
        expect(translate(base + within, 'read')).toMatchObject({
          raddr: Number(real + within),
          fault: 0,
          segment: false,
          userPage: false,
        });
        expect(translate(base ^ size, 'read').fault).not.toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('quadrants: 0 uses the process, 3 process 0, 1 and 2 → a segment interrupt; bits beyond 52 too', () => {
    const user = new Tree(ram, 0x100000);
    const kernel = new Tree(ram, 0x200000);
    setProcess(1, user.root);
    setProcess(0, kernel.root);
    user.map(0x3000n, 12, 0x5000n, READ);
    kernel.map(0x3000n, 12, 0x6000n, READ | PRIVILEGED);
    expect(translate(0x3010n, 'read')).toMatchObject({ raddr: 0x5010, userPage: true });
    expect(translate(0xc000000000003010n, 'read')).toMatchObject({ raddr: 0x6010, userPage: false });
    expect(translate(0x4000000000003010n, 'read')).toMatchObject({ segment: true });
    expect(translate(0x8000000000003010n, 'read')).toMatchObject({ segment: true });
    expect(translate(0x0010000000003010n, 'read')).toMatchObject({ segment: true });
  });

  it('permissions: every combination → the fault that the architecture names', () => {
    const tree = new Tree(ram, 0x100000);
    setProcess(1, tree.root);
    for (let eaa = 0n; eaa < 16n; eaa++) {
      tree.map(0x3000n, 12, 0x5000n, eaa);
      for (const problemState of [false, true]) {
        const barred = problemState && (eaa & PRIVILEGED) !== 0n;
        const fault = (access: Access): number => translate(0x3000n, access, { problemState }).fault;
        expect(fault('read')).toBe(!barred && (eaa & (READ | WRITE)) !== 0n ? 0 : DSISR_PROTECTION);
        expect(fault('write')).toBe(!barred && (eaa & WRITE) !== 0n ? 0 : DSISR_PROTECTION | DSISR_STORE);
        const executes = fault('execute');
        if (!barred && (eaa & EXECUTE) !== 0n) expect(executes).toBe(0);
        else expect(executes & (SRR1_NO_EXECUTE | DSISR_PROTECTION)).not.toBe(0);
      }
    }
  });

  it('keys: user pages under AMR and IAMR in privileged state → a key fault; in problem state and for privileged pages → none', () => {
    const tree = new Tree(ram, 0x100000);
    setProcess(1, tree.root);
    tree.map(0x3000n, 12, 0x5000n, READ | WRITE | EXECUTE);
    tree.map(0x4000n, 12, 0x6000n, READ | WRITE | EXECUTE | PRIVILEGED);
    const all = { amrRead: true, amrWrite: true, iamrExecute: true };
    expect(translate(0x3000n, 'read', all).fault).toBe(DSISR_KEY);
    expect(translate(0x3000n, 'write', all).fault).toBe(DSISR_KEY | DSISR_STORE);
    expect(translate(0x3000n, 'execute', all).fault).toBe(DSISR_KEY);
    expect(translate(0x3000n, 'read', { ...all, problemState: true }).fault).toBe(0);
    expect(translate(0x4000n, 'write', all).fault).toBe(0);
    expect(translate(0x3000n, 'write', { amrRead: true }).fault).toBe(0);
  });

  it('reference and change: set by what succeeds, by a store alone for change; a fault sets nothing', () => {
    const tree = new Tree(ram, 0x100000);
    setProcess(1, tree.root);
    const at = tree.map(0x3000n, 12, 0x5000n, READ);
    const bits = (): bigint => ram.readU64(at, false) & (REFERENCE | CHANGE);
    translate(0x3000n, 'write');
    expect(bits()).toBe(0n);
    translate(0x3000n, 'read');
    expect(bits()).toBe(REFERENCE);
    ram.writeU64(at, ram.readU64(at, false) | WRITE, false);
    const told: number[] = [];
    ram.observeWrites((_page, offset) => told.push(offset));
    ram.mark(ram.locate(at) & ~0xfff, 1);
    translate(0x3000n, 'write');
    expect(bits()).toBe(REFERENCE | CHANGE);
    expect(told).toEqual([(at & 0xfff) + 6]);
    translate(0x3000n, 'write');
    expect(told).toHaveLength(1);
  });

  it('no process table, a process beyond it, an entry outside of RAM, another RTS → an unsupported tree', () => {
    setProcess(1, 0x100000);
    expect(translate(0n, 'read', { pid: 0x1000 }).fault).toBe(DSISR_BAD_TREE);
    mmu.setProcessTable(RAM_BYTES, 0x10000);
    expect(translate(0n, 'read').fault).toBe(DSISR_BAD_TREE);
    mmu.setProcessTable(0, 0);
    expect(translate(0n, 'read').fault).toBe(DSISR_BAD_TREE);
    mmu.setProcessTable(PROCESS_TABLE, 0x10000);
    setProcess(1, 0x100000, 13n, 20n);
    expect(translate(0n, 'read').fault).toBe(DSISR_BAD_TREE);
  });

  it('an entry that is not valid → no translation', () => {
    setProcess(1, 0x100000);
    expect(translate(0x1234n, 'read').fault).toBe(DSISR_NO_TRANSLATION);
    expect(translate(0x1234n, 'execute').fault).toBe(DSISR_NO_TRANSLATION);
  });

  it('a table that leads to itself, one of no size, one of more bits than are left, one outside of RAM → an unsupported tree, at once', () => {
    setProcess(1, 0x100000);
    const first = (entry: bigint): number => {
      ram.writeU64(0x100000, entry, false);
      return translate(0n, 'read').fault;
    };
    expect(first(VALID | 0x100000n | 9n)).toBe(DSISR_BAD_TREE);
    expect(first(VALID | 0x200000n)).toBe(DSISR_BAD_TREE);
    expect(first(VALID | 0x200000n | 31n)).toBe(DSISR_BAD_TREE);
    expect(first(VALID | BigInt(RAM_BYTES) | 9n)).toBe(DSISR_BAD_TREE);
    expect(first(VALID | 0x0fff_ffff_ffff_0000n | 9n)).toBe(DSISR_BAD_TREE);
    setProcess(1, 0x100000, 0n);
    expect(translate(0n, 'read').fault).toBe(DSISR_BAD_TREE);
  });

  it('random tables: any address → a fault or a real address below 2^57, never an exception or an endless walk', () => {
    const entry = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      // Valid entries that point around in RAM.
      fc
        .tuple(fc.bigInt({ min: 0n, max: 0x7fn }), fc.bigInt({ min: 0n, max: 31n }), fc.boolean())
        .map(([page, width, leaf]) => VALID | (leaf ? LEAF | 7n : 0n) | (page << 16n) | width),
    );
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 8, maxLength: 64 }),
        fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }),
        fc.constantFrom<Access>('read', 'write', 'execute'),
        fc.bigInt({ min: 0n, max: 31n }),
        (entries, ea, access, rootBits) => {
          setProcess(1, 0x100000, rootBits);
          for (let page = 0; page < 0x80; page++) {
            for (let i = 0; i < 16; i++)
              ram.writeU64(
                page * 0x10000 + 0x8000 + i * 8,
                entries[(page + i) % entries.length] as bigint,
                false,
              );
          }
          for (let i = 0; i < 512; i++)
            ram.writeU64(0x100000 + i * 8, entries[i % entries.length] as bigint, false);
          const out = translate(ea, access);
          if (out.fault === 0) {
            expect(out.raddr).toBeGreaterThanOrEqual(0);
            expect(out.raddr).toBeLessThan(2 ** 57);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
