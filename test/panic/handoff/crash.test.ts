import { describe, expect, it } from 'vitest';
import type { PanicRequest } from '../../../src/panic/contract/index.ts';
import { Session } from '../../../src/panic/guest/session.ts';
import { type CrashResult, crash, Lookout } from '../../../src/panic/index.ts';
import type { FunctionName, Mark } from '../../../src/panic/trace/index.ts';
import { idOfMark } from '../../../src/panic/watch/index.ts';
import {
  BOOT,
  bootWithCrashKernel,
  configOf,
  crashablePartition,
  dump,
  enterKernel,
  handoff,
  KERNEL,
  loadCrashKernel,
  PURGATORY,
} from '../../synth/crashing-guest.ts';
import type { GuestScript, ScriptedPartition } from '../../synth/partition-handle.ts';
import { elfDump } from '../../synth/vmcore.ts';

const SYSRQ: PanicRequest = { trigger: 'sysrq', dump: 'raw' };
const production = (name: FunctionName): Mark => ({ at: 'function', name, in: 'production' });
const BREAK_C = '\x0fc';

type Outcome = {
  readonly guest: ScriptedPartition;
  readonly result: CrashResult;
  readonly phases: readonly string[];
};

/** Boots the scripted guest and crashes it. */
async function run(
  script: GuestScript,
  request: PanicRequest = SYSRQ,
  config = configOf(2),
  signal?: AbortSignal,
): Promise<Outcome> {
  const guest = crashablePartition({ onStart: bootWithCrashKernel, ...script }, config);
  const session = new Session(guest, true);
  const lookout = new Lookout(session, BOOT);
  await lookout.start();
  const ready = await session.untilReady(100);
  expect(ready.kind).toBe('ready');
  const phases: string[] = [];
  const result = await crash(lookout, request, {
    loadedDump: 'raw',
    ...(ready.kind === 'ready' && ready.noCrashKernel !== undefined
      ? { noCrashKernel: ready.noCrashKernel }
      : {}),
    onPhase: (phase) => phases.push(phase),
    ...(signal === undefined ? {} : { signal }),
  });
  return { guest, result, phases };
}

/** CPU 1 says by ibm,os-term that it is done. */
function osTerm(guest: ScriptedPartition, message: string): void {
  guest.event({ cpu: 1, kind: 'rtas', name: 'ibm,os-term', args: [0x5000], message });
}

/** Does `work` when ^O c is typed. */
function onSysrq(work: (guest: ScriptedPartition) => void): GuestScript {
  return { onInput: (guest, vty, text) => (vty === 0 && text === BREAK_C ? work(guest) : guest.rest()) };
}

function wholeCrash(guest: ScriptedPartition): void {
  handoff(guest, 1);
  enterKernel(guest, 1);
  // The worker's own turns lie between; the tree and the flag are read meanwhile.
  setTimeout(() => dump(guest, elfDump()), 20);
}

