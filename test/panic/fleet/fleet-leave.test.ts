/** The fleet has guests do kexecs and restarts: operations with a trace of their own. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Trace } from '../../../src/panic/trace/index.ts';
import { bootWithCrashKernel } from '../../synth/crashing-guest.ts';
import { closeFleetWorld, type FleetWorld, openFleetWorld, phasesOf, seen } from '../../synth/fleet-world.ts';
import { fetch, kexec, leavingPartition, loadNext, startUp } from '../../synth/leaving-guest.ts';
import type { GuestScript } from '../../synth/partition-handle.ts';

type World = FleetWorld & { readonly id: string };

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

const LEAVES: GuestScript = {
  onStart: bootWithCrashKernel,
  onInput: (guest, _vty, text) => {
    switch (text) {
      case 'load-next\n':
        loadNext(guest);
        guest.say('ok load-next');
        return guest.rest();
      case 'kexec\n':
        kexec(guest);
        setTimeout(() => startUp(guest), 20);
        return;
      case 'restart\n':
        fetch(guest, 0, { at: 'function', name: 'kernel_restart', in: 'production' }, 0x4900);
        return guest.end({ kind: 'reboot' });
      default:
        return guest.rest();
    }
  },
};

async function readyWorld(script: GuestScript = LEAVES): Promise<World> {
  const made = await openFleetWorld(script, { openGuest: leavingPartition });
  opened.push(made);
  const { id } = await made.fleet.create({ image: 'debian', cpus: 2, memory: '128M' });
  await made.operations.submit({ kind: 'start', partitionId: id });
  await seen(made, { kind: 'partition', state: 'ready' });
  return { ...made, id };
}

describe('an ordinary kexec', () => {
  it('an operation with its phases and its trace; the partition is ready again in the same life', async () => {
    const w = await readyWorld();
    const submitted = await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} });
    expect(submitted).toMatchObject({ kind: 'kexec', state: 'queued', partitionId: w.id });
    expect(w.fleet.get(w.id).state).toBe('busy');
    await seen(w, { kind: 'operation', id: submitted.id, state: 'succeeded' });
    expect(w.fleet.get(w.id)).toMatchObject({ state: 'ready', crashes: 0 });
    expect(w.guests.map(({ lives }) => lives)).toEqual([1]);
    expect(await w.metadata.operations.get(submitted.id)).toMatchObject({ phase: 'up', traced: true });
    const trace = JSON.parse((await w.metadata.operations.trace(submitted.id)) ?? 'null') as Trace;
    expect(trace.image.path).toBe('kexec');
    expect(trace.rules.length).toBeGreaterThan(30);
    expect(phasesOf(w, submitted.id)).toEqual([
      'queued',
      'loading',
      'triggered',
      'shutdown',
      'handoff',
      'purgatory',
      'new-kernel',
      'up',
    ]);
  });

  it('the same key again: → the same operation; while it runs another one → conflict', async () => {
    const w = await readyWorld();
    const first = await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} }, 'k');
    expect((await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} }, 'k')).id).toBe(
      first.id,
    );
    await expect(
      w.operations.submit({ kind: 'restart', partitionId: w.id, options: {} }, 'k'),
    ).rejects.toMatchObject({ code: 'conflict' });
    await seen(w, { kind: 'operation', id: first.id, state: 'succeeded' });
    expect((await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} }, 'k')).id).toBe(
      first.id,
    );
    await expect(
      w.operations.submit({ kind: 'kexec', partitionId: 'nobody', options: {} }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refused by the guest: the operation fails with the reason, the partition stays in service', async () => {
    const w = await readyWorld({
      ...LEAVES,
      onInput: (guest) => {
        guest.say('error load-next no room');
        guest.rest();
      },
    });
    const { id } = await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} });
    await seen(w, { kind: 'operation', id, state: 'failed' });
    expect(await w.metadata.operations.get(id)).toMatchObject({
      error: { code: 'kexec-failed', message: expect.stringContaining('no room') },
    });
    const trace = JSON.parse((await w.metadata.operations.trace(id)) ?? 'null');
    expect(trace).toMatchObject({ image: { path: 'kexec' }, events: [] });
    expect(w.fleet.get(w.id).state).toBe('ready');
    expect(w.guests[0]?.lives).toBe(1);
  });

  it('the new kernel dies: the operation fails with its trace, the partition boots again', async () => {
    const w = await readyWorld({
      ...LEAVES,
      onInput: (guest, vty, text) => {
        if (text !== 'kexec\n') return LEAVES.onInput?.(guest, vty, text);
        kexec(guest);
        guest.end({ kind: 'os-term', message: 'OS panic' });
      },
    });
    const { id } = await w.operations.submit({ kind: 'kexec', partitionId: w.id, options: {} });
    await seen(w, { kind: 'operation', id, state: 'failed' });
    await seen(w, { kind: 'partition', state: 'ready' }, 2);
    expect(await w.metadata.operations.get(id)).toMatchObject({ phase: 'new-kernel', traced: true });
    expect(w.guests[0]?.lives).toBe(2);
  });
});

describe('a restart', () => {
  it('an operation with a trace; the partition boots again by itself', async () => {
    const w = await readyWorld();
    const { id } = await w.operations.submit({ kind: 'restart', partitionId: w.id, options: {} });
    await seen(w, { kind: 'operation', id, state: 'succeeded' });
    await seen(w, { kind: 'partition', state: 'ready' }, 2);
    expect(await w.metadata.operations.get(id)).toMatchObject({ kind: 'restart', phase: 'restarted' });
    const trace = JSON.parse((await w.metadata.operations.trace(id)) ?? 'null') as Trace;
    expect(trace.events).toMatchObject([
      { kind: 'fetch', mark: { at: 'function', name: 'kernel_restart', in: 'production' } },
    ]);
    expect(w.guests[0]?.lives).toBe(2);
    // The crash count and the captures are those of crashes.
    expect(w.fleet.get(w.id).crashes).toBe(0);
  });
});
