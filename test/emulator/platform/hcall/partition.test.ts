/** What a partition asks about itself, and its interrupt presentation. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

describe('the partition about itself', () => {
  it('H_HOME_NODE_ASSOCIATIVITY → node 0 and the vCPU; else its errors', () => {
    const { hcall } = bench();
    expect(hcall('H_HOME_NODE_ASSOCIATIVITY', 1, 8)).toEqual({
      status: 0,
      returns: [8n, ALL_ONES, ALL_ONES, ALL_ONES, ALL_ONES, ALL_ONES],
    });
    expect(hcall('H_HOME_NODE_ASSOCIATIVITY', 2, 8)).toEqual(only(H.function));
    expect(hcall('H_HOME_NODE_ASSOCIATIVITY', 1, 3)).toEqual(only(H.p2));
  });

  it('H_GET_CPU_CHARACTERISTICS → no flush and no barrier is asked for', () => {
    const { hcall } = bench();
    const answer = hcall('H_GET_CPU_CHARACTERISTICS');
    expect(answer).toMatchObject({ status: 0 });
    const behaviour = answer === 'none' ? 0n : (answer.returns[1] ?? 0n);
    const bit = (n: number) => ((behaviour >> BigInt(63 - n)) & 1n) === 1n;
    // L1D flush for user, bounds check barrier, count cache and link stack flush; no flush on entry, access, no barrier.
    expect([1, 2, 5, 6].map(bit)).toEqual([false, false, false, false]);
    expect([7, 8, 9].map(bit)).toEqual([true, true, true]);
  });

  it('H_RANDOM → eight bytes of the partition’s source, in order', () => {
    const { hcall, machine } = bench();
    machine.randomBytes(256 - 48);
    expect(hcall('H_RANDOM')).toEqual({ status: 0, returns: [0x0102030405060708n] });
    expect(hcall('H_RANDOM')).toEqual({ status: 0, returns: [0x090a0b0c0d0e0f10n] });
  });

  it('entitlement and PURR', () => {
    const { hcall, machine } = bench();
    machine.clock.ns = 125;
    expect(hcall('H_PURR')).toEqual({ status: 0, returns: [64n] });
    expect(hcall('H_GET_PPP')).toEqual({
      status: 0,
      returns: [300n, 0n, 0n, (128n << 40n) | (3n << 16n) | 3n],
    });
    expect(hcall('H_SET_PPP', 300, 128)).toEqual(only(0));
    expect(hcall('H_SET_PPP', 400, 128)).toEqual(only(H.authority));
  });

  it('H_SET_SPRG0 → the register of the calling vCPU; H_PIC → not for this partition', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_SPRG0', 0x1234)).toEqual(only(0));
    expect(machine.vcpus.map(({ log }) => log)).toEqual([['sprg0 1234'], [], []]);
    expect(hcall('H_PIC')).toEqual(only(H.authority));
  });

  it('what POWER9 or this partition does not have → its status, without a report', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_DABR', 0)).toEqual(only(H.hardware));
    expect(hcall('H_SET_XDABR', 0, 3)).toEqual(only(H.hardware));
    expect(hcall('H_QUERY_VAS_CAPABILITIES')).toEqual(only(H.function));
    expect(hcall('H_GET_PERF_COUNTER_INFO')).toEqual(only(H.function));
    expect(machine.reports).toEqual([]);
  });
});

describe('interrupt presentation', () => {
  it('H_IPI, H_IPOLL, H_XIRR, H_EOI → one IPI from the other vCPU', () => {
    const { hcallBy, cpu, machine } = bench();
    machine.clock.ns = 250;
    hcallBy(2, 'H_CPPR', 0xff);
    expect(hcallBy(0, 'H_IPI', 8, 4)).toEqual(only(0));
    expect(cpu(2).external).toBe(true);
    expect(hcallBy(0, 'H_IPOLL', 8)).toEqual({ status: 0, returns: [0xff00_0002n, 4n] });
    expect(hcallBy(2, 'H_XIRR_X')).toEqual({ status: 0, returns: [0xff00_0002n, 128n] });
    expect(cpu(2).external).toBe(false);
    hcallBy(2, 'H_IPI', 8, 0xff);
    expect(hcallBy(2, 'H_EOI', 0xff00_0002)).toEqual(only(0));
    expect(hcallBy(2, 'H_XIRR')).toEqual({ status: 0, returns: [0xff00_0000n] });
  });

  it.each([2, 1n << 40n, ALL_ONES])('no server %s → H_PARAMETER', (server) => {
    const { hcall } = bench();
    expect(hcall('H_IPI', server, 4)).toEqual(only(H.parameter));
    expect(hcall('H_IPOLL', server)).toEqual(only(H.parameter));
  });
});
