/** Guests that never end, and partitions that are to end early: by the host's limit, by a cancellation, by a stop. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/panic/contract/index.ts';
import { randomId } from '../../../src/panic/index.ts';
import { openMetadataStore } from '../../../src/panic/store/index.ts';
import { openLocalVmcoreStore } from '../../../src/vmcore/store/index.ts';
import { eventually } from '../../support/eventually.ts';
import { bootWithCrashKernel, handoff } from '../../synth/crashing-guest.ts';
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
import type { GuestScript, ScriptedPartition } from '../../synth/partition-handle.ts';

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

async function world(script: GuestScript, options: FleetWorldOptions = {}): Promise<FleetWorld> {
  const made = await openFleetWorld(script, options);
  opened.push(made);
  return made;
}

async function ended({ metadata }: FleetWorld, id: string): Promise<Operation> {
  return eventually(async () => {
    const operation = await metadata.operations.get(id);
    return operation === null || operation.state === 'queued' || operation.state === 'running'
      ? undefined
      : operation;
  });
}

/** A guest that leaves its kernel and then spins: instructions, and no end. */
const SPINS: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, vty, text) => {
    if (vty !== 0 || text !== '\x0fc') return guest.rest();
    handoff(guest, 1);
    guest.progress(12_000_000_000);
  },
};
/** It reports that it runs, and nothing else. */
const NEVER_READY: GuestScript = { onStart: (guest) => guest.progress(1_000_000_000) };

const PANIC = { trigger: 'sysrq', dump: 'raw' } as const;

describe('host time', () => {
  it('a panic whose guest spins → failed with figures; the crash so far is a capture; the partition boots again', async () => {
    const w = await world(SPINS);
    const id = await readyPartition(w);
    const { id: operation } = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      // Long enough for the threads that read the guest before it is crashed.
      options: { ...PANIC, hostTimeoutSeconds: 10 },
    });
    const { state, error, captureId } = await ended(w, operation);
    expect({ state, code: error?.code }).toEqual({ state: 'failed', code: 'host-time-exceeded' });
    expect(error?.message).toMatch(
      /not done after 10 s of host time.*12000000000 instructions in 12\.0 s of its time; its limit was 2400 s; it was in phase purgatory: CPU 0 running/,
    );
    const capture = await w.captures.get(captureId ?? '');
    expect(capture).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      reason: error?.message,
      vmcore: null,
    });
    expect(await w.captures.trace(capture.id)).toContain('"t1"');
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(w.fleet.get(id)).toMatchObject({ state: 'ready', crashes: 1 });
  });

  it('a start whose guest never comes up → failed with the reason, and the machine is off', async () => {
    const w = await world(NEVER_READY);
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    const { id: operation } = await w.operations.submit({
      kind: 'start',
      partitionId: id,
      options: { hostTimeoutSeconds: 0.05 },
    });
    expect(await ended(w, operation)).toMatchObject({
      state: 'failed',
      error: { code: 'host-time-exceeded', message: expect.stringContaining('0.05 s of host time') },
    });
    expect(w.fleet.get(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('host time') });
    await expect(w.guests[0]?.start()).resolves.toBeUndefined();
  });

  it('a boot that no operation asked for → the limit of the fleet holds', async () => {
    const w = await world(NEVER_READY, { hostSeconds: 0.05 });
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    await w.fleet.startAll();
    expect(w.fleet.get(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('0.05 s of host'),
    });
  });

  it.each(['kexec', 'restart'] as const)(
    'a %s that hangs → failed, and the partition boots again',
    async (kind) => {
      const w = await world({
        ...SPINS,
        onInput: (guest, _vty, text) => (text === '' ? guest.rest() : undefined),
      });
      const id = await readyPartition(w);
      const { id: operation } = await w.operations.submit({
        kind,
        partitionId: id,
        options: { hostTimeoutSeconds: 0.05 },
      });
      expect(await ended(w, operation)).toMatchObject({
        state: 'failed',
        error: { code: 'host-time-exceeded' },
      });
      await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    },
  );
});

