import { afterEach, describe, expect, it } from 'vitest';
import { arraySource } from '../../src/base/bytes.ts';
import type { ServiceEvent } from '../../src/panic/contract.ts';
import { Refusal } from '../../src/panic/contract.ts';
import { type OwnedFleet, openFleet } from '../../src/panic/index.ts';
import { type MetadataStore, openMetadataStore } from '../../src/panic/store/index.ts';
import { openLocalVmcoreStore, type VmcoreStore } from '../../src/vmcore/store/index.ts';
import {
  BOOT,
  bootWithCrashKernel,
  crashablePartition,
  dump,
  enterKernel,
  handoff,
} from '../synth/crashing-guest.ts';
import type { GuestScript, ScriptedPartition } from '../synth/partition-handle.ts';
import { elfDump } from '../synth/vmcore.ts';

type World = {
  readonly fleet: OwnedFleet;
  readonly metadata: MetadataStore;
  readonly vmcores: VmcoreStore;
  readonly guests: ScriptedPartition[];
  readonly events: ServiceEvent[];
};

const opened: World[] = [];
afterEach(async () => {
  for (const { fleet, metadata, vmcores } of opened.splice(0)) {
    await fleet.close();
    await metadata.close();
    await vmcores.close();
  }
});

const CRASHES: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, vty, text) => {
    if (vty !== 0 || text !== '\x0fc') return guest.rest();
    handoff(guest, 1);
    enterKernel(guest, 1);
    setTimeout(() => dump(guest, elfDump()), 20);
  },
};

async function world(
  script: GuestScript = CRASHES,
  stores?: Pick<World, 'metadata' | 'vmcores'>,
): Promise<World> {
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
        return BOOT;
      },
    },
    openPartition: (config) => {
      const guest = crashablePartition(script, config);
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
  const made = { fleet, metadata, vmcores, guests, events };
  opened.push(made);
  return made;
}

