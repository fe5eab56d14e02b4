/** Converts the machine's record of an instant to the form of the trace. */

import { hex64 } from '../../base/hex.ts';
import type { InstantRecord } from '../../emulator/host/index.ts';
import { cpuStateOf, type InstantFacts } from '../trace/index.ts';

export function instantFacts(record: InstantRecord): InstantFacts {
  return {
    cpus: record.vcpus.map(({ index, state, nia, msr, gpr }) => ({
      index,
      state: cpuStateOf(state, nia, msr),
      nia: hex64(nia),
      msr: hex64(msr),
      r1: hex64(gpr[1] ?? 0n),
      r3: hex64(gpr[3] ?? 0n),
    })),
    interrupts: record.interrupts.map(({ cpu, xisr, mfrr, cppr, inService, pending }) => ({
      cpu,
      xisr: hex64(xisr),
      mfrr,
      cppr,
      unfinished: inService.length > 0,
      inService: inService.map((number) => hex64(number)),
      pending,
    })),
    ...(record.hashTable === undefined ? {} : { hashTable: record.hashTable }),
    hypervisor: {
      vpas: record.areas.map(({ cpu, kind, raddr, bytes }) => ({ cpu, kind, raddr: hex64(raddr), bytes })),
      queues: record.queues.map(({ cpu, priority, raddr, bytes }) => ({
        cpu,
        priority,
        raddr: hex64(raddr),
        bytes,
      })),
      crqs: record.crqs,
      tces: record.tces,
      inFlight: record.inFlight,
    },
  };
}
