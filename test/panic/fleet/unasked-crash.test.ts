/** Crashes that nobody asked for: recorded, judged, stored and counted as those that were; and what only looks like one. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Capture } from '../../../src/panic/contract/index.ts';
import { RULE_NAMES } from '../../../src/panic/index.ts';
import type { FunctionName, Mark } from '../../../src/panic/trace/index.ts';
import { dump, enterKernel, handoff, loadCrashKernel } from '../../synth/crashing-guest.ts';
import {
  closeFleetWorld,
  type FleetWorld,
  openFleetWorld,
  readyPartition,
  seen,
} from '../../synth/fleet-world.ts';
import type { GuestScript, ScriptedPartition } from '../../synth/partition-handle.ts';
import { elfDump } from '../../synth/vmcore.ts';

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

async function world(script: GuestScript): Promise<FleetWorld> {
  const made = await openFleetWorld(script);
  opened.push(made);
  return made;
}

/** Loads a crash kernel, and stands still as the plan asks. */
const BOOTS: GuestScript = {
  onStart: (guest) => {
    loadCrashKernel(guest);
    guest.hold(() => {
      guest.say('kdumpd-agent ready');
      guest.rest();
    });
  },
  onInput: (guest) => guest.rest(),
};

function call(guest: ScriptedPartition, name: FunctionName): void {
  const mark: Mark = { at: 'function', name, in: 'production' };
  guest.event({ cpu: 1, kind: 'fetch', ea: 0xc000000000004000n, mark });
}

function crashes(guest: ScriptedPartition): void {
  guest.progress(guest.insn + 1);
  handoff(guest, 1);
  enterKernel(guest, 1);
  setTimeout(() => dump(guest, elfDump()), 20);
}

async function captured({ metadata }: FleetWorld): Promise<readonly Capture[]> {
  return (await metadata.captures.list({ limit: 10 })).items;
}

describe('a guest in service', () => {
  it('crashes by itself → a capture with every rule, as if it had been asked for; counted; in service again', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    crashes(w.guests[0] as ScriptedPartition);
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const [capture] = await captured(w);
    expect(capture).toMatchObject({
      partitionId: id,
      requested: false,
      outcome: 'captured',
      phase: 'stored',
      signature: expect.any(String),
      rules: { broken: 0, held: 19 },
    });
    expect(await w.captures.rules(capture?.id ?? '')).toHaveLength(RULE_NAMES.length);
    expect(w.fleet.get(id).crashes).toBe(1);
  });

  it('its crash kernel loads an image of its own → the crash is recorded to its end all the same', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    const guest = w.guests[0] as ScriptedPartition;
    guest.progress(guest.insn + 1);
    handoff(guest, 1);
    enterKernel(guest, 1);
    loadCrashKernel(guest);
    guest.hold(() => dump(guest, elfDump()));
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const [capture] = await captured(w);
    expect(capture).toMatchObject({ outcome: 'captured', rules: { broken: 0, held: 19 } });
  });

  it('crashes and reboots without a dump → a failed capture with its last phase and reason', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    const guest = w.guests[0] as ScriptedPartition;
    handoff(guest, 1);
    guest.end({ kind: 'reboot' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(await captured(w)).toMatchObject([
      {
        requested: false,
        outcome: 'failed',
        phase: 'purgatory',
        reason: 'the guest rebooted in phase purgatory',
      },
    ]);
    expect(w.fleet.get(id).crashes).toBe(1);
  });

  it('crashes unseen → a failed capture, and no rule is evaluated: each says why', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    const guest = w.guests[0] as ScriptedPartition;
    guest.event({ cpu: 0, kind: 'rtas', name: 'ibm,os-term', args: [0x5000], message: 'Kernel panic' });
    guest.end({ kind: 'reboot' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const [capture] = await captured(w);
    expect(capture).toMatchObject({ outcome: 'failed', phase: 'panic', rules: { held: 0, broken: 0 } });
    const rules = await w.captures.rules(capture?.id ?? '');
    expect(rules.map(({ name }) => name)).toEqual(RULE_NAMES);
    for (const rule of rules)
      expect(rule).toMatchObject({
        verdict: 'not-evaluated',
        note: `there is no record: ${capture?.reason}`,
      });
  });

  it('survives an oops → it stays in service, and a later crash begins at its own panic', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    const guest = w.guests[0] as ScriptedPartition;
    call(guest, 'die');
    const { insn } = guest;
    guest.calm(1);
    guest.rest();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(w.fleet.get(id)).toMatchObject({ state: 'ready', crashes: 0 });
    expect(await captured(w)).toEqual([]);
    crashes(guest);
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    const [capture] = await captured(w);
    const trace = JSON.parse((await w.captures.trace(capture?.id ?? '')) ?? '');
    expect(trace.instants.t0.insn).toBeGreaterThan(insn);
    expect(trace.instants.t0.event).toBe(0);
  });

  it('reboots in order → no capture', async () => {
    const w = await world(BOOTS);
    const id = await readyPartition(w);
    (w.guests[0] as ScriptedPartition).end({ kind: 'reboot' });
    await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
    expect(await captured(w)).toEqual([]);
    expect(w.fleet.get(id).crashes).toBe(0);
  });
});

describe('a guest that boots', () => {
  it('panics before it is ready → a failed capture, and the partition says why', async () => {
    let boots = 0;
    const w = await world({
      ...BOOTS,
      onStart: (guest) => {
        loadCrashKernel(guest);
        guest.hold(() => {
          boots++;
          call(guest, 'panic');
          guest.end({ kind: 'reboot' });
        });
      },
    });
    const { id } = await w.fleet.create({ image: 'debian', cpus: 2, name: 'one' });
    await w.operations.submit({ kind: 'start', partitionId: id });
    await seen(w, { kind: 'partition', id, state: 'failed' });
    expect(boots).toBe(1);
    expect(await captured(w)).toMatchObject([
      { requested: false, outcome: 'failed', phase: 'panic', reason: 'the guest rebooted in phase panic' },
    ]);
  });
});
