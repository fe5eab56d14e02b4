import { describe, expect, it } from 'vitest';
import { OPCODE } from '../../../src/emulator/platform/hcall/opcodes.ts';
import { H } from '../../../src/emulator/platform/status.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { bench, only } from './platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const REGISTER_VPA = 1n << 45n;
const REGISTER_DTL = 2n << 45n;
const REGISTER_SLB = 3n << 45n;
const DEREGISTER_VPA = 5n << 45n;
const DEREGISTER_DTL = 6n << 45n;
const DEREGISTER_SLB = 7n << 45n;
const VPA = 0x2000;

describe('dispatch', () => {
  it('an opcode that nobody has → H_FUNCTION, reported with its number and place', () => {
    const { machine, platform, cpu } = bench();
    expect(platform.hcall(cpu(0), 0x3a8, new Array<bigint>(9).fill(0n))).toEqual({
      kind: 'status',
      status: H.function,
    });
    expect(machine.reports).toEqual([{ kind: 'hcall', key: '0x3a8', where: '0xc000000000012344' }]);
  });

  it('from problem state → H_PRIVILEGE, whatever the opcode', () => {
    const { machine, hcall, cpu } = bench();
    cpu(0).msr |= 0x4000n;
    expect(hcall('H_RANDOM')).toEqual(only(H.privilege));
    expect(machine.reports).toEqual([]);
  });

  it('two families with one opcode → refused at the start', () => {
    const handler = () => ({ kind: 'none' }) as const;
    const twice = new Map([[0xe0, { name: 'H_OTHER', handler }]]);
    expect(() => bench(new FakeMachine(), { hcalls: [twice] })).toThrow(/0xe0/);
  });

  it.each([0n, 1n, 0x3f_ffffn, 0x40_0000n, 1n << 53n, 1n << 63n, ALL_ONES])(
    'every hypercall with every argument %s → a status, no exception',
    (value) => {
      const { platform, cpu } = bench();
      for (let opcode = 0; opcode <= 0xf100; opcode += 4) {
        const result = platform.hcall(cpu(0), opcode, new Array<bigint>(9).fill(value));
        expect(result.kind === 'none' || Number.isInteger(result.status)).toBe(true);
      }
    },
  );
});

describe('terminals', () => {
  it('H_PUT_TERM_CHAR → the bytes, most significant first; 0 names the console', () => {
    const { hcall, printed } = bench();
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, 10, 0x48656c6c6f2c2077n, 0x6f00000000000000n)).toEqual(
      only(0),
    );
    hcall('H_PUT_TERM_CHAR', 0x71000001, 1, 0x41n << 56n);
    hcall('H_PUT_TERM_CHAR', 0, 1, 0x42n << 56n);
    hcall('H_PUT_TERM_CHAR', 0, 0);
    expect(printed).toEqual([
      { vty: 0, text: 'Hello, wo\0' },
      { vty: 1, text: 'A' },
      { vty: 0, text: 'B' },
    ]);
  });

  it('H_GET_TERM_CHAR → count and up to 16 bytes, then none', () => {
    const { hcall, platform } = bench();
    platform.input(1, new TextEncoder().encode('abcdefghijklmnopq'));
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({
      status: 0,
      returns: [16n, 0x6162636465666768n, 0x696a6b6c6d6e6f70n],
    });
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({ status: 0, returns: [1n, 0x71n << 56n, 0n] });
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({ status: 0, returns: [0n, 0n, 0n] });
    expect(hcall('H_GET_TERM_CHAR', 0)).toEqual({ status: 0, returns: [0n, 0n, 0n] });
  });

  it('no such terminal, more than 16 bytes → H_PARAMETER, nothing printed', () => {
    const { hcall, printed } = bench();
    expect(hcall('H_PUT_TERM_CHAR', 0x71000002, 1, 0)).toEqual(only(H.parameter));
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, 17, 0)).toEqual(only(H.parameter));
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, ALL_ONES, 0)).toEqual(only(H.parameter));
    expect(hcall('H_GET_TERM_CHAR', ALL_ONES)).toEqual(only(H.parameter));
    expect(printed).toEqual([]);
  });

  it('typed bytes → the terminal’s interrupt', () => {
    const { platform, hcall, cpu, rtas } = bench();
    const [console_] = platform.describe({
      bootHardwareId: 0,
      rma: 0x40_0000,
      bootargs: '',
      rtasBase: 0,
    }).vtys;
    const number = console_?.interrupt ?? 0;
    expect(rtas('ibm,set-xive', [number, 0, 5], 1)).toEqual([0]);
    hcall('H_CPPR', 0xff);
    platform.input(0, Uint8Array.of(0x0f));
    expect(cpu(0).external).toBe(true);
    expect(hcall('H_XIRR')).toEqual({ status: 0, returns: [BigInt(0xff00_0000 + number)] });
  });
});

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

describe('H_SET_MODE', () => {
  it('endian and interrupt location → every vCPU, stopped ones too', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_MODE', 1, 4, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 3, 3, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 0, 3, 0, 0)).toEqual(only(0));
    expect(hcall('H_SET_MODE', 0, 4, 0, 0)).toEqual(only(0));
    for (const vcpu of machine.vcpus) expect(vcpu.log).toEqual(['little', 'ail 3', 'ail 0', 'big']);
  });

  it.each([
    [[0, 1, 0, 0], H.p2],
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

  it('what POWER9 or this partition does not have → its status, without a report', () => {
    const { hcall, machine } = bench();
    expect(hcall('H_SET_DABR', 0)).toEqual(only(H.hardware));
    expect(hcall('H_SET_XDABR', 0, 3)).toEqual(only(H.hardware));
    expect(hcall('H_QUERY_VAS_CAPABILITIES')).toEqual(only(H.function));
    expect(hcall('H_GET_PERF_COUNTER_INFO')).toEqual(only(H.function));
    expect(machine.reports).toEqual([]);
  });
});

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
