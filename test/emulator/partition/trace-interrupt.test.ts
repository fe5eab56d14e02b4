/** MSR[SE], MSR[BE] and CIABR: Power ISA 3.0B, Book III §6.5.15. */

import { describe, expect, it } from 'vitest';
import { MSR } from '../../../src/base/power.ts';
import type { InterruptEvent, MachineEvent } from '../../../src/emulator/contract/index.ts';
import { SPR } from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { HYPERCALL_NS } from '../../../src/emulator/platform/contract/cost.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, bc, dForm, li, lis, mfspr, mtspr, NOP, RFID, SC1, xForm } from '../../synth/power-words.ts';

const START = 0x2000;
const LOG = 0x10000;
const DATA = 0x8000;
/** What the handler writes for each trace interrupt: SRR0, SRR1, SIAR, SDAR. */
const REGISTERS = [SPR.SRR0, SPR.SRR1, SPR.SIAR, SPR.SDAR] as const;
const TRACED = 0x40000000n;
const LOAD = 0x10000000n;
const STORE = 0x08000000n;

/** At 0xd00: r31 points to the log. It returns with SRR1 unchanged, so tracing continues. */
const HANDLER = [
  ...REGISTERS.flatMap((spr, i) => [mfspr(30, spr), dForm(62, 30, 31, 8 * i)]),
  dForm(14, 31, 31, 8 * REGISTERS.length),
  RFID,
];

type Entry = { readonly next: number; readonly why: bigint; readonly at: number; readonly operand: bigint };

/** Runs words under MSR bits, the words counted from 0. */
function traced(
  words: readonly number[],
  bits: bigint,
  limit = 1000,
): { log: Entry[]; machine: BareMachine } {
  const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
  const { ram, vcpu } = machine;
  for (let vector = 0x100; vector < 0x1000; vector += 0x20) ram.writeU32(vector, ATTN, false);
  for (const [i, word] of HANDLER.entries()) ram.writeU32(0xd00 + 4 * i, word, false);
  for (const [i, word] of [...words, ATTN].entries()) ram.writeU32(START + 4 * i, word, false);
  vcpu.setGpr(31, BigInt(LOG));
  vcpu.setGpr(4, BigInt(DATA));
  vcpu.nia = BigInt(START);
  vcpu.msr |= bits;
  expect(machine.run(limit)).toBe('attn');
  const entries = (Number(vcpu.gpr(31)) - LOG) / 32;
  const word = (address: bigint): number => (Number(address) - START) / 4;
  const log = Array.from({ length: entries }, (_, i) => {
    const [srr0, srr1, siar, sdar] = REGISTERS.map((__, n) => ram.readU64(LOG + 32 * i + 8 * n, false));
    return {
      next: word(srr0 as bigint),
      why: (srr1 as bigint) & 0x783f0000n,
      at: word(siar as bigint),
      operand: sdar as bigint,
    };
  });
  return { log, machine };
}

/** The plans here ask for interrupts alone. */
function interruptsOf(events: readonly MachineEvent[]): readonly InterruptEvent[] {
  const found = events.filter((event) => event.kind === 'interrupt');
  expect(found).toHaveLength(events.length);
  return found;
}

