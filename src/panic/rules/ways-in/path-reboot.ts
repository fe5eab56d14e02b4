/**
 * `path-reboot`: an ordinary kexec runs on the CPU whose thread made the reboot call, or, in later kernels, on the
 * reboot CPU to which it migrates first; it runs device shutdown, then machine_shutdown, just before machine_kexec.
 * Source: handoff contract, seeds 002 and 004; Linux 6.1 kernel/kexec_core.c kernel_kexec, kernel/reboot.c
 * migrate_to_reboot_cpu. Like `panic-skips-shutdown` it is about functions, and needs their names.
 */

import type { TraceEvent } from '../trace/index.ts';
import { masterOf, nameCpu, type Rule, type RuleInput, verdict } from './input.ts';

const ORDER = ['device_shutdown', 'machine_shutdown', 'machine_kexec'] as const;
const MIGRATION = 'migrate_to_reboot_cpu';

export const pathReboot: Rule = {
  name: 'path-reboot',
  paths: ['kexec'],
  judge: (input) => {
    const { instants, image } = input;
    const { t0, t1 } = instants;
    const unnamed = ORDER.filter((name) => !image.probes.includes(name));
    if (unnamed.length > 0)
      return verdict('not-applicable', `the guest's symbols do not name ${unnamed.join(', ')}`);
    if (t0 === undefined) return verdict('not-reached', 'no kexec was asked for');
    const master = masterOf(input);
    if (t1 === undefined || master === undefined)
      return verdict('not-reached', 'no CPU entered the image', [t0]);
    const steps = ORDER.map((name) => lastFetch(input, name, t1.event));
    const missing = ORDER.filter((_, i) => steps[i] === undefined);
    if (missing.length > 0) return verdict('broken', `${missing.join(' and ')} did not run`, [t0, t1]);
    const [devices, machine, kexec] = steps as [TraceEvent, TraceEvent, TraceEvent];
    if (devices.n > machine.n || machine.n > kexec.n)
      return verdict('broken', `the order was not ${ORDER.join(', ')}`, steps);
    const elsewhere = [machine, kexec].find(({ cpu }) => cpu !== master.index);
    if (elsewhere !== undefined)
      return verdict('broken', `${elsewhere.detail} ran on CPU ${elsewhere.cpu}, not on ${nameCpu(master)}`, [
        elsewhere,
        t1,
      ]);
    const migration = lastFetch(input, MIGRATION, t1.event);
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
  },
};

function lastFetch({ events }: RuleInput, name: string, before: number): TraceEvent | undefined {
  return events.findLast(({ kind, detail, n }) => kind === 'fetch' && detail === name && n < before);
}
