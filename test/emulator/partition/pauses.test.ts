/** Slices that the host's time ends in the middle: however often, the guest does the same; and no guest can prevent it. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { BuiltInGuest, type GuestOptions } from '../../synth/built-in-guest.ts';
import { runPausing } from '../../synth/pausing.ts';
import { ATTN, b, bc, dForm, li, lis, mfspr, mtspr, NOP, SC1, xForm } from '../../synth/power-words.ts';

const addi = (rt: number, ra: number, value: number): number => dForm(14, rt, ra, value);
const lwz = (rt: number, ra: number, d: number): number => dForm(32, rt, ra, d);
const stw = (rt: number, ra: number, d: number): number => dForm(36, rt, ra, d);
const lmw = (rt: number, ra: number, d: number): number => dForm(46, rt, ra, d);
const tlbie = (rb: number): number => xForm(0, 0, rb, 306);
const lwarx = (rt: number, rb: number): number => xForm(rt, 0, rb, 20);
const stwcx = (rs: number, rb: number): number => xForm(rs, 0, rb, 150, 1);
const lbzx = (rt: number, rb: number): number => xForm(rt, 0, rb, 87);
const darn = (rt: number): number => xForm(rt, 0, 0, 755);
const PVR = 287;
const CTR = 9;
const VECTORS_ON = [mfmsr(4), dForm(24, 4, 4, 0x2000), dForm(25, 4, 4, 0x0280), mtmsrd(4)];

function mfmsr(rt: number): number {
  return xForm(rt, 0, 0, 83);
}
function mtmsrd(rs: number): number {
  return xForm(rs, 0, 0, 178);
}
/** X-form of opcode 4 and 63. */
function form(opcode: number, xo: number, low: number): number {
  return ((opcode << 26) | (1 << 21) | (2 << 16) | (3 << 11) | (xo << low)) >>> 0;
}

/** Loops that take a host as long as can be. Each is entered at its first word and never ends. */
const LOOPS: readonly (readonly [string, readonly number[]])[] = [
  ['loads that miss the TLB', [lis(3, 0x100), lwz(5, 3, 0), lwz(6, 0, 0x100), b(-8)]],
  ['loads across pages', [li(3, 0x7ffe), lwz(5, 3, 0), b(-4)]],
  ['stores across pages', [li(3, 0x7ffe), stw(5, 3, 0), b(-4)]],
  ['load multiple', [li(3, 0x6000), lmw(4, 3, 0), li(3, 0x6000), b(-8)]],
  ['invalidations of its own translation', [li(3, 0), tlbie(3), b(-4)]],
  ['stores to its own code', [lwz(5, 0, 0x4020), stw(5, 0, 0x4020), b(-8)]],
  ['special registers', [mfspr(3, PVR), b(-4)]],
  ['random numbers', [darn(3), b(-4)]],
  ['hypercalls', [li(3, 0x300), SC1, b(-8)]],
  ['hypercalls that there are not', [li(3, 0x7ffc), SC1, b(-8)]],
  ['quad-precision divisions', [...VECTORS_ON, form(63, 548, 1), b(-4)]],
  ['rounds of AES', [...VECTORS_ON, form(4, 1288, 0), b(-4)]],
  ['nothing but branches', [b(0)]],
  ['far branches', [b(0x1000), ...new Array(1023).fill(NOP), b(-0x1000)]],
];
/** Between two pauses a guest executes at most so many instructions: a portion, and what is left of a straight-line run. */
const MOST = 4096 + 1024;

/** Slices of 10,000 instructions, two of them. */
const LENGTH = 20_000;

function started(words: readonly number[]): Partition {
  const { partition } = bareKernel(words);
  for (const at of [LENGTH / 2, LENGTH]) partition.clock.at(at, () => undefined);
  return partition;
}

function stateOf(partition: Partition): unknown {
  const vcpu = partition.vcpus[0];
  const registers = Array.from({ length: 32 }, (_, n) => vcpu?.gpr(n));
  return {
    registers,
    nia: vcpu?.nia,
    cr: vcpu?.cr,
    instructions: partition.instructions,
    now: partition.clock.now(),
    own: vcpu?.instructions,
    memory: createHash('sha256').update(partition.ram.read(0, 0x10000)).digest('hex'),
  };
}