describe('MSR[SE]', () => {
  it('each instruction → a trace interrupt after it, with its kind and its operand', () => {
    const words = [NOP, dForm(32, 5, 4, 8), dForm(37, 5, 4, 16), b(8), NOP, xForm(0, 0, 4, 1014)];
    expect(traced(words, MSR.SE).log).toEqual([
      { next: 1, why: TRACED, at: 0, operand: 0n },
      { next: 2, why: TRACED | LOAD, at: 1, operand: BigInt(DATA + 8) },
      { next: 3, why: TRACED | STORE, at: 2, operand: BigInt(DATA + 16) },
      { next: 5, why: TRACED, at: 3, operand: BigInt(DATA + 16) },
      { next: 6, why: TRACED | STORE, at: 5, operand: BigInt(DATA + 16) },
    ]);
  });

  it('SRR1 → MSR with SE; the handler runs without', () => {
    const { machine } = traced([NOP], MSR.SE);
    expect(machine.ram.readU64(LOG + 8, false)).toBe(MSR.SF | MSR.SE | TRACED);
    expect(machine.instructions).toBe(1 + HANDLER.length);
  });

  it('the last instruction of a page → one interrupt', () => {
    const words = [b(0x1000 - 4), ...new Array(1022).fill(NOP), NOP, NOP];
    expect(traced(words, MSR.SE).log).toMatchObject([
      { at: 0, next: 1023 },
      { at: 1023, next: 1024 },
      { at: 1024, next: 1025 },
    ]);
  });

  it('rfid into traced code, an instruction, and tracing ended by its handler: as a kprobe steps', () => {
    const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
    const { ram, vcpu } = machine;
    for (const [i, word] of [li(5, 1), li(6, 2), li(7, 3), ATTN].entries())
      ram.writeU32(START + 4 * i, word, false);
    // mfspr r8,SRR1; clear SE (rlwinm r8,r8,0,22,20); back.
    for (const [i, word] of [mfspr(8, SPR.SRR1), 0x550805a8, mtspr(SPR.SRR1, 8), RFID].entries())
      ram.writeU32(0xd00 + 4 * i, word, false);
    ram.writeU32(0x3000, RFID, false);
    vcpu.nia = 0x3000n;
    vcpu.setSpr(SPR.SRR0, BigInt(START));
    vcpu.setSpr(SPR.SRR1, vcpu.msr | MSR.SE);
    expect(machine.run(100)).toBe('attn');
    // rfid, li, the handler's four, li, li.
    expect(machine.instructions).toBe(8);
    expect([5, 6, 7].map((n) => vcpu.gpr(n))).toEqual([1n, 2n, 3n]);
  });

  it('an instruction that raises an interrupt, and sc → that interrupt alone', () => {
    // twi 31,r0,0 goes to 0x700, where attn stands.
    const trap = traced([NOP, 0x0fe00000], MSR.SE);
    expect([trap.log.length, trap.machine.vcpu.nia]).toEqual([1, 0x700n]);
    const call = traced([NOP, 0x44000002], MSR.SE);
    expect([call.log.length, call.machine.vcpu.nia]).toEqual([1, 0xc00n]);
  });

  it('an interrupt that waits → taken before the next traced instruction', () => {
    const machine = new BareMachine({ memory: 0x20000, endian: 'big', processorVersion: 0x4e1200 });
    const { ram, vcpu } = machine;
    ram.writeU32(0x900, ATTN, false);
    vcpu.nia = BigInt(START);
    ram.writeU32(START, NOP, false);
    vcpu.decrementerExpiry = 0;
    vcpu.msr |= MSR.SE | MSR.EE;
    expect(machine.run(100)).toBe('attn');
    expect([vcpu.nia, vcpu.spr(SPR.SRR0), machine.instructions]).toEqual([0x900n, BigInt(START), 0]);
  });
});

describe('MSR[BE]', () => {
  it('branches, taken or not → a trace interrupt; other instructions → none', () => {
    const words = [NOP, bc(12, 2, 8), NOP, b(8), NOP, NOP];
    expect(traced(words, MSR.BE).log).toMatchObject([
      { at: 1, next: 2 },
      { at: 3, next: 5 },
    ]);
  });
});

