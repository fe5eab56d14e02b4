/** CPUs that wait in a loop (partition/time/spin.ts, docs/adr/004): they are parked, and notice whatever would end the wait. */

import { describe, expect, it } from 'vitest';
import type { Partition } from '../../../src/emulator/partition/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, b, bc, dForm, li, lis, mtspr, SC1, xForm } from '../../synth/power-words.ts';

const CTR = 9;
const DECREMENTER = 22;
const H_CEDE = 0xe0;
const H_REGISTER_PROCESS_TABLE = 0x37c;
/** A new one, of radix trees. */
const RADIX_TABLE = 0x1c;
const STW = 36;
const TLBIE = 306;
/** RIC 0, PRS 1, R 1: one page of a radix tree. */
const RIC_0_RADIX = 3;

/** r7 = `value`. */
const load = (value: number): number[] => [lis(7, value >>> 16), dForm(24, 7, 7, value & 0xffff)];
/** Cedes for as long as a decrementer can. */
const CEDE = [lis(6, 0x7fff), mtspr(DECREMENTER, 6), li(3, H_CEDE), SC1, b(-16)];
/** 2^22 turns: longer than it takes to find out that another CPU waits. */
const WORK = [lis(6, 64), mtspr(CTR, 6), bc(16, 0, 0)];

/** Where the loop of {@link waiting} begins. */
let loop = 0;

/** CPU 0 executes `before` and waits until the word at `flag` is not zero; CPU 1 works, executes `after` and cedes. */
function waiting(flag: number, before: readonly number[], after: () => readonly number[]): Partition {
  const wait = [dForm(32, 3, 4, flag & 0xffff), dForm(11, 0, 3, 0), bc(12, 2, -8), ATTN]; // lwz, cmpwi, beq
  const first = [...before, lis(4, flag >>> 16), ...wait];
  loop = KERNEL_ENTRY + 4 * (first.length - wait.length);
  const { partition } = bareKernel([...first, ...WORK, ...after(), ...CEDE], {}, [], { cpus: 2 });
  const [waits, works] = partition.vcpus;
  if (waits === undefined || works === undefined) throw new Error('the partition has two vCPUs');
  works.nia = BigInt(KERNEL_ENTRY + 4 * first.length);
  works.msr = waits.msr;
  works.state = 'running';
  return partition;
}

function stateOfFirst(partition: Partition): string | undefined {
  return partition.snapshot()[0]?.state;
}

const ENDED = { kind: 'error', message: expect.stringContaining('attn') };

describe('a CPU that waits in a loop', () => {
  it('its flag is set → continues', () => {
    const partition = waiting(0x3000, [], () => [li(5, 1), dForm(STW, 5, 0, 0x3000)]);
    partition.run(5e5);
    expect(stateOfFirst(partition)).toBe('parked');
    expect(partition.run(1e7)).toBe('ended');
    expect(partition.ended).toEqual(ENDED);
  });

  it('its flag is never set → waits', () => {
    const partition = waiting(0x3000, [], () => []);
    expect(partition.run(1e7)).toBe('resting');
    expect(stateOfFirst(partition)).toBe('parked');
  });

  it('its instructions are overwritten → executes what is there now', () => {
    const partition = waiting(0x3000, [], () => [...load(ATTN), dForm(STW, 7, 0, loop)]);
    expect(partition.run(1e7)).toBe('ended');
    expect(partition.ended).toEqual(ENDED);
    expect(partition.vcpus[0]?.nia).toBe(BigInt(loop));
  });
});

describe('a CPU that waits in a loop with translation on', () => {
  const [table, root, middle, leaves] = [0x10_0000, 0x11_0000, 0x12_0000, 0x12_1000];
  const valid = 1n << 63n;
  /** A page of 2 MiB, for privileged code, read and written, referenced and changed. */
  const leaf = (n: number): bigint => valid | (1n << 62n) | BigInt(n * 0x20_0000) | 0x18fn;
  const register = (at: number): number[] => [
    ...[li(3, H_REGISTER_PROCESS_TABLE), li(4, RADIX_TABLE), lis(5, at >>> 16)],
    ...[li(6, 0), li(7, 0), SC1],
  ];
  const translate = [xForm(7, 0, 0, 83), dForm(24, 7, 7, 0x30), xForm(7, 0, 0, 178)]; // mfmsr, ori, mtmsrd
  const flag = 0x20_1000;

  /** Its flag is on page 1, which is mapped to itself; page 2 holds a word that is not zero at the same place. */
  function translated(after: readonly number[]): Partition {
    const partition = waiting(flag, [...register(table), ...translate], () => after);
    const { ram } = partition;
    // RTS of 52 bits stands in bits 1 and 2 and 56 to 58.
    ram.writeU64(table, (2n << 61n) | (5n << 5n) | BigInt(root) | 13n, false);
    ram.writeU64(root, valid | BigInt(middle) | 9n, false);
    ram.writeU64(middle, valid | BigInt(leaves) | 9n, false);
    for (const n of [0, 1]) ram.writeU64(leaves + 8 * n, leaf(n), false);
    ram.writeU32(0x40_1000, 1, false);
    return partition;
  }
  /** Page 1's entry becomes page 2's: only its low half differs. */
  const remap = [
    ...load(Number(leaf(2) & 0xffff_ffffn)),
    lis(5, leaves >>> 16),
    dForm(STW, 7, 5, (leaves & 0xffff) + 12),
  ];

  it('nothing happens → waits', () => {
    const partition = translated([]);
    expect(partition.run(1e7)).toBe('resting');
    expect(stateOfFirst(partition)).toBe('parked');
  });

  it('tlbie of the page that its flag is on → reads the page that is mapped there now', () => {
    const partition = translated([...remap, ...load(flag & ~0xfff), xForm(0, RIC_0_RADIX, 7, TLBIE)]);
    expect(partition.run(1e7)).toBe('ended');
    expect(partition.ended).toEqual(ENDED);
  });

  it('tlbie of another page → waits', () => {
    const partition = translated([...remap, ...load(0x7f_0000), xForm(0, RIC_0_RADIX, 7, TLBIE)]);
    expect(partition.run(1e7)).toBe('resting');
  });
});
