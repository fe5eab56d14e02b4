import { afterEach, describe, expect, it } from 'vitest';
import { arraySource } from '../../../src/base/bytes.ts';
import { Refusal } from '../../../src/panic/contract/index.ts';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { BOOT, bootWithCrashKernel, handoff } from '../../synth/crashing-guest.ts';
import {
  CRASHES,
  closeFleetWorld,
  type FleetWorld,
  type FleetWorldOptions,
  openFleetWorld,
  readyPartition,
  seen,
  shutDown,
} from '../../synth/fleet-world.ts';
import type { GuestScript } from '../../synth/partition-handle.ts';

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

async function world(script: GuestScript = CRASHES, options: FleetWorldOptions = {}): Promise<FleetWorld> {
  const made = await openFleetWorld(script, options);
  opened.push(made);
  return made;
}

describe('partitions', () => {
  it('one without H_SIGNAL_SYS_RESET has a machine without it', async () => {
    const w = await world();
    const { id } = await w.fleet.create({ image: 'debian', refuseSysReset: true });
    await w.operations.submit({ kind: 'start', partitionId: id });
    await seen(w, { kind: 'partition', id, state: 'ready' });
    expect(w.guests[0]?.config.refuseSysReset).toBe(true);
  });

  it('firmware, interrupts and disks of the request → shown, and the machine has them', async () => {
    const w = await world();
    const machine = { firmware: 'open-firmware', interrupts: 'xive', diskBus: 'vscsi' } as const;
    const made = await w.fleet.create({ image: 'debian', ...machine });
    expect(made).toMatchObject(machine);
    await w.operations.submit({ kind: 'start', partitionId: made.id });
    await seen(w, { kind: 'partition', id: made.id, state: 'ready' });
    const config = w.guests[0]?.config;
    expect(config).toMatchObject({ firmware: 'open-firmware', interruptController: 'xive' });
    expect(config?.disks.map(({ bus }) => bus)).toEqual(config?.disks.map(() => 'vscsi'));
    // A partition of an earlier release, which knew none of them, is what it was.
    const usual = { firmware: 'flat', interrupts: 'xics', diskBus: 'virtio' };
    expect(await w.fleet.create({ image: 'debian' })).toMatchObject(usual);
  });

  it.each([{ firmware: 'open-firmware' }, { interrupts: 'xive' }, { diskBus: 'vscsi' }] as const)(
    '%o of an image whose guest has no driver → refused with the reason',
    async (asked) => {
      const machine = { firmware: 'flat', interruptController: 'xics', diskBus: 'virtio' } as const;
      const w = await world(CRASHES, { boot: { ...BOOT, machine } });
      const [value] = Object.values(asked);
      await expect(w.fleet.create({ image: 'debian', ...asked })).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining(`has no driver for ${value}`),
      });
      const usual = { firmware: 'flat', interrupts: 'xics', diskBus: 'virtio' } as const;
      expect(await w.fleet.create({ image: 'debian', ...usual })).toMatchObject(usual);
    },
  );

  it('created off, started by an operation, stopped, removed', async () => {
    const w = await world();
    const made = await w.fleet.create({ image: 'debian', cpus: 2, memory: '64M' });
    expect(made).toMatchObject({ state: 'stopped', memoryBytes: 64 << 20, cpus: 2, crashes: 0 });
    const start = await w.operations.submit({ kind: 'start', partitionId: made.id });
    expect(start).toMatchObject({ kind: 'start', state: 'queued', partitionId: made.id });
    await seen(w, { kind: 'operation', id: start.id, state: 'succeeded' });
    expect(w.fleet.get(made.id).state).toBe('ready');
    await expect(w.operations.submit({ kind: 'start', partitionId: made.id })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(w.fleet.remove(made.id)).rejects.toMatchObject({ code: 'conflict' });
    const stop = await w.operations.submit({ kind: 'stop', partitionId: made.id });
    await seen(w, { kind: 'operation', id: stop.id, state: 'succeeded' });
    expect(w.fleet.get(made.id).state).toBe('stopped');
    await w.fleet.remove(made.id);
    expect(w.guests[0]?.closed).toBe(true);
    expect(() => w.fleet.get(made.id)).toThrow(Refusal);
    expect(await w.metadata.partitions.list()).toEqual([]);
  });

  it('what could never start is refused', async () => {
    const w = await world();
    for (const request of [
      { image: 'nowhere' },
      { image: 'debian', memory: '3 bananas' },
      { image: 'debian', processor: 'power8', mmu: 'radix' },
      { image: 'debian', processor: 'power8', interrupts: 'xive' },
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
    const start = await w.operations.submit({ kind: 'start', partitionId: id });
    await seen(w, { kind: 'operation', id: start.id, state: 'failed' });
    expect(w.fleet.get(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('bad kernel') });
    expect((await w.metadata.operations.get(start.id))?.error?.code).toBe('not-ready');
    dead = false;
    await w.operations.submit({ kind: 'start', partitionId: id });
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
    await w.operations.submit({ kind: 'reset', partitionId: id });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(Buffer.from(w.fleet.console(id)).toString()).toBe('life 2');
    expect(shown).toEqual(['life 2']);
    await w.fleet.type(id, Buffer.from('ls\r'));
    expect(w.guests[0]?.typed).toContain('0: ls\r');
  });

  it('type: a guest that does not read its terminal → refused with the figures, nothing typed', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const guest = w.guests[0] as (typeof w.guests)[number];
    guest.terminalsFull = true;
    await expect(w.fleet.type(id, Buffer.from('ls\r'))).rejects.toMatchObject({
      code: 'terminal-full',
      message: expect.stringMatching(/^The guest does not read its terminal: 3 bytes .* 65536 /),
    });
    expect(guest.typed).not.toContain('0: ls\r');
    guest.terminalsFull = false;
    await w.fleet.type(id, Buffer.from('ls\r'));
  });
});