describe('crash: captured', () => {
  it('every phase is told in order, T0 to T4 are there, no rule is broken', async () => {
    const { result, phases } = await run(onSysrq(wholeCrash));
    expect(result).toMatchObject({ outcome: 'captured', phase: 'dumped', end: { kind: 'reboot' } });
    expect(phases).toEqual([
      'triggered',
      'panic',
      'handoff',
      'purgatory',
      'crash-kernel',
      'dumping',
      'dumped',
    ]);
    expect(Object.keys(result.trace?.instants ?? {})).toEqual(['t0', 't1', 't2', 't3', 't4']);
    expect(result.trace?.rules.filter(({ verdict }) => verdict === 'broken')).toEqual([]);
    expect(result.dump).toMatchObject({ disk: 0, format: 'elf', complete: true, bytes: elfDump().length });
    expect(result.instructions.handoff).toBeGreaterThan(0);
  });

  it('the crashed kernel called ibm,os-term on its way (crash_kexec_post_notifiers): the crash kernel gets all the time it needs', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        osTerm(guest, 'sysrq triggered crash');
        handoff(guest, 1);
        enterKernel(guest, 1);
        setTimeout(() => guest.progress(400e9), 20);
        setTimeout(() => dump(guest, elfDump()), 40);
      }),
      { ...SYSRQ, timeoutSeconds: 1000 },
    );
    expect(result).toMatchObject({ outcome: 'captured', phase: 'dumped' });
  });

  it('what the guest left takes too long to read: the crash ends, and says why', async () => {
    const abort = new AbortController();
    const script = onSysrq((guest) => {
      guest.readDisk = async (_disk, _offset, length) => {
        abort.abort(new Error('cancelled on request'));
        return new Uint8Array(length);
      };
      wholeCrash(guest);
    });
    const { result } = await run(script, SYSRQ, configOf(2), abort.signal);
    expect(result).toMatchObject({ outcome: 'failed', phase: 'dumping' });
    expect(result.reason).toContain(
      'the dump could not be read: cancelled on request; the crash kernel rebooted',
    );
    expect(result.dump).toBeUndefined();
  });

  it('what the guest loaded takes too long to read: it is not crashed, and says why', async () => {
    const abort = new AbortController();
    const onStart = (guest: ScriptedPartition): void => {
      bootWithCrashKernel(guest);
      guest.readMemory = () => {
        abort.abort(new Error('cancelled on request'));
        return new Promise(() => undefined);
      };
    };
    const { result, phases } = await run({ onStart }, SYSRQ, configOf(2), abort.signal);
    expect(result).toMatchObject({ outcome: 'failed', phase: 'ready' });
    expect(result.reason).toBe('the kernel’s symbols could not be read: cancelled on request');
    expect(phases).toEqual([]);
  });

  it('the worker dies in the crash kernel: what was seen until then is told', async () => {
    const died = async (): Promise<never> => {
      throw new Error('the partition’s worker ended with 1');
    };
    const dies = (guest: ScriptedPartition): void => {
      handoff(guest, 1);
      guest.readMemory = died;
      guest.readInstant = died;
      guest.vcpus = died;
      enterKernel(guest, 1);
      guest.end({ kind: 'error', message: 'the partition’s worker ended with 1' });
    };
    const { result } = await run(onSysrq(dies));
    expect(result).toMatchObject({ outcome: 'failed', phase: 'crash-kernel' });
    expect(result.reason).toContain('ended with 1');
    expect(result.trace?.image).not.toHaveProperty('entered');
    expect(result.identity).toBeUndefined();
  });

  it('the same script twice gives the same trace, byte for byte', async () => {
    const [first, second] = [await run(onSysrq(wholeCrash)), await run(onSysrq(wholeCrash))];
    expect(JSON.stringify(first.result.trace)).toBe(JSON.stringify(second.result.trace));
  });

  it('a single CPU: rules about others do not apply', async () => {
    const script = onSysrq((guest) => {
      handoff(guest, 0);
      enterKernel(guest, 0);
      setTimeout(() => dump(guest, elfDump()), 20);
    });
    const { result } = await run(script, SYSRQ, configOf(1));
    expect(result.outcome).toBe('captured');
    expect(
      result.trace?.rules.filter(({ verdict }) => verdict === 'not-applicable').map(({ name }) => name),
    ).toEqual(expect.arrayContaining(['stop-reached', 'secondaries-parked', 'slaves-at-0x60']));
  });
});

