/** Bare programs: how they start, how they end, and that the limit is exact. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../src/base/errors.ts';
import { hex64 } from '../../src/base/hex.ts';
import { type RawOptions, type RawResult, runRaw } from '../../src/cli/emulate-raw.ts';

const ATTN = 0x200;
const LI_R3_1 = 0x38600001;
const NOP = 0x60000000;
const TRAP = 0x7fe00008;
const SC = 0x44000002;
const ZERO = hex64(0);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-raw-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program of words, placed by byte offset. */
function run(
  words: Readonly<Record<number, readonly number[]>>,
  options: Partial<RawOptions> = {},
): RawResult {
  const little = options.endian === 'little';
  const end = Math.max(...Object.entries(words).map(([at, list]) => Number(at) + 4 * list.length));
  const bytes = new DataView(new ArrayBuffer(end));
  for (const [at, list] of Object.entries(words))
    for (const [i, word] of list.entries()) bytes.setUint32(Number(at) + 4 * i, word, little);
  const file = join(folder, 'program');
  writeFileSync(file, new Uint8Array(bytes.buffer));
  return runRaw({ file, ...options });
}

describe('runRaw', () => {
  it('attn → exit 0, not counted; everything else 0, MSR = SF', () => {
    const { registers, exitCode } = run({ 0: [LI_R3_1, NOP, ATTN] });
    expect(exitCode).toBe(0);
    expect(registers).toMatchObject({ stop: 'attn', instructions: 2, nia: hex64(8), msr: hex64(1n << 63n) });
    expect(registers).toMatchObject({ cr: ZERO, lr: ZERO, ctr: ZERO, xer: ZERO });
    expect(registers.gpr).toEqual(Array.from({ length: 32 }, (_, n) => hex64(n === 3 ? 1 : 0)));
  });

  it('little-endian → MSR = SF and LE; an interrupt keeps the byte order', () => {
    const { registers } = run({ 0: [TRAP], 1792: [LI_R3_1, ATTN] }, { endian: 'little' });
    expect(registers).toMatchObject({
      stop: 'attn',
      msr: '0x8000000000000001',
      nia: hex64(0x704),
      instructions: 1,
    });
  });

  it('load-at and entry → there', () => {
    const { registers } = run({ 0: [ATTN, LI_R3_1, ATTN] }, { loadAt: 0x10000, entry: 0x10004 });
    expect(registers).toMatchObject({ stop: 'attn', nia: hex64(0x10008), instructions: 1 });
    expect(run({ 0: [NOP, ATTN] }, { loadAt: 0x20000 }).registers.nia).toBe(hex64(0x20004));
  });

  it('a system call without a hypervisor → its low vector', () => {
    expect(run({ 0: [0x44000022], 3072: [ATTN] }).registers).toMatchObject({
      stop: 'attn',
      nia: hex64(0xc00),
    });
    expect(run({ 0: [SC], 3072: [ATTN] }).registers).toMatchObject({ stop: 'attn', instructions: 1 });
  });

  it('illegal words at the vector of illegal words → an error, exit 4', () => {
    const reported: string[] = [];
    const { registers, exitCode } = run(
      { 0: [NOP, 0] },
      { unsupported: (what) => reported.push(`${what.key} ${what.where}`) },
    );
    expect([registers.stop, exitCode]).toEqual(['error', 4]);
    expect(reported[0]).toContain(hex64(4));
  });

  it('an address outside of memory → a machine check', () => {
    // ld r3,0(r4) with r4 = 1 GiB
    expect(run({ 0: [0x3c804000, 0xe8640000], 512: [ATTN] }).registers).toMatchObject({
      stop: 'attn',
      nia: hex64(0x200),
      instructions: 1,
    });
  });

  it('limit: any number of instructions of a program with branches, stores and calls → exactly so many, exit 3', () => {
    // 1: addi r3; stw r3,0x400(0); bl f; addi r4; b 1; f: addi r5; cmpwi r5,0; beq; blr
    const program = {
      0: [
        0x38630001, 0x90600400, 0x4800000d, 0x38840001, 0x4bfffff0, 0x38a50001, 0x2c050000, 0x41820004,
        0x4e800020,
      ],
    };
    for (let limit = 0; limit <= 45; limit++) {
      const { registers, exitCode } = run(program, { maxInstructions: limit });
      expect([exitCode, registers.stop, registers.instructions]).toEqual([3, 'limit', limit]);
      const [turns, rest] = [Math.floor(limit / 9), limit % 9];
      expect(registers.gpr[3]).toBe(hex64(turns + (rest >= 1 ? 1 : 0)));
      expect(registers.gpr[5]).toBe(hex64(turns + (rest >= 4 ? 1 : 0)));
      expect(registers.gpr[4]).toBe(hex64(turns + (rest >= 8 ? 1 : 0)));
    }
    const far = run(program, { maxInstructions: 3_000_007 }).registers;
    expect(far.instructions).toBe(3_000_007);
    expect(far.gpr[3]).toBe(hex64(Math.floor(3_000_007 / 9) + 1));
  });

  it('limit on an interrupt and across pages → exact', () => {
    const straight = { 0: Array.from({ length: 3000 }, () => 0x38630001) };
    for (const limit of [1022, 1023, 1024, 1025, 2048, 2999]) {
      expect(run(straight, { maxInstructions: limit }).registers).toMatchObject({
        instructions: limit,
        nia: hex64(limit * 4),
      });
    }
    // The trap itself is not executed: it raises an interrupt.
    expect(run({ 0: [NOP, TRAP], 1792: [NOP, NOP, ATTN] }, { maxInstructions: 2 }).registers).toMatchObject({
      instructions: 2,
      nia: hex64(0x704),
    });
  });

  it('the same program twice → the same registers, darn and the timebase too', () => {
    const program = { 0: [0x7c6105e6, 0x7c8c42e6, ATTN] };
    expect(run(program)).toEqual(run(program));
    expect(run(program, { seed: 1 }).registers.gpr[3]).not.toBe(run(program, { seed: 2 }).registers.gpr[3]);
  });

  it('no file, no room, an odd entry, no memory → FormatError', () => {
    expect(() => runRaw({ file: join(folder, 'missing') })).toThrow(FormatError);
    expect(() => run({ 0: [ATTN] }, { memory: 0x10000, loadAt: 0x10000 })).toThrow(FormatError);
    expect(() => run({ 0: [ATTN] }, { entry: 2 })).toThrow(FormatError);
    expect(() => run({ 0: [ATTN] }, { memory: 0 })).toThrow(FormatError);
    expect(() => run({ 0: [ATTN] }, { memory: 2 ** 40 })).toThrow(FormatError);
  });
});