describe('cancel', () => {
  it('a panic that runs → cancelled, with the capture of what was seen; the partition boots again', async () => {
    const w = await world(SPINS);
    const id = await readyPartition(w);
    const { id: operation } = await w.operations.submit({ kind: 'panic', partitionId: id, options: PANIC });
    await seen(w, { kind: 'operation', id: operation, phase: 'purgatory' });
    await w.operations.cancel(operation);
    const { state, error, captureId } = await ended(w, operation);
    expect({ state, error }).toEqual({ state: 'cancelled', error: undefined });
    expect(await w.captures.get(captureId ?? '')).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      reason: expect.stringContaining('cancelled on request'),
    });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  });

  it('a start that runs → cancelled, and the partition is off', async () => {
    const w = await world(NEVER_READY);
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    const { id: operation } = await w.operations.submit({ kind: 'start', partitionId: id });
    await seen(w, { kind: 'operation', id: operation, phase: 'booting' });
    await eventually(() => w.guests[0]?.lives);
    await w.operations.cancel(operation);
    expect(await ended(w, operation)).toMatchObject({ state: 'cancelled' });
    expect(w.fleet.get(id).state).toBe('stopped');
  });
});

describe('stop and reset', () => {
  it('while a panic runs → it ends at once with what was seen, and the partition is off', async () => {
    const w = await world(SPINS);
    const id = await readyPartition(w);
    const { id: panic } = await w.operations.submit({ kind: 'panic', partitionId: id, options: PANIC });
    await seen(w, { kind: 'operation', id: panic, phase: 'purgatory' });
    const { id: stop } = await w.operations.submit({ kind: 'stop', partitionId: id });
    expect(await ended(w, stop)).toMatchObject({ state: 'succeeded' });
    expect(await ended(w, panic)).toMatchObject({
      state: 'failed',
      captureId: expect.any(String),
      error: { code: 'capture-failed', message: 'the partition was stopped in phase purgatory' },
    });
    expect(w.fleet.get(id).state).toBe('stopped');
  });

  it('a worker that was terminated because it did not answer → the crash so far is kept; the next start has a new machine', async () => {
    const w = await world({ ...SPINS, onStop: terminated });
    const id = await readyPartition(w);
    const { id: panic } = await w.operations.submit({ kind: 'panic', partitionId: id, options: PANIC });
    await seen(w, { kind: 'operation', id: panic, phase: 'purgatory' });
    await w.operations.submit({ kind: 'reset', partitionId: id });
    const { captureId } = await ended(w, panic);
    expect(await w.captures.get(captureId ?? '')).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      reason: expect.stringContaining('its worker did not answer'),
    });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(w.guests.map(({ closed }) => closed)).toEqual([true, false]);
  });
});

/** As a worker that does not answer a request to stop: it is terminated, and no promise of its handle resolves any more. */
function terminated(guest: ScriptedPartition): void {
  const reason = 'its worker did not answer within a second and was terminated';
  const gone = async (): Promise<never> => {
    throw new Error(reason);
  };
  for (const name of [
    'vcpus',
    'readMemory',
    'instant',
    'readInstant',
    'dropped',
    'readDisk',
    'observe',
  ] as const)
    guest[name] = gone;
  guest.end({ kind: 'stopped', reason, terminated: true });
}

describe('a partition that was running when the service died', () => {
  const open = (now: () => number): NonNullable<FleetWorldOptions['stores']> => ({
    metadata: openMetadataStore(':memory:', { now }),
    vmcores: openLocalVmcoreStore(':memory:'),
  });

  it('twice soon after its start → not started a third time, and says so; by hand it starts; after a minute by itself', async () => {
    let now = Date.parse('2024-03-01T12:00:00Z');
    const stores = open(() => now);
    // Each of them dies: nothing ends it in order.
    const first = await openFleetWorld(CRASHES, { stores, newId: randomId });
    const { id } = await first.fleet.create({ image: 'debian', cpus: 2 });
    await first.fleet.startAll();
    for (const _death of [1, 2]) {
      now += 20_000;
      const next = await openFleetWorld(CRASHES, { stores, newId: randomId });
      await next.fleet.startAll();
      expect(next.fleet.get(id).state).toBe(_death === 1 ? 'ready' : 'failed');
    }
    const third = await openFleetWorld(CRASHES, { stores, newId: randomId });
    await third.fleet.startAll();
    expect(third.fleet.get(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('not started: it was running when the service died twice'),
    });
    expect(third.guests).toEqual([]);
    await third.operations.submit({ kind: 'start', partitionId: id });
    await seen(third, { kind: 'partition', id, state: 'ready' });
    now += 61_000;
    const later = await world(CRASHES, { stores, newId: randomId });
    await later.fleet.startAll();
    expect(later.fleet.get(id).state).toBe('ready');
  });

  it('stopped in order, or closed in order → started however often', async () => {
    const stores = open(Date.now);
    const make = await openFleetWorld(CRASHES, { stores, newId: randomId });
    const { id } = await make.fleet.create({ image: 'debian', cpus: 2 });
    await shutDown(make);
    for (const how of ['stop', 'close', 'close', 'stop']) {
      const w = await openFleetWorld(CRASHES, { stores, newId: randomId });
      await w.fleet.startAll();
      expect(w.fleet.get(id).state).toBe('ready');
      if (how === 'close') await shutDown(w);
      else await w.operations.submit({ kind: 'stop', partitionId: id }).then((op) => ended(w, op.id));
    }
    const last = await world(CRASHES, { stores, newId: randomId });
    await last.fleet.startAll();
    expect(last.fleet.get(id).state).toBe('ready');
  });
});