describe('crash: triggers', () => {
  it('sysrq on a CPU: the agent steers first, then the break', async () => {
    const script: GuestScript = {
      onInput: (guest, _vty, text) => {
        if (text === 'sysrq c 1\n') {
          guest.say('ok sysrq c 1');
          guest.rest();
        } else if (text === BREAK_C) wholeCrash(guest);
      },
    };
    const { guest, result } = await run(script, { ...SYSRQ, onCpu: 1 });
    expect(guest.typed).toEqual(['1: sysrq c 1\n', `0: ${BREAK_C}`]);
    expect(result.outcome).toBe('captured');
  });

  for (const trigger of ['panic', 'echo'] as const) {
    it(`${trigger}: the agent is told the CPU`, async () => {
      const script: GuestScript = {
        onInput: (guest, _vty, text) => text === 'panic 1\n' && wholeCrash(guest),
      };
      const { guest, result } = await run(script, { trigger, onCpu: 1, dump: 'raw' });
      expect(guest.typed).toEqual(['1: panic 1\n']);
      expect(result.outcome).toBe('captured');
    });
  }

  for (const [cpus, others] of [
    [2, '0'],
    [4, '0,2,3'],
  ] as const) {
    it(`nmi on one of ${cpus} CPUs: the operator resets the others at one instant, and not the master, once Linux waits for it`, async () => {
      const script: GuestScript = {
        onNmi: (guest, [cpu]) => {
          if (cpu === 0) return wholeCrash(guest);
          guest.event({ cpu: 1, kind: 'reset' });
          guest.event({ cpu: 1, kind: 'interrupt', vector: 0x100, requestedBy: 'outside' });
          guest.event({ cpu: 1, kind: 'fetch', mark: production('__crash_kexec'), ea: 0xc000000000004200n });
          guest.rest();
        },
      };
      const request = { trigger: 'nmi', onCpu: 1, dump: 'raw' } as const;
      const { guest, result } = await run(script, request, configOf(cpus));
      expect(guest.typed).toEqual(['nmi: 1', `nmi: ${others}`]);
      expect(result.outcome).toBe('captured');
      expect(result.trace?.instants.t0?.event).toBe(1);
    });
  }

  it('another way to dump: the crash kernel is loaded again first', async () => {
    const script: GuestScript = {
      onInput: (guest, _vty, text) => {
        if (text === 'load -l -d 31\n') {
          loadCrashKernel(guest);
          guest.say('ok load -l -d 31');
          guest.rest();
        } else if (text === BREAK_C) wholeCrash(guest);
      },
    };
    const { guest, result } = await run(script, { ...SYSRQ, dump: ' -l  -d 31' });
    expect(guest.typed[0]).toBe('1: load -l -d 31\n');
    expect(result.outcome).toBe('captured');
  });

  it('a CPU that is not there, an agent that refuses: failed before anything happens', async () => {
    expect((await run({}, { ...SYSRQ, trigger: 'panic', onCpu: 7 })).result).toMatchObject({
      outcome: 'failed',
      phase: 'ready',
      reason: expect.stringContaining('no CPU 7'),
    });
    const refusing: GuestScript = {
      onInput: (guest) => {
        guest.say('error panic no CPU 1 is online');
        guest.rest();
      },
    };
    expect((await run(refusing, { trigger: 'panic', onCpu: 1, dump: 'raw' })).result).toMatchObject({
      outcome: 'failed',
      phase: 'ready',
      reason: expect.stringContaining('no CPU 1 is online'),
    });
  });
});

