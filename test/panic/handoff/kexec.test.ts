import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { InstantRecord } from '../../../src/emulator/host/index.ts';
import { Session } from '../../../src/panic/guest/session.ts';
import { type LeaveResult, Lookout, leave } from '../../../src/panic/index.ts';
import type { FunctionName, LeavePath, Mark } from '../../../src/panic/trace/index.ts';
import { idOfMark, markOfId } from '../../../src/panic/watch/index.ts';
import { BOOT, bootWithCrashKernel, loadCrashKernel } from '../../synth/crashing-guest.ts';
import {
  fetch,
  kexec,
  LIST,
  leavingPartition,
  loadNext,
  NEXT_ENTRY,
  NEXT_KERNEL,
  NEXT_TREE,
  startUp,
} from '../../synth/leaving-guest.ts';
import { kexecLoadSpec } from '../../synth/machine-event.ts';
import type { GuestScript, ScriptedPartition } from '../../synth/partition-handle.ts';

const production = (name: FunctionName): Mark => ({ at: 'function', name, in: 'production' });

type Outcome = {
  readonly guest: ScriptedPartition;
  readonly session: Session;
  readonly result: LeaveResult;
  readonly phases: readonly string[];
};

/** Boots the scripted guest and has it leave. */
async function run(
  path: LeavePath,
  answers: Readonly<Record<string, (guest: ScriptedPartition) => void>>,
  change: (guest: ScriptedPartition) => void = () => undefined,
): Promise<Outcome> {
  const script: GuestScript = {
    onStart: bootWithCrashKernel,
    onInput: (guest, _vty, text) => (answers[text.trim()] ?? ((each) => each.rest()))(guest),
  };
  const guest = leavingPartition(script);
  change(guest);
  const session = new Session(guest, true);
  const lookout = new Lookout(session, BOOT);
  await lookout.start();
  expect((await session.untilReady(100)).kind).toBe('ready');
  const phases: string[] = [];
  const result = await leave(
    lookout,
    path,
    { timeoutSeconds: 100 },
    { onPhase: (phase) => phases.push(phase) },
  );
  return { guest, session, result, phases };
}

/** What was kept at an instant; only the fields that are read. */
function instantRecord(rest: Pick<InstantRecord, 'name' | 'insn'>): InstantRecord {
  return {
    by: { kind: 'fetch', mark: -1 },
    cpu: 0,
    tb: 0n,
    vcpus: [],
    interrupts: [],
    areas: [],
    queues: [],
    crqs: 0,
    tces: 0,
    inFlight: 0,
    saves: [],
    taken: [],
    ...rest,
  };
}

const LOADS = {
  'load-next': (guest: ScriptedPartition): void => {
    loadNext(guest);
    guest.say('ok load-next');
    guest.rest();
  },
};
const GOES = {
  ...LOADS,
  kexec: (guest: ScriptedPartition): void => {
    guest.say('ok kexec');
    kexec(guest);
    setTimeout(() => startUp(guest), 20);
  },
};

