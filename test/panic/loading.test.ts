import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parsePlanDisk } from '../../src/crashkernel/index.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { resolveMachine } from '../../src/panic/guest/machine-spec.ts';
import { Session } from '../../src/panic/guest/session.ts';
import type { BootImage, BootLoading } from '../../src/panic/index.ts';
import { loadByPlan, parseFacts, untilLoaded } from '../../src/panic/loading/index.ts';
import { flatTree, loadableKernel, MIB } from '../synth/crash-load.ts';
import { type GuestScript, ScriptedPartition } from '../synth/partition-handle.ts';

const FACTS =
  'notes=0x800000,0x800400 note-size=1024 vmcoreinfo=0x810000+0x1000 reserved=0x4000000+0x2000000 kernel=0x0+0x200000';
const WAITING = 'kdumpd-agent ready no-crash-kernel waiting for a plan';

describe('parseFacts', () => {
  it('every word → its value; note-size alone is decimal; unknown words are left alone', () => {
    expect(parseFacts(`${FACTS} cache=7`)).toEqual({
      notes: [0x800000, 0x800400],
      noteSize: 1024,
      vmcoreinfo: { start: 0x810000, end: 0x811000 },
      reserved: { start: 0x4000000, end: 0x6000000 },
      kernel: { start: 0, end: 0x200000 },
    });
    expect(parseFacts('notes= note-size=0 kernel=0+200000')).toEqual({
      notes: [],
      noteSize: 0,
      kernel: { start: 0, end: 0x200000 },
    });
  });

  it.each([
    '',
    'notes=0x1 note-size=1024',
    'notes=0x1 kernel=0+1',
    'notes=x note-size=1 kernel=0+1',
    'notes=0x1, note-size=1 kernel=0+1',
    'notes=0x1 note-size=0x10 kernel=0+1',
    'notes=0x1 note-size=1 kernel=5',
    'notes=0x1 note-size=1 kernel=0+1+2',
    'notes=0x1 note-size=1 kernel=0x1+0xffffffffffffffff',
    'notes=0xffffffffffffffff note-size=1 kernel=0+1',
  ])('%j → panic/bad-facts', (text) => {
    expect(() => parseFacts(text)).toThrow(expect.objectContaining({ code: 'panic/bad-facts' }));
  });
});