describe('a slice that is paused wherever it can be', () => {
  it.each(LOOPS)('%s → the same state, and never many instructions without a pause', (_name, words) => {
    const whole = started(words);
    whole.run(LENGTH);
    const paused = started(words);
    let before = 0;
    let longest = 0;
    runPausing(paused, LENGTH, () => {
      longest = Math.max(longest, paused.instructions - before);
      before = paused.instructions;
    });
    expect(longest).toBeLessThanOrEqual(MOST);
    expect(stateOf(paused)).toEqual(stateOf(whole));
  });

  it('a reservation outlasts a pause', () => {
    // r6 counts the stores that failed. Between load and store 2000 loads miss the TLB, so that a pause comes there.
    const words = [
      li(6, 0),
      li(7, 0x6000),
      lis(8, 0x100),
      lwarx(5, 7),
      li(9, 1000),
      mtspr(CTR, 9),
      lbzx(10, 8),
      lbzx(10, 0),
      bc(16, 0, -8),
      stwcx(5, 7),
      bc(12, 2, 8),
      addi(6, 6, 1),
      b(-36),
    ];
    const whole = started(words);
    whole.run(LENGTH);
    const paused = started(words);
    let pauses = 0;
    runPausing(paused, LENGTH, () => void pauses++);
    expect(pauses).toBeGreaterThan(5);
    // It is lost where a slice ends, and only there.
    expect(whole.vcpus[0]?.gpr(6)).toBe(2n);
    expect(stateOf(paused)).toEqual(stateOf(whole));
  });

  it('two vCPUs → they still take turns of whole slices', () => {
    const run = (pauses: boolean): unknown => {
      const { partition, events } = bareKernel([li(3, 0x300), SC1, b(-8)], { hcallsExcept: [] }, [], {
        cpus: 2,
      });
      const [, second] = partition.vcpus;
      if (second === undefined) throw new Error('two vCPUs');
      second.nia = BigInt(KERNEL_ENTRY);
      second.state = 'running';
      for (let at = 5000; at <= LENGTH; at += 5000) partition.clock.at(at, () => undefined);
      if (pauses) runPausing(partition, LENGTH);
      else partition.run(LENGTH);
      return [stateOf(partition), events];
    };
    expect(run(true)).toEqual(run(false));
  });

  it('the end of the program → found at the same instruction', () => {
    const words = [li(3, 20_000), mtspr(CTR, 3), lbzx(10, 8), bc(16, 0, -4), ATTN];
    const { partition } = bareKernel(words);
    expect(runPausing(partition, 1e6)).toBe('ended');
    expect(partition.instructions).toBe(40_002);
  });
});

const LIMIT = 600_000;

function crash(options: GuestOptions): Record<string, unknown> {
  const guest = new BuiltInGuest({ cpus: 2, ...options });
  guest.ready();
  guest.put({ crash: guest.plan({ crash: true, digest: false }) });
  guest.command('load raw');
  guest.partition.observe({
    probes: [],
    stores: [{ mark: 1, raddr: 0x100, length: 0x100 }],
    executes: [{ mark: 2, raddr: 0x100, length: 4 }],
    msrMask: 0x30n,
    vectors: [0x100, 0x500, 0x700],
    hcallsExcept: [],
  });
  guest.command('panic 1');
  const end = guest.end();
  const dump = createHash('sha256');
  for (let at = 0; at < guest.dump.bytes; at += 2 ** 20) {
    const piece = new Uint8Array(2 ** 20);
    guest.dump.read(at, piece);
    dump.update(piece);
  }
  return {
    end,
    lines: guest.lines,
    console: guest.console,
    events: guest.events,
    instructions: guest.partition.instructions,
    dump: dump.digest('hex'),
  };
}

describe('a crash of the built-in guest', () => {
  it.each([
    ['radix', {}],
    ['hash', { processor: 'power8', mmu: 'hash' } as const],
  ] as const)(
    '%s, paused wherever it can be → the same console, events and dump',
    { timeout: LIMIT },
    (_mmu, options) => {
      const whole = crash(options);
      expect(whole.end).toBe('reboot');
      expect(crash({ ...options, pauses: true })).toEqual(whole);
    },
  );
});
