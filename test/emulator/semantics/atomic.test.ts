/**
 * What atomic memory operations, copy and paste. raise: Power ISA 3.0B, Book II §4.4 and §4.5. Their results are in
 * test/guest/atomic.s.
 */

import { describe, expect, it } from 'vitest';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { ATTN, xForm } from '../../synth/power-words.ts';

const START = 0x2000;
const MEMORY = 0x8000n;

const COPY = xForm(1, 0, 4, 774); // copy 0,r4
const PASTE = xForm(1, 0, 4, 902, 1);
const CPABORT = xForm(0, 0, 0, 838);

/** Runs the words with r4 = the memory's address plus an offset; attn stands at each vector. */
function run(words: readonly number[], offset = 0n): BareMachine {
  const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
  const { ram, vcpu } = machine;
  for (let vector = 0x100; vector < 0x1000; vector += 0x20) ram.writeU32(vector, ATTN, false);
  for (const [i, word] of [...words, ATTN].entries()) ram.writeU32(START + 4 * i, word, false);
  ram.write(Number(MEMORY), new Uint8Array(512).fill(0x5a));
  vcpu.nia = BigInt(START);
  vcpu.setGpr(4, MEMORY + offset);
  vcpu.cr = 0xffffffff;
  expect(machine.run(100)).toBe('attn');
  return machine;
}
const memory = ({ ram }: BareMachine): string => Buffer.from(ram.read(Number(MEMORY), 512)).toString('hex');

describe('atomic memory operations', () => {
  it.each([
    ['lwat', xForm(5, 4, 9, 582), 0x4n],
    ['ldat', xForm(5, 4, 27, 614), 0x4n],
    ['stwat', xForm(5, 4, 8, 710), 0x02000004n],
    ['stdat', xForm(5, 4, 16, 742), 0x02000004n],
  ])('%s with a function that does not exist → data storage interrupt, nothing changed', (_, word, dsisr) => {
    const machine = run([word]);
    const { vcpu } = machine;
    expect([vcpu.nia, vcpu.spr(SPR.DSISR), vcpu.spr(SPR.DAR), vcpu.spr(SPR.SRR0)]).toEqual([
      0x300n,
      dsisr,
      MEMORY,
      BigInt(START),
    ]);
    expect(memory(machine)).toBe('5a'.repeat(512));
    expect(vcpu.gpr(5)).toBe(0n);
  });
});

describe('copy and paste.', () => {
  it('paste. without copy → CR0 says that nothing was moved', () => {
    const { vcpu } = run([PASTE]);
    expect(vcpu.nia).toBe(BigInt(START + 4));
    expect(vcpu.cr).toBe(0x0fffffff);
  });

  it('copy, then paste. to memory that is no accelerator → data storage interrupt, nothing changed', () => {
    const machine = run([COPY, PASTE], 128n);
    const { vcpu } = machine;
    expect([vcpu.nia, vcpu.spr(SPR.DSISR), vcpu.spr(SPR.DAR), vcpu.spr(SPR.SRR0)]).toEqual([
      0x300n,
      0x02000008n,
      MEMORY + 128n,
      BigInt(START + 4),
    ]);
    expect(memory(machine)).toBe('5a'.repeat(512));
  });

  it('copy, cpabort, paste. → as without copy', () => {
    const { vcpu } = run([COPY, CPABORT, PASTE]);
    expect([vcpu.nia, vcpu.cr]).toEqual([BigInt(START + 12), 0x0fffffff]);
  });

  it('copy from an address that is no multiple of 128 → alignment interrupt', () => {
    const { vcpu } = run([COPY], 64n);
    expect([vcpu.nia, vcpu.spr(SPR.DAR)]).toEqual([0x600n, MEMORY + 64n]);
  });
});
