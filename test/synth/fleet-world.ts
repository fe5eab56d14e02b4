/** A real fleet over stores in memory, of guests that play a script: as tests of the fleet open it and follow it. */

import { Captures } from '../../src/panic/captures/index.ts';
import type { ServiceEvent } from '../../src/panic/contract/index.ts';
import { Refusal } from '../../src/panic/contract/index.ts';
import {
  type BootImage,
  type FleetOptions,
  type MemoryBudget,
  type OwnedFleet,
  openFleet,
} from '../../src/panic/index.ts';
import { type EventBus, MemoryEventBus, OperationService } from '../../src/panic/operations/index.ts';
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
  readonly operations: OperationService;
  readonly captures: Captures;
  readonly metadata: MetadataStore;
  readonly vmcores: VmcoreStore;
  readonly bus: EventBus;
  /** Machines in the order in which they were opened. */
  readonly guests: ScriptedPartition[];
  /** Everything that was published. */
  readonly events: ServiceEvent[];
};

export type FleetWorldOptions = {
  /** Of an earlier world; default new ones in memory. */
  readonly stores?: Pick<FleetWorld, 'metadata' | 'vmcores'>;
  readonly openGuest?: typeof crashablePartition;
  /** Who the fleet is to its store; default `local`. */
  readonly worker?: string;
  /** Default: a letter and a number that counts up. */
  readonly newId?: (prefix: string) => string;
  /** Takes the failures that belong to no operation; default: they are thrown. */
  readonly onError?: (error: Error) => void;
  /** What `debian` is. */
  readonly boot?: BootImage;
  /** Limits and waits of the fleet; default its own. */
  readonly hostSeconds?: number;
  readonly memory?: MemoryBudget;
  readonly backOff?: NonNullable<FleetOptions['backOff']>;
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
  {
    stores,
    openGuest = crashablePartition,
    boot = BOOT,
    newId,
    onError,
    worker: name = 'local',
    ...limits
  }: FleetWorldOptions = {},
): Promise<FleetWorld> {
  const guests: ScriptedPartition[] = [];
  const events: ServiceEvent[] = [];
  const { metadata, vmcores } = stores ?? {
    metadata: openMetadataStore(':memory:'),
    vmcores: openLocalVmcoreStore(':memory:'),
  };
  let ids = 0;
  const bus = new MemoryEventBus();
  const worker = await metadata.operations.enlist(name);
  await metadata.operations.failOrphans(worker, { code: 'interrupted', message: 'restarted' });
  const shared = {
    bus,
    worker,
    now: () => new Date('2024-03-01T12:00:00Z'),
    newId: newId ?? ((prefix: string) => `${prefix}${++ids}`),
    onError:
      onError ??
      ((error: Error) => {
        throw error;
      }),
  };
  const captures = new Captures({ ...shared, captures: metadata.captures, vmcores });
  const fleet = await openFleet({
    ...shared,
    ...limits,
    metadata,
    captures,
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
  });
  const operations = new OperationService({ ...shared, queue: metadata.operations });
  operations.serve(fleet.host);
  operations.start();
  await bus.subscribe((message) => {
    if (message.kind === 'event') events.push(message.event);
  });
  return { fleet, operations, captures, metadata, vmcores, bus, guests, events };
}

/** Ends what runs, as the daemon does when it goes down. The stores stay open. */
export async function shutDown({
  fleet,
  operations,
}: Pick<FleetWorld, 'fleet' | 'operations'>): Promise<void> {
  operations.stop();
  await fleet.close();
  await operations.close();
}

export async function closeFleetWorld(world: FleetWorld): Promise<void> {
  await shutDown(world);
  await world.metadata.close();
  await world.vmcores.close();
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
  await w.operations.submit({ kind: 'start', partitionId: id });
  await seen(w, { kind: 'partition', id, state: 'ready' });
  return id;
}
