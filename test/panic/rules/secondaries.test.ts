import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { endBefore, insertAfter } from '../../synth/rule-input.ts';
import { judged, onlyOneCpu, regsOf } from './judge.ts';

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
      regsOf(h, 'signal').status = hex64(-2);
      h.steps.set('reset', {
        ...h.steps.get('reset'),
        n: 0,
        cpu: 0,
        insn: 3000,
        tb: hex64(0),
        kind: 'fetch',
        detail: 'crash_ipi_callback',
      });
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('interrupt controller') });
  });

  it('a CPU that does not stop: broken, named with what it did', () => {
    const result = judged('stop-reached', (h) => {
      for (const name of ['reset', 'save', 'down-0', 'park', 'wait', 'slave']) h.steps.delete(name);
      insertAfter(h, 'panic', 'busy', {
        cpu: 0,
        kind: 'hcall',
        detail: 'H_SET_MODE',
        symbol: 'spin_for_ever+0x4',
      });
    });
    expect(result).toMatchObject({
      verdict: 'broken',
      note: expect.stringMatching(/CPU 0 .*not stopped.*spin_for_ever/),
    });
  });

  it('registers not saved: broken', () => {
    expect(judged('stop-reached', (h) => h.steps.delete('save'))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('did not save'),
    });
  });

  it('registers saved twice: broken', () => {
    const result = judged('stop-reached', (h) =>
      insertAfter(h, 'save', 'again', {
        cpu: 0,
        kind: 'store',
        detail: 'note of cpu 0',
        regs: { length: hex64(4) },
      }),
    );
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('2 times') });
  });

  it('an offline CPU need not stop', () => {
    const result = judged('stop-reached', (h) => h.cpus.push({ index: 2, hardwareId: 16, online: false }));
    expect(result.verdict).toBe('held');
  });

  it('without places of notes, the function that saves tells', () => {
    const result = judged('stop-reached', (h) => {
      if (h.facts.load !== undefined) h.facts.load.notes = [];
      insertAfter(h, 'reset', 'saves', { cpu: 0, kind: 'fetch', detail: 'crash_save_cpu' });
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
    const result = judged('secondaries-parked', (h) =>
      insertAfter(h, 'wait', 'back', { cpu: 0, kind: 'msr', regs: { after: hex64(0x8000000000001033n) } }),
    );
    expect(result.verdict).toBe('broken');
  });

  it('another id in r3: broken', () => {
    const result = judged('secondaries-parked', (h) => {
      regsOf(h, 'wait').r3 = hex64(0);
      regsOf(h, 'slave').r3 = hex64(0);
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
      const slave = h.steps.get('slave');
      h.steps.delete('slave');
      if (slave !== undefined) insertAfter(h, 'wait', 'slave', slave);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('released before') });
  });

  it('half a copy: broken', () => {
    const result = judged('slaves-first-256', (h) => {
      regsOf(h, 'copy').length = hex64(0x80);
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
      insertAfter(h, 'slave', 'here', {
        cpu: 0,
        kind: 'store',
        detail: 'low 0x100',
        addr: hex64(0x40),
        regs: { length: hex64(8) },
      });
    });
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
});

describe('slaves-at-0x60', () => {
  it('held', () => {
    expect(judged('slaves-at-0x60')).toMatchObject({ verdict: 'held', evidence: [12] });
  });

  for (const [what, register, value] of [
    ['another address', 'raddr', 0n],
    ['another id', 'r3', 0n],
    ['translation on', 'msr', 0x8000000000001032n],
    ['the wrong byte order', 'msr', 0x8000000000001003n],
  ] as const) {
    it(`${what}: broken`, () => {
      const result = judged('slaves-at-0x60', (h) => {
        regsOf(h, 'slave')[register] = hex64(value);
      });
      expect(result.verdict).toBe('broken');
    });
  }

  for (const word of ['08000048', '48000008']) {
    it(`code that works in both byte orders (${word}): either is held`, () => {
      const result = judged('slaves-at-0x60', (h) => {
        regsOf(h, 'slave').msr = hex64(0x8000000000001003n);
        if (h.facts.load !== undefined) h.facts.load.stub = `${'00'.repeat(0x60)}${word}${'00'.repeat(0x9c)}`;
      });
      expect(result.verdict).toBe('held');
    });
  }

  it('into the image itself: broken', () => {
    const result = judged('slaves-at-0x60', (h) => {
      const slave = h.steps.get('slave');
      if (slave !== undefined) slave.detail = 'segment kernel';
      regsOf(h, 'slave').raddr = hex64(0x20000060n);
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
      const slave = h.steps.get('slave');
      h.steps.delete('slave');
      if (slave !== undefined) insertAfter(h, 't2', 'slave', slave);
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('only after') });
  });

  it('nobody released: not reached', () => {
    expect(judged('slaves-at-0x60', (h) => endBefore(h, 'copy')).verdict).toBe('not-reached');
  });

  it('a single CPU: not applicable', () => {
    expect(judged('slaves-at-0x60', onlyOneCpu).verdict).toBe('not-applicable');
  });
});
