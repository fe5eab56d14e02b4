/** Reads what is kept of the machine at an instant beside memory and registers (contract/instants.ts, InstantRecord). */

import { hex64 } from '../../../base/hex.ts';
import type { HashCensus, InterruptState } from '../../contract/instants.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { Machine } from '../machine/machine.ts';
import type { MachineFacts } from './instants.ts';

/** A hash page table that can say what it holds. The hypervisor keeps none of its own entries in it. */
export type CountedTable = {
  readonly valid: number;
  sample(limit: number): readonly { readonly index: number; readonly v: bigint; readonly r: bigint }[];
};

const SAMPLE = 8;

/** @param hashTable absent: the machine has none */
export function machineFacts(
  vcpus: readonly Vcpu[],
  machine: Machine | undefined,
  hashTable: CountedTable | undefined,
): MachineFacts {
  return {
    interrupts: vcpus.map((vcpu) => interruptState(vcpu, machine)),
    ...(hashTable === undefined ? {} : { hashTable: censusOf(hashTable) }),
    areas: machine?.platform.vpas.areas() ?? [],
    queues: (machine?.eventQueues() ?? []).flatMap(({ target, priority, page, bytes }) =>
      vcpus
        .filter(({ hardwareId }) => hardwareId === target)
        .map(({ index }) => ({ cpu: index, priority, raddr: page, bytes })),
    ),
    crqs: machine?.crqs() ?? 0,
    tces: machine?.tces() ?? 0,
    inFlight: machine?.inFlight() ?? 0,
  };
}

function censusOf(table: CountedTable): HashCensus {
  return {
    valid: table.valid,
    hypervisor: 0,
    sample: table.sample(SAMPLE).map(({ index, v, r }) => `${index}: ${hex64(v)} ${hex64(r)}`),
  };
}

function interruptState(vcpu: Vcpu, machine: Machine | undefined): InterruptState {
  const state = machine?.platform.presentation(vcpu.hardwareId);
  const pending = [
    ...(vcpu.external ? ['external'] : []),
    ...(vcpu.systemReset ? ['system-reset'] : []),
    ...(vcpu.doorbell ? ['doorbell'] : []),
  ];
  return {
    cpu: vcpu.index,
    xisr: state?.xisr ?? 0,
    mfrr: state?.mfrr ?? 0xff,
    cppr: state?.cppr ?? 0,
    inService: state?.inService ?? [],
    unfinished: (state?.inService.length ?? 0) > 0,
    pending,
  };
}
