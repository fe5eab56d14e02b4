/**
 * `master-entry`: the master branches to the entry point itself, not to 0, with r3 = its hardware id, r4 = the entry
 * address, r5 = 0, a stack in r1. Source: handoff contract, seeds 001 and 004.
 */

import { hex64 } from '../../base/hex.ts';
import { WATCH } from '../watch/index.ts';
import { handoffEvents, KEXEC_PATHS, masterOf, nameCpu, type Rule, reg, verdict } from './input.ts';

export const masterEntry: Rule = {
  name: 'master-entry',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { instants, image, events } = input;
    const master = masterOf(input);
    const { t1 } = instants;
    if (t1 === undefined || master === undefined || image.load === undefined)
      return verdict('not-reached', 'no CPU entered the image', [instants.t0]);
    const entry = events.find(({ n }) => n === t1.event);
    const wanted = BigInt(image.load.entry);
    const faults: string[] = [];
    const expect = (name: string, value: bigint): void => {
      const actual = reg(entry, name);
      if (actual !== value)
        faults.push(`${name} is ${actual === undefined ? 'unknown' : hex64(actual)}, not ${hex64(value)}`);
    };
    expect('raddr', wanted);
    expect('r3', BigInt(master.hardwareId));
    expect('r4', wanted);
    expect('r5', 0n);
    if ((reg(entry, 'r1') ?? 0n) === 0n) faults.push('r1 holds no stack');
    const detour = handoffEvents(input).find(
      (event) =>
        event.kind === 'fetch' &&
        event.detail === WATCH.low &&
        event.cpu === master.index &&
        reg(event, 'raddr') === 0n,
    );
    if (detour !== undefined) faults.push('it went through address 0');
    if (faults.length > 0) return verdict('broken', `${nameCpu(master)}: ${faults.join('; ')}`, [detour, t1]);
    return verdict('held', `${nameCpu(master)} at ${image.load.entry}`, [t1]);
  },
};
