/** The fleet has guests crash: operations that end with a capture, and partitions that come back by themselves. */

import { afterEach, describe, expect, it } from 'vitest';
import { dump, handoff } from '../../synth/crashing-guest.ts';
import {
  CRASHES,
  closeFleetWorld,
  type FleetWorld,
  openFleetWorld,
  phasesOf,
  readyPartition,
  seen,
} from '../../synth/fleet-world.ts';
import type { GuestScript, ScriptedPartition } from '../../synth/partition-handle.ts';
import { elfDump } from '../../synth/vmcore.ts';

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

async function world(script: GuestScript = CRASHES): Promise<FleetWorld> {
  const made = await openFleetWorld(script);
  opened.push(made);
  return made;
}

describe('panic', () => {
  it('by sysrq, and the guest does not read its terminal → a failed capture that says so', async () => {
    const w = await world();
    const id = await readyPartition(w);
    (w.guests[0] as ScriptedPartition).terminalsFull = true;
    const { id: operation } = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(w, { kind: 'operation', id: operation, state: 'failed' });
    expect(await w.metadata.operations.get(operation)).toMatchObject({
      captureId: expect.any(String),
      error: { code: 'capture-failed', message: expect.stringContaining('does not read its terminal') },
    });
  });

  it('the agent refuses → the operation fails with its words, and the guest runs on as it was', async () => {
    const w = await world({
      ...CRASHES,
      onInput: (guest, _vty, text) => {
        if (text.startsWith('panic')) guest.say('error panic CPU 1 is offline');
        guest.rest();
      },
    });
    const id = await readyPartition(w);
    const { id: operation } = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'panic', dump: 'raw', onCpu: 1 },
    });
    await seen(w, { kind: 'operation', id: operation, state: 'failed' });
    expect(await w.metadata.operations.get(operation)).toMatchObject({
      error: { code: 'capture-failed', message: 'the agent refused: CPU 1 is offline' },
    });
    expect(w.fleet.get(id)).toMatchObject({ state: 'ready', crashes: 0 });
    expect(w.guests[0]?.lives).toBe(1);
  });

  it('captured, stored, told, and the partition is back in service', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const operation = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    expect(operation).toMatchObject({ kind: 'panic', state: 'queued' });
    expect(w.fleet.get(id).state).toBe('busy');
    await seen(w, { kind: 'operation', id: operation.id, state: 'succeeded' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const done = await w.metadata.operations.get(operation.id);
    const capture = await w.metadata.captures.get(done?.captureId ?? '');
    expect(capture).toMatchObject({
      partitionId: id,
      image: 'debian',
      outcome: 'captured',
      phase: 'stored',
      vmcore: { format: 'elf', bytes: elfDump().length },
      rules: { broken: 0, held: 19 },
    });
    const manifest = await w.metadata.captures.manifestId(capture?.id ?? '');
    const parts: Uint8Array[] = [];
    for await (const part of w.vmcores.readVmcore(manifest ?? '')) parts.push(part);
    expect(Buffer.concat(parts).equals(elfDump())).toBe(true);
    expect(JSON.parse((await w.metadata.captures.trace(capture?.id ?? '')) ?? '').version).toBe(2);
    expect(w.fleet.get(id)).toMatchObject({ crashes: 1, state: 'ready' });
    expect(phasesOf(w, operation.id)).toEqual([
      'queued',
      'ready',
      'triggered',
      'panic',
      'handoff',
      'purgatory',
      'crash-kernel',
      'dumping',
      'dumped',
      'stored',
    ]);
  });

  it('what the machine lacks, and what the guest’s tools said, are in the capture and the trace, and counted', async () => {
    const use = { kind: 'hcall', key: '0x300', where: '0x00000000c0000000' };
    const w = await world({
      ...CRASHES,
      onStart: (guest) => {
        guest.say('kdumpd-agent said kexec Warning: no initrd');
        CRASHES.onStart?.(guest);
        guest.lacks(use, 3);
      },
      onInput: (guest, vty, text) => {
        if (vty === 0) guest.say('kdumpd-agent said makedumpfile zstd is not supported');
        if (vty === 0) guest.say('kdumpd-agent said makedumpfile makedumpfile Completed.');
        CRASHES.onInput?.(guest, vty, text);
      },
    });
    const id = await readyPartition(w);
    expect(w.fleet.get(id).unsupported).toEqual([{ ...use, count: 3 }]);
    const { id: operation } = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(w, { kind: 'operation', id: operation, state: 'succeeded' });
    const { captureId } = (await w.metadata.operations.get(operation)) ?? {};
    const capture = await w.metadata.captures.get(captureId ?? '');
    expect(capture?.unsupported).toEqual([{ ...use, count: 3 }]);
    expect(capture?.words).toEqual([
      { tool: 'kexec', lines: ['Warning: no initrd'] },
      { tool: 'makedumpfile', lines: ['zstd is not supported', 'makedumpfile Completed.'] },
    ]);
    const trace = JSON.parse((await w.metadata.captures.trace(captureId ?? '')) ?? 'null');
    expect(trace.unsupported).toEqual([{ ...use, count: 3 }]);
    expect(capture?.made).toMatchObject({
      partition: w.fleet.get(id).name,
      machine: { image: 'debian', processor: 'power9', seed: 1 },
      asked: { trigger: 'sysrq', dump: 'raw' },
      line: expect.stringMatching(
        /^npx kdumpd crash .*--image debian .*--trigger sysrq --dump=raw --boot-dump raw$/,
      ),
    });
    expect((await w.metadata.operations.get(operation))?.made).toEqual(capture?.made);
    // The next power cycle uses it again.
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(w.fleet.unsupportedUses()).toEqual({ hcall: 6 });
  });

  it('a fault in a CPU that is not there: invalid, and the partition stays ready', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const faults = [{ kind: 'wedge', cpu: 2 }] as const;
    await expect(
      w.operations.submit({
        kind: 'panic',
        partitionId: id,
        options: { trigger: 'sysrq', dump: 'raw', faults },
      }),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(w.fleet.get(id).state).toBe('ready');
  });

  it('not ready: conflict; bad CPU or dump: invalid; unknown: not found', async () => {
    const w = await world();
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2 });
    await expect(
      w.operations.submit({ kind: 'panic', partitionId: id, options: { trigger: 'sysrq', dump: 'raw' } }),
    ).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(
      w.operations.submit({
        kind: 'panic',
        partitionId: id,
        options: { trigger: 'sysrq', dump: 'raw', onCpu: 2 },
      }),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(
      w.operations.submit({
        kind: 'panic',
        partitionId: id,
        options: { trigger: 'sysrq', dump: '; reboot' },
      }),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(
      w.operations.submit({ kind: 'panic', partitionId: 'p99', options: { trigger: 'sysrq', dump: 'raw' } }),
    ).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('the same key: the same operation, done once', async () => {
    const w = await world();
    const id = await readyPartition(w);
    const request = { trigger: 'sysrq', dump: 'raw' } as const;
    const [first, second] = await Promise.all([
      w.operations.submit({ kind: 'panic', partitionId: id, options: request }, 'k'),
      w.operations.submit({ kind: 'panic', partitionId: id, options: request }, 'k'),
    ]);
    expect(second.id).toBe(first.id);
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect((await w.operations.submit({ kind: 'panic', partitionId: id, options: request }, 'k')).id).toBe(
      first.id,
    );
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
    const operation = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(w, { kind: 'operation', id: operation.id, state: 'failed' });
    const done = await w.metadata.operations.get(operation.id);
    expect(done).toMatchObject({
      phase: 'purgatory',
      error: { code: 'capture-failed' },
      captureId: expect.any(String),
    });
    expect(await w.metadata.captures.get(done?.captureId ?? '')).toMatchObject({
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
    const operation = await w.operations.submit({
      kind: 'panic',
      partitionId: id,
      options: { trigger: 'sysrq', dump: 'raw' },
    });
    await seen(w, { kind: 'operation', id: operation.id, phase: 'purgatory' });
    const stop = await w.operations.submit({ kind: 'stop', partitionId: id });
    await seen(w, { kind: 'operation', id: stop.id, state: 'succeeded' });
    expect((await w.metadata.operations.get(operation.id))?.state).toBe('failed');
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
    const { items } = await w.metadata.captures.list({ limit: 10 });
    expect(items).toMatchObject([{ outcome: 'captured', vmcore: { bytes: elfDump().length } }]);
  });
});
