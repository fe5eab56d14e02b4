/** Which hypercall is meant, and who may make it. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { FakeMachine } from '../../../synth/firmware-machine.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

describe('dispatch', () => {
  it('an opcode that does not exist → H_FUNCTION, reported with its number and place', () => {
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
