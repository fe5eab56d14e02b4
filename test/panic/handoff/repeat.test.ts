/** A run of the service is repeated without it: what was typed comes again at the same places. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openPartition, type PartitionHandle } from '../../../src/emulator/host/index.ts';
import { imageSource } from '../../../src/images/index.ts';
import type { TypedInput } from '../../../src/panic/contract/index.ts';
import { makeConfig } from '../../../src/panic/guest/machine.ts';
import { resolveMachine } from '../../../src/panic/guest/machine-spec.ts';
import { Session } from '../../../src/panic/guest/session.ts';
import type { CrashResult } from '../../../src/panic/handoff/crash-result.ts';
import { followAlarm } from '../../../src/panic/handoff/follow-alarm.ts';
import { Lookout } from '../../../src/panic/handoff/lookout.ts';
import { type CrashReport, runCrash } from '../../../src/panic/handoff/run-crash.ts';
import { untilLoaded } from '../../../src/panic/loading/index.ts';

const MACHINE = { cpus: 2, memory: '128M' } as const;
const folder = mkdtempSync(join(tmpdir(), 'kdumpd-repeat-'));
const trace = join(folder, 'trace.json');
const open: PartitionHandle[] = [];
afterEach(async () => {
  for (const handle of open.splice(0)) await handle.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Types some at boot, some at rest, and what crashes the guest last. */
async function crashByTyping(): Promise<{
  readonly result: CrashResult | undefined;
  readonly input: readonly TypedInput[];
}> {
  const boot = await imageSource(folder).bootImage('built-in', { dump: 'raw' });
  const handle = openPartition(makeConfig(boot, resolveMachine(MACHINE)));
  open.push(handle);
  const session = new Session(handle, boot.agent);
  const lookout = new Lookout(session, boot);
  const type = async (text: string): Promise<void> => {
    const bytes = Buffer.from(text, 'latin1');
    session.past.typed(await session.type(0, bytes), 0, bytes);
  };
  await lookout.start();
  await type('a');
  await type('b');
  expect(await untilLoaded(session, boot, 'raw', 1000)).toEqual({ kind: 'ready' });
  session.past.readySeconds = session.seconds;
  for (const key of ['x', 'y', '\x0f', 'c']) await type(key);
  await session.signal.until(() => lookout.isAlarmed || undefined);
  const result = await followAlarm(lookout);
  expect(session.past.obstacles).toEqual([]);
  return { result, input: session.past.input };
}

async function again(input: readonly TypedInput[]): Promise<CrashReport> {
  const boot = await imageSource(folder).bootImage('built-in', { dump: 'raw' });
  return await runCrash({
    ...MACHINE,
    boot,
    request: { trigger: 'none', dump: 'raw' },
    input,
    trace,
  });
}

it('typed at boot, at rest and in between, until the guest crashes → the same trace without the service', async () => {
  const { result, input } = await crashByTyping();
  expect(input.map(({ resting }) => resting ?? false).slice(0, 3)).toEqual([false, false, true]);
  expect(result).toMatchObject({ outcome: 'captured', requested: false });
  expect(await again(input)).toMatchObject({ outcome: 'captured', phase: 'dumped' });
  expect(readFileSync(trace, 'utf8')).toBe(`${JSON.stringify(result?.trace)}\n`);
  // What came at rest came at this rest and at no other.
  const moved = input.map((each) => (each.resting === true ? { ...each, insn: each.insn + 1 } : each));
  expect(await again(moved)).toMatchObject({
    outcome: 'failed',
    phase: 'ready',
    reason: expect.stringContaining('this is another run'),
  });
});
