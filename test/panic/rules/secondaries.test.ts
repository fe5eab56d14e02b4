import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { judgeRules } from '../../../src/panic/rules/index.ts';
import type { RuleResult } from '../../../src/panic/trace/index.ts';
import {
  endBefore,
  goodHandoff,
  type Handoff,
  inputOf,
  insertAfter,
  moveAfter,
  replaceStep,
  stepOf,
} from '../../synth/rule-input.ts';
import {
  call,
  census,
  fetch,
  hcall,
  interrupt,
  msr,
  operatorReset,
  REAL,
  rtas,
  store,
  VIRTUAL,
} from '../../synth/trace-events.ts';
import { judged, judgedOf, onlyOneCpu } from './judge.ts';

describe('stop-reached', () => {
  it('held, by the hypercall', () => {
    expect(judged('stop-reached')).toMatchObject({
      verdict: 'held',
      note: 'by H_SIGNAL_SYS_RESET',
      evidence: [2, 3, 4],
    });
  });

  it('the hypercall is refused and the interrupt controller does it: held, and said', () => {
    const result = judged('stop-reached', (h) => {
      stepOf(h, 'signal', 'hcall').status = hex64(-2);
      replaceStep(h, 'reset', call(0, 'crash_ipi_callback'));
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('interrupt controller') });
  });

  it('a CPU that does not stop: broken, named with what it did', () => {
    const result = judged('stop-reached', (h) => {
      for (const name of ['reset', 'save', 'down-0', 'park', 'wait', 'slave']) h.steps.delete(name);
      insertAfter(h, 'panic', 'busy', hcall(0, 'H_SET_MODE', { symbol: 'spin_for_ever+0x4' }));
    });
    expect(result).toMatchObject({
      verdict: 'broken',
      note: expect.stringMatching(/CPU 0 .*not stopped.*spin_for_ever/),
    });
  });

  it('what it did: a census says it in words', () => {
    const result = judged('stop-reached', (h) => {
      for (const name of ['reset', 'save', 'down-0', 'park', 'wait', 'slave']) h.steps.delete(name);
      insertAfter(h, 'panic', 'seen', census(0, 'running', 'spin_for_ever+0x4'));
    });
    expect(result).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('last seen: is running at spin_for_ever+0x4'),
    });
  });

  it('the interrupt says who asked for it, whatever else was tried', () => {
    const asked = (by: 'outside' | 'guest') =>
      judged('stop-reached', (h) => {
        stepOf(h, 'reset', 'interrupt').requestedBy = by;
        insertAfter(h, 'signal', 'operator', operatorReset(0));
      });
    expect(asked('guest')).toMatchObject({ verdict: 'held', note: 'by H_SIGNAL_SYS_RESET' });
    expect(asked('outside')).toMatchObject({ verdict: 'held', note: 'by a system reset from outside' });
  });

  it('the interrupt does not say it: calls and resets do', () => {
    const result = judged('stop-reached', (h) => {
      stepOf(h, 'signal', 'hcall').status = hex64(-2);
      insertAfter(h, 'signal', 'operator', operatorReset(0));
    });
    expect(result).toMatchObject({ verdict: 'held', note: 'by a system reset from outside' });
  });

  it('another interrupt is no stop', () => {
    const result = judged('stop-reached', (h) => {
      replaceStep(h, 'reset', interrupt(0, 0x200));
      h.steps.delete('save');
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('was not stopped') });
  });

  it('registers not saved: broken', () => {
    expect(judged('stop-reached', (h) => h.steps.delete('save'))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('did not save'),
    });
  });

  it('registers saved twice: broken', () => {
    const result = judged('stop-reached', (h) =>
      insertAfter(h, 'save', 'again', store(0, { at: 'note', cpu: 0 }, 0x3fd00000n, 4)),
    );
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('2 times') });
  });

  it('an offline CPU need not stop', () => {
    const result = judged('stop-reached', (h) => h.cpus.push({ index: 2, hardwareId: 16, online: false }));
    expect(result.verdict).toBe('held');
  });

  it('CPUs are stopped before the notifiers of the panic, which call firmware: held, and no rule is broken', () => {
    const handoff = goodHandoff();
    handoff.facts.probes = [...handoff.facts.probes, 'machine_crash_shutdown', 'crash_kexec_prepare'];
    insertAfter(handoff, 'panic', 'prepare', call(1, 'crash_kexec_prepare'));
    moveAfter(handoff, 'save', 'crash');
    insertAfter(handoff, 'save', 'notified', rtas(1, 'ibm,os-term'));
    insertAfter(handoff, 'crash', 'leaves', call(1, 'machine_crash_shutdown'));
    const input = inputOf(handoff);
    expect(judgedOf('stop-reached', input)).toMatchObject({ verdict: 'held', note: 'by H_SIGNAL_SYS_RESET' });
    const broken = judgeRules(input).filter(({ verdict }) => verdict === 'broken');
    expect(broken).toEqual([]);
  });

  it('a CPU that the firmware has at T1 was offline, whatever was known of it', () => {
    const handoff = goodHandoff();
    handoff.cpus.push({ index: 2, hardwareId: 16, online: true });
    const at = (state: string): RuleResult => {
      const cpu = { index: 2, state, nia: hex64(0), msr: hex64(0), r1: hex64(0), r3: hex64(0) };
      const t1 = { cpus: [cpu], interrupts: [], hypervisor: { vpas: [], crqs: 0, tces: 0, inFlight: 0 } };
      return judgedOf('stop-reached', { ...inputOf(handoff), records: { t1 } });
    };
    expect(at('stopped').verdict).toBe('held');
    expect(at('running')).toMatchObject({ verdict: 'broken', note: expect.stringContaining('CPU 2') });
  });

  it('without places of notes, the function that saves tells', () => {
    const result = judged('stop-reached', (h) => {
      if (h.facts.load !== undefined) h.facts.load.notes = [];
      insertAfter(h, 'reset', 'saves', call(0, 'crash_save_cpu'));
    });
    expect(result.verdict).toBe('held');
  });

  it('no crash image: not reached', () => {
    const result = judged('stop-reached', (h) => {
      delete h.facts.load;
      endBefore(h, 'crash');
    });
    expect(result.verdict).toBe('not-reached');
  });

  /** A panic whose crash kexec is tried, and CPUs that are stopped in the panic's own way. */
  function notBegun(h: Handoff): void {
    for (const name of ['save', 'save-master', 'down-0', 'park', 'wait', 'down-1', 'copy'])
      h.steps.delete(name);
    endBefore(h, 't1');
  }

  it('crash kexec is tried, and does not begin: not reached, whatever stops CPUs', () => {
    const result = judged('stop-reached', (h) => {
      h.facts.probes = [...h.facts.probes, 'machine_crash_shutdown'];
      notBegun(h);
    });
    expect(result).toMatchObject({
      verdict: 'not-reached',
      note: expect.stringMatching(/^__crash_kexec did not begin .* kexec lock: nothing stops CPUs/),
      evidence: [0, 1],
    });
  });

  it('of a kernel that does not name what begins it: not evaluated', () => {
    expect(judged('stop-reached', notBegun)).toMatchObject({
      verdict: 'not-evaluated',
      note: expect.stringContaining('do not name the functions'),
    });
  });

  it('crash kexec has begun, and a CPU does not stop: broken, also where the image was not entered', () => {
    const result = judged('stop-reached', (h) => {
      h.facts.probes = [...h.facts.probes, 'crash_kexec_prepare'];
      insertAfter(h, 'panic', 'prepare', call(1, 'crash_kexec_prepare'));
      h.steps.delete('reset');
      notBegun(h);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('was not stopped') });
  });

  it('a single CPU: not applicable', () => {
    expect(judged('stop-reached', onlyOneCpu)).toMatchObject({
      verdict: 'not-applicable',
      note: 'single CPU',
    });
  });
});

