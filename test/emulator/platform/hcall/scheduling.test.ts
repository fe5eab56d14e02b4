/** Cede, prod, confer and join. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const REGISTER_VPA = 1n << 45n;
const REGISTER_DTL = 2n << 45n;
const VPA = 0x2000;

describe('scheduling', () => {
  it('H_CEDE → the vCPU sleeps with an odd yield count, even again when it runs', () => {
    const { hcall, machine, platform, cpu } = bench();
    machine.memory.writeU16(VPA + 4, 640, false);
    hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA);
    expect(hcall('H_CEDE')).toEqual(only(0));
    expect(cpu(0).log).toEqual(['cede']);
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(1);
    platform.dispatched(cpu(0));
    platform.dispatched(cpu(0));
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(2);
    hcall('H_CEDE');
    hcall('H_RANDOM');
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(4);
  });

  it('dispatch trace log with voluntary waits in its mask → an entry a wake-up, in a ring', () => {
    const { hcall, machine, platform, cpu } = bench();
    const LOG = 0x4000;
    machine.memory.writeU16(VPA + 4, 640, false);
    machine.memory.writeU32(LOG + 4, 96, false);
    hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA);
    hcall('H_REGISTER_VPA', REGISTER_DTL, 0, LOG);
    const sleep = (ns: number): void => {
      hcall('H_CEDE');
      machine.clock.ns += ns;
      platform.dispatched(cpu(0));
    };
    sleep(125);
    expect(machine.memory.readU64(VPA + 0x218, false)).toBe(0n);
    machine.memory.writeU8(VPA + 0xb8, 1);
    for (const ns of [125, 250, 375]) sleep(ns);
    expect(machine.memory.readU64(VPA + 0x218, false)).toBe(3n);
    // The third entry took the first's place.
    expect(machine.memory.readU32(LOG + 12, false)).toBe(192);
    expect(machine.memory.readU32(LOG + 48 + 12, false)).toBe(128);
    expect(machine.memory.readU64(LOG + 16, false)).toBe(448n);
    expect(machine.memory.readU64(LOG + 32, false)).toBe(cpu(0).nia);
    expect([...machine.memory.read(LOG + 96, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('H_PROD → the vCPU of that hardware id; none → H_PARAMETER', () => {
    const { hcall, cpu } = bench();
    expect(hcall('H_PROD', 8)).toEqual(only(0));
    expect(cpu(2).log).toEqual(['prod']);
    expect(hcall('H_PROD', 2)).toEqual(only(H.parameter));
    expect(hcall('H_PROD', ALL_ONES)).toEqual(only(H.parameter));
  });

  it('H_CONFER: to an undispatched vCPU at the count seen, or to all → the slice ends', () => {
    const { hcallBy, machine, cpu } = bench();
    machine.memory.writeU16(VPA + 4, 640, false);
    hcallBy(1, 'H_REGISTER_VPA', REGISTER_VPA, 1, VPA);
    hcallBy(1, 'H_CEDE');
    expect(hcallBy(0, 'H_CONFER', 1, 2)).toEqual(only(0));
    expect(hcallBy(0, 'H_CONFER', 1, 3)).toEqual(only(0));
    expect(cpu(0).log).toEqual([]);
    expect(hcallBy(0, 'H_CONFER', 1, 1)).toEqual(only(0));
    expect(cpu(0).log).toEqual(['yield']);
    expect(hcallBy(0, 'H_CONFER', ALL_ONES, 0)).toEqual(only(0));
    expect(cpu(0).log).toEqual(['yield', 'yield']);
    expect(hcallBy(0, 'H_CONFER', 0, 0)).toEqual(only(0));
    expect(cpu(0).log).toEqual(['yield', 'yield', 'join']);
    expect(hcallBy(0, 'H_CONFER', 5, 0)).toEqual(only(H.parameter));
  });

  it('H_JOIN: with MSR[EE] → H_BAD_MODE; the last one running → H_CONTINUE; else it sleeps', () => {
    const { hcallBy, cpu } = bench();
    cpu(1).runState = 'running';
    cpu(0).msr |= 0x8000n;
    expect(hcallBy(0, 'H_JOIN')).toEqual(only(H.badMode));
    cpu(0).msr &= ~0x8000n;
    expect(hcallBy(0, 'H_JOIN')).toEqual(only(0));
    expect(cpu(0).log).toEqual(['join']);
    expect(hcallBy(1, 'H_JOIN')).toEqual(only(H.continue));
    expect(cpu(1).log).toEqual([]);
  });

  it('H_JOIN → an odd yield count until the vCPU runs again', () => {
    const { hcall, machine, platform, cpu } = bench();
    cpu(1).runState = 'running';
    machine.memory.writeU16(VPA + 4, 640, false);
    hcall('H_REGISTER_VPA', REGISTER_VPA, 0, VPA);
    hcall('H_JOIN');
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(1);
    platform.dispatched(cpu(0));
    expect(machine.memory.readU32(VPA + 0x100, false)).toBe(2);
  });
});
