/**
 * Rule `master-entry`: the master branches to the entry point itself, not to 0, with r3 = its hardware id, r4 = the entry
 * address, r5 = 0, a stack in r1 (docs/handoff.md).
 */

import { hex64 } from '../../../base/hex.ts';
import { type EventSort, fetchesAt } from '../../trace/index.ts';
import { masterOf, nameCpu } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventOf, eventsIn, untilEntry } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

export function masterEntry(input: RuleInput): Judgement {
  const { instants, image } = input;
  const master = masterOf(input);
  const { t1 } = instants;
  if (t1 === undefined || master === undefined || image.load === undefined)
    return verdict('not-reached', 'no CPU entered the image', [instants.t0]);
  const entry = eventOf(input, t1);
  const wanted = BigInt(image.load.entry);
  const faults: string[] = [];
  const expect = (name: string, actual: string | undefined, value: bigint): void => {
    if (actual === undefined || BigInt(actual) !== value)
      faults.push(`${name} is ${actual ?? 'unknown'}, not ${hex64(value)}`);
  };
  const regs = entry?.kind === 'fetch' ? entry.regs : undefined;
  expect('raddr', entry?.kind === 'fetch' ? entry.raddr : undefined, wanted);
  expect('r3', regs?.r3, BigInt(master.hardwareId));
  expect('r4', regs?.r4, wanted);
  expect('r5', regs?.r5, 0n);
  if (BigInt(regs?.r1 ?? 0) === 0n) faults.push('r1 holds no stack');
  const comesLow = (event: EventSort): boolean => fetchesAt(event, 'low') && event.cpu === master.index;
  const detour = eventsIn(input, untilEntry(input)).find(
    (event) => comesLow(event) && event.kind === 'fetch' && BigInt(event.raddr) === 0n,
  );
  if (detour !== undefined) faults.push('it went through address 0');
  if (faults.length > 0) return verdict('broken', `${nameCpu(master)}: ${faults.join('; ')}`, [detour, t1]);
  return (
    notKept(input, untilEntry(input), comesLow) ??
    verdict('held', `${nameCpu(master)} at ${image.load.entry}`, [t1])
  );
}
