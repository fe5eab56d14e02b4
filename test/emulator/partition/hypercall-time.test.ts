/** What the hypervisor does takes the guest's time, the same on every host and however often a slice is paused. */

import { expect, it } from 'vitest';
import { BYTES_PER_NS } from '../../../src/emulator/devices/bandwidth.ts';
import { FIRMWARE_CALL_NS, HYPERCALL_NS } from '../../../src/emulator/platform/contract/cost.ts';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { runPausing } from '../../synth/pausing.ts';
import { b, dForm, li, mfspr, SC1 } from '../../synth/power-words.ts';
import { BUFFER, bench } from '../platform/platform-under-test.ts';

const TB = 268;
const TICKS_PER_NS = 0.512;
const addi = (rt: number, ra: number, value: number): number => dForm(14, rt, ra, value);
/** r8 counts rounds of one call each. */
const ROUND = [li(3, 0x7ffc), SC1, addi(8, 8, 1)];
const LOOP = [li(8, 0), ...ROUND, b(-12)];

it('a hypercall takes its time, and the timebase shows it at once', () => {
  const { partition } = bareKernel([mfspr(20, TB), ...ROUND, mfspr(21, TB), b(0)]);
  partition.run(1000, () => false);
  const vcpu = partition.vcpus[0];
  const ticks = Number((vcpu?.gpr(21) ?? 0n) - (vcpu?.gpr(20) ?? 0n));
  expect(Math.abs(ticks - (HYPERCALL_NS + ROUND.length) * TICKS_PER_NS)).toBeLessThan(3);
});

it('a loop of hypercalls is executed as often as its time allows, also where its slices are paused', () => {
  const most = 100_000;
  const rounds = [false, true].map((pausing) => {
    const { partition } = bareKernel(LOOP);
    for (const at of [most / 2, most]) partition.clock.at(at, () => undefined);
    if (pausing) while (partition.clock.now() < most) runPausing(partition, most);
    else while (partition.clock.now() < most) partition.run(most, () => false);
    return [Number(partition.vcpus[0]?.gpr(8)), partition.clock.now()];
  });
  expect(rounds[0]).toEqual(rounds[1]);
  const [[count = 0, now = 0] = []] = rounds;
  expect(Math.abs(count - now / (HYPERCALL_NS + ROUND.length + 1))).toBeLessThan(2);
});

it('a call of RTAS takes more, and bytes that it moves more still', () => {
  const machine = new FakeMachine();
  const { rtas } = bench(machine);
  rtas('get-time-of-day', [], 8);
  expect(machine.spent).toBe(HYPERCALL_NS + FIRMWARE_CALL_NS);
  rtas('nvram-fetch', [0, BUFFER + 0x1000, 4096], 2);
  expect(machine.spent).toBe(2 * (HYPERCALL_NS + FIRMWARE_CALL_NS) + 4096 / BYTES_PER_NS);
});