describe('untilLoaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const kernel = join(folder, 'kernel');
  writeFileSync(kernel, loadableKernel());
  const LOADING: BootLoading = { kernel, append: 'maxcpus=1', digest: true, diskBytes: MIB };
  const boot = (loading: BootLoading | undefined = LOADING): BootImage => ({
    name: 'own',
    kernel,
    append: 'crashkernel=32M@64M',
    agent: true,
    loading,
  });

  /** A guest that says its facts, waits for a plan, and answers `load`. */
  function partition(image: BootImage, script: GuestScript = {}): ScriptedPartition {
    const config = makeConfig(image, resolveMachine({ cpus: 2, memory: '256M' }));
    const guest = new ScriptedPartition(config, {
      onStart: (each) => {
        each.say(`kdumpd-agent facts ${FACTS}`);
        each.say(WAITING);
        each.rest();
      },
      onInput: (each, _vty, text) => {
        if (text.startsWith('load ')) each.say(`ok ${text.trim()}`);
        each.rest();
      },
      ...script,
    });
    guest.tree = flatTree();
    return guest;
  }

  async function load(image: BootImage, script?: GuestScript) {
    const guest = partition(image, script);
    const session = new Session(guest, true);
    await session.start();
    return { guest, session, ready: await untilLoaded(session, image, '-l -d 31', 100) };
  }

  it('a guest that waits → two plans on its disk, then `load MODE`; both kernels know what they need', async () => {
    const { guest, session, ready } = await load(boot());
    expect(ready).toEqual({ kind: 'ready' });
    expect(guest.config.disks[0]).toEqual({ kind: 'memory', bytes: MIB, readOnly: true, bus: 'virtio' });
    expect(guest.typed).toEqual(['1: load -l -d 31\n']);
    const plans = parsePlanDisk(guest.disks.get(0) ?? new Uint8Array(0));
    expect(plans.map(({ name, crash, segments }) => [name, crash, segments.length])).toEqual([
      ['crash', true, 5],
      ['next', false, 3],
    ]);
    const text = Buffer.concat(plans[0]?.segments.map(({ bytes }) => bytes) ?? []).toString('latin1');
    expect(text).toContain('maxcpus=1 kdumpd.dump=-l^-d^31 elfcorehdr=0x');
    const next = Buffer.concat(plans[1]?.segments.map(({ bytes }) => bytes) ?? []).toString('latin1');
    expect(next).toContain('crashkernel=32M@64M\0');
    expect(session.planned?.plan).toMatchObject({ runAtLoad: 'set', forced: [] });
  });

  it('a plan that we refuse → no load is asked for; the reason is ours, and kept for the trace', async () => {
    const { guest, session, ready } = await load(boot({ ...LOADING, at: { tree: 0x3000000 } }));
    expect(ready).toMatchObject({
      kind: 'ready',
      noCrashKernel: expect.stringMatching(/^load\/outside-reservation: /),
    });
    expect(guest.typed).toEqual([]);
    expect(session.planned?.refusals).toEqual([
      expect.objectContaining({ code: 'load/outside-reservation' }),
    ]);
  });

  it('a plan that the guest refuses → its own words', async () => {
    const image = boot({ ...LOADING, at: { tree: 0x3000000 }, force: ['outside-reservation'] });
    const { ready, session } = await load(image, {
      onInput: (each) => {
        each.say('error load EADDRNOTAVAIL the kernel refused the plan');
        each.rest();
      },
    });
    expect(ready).toEqual({ kind: 'ready', noCrashKernel: 'EADDRNOTAVAIL the kernel refused the plan' });
    expect(session.planned?.plan?.forced).toEqual([expect.stringMatching(/^outside-reservation: /)]);
  });

  it('facts that cannot be, or none → said so', async () => {
    const bad: GuestScript = {
      onStart: (each) => {
        each.say(
          'kdumpd-agent facts notes=0xffffffff00 note-size=1024 reserved=0x4000000+0x2000000 kernel=0+200000',
        );
        each.say(WAITING);
        each.rest();
      },
    };
    expect((await load(boot(), bad)).ready).toMatchObject({
      noCrashKernel: expect.stringMatching(/^load\/bad-facts/),
    });
    const silent: GuestScript = {
      onStart: (each) => {
        each.say(WAITING);
        each.rest();
      },
    };
    expect((await load(boot(), silent)).ready).toMatchObject({
      noCrashKernel: expect.stringContaining('no facts'),
    });
  });

  it('a disk that is too small → panic/plan-disk', async () => {
    const { ready } = await load(boot({ ...LOADING, diskBytes: 8192 }));
    expect(ready).toMatchObject({ noCrashKernel: expect.stringMatching(/^panic\/plan-disk/) });
  });

  it('no room for an ordinary kernel → only the crash plan; a guest that loads by itself → left alone', async () => {
    const { guest, session } = await load(boot());
    const small = { ...boot(), append: 'x'.repeat(3000) };
    const { failure, nextFailure } = await loadByPlan(session, small, 'raw');
    expect(failure).toBeUndefined();
    expect(nextFailure).toMatch(/^load\/command-line/);
    expect(parsePlanDisk(guest.disks.get(0) ?? new Uint8Array(0)).map(({ name }) => name)).toEqual(['crash']);
    const { loading: _, ...stock } = boot();
    const other = await load(stock);
    expect(other.ready).toEqual({ kind: 'ready', noCrashKernel: 'waiting for a plan' });
    expect(other.guest.typed).toEqual([]);
  });
});
