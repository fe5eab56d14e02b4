/** H_SET_MODE, H_REGISTER_PROCESS_TABLE and H_SIGNAL_SYS_RESET. */

import { describe, expect, it } from 'vitest';
import { OPCODE } from '../../../../src/emulator/platform/contract/opcodes.ts';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { FakeMachine } from '../../../synth/firmware-machine.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

describe('H_SET_MODE', () => {
  it('endian and interrupt location → every vCPU, stopped ones too', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_MODE', 1, 4, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 3, 3, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 0, 3, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 0, 4, 0, 0)).toEqual(only(0));
    for (const vcpu of machine.vcpus) expect(vcpu.log).toEqual(['little', 'ail 3', 'ail 0', 'big']);
  });

  it('a breakpoint → the vCPU that asks', () => {
    const { hcallBy, machine } = bench(new FakeMachine([0, 1]));
    expect(hcallBy(1, 'H_SET_MODE', 0, 1, 0x1002, 0)).toEqual(only(0));
    expect(hcallBy(1, 'H_SET_MODE', 0, 1, 0, 0)).toEqual(only(0));
    expect(machine.vcpus.map(({ log }) => log)).toEqual([[], ['breakpoint 1002', 'breakpoint 0']]);
  });

  it.each([
    [[0, 1, 0x1003, 0], H.p3],
    [[0, 1, 0x1002, 1], H.p4],
    [[1, 1, 0x1002, 0], H.unsupportedFlag],
    [[0, 2, 0, 0], H.p2],
    [[0, 99, 1, 1], H.p2],
    [[1, 4, 1, 0], H.p3],
    [[1, 4, 0, 1], H.p4],
    [[3, 3, 1, 1], H.p3],
    [[3, 3, 0, 1], H.p4],
    [[2, 4, 0, 0], H.unsupportedFlag],
    [[1, 3, 0, 0], H.unsupportedFlag],
    [[4, 3, 0, 0], H.unsupportedFlag],
  ])('%s → %s, nothing changed', (args, status) => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_MODE', ...args)).toEqual(only(status));
    for (const vcpu of machine.vcpus) expect(vcpu.log).toEqual([]);
  });
});

describe('H_REGISTER_PROCESS_TABLE', () => {
  it('register, keep, deregister', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_REGISTER_PROCESS_TABLE', 0x1d, 0x3_0000, 0, 4)).toEqual(only(0));
    expect(hcall('H_REGISTER_PROCESS_TABLE', 0x05, 0, 0, 0)).toEqual(only(0));
    expect(hcall('H_REGISTER_PROCESS_TABLE', 0x10, 0, 0, 0)).toEqual(only(0));
    expect(machine.log).toEqual(['process table radix 0x30000 16', 'process table radix 0x0 0']);
  });

  it.each([
    [[0x20, 0, 0, 0], H.parameter],
    [[0x1f, 0x3_0000, 0, 4], H.parameter],
    [[0x19, 0, 0, 4], H.parameter],
    [[0x01, 0, 0, 0], H.parameter],
    [[0x1d, 0x3_0800, 0, 4], H.p2],
    [[0x1d, 1n << 60n, 0, 4], H.p2],
    [[0x1d, 0x3_0000, 1, 4], H.p3],
    [[0x1d, 0x3_0000, 0, 25], H.p4],
    [[0x1d, 0x3_0000, 0, ALL_ONES], H.p4],
  ] as const)('%s → %s', (args, status) => {
    const { hcall, machine } = bench();
    expect(hcall('H_REGISTER_PROCESS_TABLE', ...args)).toEqual(only(status));
    expect(machine.log).toEqual([]);
  });
});

describe('H_SIGNAL_SYS_RESET', () => {
  function started() {
    const it_ = bench(new FakeMachine([0, 1, 8, 9]));
    it_.cpu(1).runState = 'running';
    it_.cpu(2).runState = 'running';
    return { ...it_, logs: () => it_.machine.vcpus.map((vcpu) => vcpu.log.join()) };
  }

  it('one, all, all others → those, and never a vCPU that was not started', () => {
    const one = started();
    expect(one.hcallBy(1, 'H_SIGNAL_SYS_RESET', 8)).toEqual(only(0));
    expect(one.logs()).toEqual(['', '', 'reset', '']);
    const all = started();
    expect(all.hcallBy(1, 'H_SIGNAL_SYS_RESET', -1)).toEqual(only(0));
    expect(all.logs()).toEqual(['reset', 'reset', 'reset', '']);
    const others = started();
    expect(others.hcallBy(1, 'H_SIGNAL_SYS_RESET', -2)).toEqual(only(0));
    expect(others.logs()).toEqual(['reset', '', 'reset', '']);
    const stopped = started();
    expect(stopped.hcallBy(1, 'H_SIGNAL_SYS_RESET', 9)).toEqual(only(0));
    expect(stopped.logs()).toEqual(['', '', '', '']);
  });

  it.each([-3, 2, 16, 1n << 63n])('%s → H_PARAMETER', (target) => {
    const { hcall, logs } = started();
    expect(hcall('H_SIGNAL_SYS_RESET', target)).toEqual(only(H.parameter));
    expect(logs()).toEqual(['', '', '', '']);
  });

  it.each([-1, -2, 8, 16])(
    'refused, %s → H_FUNCTION, nothing is reset, and its name is still known',
    (target) => {
      const refusing = bench(new FakeMachine([0, 1, 8, 9]), { refuseSysReset: true });
      refusing.cpu(2).runState = 'running';
      expect(refusing.hcall('H_SIGNAL_SYS_RESET', target)).toEqual(only(H.function));
      expect(refusing.machine.vcpus.map((vcpu) => vcpu.log.join())).toEqual(['', '', '', '']);
      expect(refusing.platform.hcallName(OPCODE.H_SIGNAL_SYS_RESET)).toBe('H_SIGNAL_SYS_RESET');
    },
  );
});
