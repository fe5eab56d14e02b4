/** Lists the lanes of a trace: one for each CPU, and one for devices where they have events. */

import type { Trace } from '../../../src/panic/trace/index.ts';

/** Whose events a lane shows, by the trace's own number: -1 is the devices. */
export type Lane = {
  readonly cpu: number;
  readonly name: string;
  readonly below: string;
  readonly isMaster: boolean;
};

export function lanesOf(trace: Trace): readonly Lane[] {
  const master = trace.instants.t1?.cpu ?? trace.instants.t0?.cpu;
  const cpus = trace.machine.cpus.map(({ index, hardwareId, online }) => ({
    cpu: index,
    name: `CPU ${index}`,
    below: online === false ? `thread ${hardwareId}, off` : `thread ${hardwareId}`,
    isMaster: index === master,
  }));
  if (trace.events.every(({ cpu }) => cpu >= 0)) return cpus;
  return [...cpus, { cpu: -1, name: 'Devices', below: 'disks, faults', isMaster: false }];
}