describe('in a partition', () => {
  it('mtmsrd sets SE → traced from the next instruction on, each event with its count', () => {
    const words = [
      lis(31, 1),
      xForm(10, 0, 0, 83), // mfmsr r10
      dForm(24, 10, 10, Number(MSR.SE)), // ori
      xForm(10, 0, 0, 178), // mtmsrd r10
      NOP,
      NOP,
      ATTN,
    ];
    const { partition, events } = bareKernel(words, { vectors: [0xd00] });
    for (const [i, word] of HANDLER.entries()) partition.ram.writeU32(0xd00 + 4 * i, word, false);
    expect(partition.run(1000)).toBe('ended');
    expect(interruptsOf(events).map(({ insn, regs }) => [insn, Number(regs.srr0) - KERNEL_ENTRY])).toEqual([
      [5, 20],
      [6 + HANDLER.length, 24],
    ]);
    expect(partition.instructions).toBe(6 + 2 * HANDLER.length);
  });
});

describe('CIABR', () => {
  const H_SET_MODE = 0x31c;
  const CTR = 9;
  const PAGE = 0x1000;
  const PRIVILEGED = 2;
  const PROBLEM = 1;
  const BREAKPOINT = 0x00100000n;
  const setBreakpoint = (at: number, state: number): number[] => [
    ...[li(3, H_SET_MODE), li(4, 0), li(5, 1), li(6, at | state), li(7, 0), SC1],
  ];
  /** A loop of 3 turns on the page after the kernel's first; its second instruction is a store to r10 = DATA. */
  const LOOP = [NOP, dForm(36, 9, 10, 4), bc(16, 0, -8), ATTN];

  /** Sets it, comes to the loop, and runs to the end. */
  function broken(at: number, state: number) {
    const start = [
      lis(31, 1),
      li(9, 3),
      mtspr(CTR, 9),
      dForm(14, 10, 0, 0x7000),
      ...setBreakpoint(at, state),
    ];
    const fill = new Array<number>(PAGE / 4 - start.length).fill(NOP);
    const { partition, events } = bareKernel([...start, ...fill, ...LOOP], {
      vectors: [0xd00],
      hcallsExcept: ['H_SET_MODE'],
    });
    for (const [i, word] of HANDLER.entries()) partition.ram.writeU32(0xd00 + 4 * i, word, false);
    expect(partition.run(1e5)).toBe('ended');
    expect(partition.ended).toMatchObject({ message: expect.stringContaining('0000000000005') });
    return { partition, events, plain: start.length + HYPERCALL_NS + fill.length + 3 * 3 };
  }
  const STORE_AT = KERNEL_ENTRY + PAGE + 4;

  it('an instruction on another page, three times → an interrupt after each, nothing else changed', () => {
    const { partition, events, plain } = broken(STORE_AT, PRIVILEGED);
    expect(interruptsOf(events).map(({ regs }) => regs.srr0)).toEqual(
      new Array(3).fill(BigInt(STORE_AT + 4)),
    );
    for (const { regs } of interruptsOf(events))
      expect(regs.srr1 & 0x783f0000n).toBe(TRACED | STORE | BREAKPOINT);
    expect(partition.ram.readU64(0x10000 + 16, false)).toBe(BigInt(STORE_AT));
    expect(partition.ram.readU64(0x10000 + 24, false)).toBe(0x7004n);
    expect(partition.instructions).toBe(plain + 3 * HANDLER.length);
  });

  it('a taken branch → where it went', () => {
    const { events } = broken(STORE_AT + 4, PRIVILEGED);
    const [first, , last] = interruptsOf(events);
    expect(events.length).toBe(3);
    expect([first?.regs.srr0, last?.regs.srr0]).toEqual([BigInt(STORE_AT - 4), BigInt(STORE_AT + 8)]);
  });

  it('an instruction on the page of the call itself → once', () => {
    const at = KERNEL_ENTRY + 0x800;
    const { partition, events, plain } = broken(at, PRIVILEGED);
    expect(interruptsOf(events).map(({ regs }) => regs.srr0)).toEqual([BigInt(at + 4)]);
    expect(partition.instructions).toBe(plain + HANDLER.length);
  });

  it('for problem state alone → none here', () => {
    const { partition, events, plain } = broken(STORE_AT, PROBLEM);
    expect(events).toEqual([]);
    expect(partition.instructions).toBe(plain);
  });
});
