/** Logical memory by hypercall: loads, stores, copies. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { FakeMachine } from '../../../synth/firmware-machine.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

describe('logical memory', () => {
  it('load and store, each size → big-endian', () => {
    const { hcall, machine } = bench();
    machine.memory.writeU64(0x1000, 0x0102030405060708n, false);
    expect(hcall('H_LOGICAL_CI_LOAD', 1, 0x1007)).toEqual({ status: 0, returns: [8n] });
    expect(hcall('H_LOGICAL_CI_LOAD', 2, 0x1006)).toEqual({ status: 0, returns: [0x708n] });
    expect(hcall('H_LOGICAL_CACHE_LOAD', 4, 0x1004)).toEqual({ status: 0, returns: [0x05060708n] });
    expect(hcall('H_LOGICAL_CI_LOAD', 8, 0x1000)).toEqual({ status: 0, returns: [0x0102030405060708n] });
    expect(hcall('H_LOGICAL_CI_STORE', 2, 0x1002, 0x1aabbn)).toEqual(only(0));
    expect(hcall('H_LOGICAL_CACHE_STORE', 1, 0x1000, 0xccn)).toEqual(only(0));
    expect(machine.memory.readU64(0x1000, false)).toBe(0xcc02aabb05060708n);
    expect(hcall('H_LOGICAL_ICBI', 0x1000)).toEqual(only(0));
    expect(hcall('H_LOGICAL_DCBF', 0x1000)).toEqual(only(0));
  });

  it('a device window → its registers, swapped to big-endian', () => {
    const writes: string[] = [];
    const region = {
      base: 0x2000_0000,
      size: 0x100,
      read: (offset: number, size: number) => (offset === 4 && size === 4 ? 0x11223344n : 0n),
      write: (offset: number, size: number, value: bigint) =>
        void writes.push(`${offset} ${size} ${value.toString(16)}`),
    };
    const { hcall, machine } = bench(new FakeMachine(), {
      mmio: (raddr) => (raddr >= region.base && raddr < region.base + region.size ? region : undefined),
    });
    expect(hcall('H_LOGICAL_CI_LOAD', 4, 0x2000_0004)).toEqual({ status: 0, returns: [0x44332211n] });
    expect(hcall('H_LOGICAL_CI_STORE', 2, 0x2000_0008, 0x1234n)).toEqual(only(0));
    expect(writes).toEqual(['8 2 3412']);
    expect(hcall('H_LOGICAL_CACHE_LOAD', 4, 0x2000_0004)).toEqual(only(H.parameter));
    expect(hcall('H_LOGICAL_CI_LOAD', 4, 0x2000_0100)).toEqual(only(H.parameter));
    expect(machine.reports).toEqual([{ kind: 'mmio', key: 'logical-access', where: '0x0000000020000100' }]);
  });

  it.each([
    [3, 0x1000],
    [0, 0x1000],
    [ALL_ONES, 0x1000],
    [4, 0x1002],
    [8, 0x3f_fffcn],
    [8, ALL_ONES - 7n],
  ])('size %s at %s → H_PARAMETER', (size, address) => {
    const { hcall } = bench();
    expect(hcall('H_LOGICAL_CI_LOAD', size, address)).toEqual(only(H.parameter));
    expect(hcall('H_LOGICAL_CI_STORE', size, address, 0)).toEqual(only(H.parameter));
  });

  it('H_PAGE_INIT: zero, copy, neither; bad flags, alignment, memory → H_PARAMETER', () => {
    const { hcall, machine } = bench();
    machine.memory.fill(0x1000, 0x2000, 0xaa);
    expect(hcall('H_PAGE_INIT', 0, 0x1000)).toEqual(only(0));
    expect(machine.memory.readU8(0x1fff)).toBe(0xaa);
    expect(hcall('H_PAGE_INIT', 1 << 15, 0x1000)).toEqual(only(0));
    expect(machine.memory.readU8(0x1fff)).toBe(0);
    expect(machine.memory.readU8(0x2000)).toBe(0xaa);
    expect(hcall('H_PAGE_INIT', 1 << 14, 0x1000, 0x2000)).toEqual(only(0));
    expect(machine.memory.readU8(0x1fff)).toBe(0xaa);
    expect(hcall('H_PAGE_INIT', 1, 0x1000)).toEqual(only(H.parameter));
    expect(hcall('H_PAGE_INIT', 1 << 15, 0x1800)).toEqual(only(H.parameter));
    expect(hcall('H_PAGE_INIT', 1 << 15, 0x40_0000)).toEqual(only(H.parameter));
    expect(hcall('H_PAGE_INIT', 1 << 14, 0x1000, 0x40_0000)).toEqual(only(H.parameter));
    expect(hcall('H_PAGE_INIT', 1 << 14, 0x1000, ALL_ONES)).toEqual(only(H.parameter));
  });
});