describe('secondaries-parked', () => {
  it('held', () => {
    expect(judged('secondaries-parked')).toMatchObject({ verdict: 'held' });
  });

  it('translation still on when the master copies: broken', () => {
    const result = judged('secondaries-parked', (h) => {
      for (const name of ['park', 'wait']) h.steps.delete(name);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('not in real mode') });
  });

  it('translation on again: broken', () => {
    const result = judged('secondaries-parked', (h) => insertAfter(h, 'wait', 'back', msr(0, REAL, VIRTUAL)));
    expect(result.verdict).toBe('broken');
  });

  it('another id in r3: broken', () => {
    const result = judged('secondaries-parked', (h) => {
      stepOf(h, 'wait', 'fetch').regs.r3 = hex64(0);
      stepOf(h, 'slave', 'fetch').regs.r3 = hex64(0);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('r3 = 0x0') });
  });

  it('nothing overwritten: not reached', () => {
    expect(judged('secondaries-parked', (h) => endBefore(h, 'copy')).verdict).toBe('not-reached');
  });

  it('a single CPU: not applicable', () => {
    expect(judged('secondaries-parked', onlyOneCpu).verdict).toBe('not-applicable');
  });
});

describe('slaves-first-256', () => {
  it('held', () => {
    expect(judged('slaves-first-256')).toMatchObject({ verdict: 'held', evidence: [10, 12] });
  });

  it('released before the copy: broken', () => {
    const result = judged('slaves-first-256', (h) => {
      moveAfter(h, 'wait', 'slave');
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('released before') });
  });

  it('half a copy: broken', () => {
    const result = judged('slaves-first-256', (h) => {
      stepOf(h, 'copy', 'store').length = 0x80;
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x80') });
  });

  it('another content: broken', () => {
    const result = judged('slaves-first-256', (h) => {
      if (h.facts.entered !== undefined)
        h.facts.entered.backup = `${'ab'.repeat(0x70)}00${'ab'.repeat(0x8f)}`;
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x70') });
  });

  it('what a waiting secondary writes there is not the copy’s', () => {
    const result = judged('slaves-first-256', (h) => {
      if (h.facts.entered !== undefined)
        h.facts.entered.backup = `${'ab'.repeat(0x40)}${'00'.repeat(8)}${'ab'.repeat(0xb8)}`;
      insertAfter(h, 'slave', 'here', store(0, 'low', 0x40n, 8));
    });
    expect(result.verdict).toBe('held');
  });

  const stored = (bytes: string) => (h: Parameters<typeof endBefore>[0]) =>
    replaceStep(h, 'copy', store(1, 'low', 0n, bytes));

  it('the bytes that were stored decide, whatever purgatory saved', () => {
    const saved = (bytes: string) =>
      judged('slaves-first-256', (h) => {
        stored(bytes)(h);
        if (h.facts.entered !== undefined) h.facts.entered.backup = '00'.repeat(0x100);
      });
    expect(saved('ab'.repeat(0x100)).verdict).toBe('held');
    expect(saved(`${'ab'.repeat(0x70)}00${'ab'.repeat(0x8f)}`)).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('0x70'),
    });
  });

  it('released by the master before the copy: broken, though no secondary has come yet', () => {
    const release = store(1, 'release', 0x5000n, '0000000000000001');
    const early = judged('slaves-first-256', (h) => {
      h.steps.delete('slave');
      insertAfter(h, 'wait', 'release', release);
    });
    expect(early).toMatchObject({
      verdict: 'broken',
      note: 'CPU 1 released the secondaries before 0x0 was copied',
    });
    const late = judged('slaves-first-256', (h) => insertAfter(h, 'copy', 'release', release));
    expect(late).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('before CPU 1 released the secondaries'),
      evidence: [10, 11, 13],
    });
  });

  it('a store of 0 to that word releases no CPU', () => {
    const result = judged('slaves-first-256', (h) =>
      insertAfter(h, 'wait', 'cleared', store(1, 'release', 0x5000n, '0000000000000000')),
    );
    expect(result.verdict).toBe('held');
  });

  it('without a backup region the content is not compared, and that is said', () => {
    const result = judged('slaves-first-256', (h) => {
      delete h.facts.entered?.backup;
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('no backup region') });
  });

  it('no copy: not reached', () => {
    expect(judged('slaves-first-256', (h) => endBefore(h, 'copy')).verdict).toBe('not-reached');
  });

  it('an ordinary kexec that dies on the way: what is copied to 0 then begins the crash image → not reached', () => {
    const dies = (path: 'crash' | 'kexec') =>
      judged('slaves-first-256', (h) => {
        endBefore(h, 't1');
        h.facts.path = path;
        replaceStep(h, 'copy', store(1, 'low', 0n, 'cd'.repeat(0x100)));
      });
    expect(dies('kexec')).toMatchObject({ verdict: 'not-reached', note: 'the image was not entered' });
    expect(dies('crash')).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x0') });
  });
});

