/** A guest that prints more than it may: what its partition shows, and that it does not boot again by itself. */

import { afterEach, expect, it } from 'vitest';
import { DEFAULT_OUTPUT_LIMITS, type PartitionEnd } from '../../../src/emulator/contract/index.ts';
import { AgentLines } from '../../../src/panic/guest/agent-lines.ts';
import { outputLimits } from '../../../src/panic/guest/output-limits.ts';
import { bootWithCrashKernel } from '../../synth/crashing-guest.ts';
import {
  CRASHES,
  closeFleetWorld,
  type FleetWorld,
  openFleetWorld,
  readyPartition,
  seen,
} from '../../synth/fleet-world.ts';

const opened: FleetWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await closeFleetWorld(world);
});

const EXCEEDED: PartitionEnd = { kind: 'exceeded', vty: 1, message: 'the guest printed 5 bytes' };
const REASON = 'the guest printed 5 bytes (limits.agentBytes of the partition allows more)';

it('a guest in service ended for its output → failed with the reason and the limit’s name, and off', async () => {
  const w = await openFleetWorld(CRASHES);
  opened.push(w);
  const id = await readyPartition(w);
  const { output } = w.fleet.get(id);
  expect(output?.agentLines).toBeGreaterThan(0);
  expect(output).toMatchObject({ consoleBytes: 0, busyAnswers: 0, throttledMs: 0, unsupported: 0 });
  const [guest] = w.guests;
  guest?.end(EXCEEDED);
  await seen(w, { kind: 'partition', id, state: 'failed' });
  expect(w.fleet.get(id)).toMatchObject({ state: 'failed', reason: REASON });
  expect(guest?.lives).toBe(1);
  // Started by hand it boots again.
  await w.operations.submit({ kind: 'start', partitionId: id });
  await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
});

it('a guest ended for its output while it is crashed → the capture’s reason', async () => {
  const w = await openFleetWorld({
    onStart: bootWithCrashKernel,
    onInput: (guest, vty, text) => (vty === 0 && text === '\x0fc' ? guest.end(EXCEEDED) : guest.rest()),
  });
  opened.push(w);
  const id = await readyPartition(w);
  await w.operations.submit({
    kind: 'panic',
    partitionId: id,
    options: { trigger: 'sysrq', dump: 'raw' },
  });
  await seen(w, { kind: 'partition', id, state: 'ready' }, 2);
  const { items } = await w.captures.list({ limit: 10 });
  expect(items.map(({ reason }) => reason)).toEqual([`${REASON}, in phase triggered`]);
});

it('outputLimits: what is asked for → in the terminal’s limits; nothing → the machine’s defaults', () => {
  expect(outputLimits(undefined)).toBeUndefined();
  const [console, agent] = DEFAULT_OUTPUT_LIMITS.terminals;
  expect(outputLimits({})).toEqual(DEFAULT_OUTPUT_LIMITS);
  expect(
    outputLimits({ consoleBytes: 5000, consoleBytesPerSecond: 7, agentBytes: 2 ** 30 })?.terminals,
  ).toEqual([
    { pace: { burst: 5000, perSecond: 7 }, most: { burst: 5000, perSecond: console.most.perSecond } },
    { pace: agent.pace, most: { burst: 2 ** 30, perSecond: agent.most.perSecond } },
  ]);
});

it('AgentLines: a million lines → first and last of each kind; a wait is given each line once', () => {
  const lines = new AgentLines();
  let looked = 0;
  const watch = lines.watch((line) => {
    looked++;
    return line.kind === 'answer' && line.command === 'wanted' ? line.text : undefined;
  });
  const answer = (command: string, text: string): void =>
    lines.add({ kind: 'answer', ok: true, command, text });
  for (let i = 0; i < 1e6; i++) answer('a', `${i}`);
  expect(watch.found).toBeUndefined();
  expect(looked).toBe(1e6);
  answer('wanted', 'yes');
  answer('wanted', 'no');
  expect(watch.found).toBe('yes');
  expect(looked).toBe(1e6 + 1);
  expect(lines.first('answer')?.text).toBe('0');
  expect(lines.last('answer')?.text).toBe('no');
  expect(lines.has('ready')).toBe(false);
});