describe('crash: failed, with the last phase and the reason', () => {
  it('no crash kernel is loaded: ibm,os-term', async () => {
    const { result } = await run({
      onStart: (guest) => {
        guest.say('kdumpd-agent ready no-crash-kernel nothing is reserved');
        guest.rest();
      },
      ...onSysrq((guest) => {
        guest.event({ cpu: 1, kind: 'fetch', mark: production('panic'), ea: 0xc000000000004000n });
        guest.event({ cpu: 1, kind: 'fetch', mark: production('__crash_kexec'), ea: 0xc000000000004200n });
        guest.end({ kind: 'os-term', message: 'OS panic: sysrq triggered crash' });
      }),
    });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'panic', end: { kind: 'os-term' } });
    expect(result.reason).toMatch(/no crash kernel is loaded \(nothing is reserved\).*sysrq triggered crash/);
  });

  it('ibm,os-term returns, and the guest restarts → both are in the reason', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        osTerm(guest, 'Attempted to kill init!');
        guest.end({ kind: 'reboot' });
      }),
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/rebooted.*ibm,os-term: Attempted to kill init!/),
    });
    const said = result.trace?.events.find(({ kind }) => kind === 'rtas');
    expect(said).toMatchObject({
      message: 'Attempted to kill init!',
      text: 'ibm,os-term: Attempted to kill init!',
    });
  });

  it('ibm,os-term returns, and the guest goes on for ever → it ends after 300 guest seconds', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        osTerm(guest, 'no init');
        for (let seconds = 10; seconds <= 320; seconds += 10) guest.progress(seconds * 1e9);
      }),
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/^the guest called ibm,os-term: no init, and did not restart: CPU 0 /),
    });
  });

  it('the kernel says that its panic is at its end → it ends at once, also where it did not come to ibm,os-term', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        guest.print('\n---[ end Kernel pa');
        guest.progress(20e9);
        guest.print('nic - not syncing: no init ]---\n');
        guest.progress(21e9);
      }),
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/^the kernel panicked \(no init\) and did not restart: CPU 0 /),
    });
  });

  it('the digest does not match: purgatory loops', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        const master = guest.snapshots[1];
        if (master !== undefined)
          guest.snapshots[1] = { ...master, state: 'parked', nia: BigInt(PURGATORY + 0x17c) };
        guest.rest();
      }),
    );
    expect(result).toMatchObject({ outcome: 'failed', phase: 'purgatory' });
    expect(result.reason).toMatch(/CPU 1 loops at 0x000000000220017c.*digest/);
    expect(result.trace?.rules.find(({ name }) => name === 'run-at-load-set')?.verdict).toBe('not-reached');
  });

  it('a CPU that never stops: named', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        guest.event({ cpu: 1, kind: 'fetch', mark: production('panic'), ea: 0xc000000000004000n });
        guest.event({ cpu: 1, kind: 'fetch', mark: production('__crash_kexec'), ea: 0xc000000000004200n });
        guest.event({
          cpu: 1,
          kind: 'fetch',
          mark: production('machine_crash_shutdown'),
          ea: 0xc000000000004280n,
        });
        guest.event({
          cpu: 1,
          kind: 'hcall',
          name: 'H_SIGNAL_SYS_RESET',
          status: 0xfffffffffffffffen,
        });
        guest.rest();
      }),
    );
    expect(result).toMatchObject({ outcome: 'failed', phase: 'handoff' });
    expect(result.reason).toMatch(/CPU 0 never stopped.*CPU 1 waits/);
    expect(result.trace?.rules.find(({ name }) => name === 'stop-reached')?.verdict).toBe('broken');
  });

  it('a CPU that never stops and goes on executing: named after 10 s of waiting, not at the timeout', async () => {
    const { guest, result } = await run(
      onSysrq((guest) => {
        guest.event({ cpu: 1, kind: 'fetch', mark: production('panic'), ea: 0xc000000000004000n });
        guest.event({
          cpu: 1,
          kind: 'fetch',
          mark: production('machine_crash_shutdown'),
          ea: 0xc000000000004280n,
        });
        guest.event({
          cpu: 1,
          kind: 'hcall',
          name: 'H_SIGNAL_SYS_RESET',
          status: 0xfffffffffffffffen,
        });
        const [busy, master] = guest.snapshots;
        if (busy === undefined || master === undefined) throw new Error('two CPUs');
        guest.snapshots[0] = { ...busy, nia: 0xc000000000004508n };
        guest.snapshots[1] = { ...master, state: 'parked', nia: 0xc000000000004208n };
        const from = guest.insn;
        const go = (second: number): void => {
          guest.progress(from + second * 1e9);
          if (second < 30) setTimeout(() => go(second + 1), 5);
        };
        go(1);
      }),
    );
    expect(result).toMatchObject({ outcome: 'failed', phase: 'handoff' });
    expect(result.reason).toBe(
      'CPU 0 never stopped: it is running at start_kernel+0x8 with interrupts off; the panicking CPU 1 waits for it without limit',
    );
    expect(guest.insn).toBeLessThan(20e9);
  });

  it('no space on the dump device: the agent’s reason, and the dump marked', async () => {
    const vmcore = elfDump();
    const script = onSysrq((guest) => {
      handoff(guest, 1);
      enterKernel(guest, 1);
      guest.disks.set(0, vmcore.subarray(0, 8192));
      guest.event({
        cpu: -1,
        kind: 'disk',
        write: 'first',
      });
      guest.say('kdumpd-agent dump-failed no-space /dev/vda has 8192 bytes');
      guest.end({ kind: 'reboot' });
    });
    const { result } = await run(script, SYSRQ, configOf(2, 8192));
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'dumping',
      dump: { complete: false, bytes: 8192 },
    });
    expect(result.reason).toMatch(/no-space.*\/dev\/vda has 8192 bytes.*incomplete/);
    expect(result.trace?.instants.t4).toBeUndefined();
  });

  it('a dump without the guest’s word for its end is not taken for whole', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        enterKernel(guest, 1);
        guest.disks.set(0, elfDump());
        guest.event({
          cpu: -1,
          kind: 'disk',
          write: 'first',
        });
        guest.end({ kind: 'reboot' });
      }),
    );
    expect(result).toMatchObject({ outcome: 'failed', phase: 'dumping', dump: { complete: false } });
  });

  it('the crash kernel reboots without a dump', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        enterKernel(guest, 1);
        guest.end({ kind: 'reboot' });
      }),
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'crash-kernel',
      reason: expect.stringContaining('without leaving a dump'),
    });
  });

  it('a CPU raises interrupts in its own handlers without an end, also while it is asked to continue → where it does', async () => {
    const { result } = await run({
      onInput: (guest) => {
        const [first] = guest.snapshots;
        if (first !== undefined) guest.snapshots[0] = { ...first, storm: 4_000_000, nia: 0x300n };
        guest.event({ cpu: 0, kind: 'interrupt', vector: 0x700 });
        guest.rest();
      },
    });
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'triggered',
      reason: expect.stringMatching(
        /^interrupts without an end in phase triggered: CPU 0 raised 4000000 interrupts in interrupt handlers, at _stext\+0x300 with interrupts off/,
      ),
    });
  });

  it('no CPU reacts to the trigger', async () => {
    const { result } = await run(onSysrq((guest) => guest.rest()));
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'triggered',
      reason: expect.stringContaining('did not react'),
    });
  });

  it('guest time runs out: the phase is named', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        guest.progress(20e9);
      }),
      { ...SYSRQ, timeoutSeconds: 10 },
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      reason: expect.stringMatching(/10 s of guest time.*purgatory/),
    });
  });

  it('the machine itself fails', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        handoff(guest, 1);
        guest.end({ kind: 'error', message: 'out of memory' });
      }),
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      phase: 'purgatory',
      reason: expect.stringContaining('out of memory'),
    });
  });
});