describe('leave: an ordinary kexec', () => {
  it('every phase is told in order; the guest is up in the same session, and is looked after', async () => {
    const { guest, session, result, phases } = await run('kexec', GOES);
    expect(result).toMatchObject({ outcome: 'done', phase: 'up' });
    expect(phases).toEqual(['loading', 'triggered', 'shutdown', 'handoff', 'purgatory', 'new-kernel']);
    expect(guest.typed).toEqual(['1: load-next\n', '1: kexec\n']);
    expect(session.ended).toBeUndefined();
    // What was loaded for the kernel before is gone with it; the new one is looked after in its turn.
    expect([session.load, session.next, session.loads.calls]).toEqual([undefined, undefined, []]);
    expect(guest.plans.at(-1)?.sleep).toBeDefined();
    expect(result.instructions.handoff).toBeGreaterThan(0);
  });

  it('the trace: the image as it will lie, read through the list of its pages', async () => {
    const { guest, result } = await run('kexec', GOES);
    expect(result.trace?.image).toMatchObject({
      path: 'kexec',
      load: {
        crash: false,
        segments: [{ role: 'kernel' }, { role: 'purgatory' }, { role: 'tree' }],
        runAtLoad: { loaded: '306e7572', byteOrder: 'little' },
        stub: 'ab'.repeat(0x100),
      },
      entered: { runAtLoad: '306e7572', tree: { bootCpu: 0 } },
      symbols: { production: 'kallsyms', crash: 'kallsyms' },
    });
    const probes = guest.plans.find((plan) => plan?.sleep === undefined)?.probes ?? [];
    expect(probes).toContainEqual(
      expect.objectContaining({ raddr: NEXT_ENTRY, mark: idOfMark({ at: 'entry' }) }),
    );
    expect(probes).toContainEqual(
      expect.objectContaining({ raddr: NEXT_KERNEL, mark: idOfMark({ at: 'segment', role: 'kernel' }) }),
    );
    expect(probes).toContainEqual(
      expect.objectContaining({
        raddr: 0x4a00,
        mark: idOfMark({ at: 'function', name: 'start_secondary', in: 'moved' }),
      }),
    );
  });

  it('the trace: begins with kernel_kexec; what others do at the image’s place is left out', async () => {
    const { result } = await run('kexec', GOES);
    const seen = result.trace?.events.map((event) => [
      event.cpu,
      event.kind,
      'mark' in event ? event.mark : undefined,
    ]);
    expect(seen).toEqual([
      [1, 'fetch', production('kernel_kexec')],
      [1, 'fetch', production('device_shutdown')],
      [0, 'fetch', production('machine_shutdown')],
      [0, 'fetch', production('machine_kexec')],
      [1, 'fetch', production('kexec_smp_down')],
      [1, 'msr', undefined],
      [0, 'store', { at: 'copy', role: 'kernel' }],
      [0, 'fetch', { at: 'entry' }],
      [0, 'fetch', { at: 'segment', role: 'kernel' }],
      [1, 'fetch', { at: 'function', name: 'start_secondary', in: 'moved' }],
    ]);
    const { t0, t1, t2, t3 } = result.trace?.instants ?? {};
    expect([t0?.cpu, t0?.event, t1?.cpu, t1?.event, t2?.event, t3]).toEqual([1, 0, 0, 7, 8, undefined]);
  });

  it('what was kept at T1 and T2 is compared with what was loaded', async () => {
    const kept = (guest: ScriptedPartition): void => {
      guest.subscribe((notice) => {
        if (notice.kind !== 'machine-event') return;
        const { event } = notice;
        if (event.kind !== 'fetch') return;
        const mark = markOfId(event.mark);
        const name = mark.at === 'entry' ? 't1' : mark.at === 'segment' ? 't2' : undefined;
        if (name !== undefined) guest.instants.set(name, instantRecord({ name, insn: event.insn }));
      });
    };
    const { result } = await run('kexec', GOES, kept);
    expect(result.trace?.handover).toEqual({
      segments: [
        { role: 'kernel', mem: hex64(NEXT_KERNEL), pages: 256, asLoadedAtT1: 256, asLoadedAtT2: 256 },
        { role: 'purgatory', mem: hex64(NEXT_ENTRY - 0x700), pages: 16, asLoadedAtT1: 16, asLoadedAtT2: 16 },
        { role: 'tree', mem: hex64(NEXT_TREE), pages: 16, asLoadedAtT1: 16, asLoadedAtT2: 16 },
      ],
      notAsLoaded: [],
      changed: [],
      changedPlaces: 0,
    });
    expect((await run('kexec', GOES)).result.trace).not.toHaveProperty('handover');
  });

  it('the same script twice gives the same trace, byte for byte', async () => {
    const [first, second] = [await run('kexec', GOES), await run('kexec', GOES)];
    expect(JSON.stringify(first.result.trace)).toBe(JSON.stringify(second.result.trace));
  });

  it.each([
    ['has no end', (guest: ScriptedPartition) => guest.write(LIST, repeated(8))],
    ['leads to itself', (guest: ScriptedPartition) => guest.write(LIST, circle())],
    ['leads out of memory', (guest: ScriptedPartition) => guest.write(LIST, nowhere())],
    ['holds rubbish', (guest: ScriptedPartition) => guest.write(LIST, new Uint8Array(0x1000).fill(0xff))],
    ['ends at once', (guest: ScriptedPartition) => guest.write(LIST, repeated(4))],
  ])(
    'a list of pages that %s: → no image is described, and the kexec is not taken for seen',
    async (_name, spoil) => {
      const { result } = await run('kexec', GOES, spoil);
      expect(result.trace?.image).not.toHaveProperty('load');
      expect(result).toMatchObject({
        outcome: 'failed',
        phase: 'shutdown',
        reason: expect.stringContaining('no new kernel started'),
      });
    },
  );

  it('the load is refused: failed before anything is tried, and the guest is as it was', async () => {
    const { guest, result } = await run('kexec', {
      'load-next': (each) => {
        each.say('error load-next kexec ended with 255: no room');
        each.rest();
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'ready', refused: true });
    expect(result.reason).toMatch(/not loaded: .*no room/);
    expect(guest.typed).toEqual(['1: load-next\n']);
  });

  it('kexec is refused: failed with the agent’s words', async () => {
    const { result } = await run('kexec', {
      ...LOADS,
      kexec: (guest) => {
        guest.say('error kexec no ordinary image is loaded');
        guest.rest();
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'triggered', refused: true });
    expect(result.reason).toContain('no ordinary image is loaded');
  });

  it('it crashes on the way: where, and what it could not do', async () => {
    const { result } = await run('kexec', {
      ...LOADS,
      kexec: (guest) => {
        fetch(guest, 0, production('kernel_kexec'), 0x4600);
        guest.event({
          cpu: 0,
          kind: 'interrupt',
          vector: 0x300,
          regs: { srr0: 0xc000000000004710n },
        });
        fetch(guest, 0, production('panic'), 0x4000);
        guest.end({ kind: 'reboot' });
      },
    });
    expect(result).toMatchObject({
      outcome: 'failed',
      reason:
        'the guest crashed (panic on CPU 0 after interrupt 0x300 data storage at machine_kexec+0x10); it ended in phase shutdown (reboot)',
    });
  });

  it('the new kernel dies: the phase and how', async () => {
    const { result } = await run('kexec', {
      ...LOADS,
      kexec: (guest) => {
        kexec(guest);
        guest.end({ kind: 'os-term', message: 'OS panic: no init' });
      },
    });
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'new-kernel',
      reason: 'the guest ended in phase new-kernel (ibm,os-term: OS panic: no init)',
      end: { kind: 'os-term' },
    });
    expect(result.refused).toBeUndefined();
  });

  it('the new kernel hangs: every CPU and where it is', async () => {
    const { result } = await run('kexec', {
      ...LOADS,
      kexec: (guest) => {
        kexec(guest);
        guest.rest();
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'new-kernel' });
    expect(result.reason).toMatch(/every CPU stands still in phase new-kernel: CPU 0 running at/);
  });

  it('an image without an agent: refused', async () => {
    const guest = leavingPartition({ onStart: (each) => each.rest() });
    const session = new Session(guest, false);
    const lookout = new Lookout(session, { ...BOOT, agent: false });
    await lookout.start();
    await session.untilReady(100);
    const result = await leave(lookout, 'kexec', {});
    expect(result).toMatchObject({ outcome: 'failed', refused: true });
    expect(guest.typed).toEqual([]);
  });
});

describe('leave: a restart', () => {
  it('traced from kernel_restart to the end of the life', async () => {
    const { guest, result, phases } = await run('restart', {
      restart: (each) => {
        each.say('ok reboot');
        fetch(each, 0, production('kernel_restart'), 0x4900);
        fetch(each, 0, production('device_shutdown'), 0x4400);
        fetch(each, 0, production('machine_shutdown'), 0x4300);
        each.event({ cpu: 0, kind: 'rtas', name: 'system-reboot' });
        each.end({ kind: 'reboot' });
      },
    });
    expect(guest.typed).toEqual(['1: restart\n']);
    expect(result).toMatchObject({ outcome: 'done', phase: 'restarted', end: { kind: 'reboot' } });
    expect(phases).toEqual(['triggered', 'shutdown']);
    expect(result.trace?.image).toMatchObject({ path: 'restart' });
    expect(result.trace?.events).toMatchObject([
      { kind: 'fetch', mark: production('kernel_restart') },
      { kind: 'fetch', mark: production('device_shutdown') },
      { kind: 'fetch', mark: production('machine_shutdown') },
      { kind: 'rtas', name: 'system-reboot' },
    ]);
  });

  it('the guest powers off instead: failed', async () => {
    const { result } = await run('restart', { restart: (each) => each.end({ kind: 'power-off' }) });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'triggered' });
  });
});

describe('Session', () => {
  it('an ordinary image that is loaded or dropped leaves the crash image as it is', async () => {
    const guest = leavingPartition({ onStart: bootWithCrashKernel });
    const session = new Session(guest, true);
    await session.start();
    await session.untilReady(100);
    loadNext(guest);
    expect([session.load?.crash, session.next?.crash]).toEqual([true, false]);
    guest.event(kexecLoadSpec(0, [], 0n));
    expect([session.load?.crash, session.next]).toEqual([true, undefined]);
    loadCrashKernel(guest);
    guest.event(kexecLoadSpec(0, [], 1n));
    expect(session.load).toBeUndefined();
  });
});

/** A page of the same entry. */
function repeated(flag: number): Uint8Array {
  const page = new Uint8Array(0x1000);
  for (let at = 0; at < page.length; at += 8) page[at] = flag;
  return page;
}
function circle(): Uint8Array {
  const page = new Uint8Array(8);
  new DataView(page.buffer).setBigUint64(0, BigInt(LIST) | 2n, true);
  return page;
}
function nowhere(): Uint8Array {
  const page = new Uint8Array(8);
  new DataView(page.buffer).setBigUint64(0, 0x00f0_0000_0000_0002n, true);
  return page;
}
