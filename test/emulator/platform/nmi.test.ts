import { describe, expect, it } from 'vitest';
import { getU32, getU64 } from '../../../src/base/bytes.ts';
import { VECTOR } from '../../../src/base/power.ts';
import { RTAS } from '../../../src/emulator/platform/contract/status.ts';
import { type Bench, bench, cell } from './platform-under-test.ts';

const RTAS_BASE = 0x3_0000;
const RESET_HANDLER = 0x5000;
const CHECK_HANDLER = 0x6000;
const SRR0 = 0xc000_0000_0000_4444n;
const DAR = 0xc000_1000_0000_0008n;
/** Of a load or store whose address is in DAR; of a fetch; of a POWER9's store that is found later. */
const [BY_LOAD, BY_FETCH, LATE] = [0x0020_0000n, 0x080c_0000n, 0x0814_0000n];

function registered(): Bench {
  const made = bench();
  made.platform.flatTree({ bootHardwareId: 0, rma: 0x40_0000, bootargs: '', rtasBase: RTAS_BASE }, 0x2_0000);
  expect(made.rtas('ibm,nmi-register', [RESET_HANDLER, CHECK_HANDLER], 1)).toEqual([RTAS.success]);
  return made;
}

function take({ platform, cpu }: Bench, index: number, vector: number, srr1 = 0n): void {
  platform.nonMaskable(cpu(index), { vector, srr0: SRR0, srr1, dar: DAR });
}

/** The error log behind r3's save area. */
function logOf({ machine, cpu }: Bench, index: number): Uint8Array {
  return machine.memory.read(Number(cpu(index).gpr(3)) + 8, 64);
}

describe('nothing is registered', () => {
  it('a system reset and a machine check are taken at their vectors', () => {
    const made = bench();
    take(made, 0, VECTOR.systemReset);
    take(made, 0, VECTOR.machineCheck);
    expect(made.cpu(0).log).toEqual([]);
  });

  it('ibm,nmi-interlock → parameter error', () => {
    expect(bench().rtas('ibm,nmi-interlock', [], 1)).toEqual([cell(RTAS.parameterError)]);
  });

  it.each([
    ['past 32 MiB', 0x200_0000, CHECK_HANDLER],
    ['outside RAM', RESET_HANDLER, 0x100_0000],
    ['not on a word', RESET_HANDLER + 2, CHECK_HANDLER],
  ])('ibm,nmi-register %s → parameter error, nothing is registered', (_what, reset, check) => {
    const made = bench();
    expect(made.rtas('ibm,nmi-register', [reset, check], 1)).toEqual([cell(RTAS.parameterError)]);
    expect(made.rtas('ibm,nmi-interlock', [], 1)).toEqual([cell(RTAS.parameterError)]);
  });
});

describe('handlers are registered', () => {
  it('a system reset → the handler, r3 in RTAS’s memory, big-endian, and an empty log', () => {
    const made = registered();
    made.cpu(1).setGpr(3, 0x1234_5678_9abc_def0n);
    take(made, 1, VECTOR.systemReset);
    expect(made.cpu(1).log).toEqual(['enter 0x5000']);
    const save = Number(made.cpu(1).gpr(3));
    expect(save).toBeGreaterThan(RTAS_BASE);
    expect(getU64(made.machine.memory.read(save, 16), 0, 'big')).toBe(0x1234_5678_9abc_def0n);
    expect(getU64(made.machine.memory.read(save, 16), 8, 'big')).toBe(0n);
  });

  it('system resets of all CPUs at once → each has its own r3', () => {
    const made = registered();
    for (const index of [0, 1, 2]) made.cpu(index).setGpr(3, BigInt(100 + index));
    for (const index of [0, 1, 2]) take(made, index, VECTOR.systemReset);
    const saved = [0, 1, 2].map((index) =>
      made.machine.memory.readU64(Number(made.cpu(index).gpr(3)), false),
    );
    expect(saved).toEqual([100n, 101n, 102n]);
  });

  it.each([
    ['a load', BY_LOAD, 0x43, DAR],
    ['a fetch', BY_FETCH, 0x41, SRR0],
    ['a store that is found later', LATE, 0x03, 0n],
  ])(
    'a machine check by %s → the handler, and a log of version 6 that says so',
    (_what, srr1, type, address) => {
      const made = registered();
      made.cpu(0).setGpr(3, 7n);
      take(made, 0, VECTOR.machineCheck, srr1);
      expect(made.cpu(0).log).toEqual(['enter 0x6000']);
      expect(made.machine.memory.readU64(Number(made.cpu(0).gpr(3)), false)).toBe(7n);
      const log = logOf(made, 0);
      // Version 6, severity 3 (synchronous error), not recovered, extended, initiator 1 (CPU).
      expect(getU32(log, 0, 'big')).toBe(0x0674_1000);
      expect(getU32(log, 4, 'big')).toBe(16 + 40);
      expect(Buffer.from(log.subarray(20, 24)).toString('latin1')).toBe('IBM\0');
      expect(Buffer.from(log.subarray(24, 26)).toString('latin1')).toBe('MC');
      expect(log[41]).toBe(type);
      expect(getU64(log, 48, 'big')).toBe(address);
    },
  );

  it('a second machine check after ibm,nmi-interlock → the handler; before it → checkstop', () => {
    const made = registered();
    take(made, 0, VECTOR.machineCheck, BY_LOAD);
    expect(made.rtas('ibm,nmi-interlock', [], 1)).toEqual([RTAS.success]);
    take(made, 0, VECTOR.machineCheck, BY_LOAD);
    expect(made.machine.log).toEqual([]);
    // Of another CPU it is nothing to this one.
    take(made, 1, VECTOR.machineCheck, BY_LOAD);
    expect(made.machine.log).toEqual([]);
    take(made, 0, VECTOR.machineCheck, BY_LOAD);
    expect(made.machine.log).toEqual([expect.stringMatching(/checkstop: CPU 0/)]);
    expect(made.cpu(0).log).toHaveLength(2);
  });

  it('ibm,nmi-interlock after a system reset, which needs none → success', () => {
    const made = registered();
    take(made, 0, VECTOR.systemReset);
    expect(made.rtas('ibm,nmi-interlock', [], 1)).toEqual([RTAS.success]);
  });
});