describe('crash: injected faults', () => {
  it('are given to the machine before the trigger, and named in the reason', async () => {
    const { guest, result } = await run(
      onSysrq((each) => each.rest()),
      {
        ...SYSRQ,
        faults: [
          { kind: 'flip', of: 'kernel', offset: 0x10, at: 't1' },
          { kind: 'wedge', cpu: 0 },
        ],
      },
    );
    expect(guest.injected).toEqual([
      {
        name: 'flip:kernel+0x10@t1',
        damage: { kind: 'flip', raddr: KERNEL + 0x10 },
        at: [{ kind: 'fetch', mark: idOfMark({ at: 'entry' }) }],
      },
      { name: 'wedge:0@trigger', damage: { kind: 'wedge', cpu: 0 } },
    ]);
    expect(result.reason).toMatch(/did not react .* \(injected: flip:kernel\+0x10@t1, wedge:0@trigger\)$/);
  });

  it.each([
    [{ kind: 'wedge', cpu: 2 }, 'no CPU 2'],
    [{ kind: 'flip', of: 'kernel', offset: 0x100000 }, 'the offset is beyond the end of the segment'],
  ] as const)('%o: failed before anything happens', async (fault, why) => {
    const { guest, result } = await run({}, { ...SYSRQ, faults: [fault] });
    expect(result).toMatchObject({ outcome: 'failed', phase: 'ready', reason: expect.stringContaining(why) });
    expect(guest.injected).toEqual([]);
    expect(guest.typed).toEqual([]);
  });
});

describe('Session', () => {
  it('a guest that rests for a reason of its own is let on', async () => {
    let rests = 0;
    const { result } = await run({
      onInput: (guest, vty, text) => {
        if (vty === 0 && text === BREAK_C) handoff(guest, 1);
        if (++rests < 10) {
          guest.insn += 1000;
          guest.rest();
        } else {
          enterKernel(guest, 1);
          setTimeout(() => dump(guest, elfDump()), 20);
        }
      },
    });
    expect(result.outcome).toBe('captured');
  });

  it('ended before it is ready: said how', async () => {
    const guest = crashablePartition({ onStart: (each) => each.end({ kind: 'power-off' }) });
    const session = new Session(guest, true);
    await session.start();
    expect(await session.untilReady(10)).toEqual({ kind: 'ended', end: { kind: 'power-off' } });
  });

  it('never ready: standing still', async () => {
    const guest = crashablePartition({ onStart: (each) => each.rest(), onInput: (each) => each.rest() });
    const session = new Session(guest, true);
    await session.start();
    expect(await session.untilReady(10)).toEqual({ kind: 'standing' });
  });

  it('ready, and a program keeps it busy → ready all the same, after 10 guest seconds', async () => {
    const guest = crashablePartition({
      onStart: (machine) => {
        machine.say('kdumpd-agent ready');
        setTimeout(() => machine.progress(12e9), 20);
      },
    });
    const session = new Session(guest, true);
    await guest.start();
    expect(await session.untilReady(2400)).toEqual({ kind: 'ready' });
  });
});

describe('crash: what was not kept', () => {
  it('what the machine dropped is in the trace, by its mark', async () => {
    const { result } = await run(
      onSysrq((guest) => {
        guest.droppedEvents.push({
          kind: 'store',
          cpu: 1,
          mark: idOfMark({ at: 'low' }),
          count: 12,
          since: 5,
        });
        wholeCrash(guest);
      }),
    );
    expect(result.trace?.more).toContainEqual({
      kind: 'store',
      cpu: 1,
      mark: { at: 'low' },
      count: 12,
      since: 5,
    });
  });
});