describe('a machine that dies', () => {
  const dies = (guest: ScriptedPartition): void =>
    guest.end({ kind: 'error', message: 'the partition’s worker ended with 1' });

  it('in service → that partition alone boots again, on a new machine', async () => {
    const w = await world(CRASHES);
    const one = await readyPartition(w);
    const { id: two } = await w.fleet.create({ image: 'debian', cpus: 2, name: 'two' });
    await w.operations.submit({ kind: 'start', partitionId: two });
    await seen(w, { kind: 'partition', id: two, state: 'ready' });
    const [first] = w.guests;
    if (first !== undefined) dies(first);
    await seen(w, { kind: 'partition', id: one, state: 'ready' }, 2);
    expect(w.guests.map(({ closed, lives }) => ({ closed, lives }))).toEqual([
      { closed: true, lives: 1 },
      { closed: false, lives: 1 },
      { closed: false, lives: 1 },
    ]);
    expect(w.events.filter((event) => event.kind === 'partition' && event.id === two)).toHaveLength(3);
  });

  it('in a panic → the operation fails with the reason and keeps the crash so far; the partition boots again', async () => {
    const w = await world({
      ...SPINS,
      onInput: (guest, vty, text) => {
        if (vty !== 0 || text !== '\x0fc') return guest.rest();
        handoff(guest, 1);
        dies(guest);
      },
    });
    const id = await readyPartition(w);
    const { id: panic } = await w.operations.submit({ kind: 'panic', partitionId: id, options: PANIC });
    const { error, captureId } = await ended(w, panic);
    expect(error).toEqual({
      code: 'capture-failed',
      message: expect.stringContaining('worker ended with 1'),
    });
    expect(await w.captures.get(captureId ?? '')).toMatchObject({ outcome: 'failed', phase: 'purgatory' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  });

  it('again and again right after its boot → it waits longer each time and says so; reset boots it at once', async () => {
    let deadly = true;
    const w = await world(
      {
        ...CRASHES,
        onStart: (guest) => {
          bootWithCrashKernel(guest);
          if (deadly) setTimeout(() => guest.end({ kind: 'reboot' }), 5);
        },
      },
      { backOff: { firstMs: 10, mostMs: 60_000, stableMs: 60_000 } },
    );
    const id = await readyPartition(w);
    // 0, 10, 20, 40 … ms: with each, a boot.
    const { reason } = await eventually(() => {
      const view = w.fleet.get(id);
      return view.state === 'crashed' && /boots again in [1-9]/.test(view.reason ?? '') ? view : undefined;
    });
    expect(reason).toMatch(
      /^the guest rebooted; it boots again in \d+ s, because it ended \d+ times in a row/,
    );
    await eventually(() => (w.fleet.get(id).reason?.includes('in 2 s') ? true : undefined));
    deadly = false;
    const { id: reset } = await w.operations.submit({ kind: 'reset', partitionId: id });
    expect(await ended(w, reset)).toMatchObject({ state: 'succeeded' });
    expect(w.fleet.get(id)).toMatchObject({ state: 'ready' });
  });
});