describe('slaves-at-0x60', () => {
  it('held', () => {
    expect(judged('slaves-at-0x60')).toMatchObject({ verdict: 'held', evidence: [12] });
  });

  for (const [what, register, value] of [
    ['another id', 'r3', 0n],
    ['translation on', 'msr', 0x8000000000001032n],
    ['the wrong byte order', 'msr', 0x8000000000001003n],
  ] as const) {
    it(`${what}: broken`, () => {
      const result = judged('slaves-at-0x60', (h) => {
        stepOf(h, 'slave', 'fetch').regs[register] = hex64(value);
      });
      expect(result.verdict).toBe('broken');
    });
  }

  for (const word of ['08000048', '48000008']) {
    it(`code that works in both byte orders (${word}): either is held`, () => {
      const result = judged('slaves-at-0x60', (h) => {
        stepOf(h, 'slave', 'fetch').regs.msr = hex64(0x8000000000001003n);
        if (h.facts.load !== undefined) h.facts.load.stub = `${'00'.repeat(0x60)}${word}${'00'.repeat(0x9c)}`;
      });
      expect(result.verdict).toBe('held');
    });
  }

  it('another address of the copy: broken', () => {
    const result = judged('slaves-at-0x60', (h) => {
      stepOf(h, 'slave', 'fetch').raddr = hex64(0);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('came to 0x0') });
  });

  it('into the image itself: broken', () => {
    const result = judged('slaves-at-0x60', (h) => {
      replaceStep(h, 'slave', fetch(0, { at: 'segment', role: 'kernel' }, { raddr: 0x20000060n, r3: 8n }));
    });
    expect(result.verdict).toBe('broken');
  });

  it('never there: broken, named', () => {
    expect(judged('slaves-at-0x60', (h) => h.steps.delete('slave'))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('did not come'),
    });
  });

  it('only after T2: held, and said', () => {
    const result = judged('slaves-at-0x60', (h) => {
      moveAfter(h, 't2', 'slave');
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('only after') });
  });

  it('no CPU released: not reached', () => {
    expect(judged('slaves-at-0x60', (h) => endBefore(h, 'copy')).verdict).toBe('not-reached');
  });

  it('a single CPU: not applicable', () => {
    expect(judged('slaves-at-0x60', onlyOneCpu).verdict).toBe('not-applicable');
  });
});
