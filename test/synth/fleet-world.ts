/** A real fleet over stores in memory, of guests that play a script: as tests of the fleet open it and follow it. */

import type { ServiceEvent } from '../../src/panic/contract/index.ts';
import { Refusal } from '../../src/panic/contract/index.ts';
import { type BootImage, type OwnedFleet, openFleet } from '../../src/panic/index.ts';
import { type MetadataStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { openLocalVmcoreStore, type VmcoreStore } from '../../src/vmcore/store/index.ts';
import {
  BOOT,
  bootWithCrashKernel,
  crashablePartition,
  dump,
  enterKernel,
  handoff,
} from './crashing-guest.ts';
import type { GuestScript, ScriptedPartition } from './partition-handle.ts';
import { elfDump } from './vmcore.ts';

export type FleetWorld = {
  readonly fleet: OwnedFleet;
  readonly metadata: MetadataStore;
  readonly vmcores: VmcoreStore;
  /** Machines in the order in which they were opened. */
  readonly guests: ScriptedPartition[];
  /** Everything that the fleet has told. */
  readonly events: ServiceEvent[];
};

export type FleetWorldOptions = {
  /** Of an earlier world; default new ones in memory. */
  readonly stores?: Pick<FleetWorld, 'metadata' | 'vmcores'>;
  readonly openGuest?: typeof crashablePartition;
  /** What `debian` is. */
  readonly boot?: BootImage;
};

/** A guest that crashes on CPU 1 when it is asked for a sysrq, and dumps. */
export const CRASHES: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, vty, text) => {
    if (vty !== 0 || text !== '\x0fc') return guest.rest();
    handoff(guest, 1);
    enterKernel(guest, 1);
    setTimeout(() => dump(guest, elfDump()), 20);
  },
};

/** Opens a fleet whose one image is `debian`. */
export async function openFleetWorld(
  script: GuestScript,
  { stores, openGuest = crashablePartition, boot = BOOT }: FleetWorldOptions = {},
): Promise<FleetWorld> {
  const guests: ScriptedPartition[] = [];
  const events: ServiceEvent[] = [];
  const { metadata, vmcores } = stores ?? {
    metadata: openMetadataStore(':memory:'),
    vmcores: openLocalVmcoreStore(':memory:'),
  };
  let ids = 0;
  const fleet = await openFleet({
    metadata,
    vmcores,
    images: {
      bootImage: async (name) => {
        if (name !== 'debian') throw new Refusal('not-found', `There is no image ${name}.`);
        return boot;
      },
    },
    openPartition: (config) => {
      const guest = openGuest(script, config);
      guests.push(guest);
      return guest;
    },
    now: () => new Date('2024-03-01T12:00:00Z'),
    newId: (prefix) => `${prefix}${++ids}`,
    onError: (error) => {
      throw error;
    },
  });
  fleet.events((event) => events.push(event));
  return { fleet, metadata, vmcores, guests, events };
}

export async function closeFleetWorld({ fleet, metadata, vmcores }: FleetWorld): Promise<void> {
  await fleet.close();
  await metadata.close();
  await vmcores.close();
}

/** Waits for an event, past ones included. */
export async function seen(
  { events }: Pick<FleetWorld, 'events'>,
  wanted: Partial<Record<string, string>>,
  count = 1,
): Promise<void> {
  const matches = (event: ServiceEvent): boolean =>
    Object.entries(wanted).every(([key, value]) => (event as Record<string, string>)[key] === value);
  while (events.filter(matches).length < count) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** The phases that an operation went through, in order. */
export function phasesOf({ events }: Pick<FleetWorld, 'events'>, operationId: string): string[] {
  const phases = events.flatMap((event) =>
    event.kind === 'operation' && event.id === operationId ? [event.phase] : [],
  );
  return [...new Set(phases)];
}

/** A partition `one` of two CPUs that is ready. @returns its id */
export async function readyPartition(w: FleetWorld): Promise<string> {
  const { id } = await w.fleet.create({ image: 'debian', cpus: 2, name: 'one' });
  await w.fleet.start(id);
  await seen(w, { kind: 'partition', id, state: 'ready' });
  return id;
}
