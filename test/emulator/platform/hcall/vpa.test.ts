/** What a vCPU registers with the hypervisor: VPA, SLB shadow, dispatch log. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const REGISTER_VPA = 1n << 45n;
const REGISTER_DTL = 2n << 45n;
const REGISTER_SLB = 3n << 45n;
const DEREGISTER_VPA = 5n << 45n;
const DEREGISTER_DTL = 6n << 45n;
const DEREGISTER_SLB = 7n << 45n;
const VPA = 0x2000;

describe('H_REGISTER_VPA', () => {
  function withArea(bytes = 640, at = VPA) {
    const it_ = bench();
    it_.machine.memory.writeU16(at + 4, bytes, false);
    return it_;
  }

  it('register → shared-processor bit set, yield count even, other bits kept', () => {
    const { hcall, machine, platform, cpu } = withArea();
    machine.memory.writeU8(VPA + 9, 0x40);
    machine.memory.writeU32(VPA + 0x100, 7, false);
    expect(hcall('H_REGISTER_VPA', REGISTER_VPA, 8, VPA)).toEqual(only(0));
    expect(machine.memory.readU8(VPA + 9)).toBe(0x42);
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(8);
    expect(platform.vpas.state(cpu(2))).toEqual({ vpa: VPA, slbShadow: undefined, dispatchLog: undefined });
    expect(platform.vpas.state(cpu(0)).vpa).toBeUndefined();
  });

  it.each([
    ['no such vCPU', REGISTER_VPA, 2n, BigInt(VPA), 640],
    ['reserved flags', REGISTER_VPA | 1n, 0n, BigInt(VPA), 640],
    ['no subfunction', 0n, 0n, BigInt(VPA), 640],
    ['reserved subfunction', 4n << 45n, 0n, BigInt(VPA), 640],
    ['subfunction past three bits', 9n << 45n, 0n, BigInt(VPA), 640],
    ['too small', REGISTER_VPA, 0n, BigInt(VPA), 639],
    ['not RAM', REGISTER_VPA, 0n, 0x40_0000n, 640],
    ['no real address', REGISTER_VPA, 0n, ALL_ONES, 640],
    ['SLB shadow outside', REGISTER_SLB, 0n, 0x40_0000n, 640],
    ['DTL outside', REGISTER_DTL, 0n, 1n << 60n, 640],
  ])('%s → H_PARAMETER, nothing kept', (_what, flags, id, address, bytes) => {
    const { hcall, platform, cpu } = withArea(bytes);
    expect(hcall('H_REGISTER_VPA', flags, id, address)).toEqual(only(H.parameter));
    expect(platform.vpas.state(cpu(0)).vpa).toBeUndefined();
  });

  it('not on a cache line, or across a page → H_PARAMETER', () => {
    expect(withArea(640, VPA + 64).hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA + 64)).toEqual(
      only(H.parameter),
    );
    expect(withArea(640, 0x2e00).hcall('H_REGISTER_VPA', REGISTER_VPA, 0, 0x2e00)).toEqual(only(H.parameter));
    expect(withArea(0xffff).hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA)).toEqual(only(H.parameter));
  });

  it('SLB shadow and DTL: need a VPA, and keep it registered', () => {
    const { hcall, machine } = withArea();
    machine.memory.writeU32(0x3000 + 4, 0x100, false);
    expect(hcall('H_REGISTER_VPA', REGISTER_SLB, 0, 0x3000)).toEqual(only(H.resource));
    expect(hcall('H_REGISTER_VPA', REGISTER_DTL, 0, 0x3000)).toEqual(only(H.resource));
    hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA);
    expect(hcall('H_REGISTER_VPA', REGISTER_SLB, 0, 0x3000)).toEqual(only(0));
    expect(hcall('H_REGISTER_VPA', DEREGISTER_VPA, 0, 0)).toEqual(only(H.resource));
    expect(hcall('H_REGISTER_VPA', REGISTER_DTL, 0, 0x3000)).toEqual(only(0));
    expect(hcall('H_REGISTER_VPA', DEREGISTER_SLB, 0, 0)).toEqual(only(0));
    expect(hcall('H_REGISTER_VPA', DEREGISTER_VPA, 0, 0)).toEqual(only(H.resource));
    expect(hcall('H_REGISTER_VPA', DEREGISTER_DTL, 0, 0)).toEqual(only(0));
    expect(hcall('H_REGISTER_VPA', DEREGISTER_VPA, 0, 0)).toEqual(only(0));
  });

  it('a DTL smaller than one entry, a shadow across a page → H_PARAMETER', () => {
    const { hcall, machine } = withArea();
    hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA);
    machine.memory.writeU32(0x3004, 47, false);
    expect(hcall('H_REGISTER_VPA', REGISTER_DTL, 0, 0x3000)).toEqual(only(H.parameter));
    machine.memory.writeU32(0x3f84, 0x100, false);
    expect(hcall('H_REGISTER_VPA', REGISTER_SLB, 0, 0x3f80)).toEqual(only(H.parameter));
  });
});