describe('the service goes down', () => {
  it('closed in mid-crash: interrupted, nothing is stored', async () => {
    const w = await world({
      ...CRASHES,
      onInput: (guest, vty, text) => vty === 0 && text === '\x0fc' && handoff(guest, 1),
    });
    const id = await readyPartition(w);
    const operation = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(w, { kind: 'operation', id: operation.id, phase: 'purgatory' });
    await shutDown(w);
    expect(await w.metadata.operations.get(operation.id)).toMatchObject({
      state: 'failed',
      error: { code: 'interrupted' },
    });
    expect((await w.metadata.captures.list({ limit: 10 })).items).toEqual([]);
  });

  it('opened again: partitions are there, off; what had not ended has failed', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const at = '2024-03-01T12:00:00Z';
    // As a daemon leaves it that is killed: claimed by an incarnation that is no more.
    const dead = await w.metadata.operations.enlist('local');
    await w.metadata.operations.submit({
      operation: {
        id: 'o99',
        kind: 'panic',
        state: 'queued',
        phase: 'queued',
        partitionId: id,
        createdAt: at,
        updatedAt: at,
      },
      request: { kind: 'panic', partitionId: id, options: { trigger: 'sysrq', dump: 'raw' } },
      worker: dead,
    });
    await w.metadata.operations.claim(dead, { id: 'o99' }, { leaseMs: 60_000 });
    const again = await world(CRASHES, { stores: w });
    opened.splice(opened.indexOf(w), 1);
    expect(await w.metadata.operations.get('o99')).toMatchObject({
      state: 'failed',
      error: { code: 'interrupted' },
    });
    expect(again.fleet.list()).toMatchObject([{ id, name: 'one', state: 'stopped' }]);
    await again.fleet.startAll();
    expect(again.fleet.get(id).state).toBe('ready');
    await shutDown(w);
  });

  it('sweeping keeps what captures need', async () => {
    const w = await world();
    const id = await readyPartition(w);
    await w.operations.submit({ kind: 'panic', partitionId: id, options: { trigger: 'sysrq', dump: 'raw' } });
    await seen(w, { kind: 'capture', partitionId: id });
    await w.vmcores.writeVmcore(arraySource(new Uint8Array(100_000).fill(7)));
    expect((await w.captures.sweep()).chunks).toBe(2);
    const [kept] = await w.vmcores.list();
    await w.vmcores.verify(kept?.id ?? '');
  });
});

describe('several processes over one store', () => {
  const open = (now: () => number): NonNullable<FleetWorldOptions['stores']> => ({
    metadata: openMetadataStore(':memory:', { now }),
    vmcores: openLocalVmcoreStore(':memory:'),
  });

  it('a partition that another process runs → is not there', async () => {
    const stores = open(Date.now);
    const one = await world(CRASHES, { stores });
    const id = await readyPartition(one);
    const two = await openFleetWorld(CRASHES, { stores, worker: 'two' });
    expect(two.fleet.list()).toEqual([]);
    await shutDown(two);
    await shutDown(one);
    // The lease was released: the next owner gets it.
    const three = await openFleetWorld(CRASHES, { stores, worker: 'two' });
    expect(three.fleet.list()).toMatchObject([{ id, state: 'stopped' }]);
    await shutDown(three);
  });

  it('a partition that another process has taken over → switched off here, and nothing of its crash is stored', async () => {
    let now = Date.parse('2024-03-01T12:00:00Z');
    const stores = open(() => now);
    const one = await world(
      { ...CRASHES, onInput: (guest, vty, text) => vty === 0 && text === '\x0fc' && handoff(guest, 1) },
      { stores },
    );
    const id = await readyPartition(one);
    const { id: crash } = await one.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(one, { kind: 'operation', id: crash, phase: 'purgatory' });
    await one.fleet.renewLeases();
    expect(one.fleet.get(id).state).toBe('crashed');
    // The process is not heard of for too long.
    now += 61_000;
    const two = await openFleetWorld(CRASHES, { stores, worker: 'two' });
    expect(two.fleet.list()).toMatchObject([{ id, state: 'stopped' }]);
    await two.operations.beat();
    await one.fleet.renewLeases();
    expect(one.fleet.get(id)).toMatchObject({
      state: 'failed',
      reason: 'another process has taken the partition over',
    });
    await one.operations.close();
    expect(await two.operations.get(crash)).toMatchObject({
      state: 'failed',
      error: { code: 'interrupted' },
    });
    expect(await two.captures.list({ limit: 9 })).toEqual({ items: [] });
    await shutDown(two);
  });
});
