/**
 * Rule `path-reboot`: an ordinary kexec runs on the CPU whose thread made the reboot call, or, in later kernels, on the
 * reboot CPU to which it migrates first; device shutdown and then machine_shutdown run just before machine_kexec
 * (docs/handoff.md; Linux 6.1 kernel/kexec_core.c kernel_kexec, kernel/reboot.c migrate_to_reboot_cpu). The rule is about
 * functions and needs their names.
 */

import { type CallEvent, calls, type FunctionName } from '../../trace/index.ts';
import { masterOf, nameCpu } from '../shared/cpus.ts';
import { notKept } from '../shared/dropped.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { eventsIn, type Stretch } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const ORDER: readonly FunctionName[] = ['device_shutdown', 'machine_shutdown', 'machine_kexec'];
const MIGRATION: FunctionName = 'migrate_to_reboot_cpu';

export function pathReboot(input: RuleInput): Judgement {
  const { instants, image } = input;
  const { t0, t1 } = instants;
  const unnamed = ORDER.filter((name) => !image.probes.includes(name));
  if (unnamed.length > 0)
    return verdict('not-applicable', `the guest's symbols do not name ${unnamed.join(', ')}`);
  if (t0 === undefined) return verdict('not-reached', 'no kexec was asked for');
  const master = masterOf(input);
  if (t1 === undefined || master === undefined)
    return verdict('not-reached', 'no CPU entered the image', [t0]);
  const way: Stretch = { from: 0, to: t1.event };
  const hidden = notKept(input, way, (sort) => calls(sort, [...ORDER, MIGRATION]));
  if (hidden !== undefined) return hidden;
  const lastCall = (name: FunctionName): CallEvent | undefined =>
    eventsIn(input, way).findLast((event) => calls(event, name));
  const [devices, machine, kexec] = [
    lastCall('device_shutdown'),
    lastCall('machine_shutdown'),
    lastCall('machine_kexec'),
  ];
  if (devices === undefined || machine === undefined || kexec === undefined) {
    const missing = ORDER.filter((name) => lastCall(name) === undefined);
    return verdict('broken', `${missing.join(' and ')} did not run`, [t0, t1]);
  }
  const steps = [devices, machine, kexec];
  if (devices.n > machine.n || machine.n > kexec.n)
    return verdict('broken', `the order was not ${ORDER.join(', ')}`, steps);
  const elsewhere = [machine, kexec].find(({ cpu }) => cpu !== master.index);
  if (elsewhere !== undefined)
    return verdict(
      'broken',
      `${elsewhere.mark.name} ran on CPU ${elsewhere.cpu}, not on ${nameCpu(master)}`,
      [elsewhere, t1],
    );
  const migration = lastCall(MIGRATION);
  const note = `${ORDER.join(', ')} on ${nameCpu(master)}`;
  if (master.index === t0.cpu)
    return verdict('held', `${note}, whose thread asked for it`, [t0, ...steps, t1]);
  if (migration === undefined)
    return verdict('broken', `CPU ${t0.cpu} asked for it, but ${nameCpu(master)} ran it`, [t0, t1]);
  return verdict('held', `${note}, the reboot CPU; CPU ${t0.cpu} asked for it`, [
    t0,
    migration,
    ...steps,
    t1,
  ]);
}