/** Waits for an event, past ones included. */
async function seen({ events }: World, wanted: Partial<Record<string, string>>, count = 1): Promise<void> {
  const matches = (event: ServiceEvent): boolean =>
    Object.entries(wanted).every(([key, value]) => (event as Record<string, string>)[key] === value);
  while (events.filter(matches).length < count) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function readyPartition(w: World): Promise<string> {
  const { id } = await w.fleet.create({ image: 'debian', cpus: 2, name: 'one' });
  await w.fleet.start(id);
  await seen(w, { kind: 'partition', id, state: 'ready' });
  return id;
}

describe('partitions', () => {
  it('one without H_SIGNAL_SYS_RESET has a machine without it', async () => {
    const w = await world();
    const { id } = await w.fleet.create({ image: 'debian', refuseSysReset: true });
    await w.fleet.start(id);
    await seen(w, { kind: 'partition', id, state: 'ready' });
    expect(w.guests[0]?.config.refuseSysReset).toBe(true);
  });

  it('created off, started by an operation, stopped, removed', async () => {
    const w = await world();
    const made = await w.fleet.create({ image: 'debian', cpus: 2, memory: '64M' });
    expect(made).toMatchObject({ state: 'stopped', memoryBytes: 64 << 20, cpus: 2, crashes: 0 });
    const start = await w.fleet.start(made.id);
    expect(start).toMatchObject({ kind: 'start', state: 'queued', partitionId: made.id });
    await seen(w, { kind: 'operation', id: start.id, state: 'succeeded' });
    expect(w.fleet.get(made.id).state).toBe('ready');
    await expect(w.fleet.start(made.id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(w.fleet.remove(made.id)).rejects.toMatchObject({ code: 'conflict' });
    const stop = await w.fleet.stop(made.id);
    await seen(w, { kind: 'operation', id: stop.id, state: 'succeeded' });
    expect(w.fleet.get(made.id).state).toBe('stopped');
    await w.fleet.remove(made.id);
    expect(w.guests[0]?.closed).toBe(true);
    expect(() => w.fleet.get(made.id)).toThrow(Refusal);
    expect(await w.metadata.listPartitions()).toEqual([]);
  });

  it('what could never start is refused', async () => {
    const w = await world();
    for (const request of [
      { image: 'nowhere' },
      { image: 'debian', memory: '3 bananas' },
      { image: 'debian', processor: 'power8', mmu: 'radix' },
    ] as const) {
      await expect(w.fleet.create(request)).rejects.toMatchObject({ code: 'invalid' });
    }
  });

  it('a guest that does not come up: failed with the reason, and can be started again', async () => {
    let dead = true;
    const w = await world({
      onStart: (guest) =>
        dead ? guest.end({ kind: 'error', message: 'bad kernel' }) : bootWithCrashKernel(guest),
    });
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    const start = await w.fleet.start(id);
    await seen(w, { kind: 'operation', id: start.id, state: 'failed' });
    expect(w.fleet.get(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('bad kernel') });
    expect((await w.metadata.getOperation(start.id))?.error?.code).toBe('not-ready');
    dead = false;
    await w.fleet.start(id);
    await seen(w, { kind: 'partition', id, state: 'ready' });
    // The machine that failed is not used again.
    expect(w.guests.length).toBe(2);
  });

  it('reset: off and on again; console of the current life', async () => {
    const w = await world({
      ...CRASHES,
      onStart: (guest) => {
        guest.print(`life ${guest.lives}`);
        bootWithCrashKernel(guest);
      },
    });
    const id = await readyPartition(w);
    const shown: string[] = [];
    w.fleet.watchConsole(id, (bytes) => shown.push(Buffer.from(bytes).toString()));
    await w.fleet.reset(id);
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(Buffer.from(w.fleet.console(id)).toString()).toBe('life 2');
    expect(shown).toEqual(['life 2']);
    await w.fleet.type(id, Buffer.from('ls\r'));
    expect(w.guests[0]?.typed).toContain('0: ls\r');
  });
});

describe('panic', () => {
  it('captured, stored, told, and the partition is back in service', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const operation = await w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' });
    expect(operation).toMatchObject({ kind: 'panic', state: 'queued' });
    expect(w.fleet.get(id).state).toBe('busy');
    await seen(w, { kind: 'operation', id: operation.id, state: 'succeeded' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const done = await w.metadata.getOperation(operation.id);
    const capture = await w.metadata.getCapture(done?.captureId ?? '');
    expect(capture).toMatchObject({
      partitionId: id,
      image: 'debian',
      outcome: 'captured',
      phase: 'stored',
      vmcore: { format: 'elf', bytes: elfDump().length },
      rules: { broken: 0, held: 19 },
    });
    const manifest = await w.metadata.getManifestId(capture?.id ?? '');
    const parts: Uint8Array[] = [];
    for await (const part of w.vmcores.readVmcore(manifest ?? 0)) parts.push(part);
    expect(Buffer.concat(parts).equals(elfDump())).toBe(true);
    expect(JSON.parse((await w.metadata.getTrace(capture?.id ?? '')) ?? '').version).toBe(1);
    expect(w.fleet.get(id)).toMatchObject({ crashes: 1, state: 'ready' });
    const phases = w.events.flatMap((event) =>
      event.kind === 'operation' && event.id === operation.id ? [event.phase] : [],
    );
    expect([...new Set(phases)]).toEqual([
      'queued',
      'triggered',
      'panic',
      'handoff',
      'purgatory',
      'crash-kernel',
      'dumping',
      'stored',
    ]);
  });

  it('a fault in a CPU that is not there: invalid, and the partition stays ready', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const faults = [{ kind: 'wedge', cpu: 2 }] as const;
    await expect(w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw', faults })).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(w.fleet.get(id).state).toBe('ready');
  });

  it('not ready: conflict; bad CPU or dump: invalid; unknown: not found', async () => {
    const w = await world();
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    await expect(w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw', onCpu: 2 })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(w.fleet.panic(id, { trigger: 'sysrq', dump: '; reboot' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(w.fleet.panic('p99', { trigger: 'sysrq', dump: 'raw' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('the same key: the same operation, done once', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const request = { trigger: 'sysrq', dump: 'raw' } as const;
    const [first, second] = await Promise.all([
      w.fleet.panic(id, request, 'k'),
      w.fleet.panic(id, request, 'k'),
    ]);
    expect(second.id).toBe(first.id);
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect((await w.fleet.panic(id, request, 'k')).id).toBe(first.id);
    expect(w.fleet.get(id)).toMatchObject({ state: 'ready', crashes: 1 });
  });

  it('a failed crash: the operation fails with the reason, the capture stays, the partition comes back', async () => {
    const w = await world({
      ...CRASHES,
      onInput: (guest, vty, text) => {
        if (vty !== 0 || text !== '\x0fc') return guest.rest();
        handoff(guest, 1);
        guest.rest();
      },
    });
    const id = await readyPartition(w);
    const operation = await w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' });
    await seen(w, { kind: 'operation', id: operation.id, state: 'failed' });
    const done = await w.metadata.getOperation(operation.id);
    expect(done).toMatchObject({
      phase: 'purgatory',
      error: { code: 'capture-failed' },
      captureId: expect.any(String),
    });
    expect(await w.metadata.getCapture(done?.captureId ?? '')).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      vmcore: null,
    });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  });

  it('stopped in mid-crash: the operation fails, and the partition stays off', async () => {
    const w = await world({
      ...CRASHES,
      onInput: (guest, vty, text) => {
        if (vty === 0 && text === '\x0fc') handoff(guest, 1);
      },
    });
    const id = await readyPartition(w);
    const operation = await w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' });
    await seen(w, { kind: 'operation', id: operation.id, phase: 'purgatory' });
    const stop = await w.fleet.stop(id);
    await seen(w, { kind: 'operation', id: stop.id, state: 'succeeded' });
    expect((await w.metadata.getOperation(operation.id))?.state).toBe('failed');
    expect(w.fleet.get(id).state).toBe('stopped');
    expect(w.guests[0]?.lives).toBe(1);
  });

  it('a guest that crashes by itself is captured, too', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const guest = w.guests[0] as ScriptedPartition;
    dump(guest, elfDump());
    await seen(w, { kind: 'capture', partitionId: id });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const { items } = await w.metadata.listCaptures({ limit: 10 });
    expect(items).toMatchObject([{ outcome: 'captured', vmcore: { bytes: elfDump().length } }]);
  });
});

describe('the service goes down', () => {
  it('closed in mid-crash: interrupted, nothing is stored', async () => {
    const w = await world({
      ...CRASHES,
      onInput: (guest, vty, text) => vty === 0 && text === '\x0fc' && handoff(guest, 1),
    });
    const id = await readyPartition(w);
    const operation = await w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' });
    await seen(w, { kind: 'operation', id: operation.id, phase: 'purgatory' });
    await w.fleet.close();
    expect(await w.metadata.getOperation(operation.id)).toMatchObject({
      state: 'failed',
      error: { code: 'interrupted' },
    });
    expect((await w.metadata.listCaptures({ limit: 10 })).items).toEqual([]);
  });

  it('opened again: partitions are there, off; what had not ended has failed', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const at = '2024-03-01T12:00:00Z';
    await w.metadata.createOperation({
      id: 'o99',
      kind: 'panic',
      state: 'running',
      phase: 'dumping',
      partitionId: id,
      createdAt: at,
      updatedAt: at,
    });
    const again = await world(CRASHES, w);
    opened.splice(opened.indexOf(w), 1);
    expect(await w.metadata.getOperation('o99')).toMatchObject({
      state: 'failed',
      error: { code: 'interrupted' },
    });
    expect(again.fleet.list()).toMatchObject([{ id, name: 'one', state: 'stopped' }]);
    await again.fleet.startAll();
    expect(again.fleet.get(id).state).toBe('ready');
    await w.fleet.close();
  });

  it('sweeping keeps what captures need', async () => {
    const w = await world();
    const id = await readyPartition(w);
    await w.fleet.panic(id, { trigger: 'sysrq', dump: 'raw' });
    await seen(w, { kind: 'capture', partitionId: id });
    await w.vmcores.writeVmcore(arraySource(new Uint8Array(100_000).fill(7)));
    expect((await w.fleet.sweepStore()).chunks).toBe(2);
    const [kept] = await w.vmcores.list();
    await w.vmcores.verify(kept?.id ?? 0);
  });
});
