import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { Handoff } from '../../synth/rule-input.ts';
import { endBefore, insertAfter, KERNEL, replaceStep, TREE } from '../../synth/rule-input.ts';
import { call, store } from '../../synth/trace-events.ts';
import { judged } from './judge.ts';

function flag(handoff: Handoff, entered: string): void {
  if (handoff.facts.entered !== undefined) handoff.facts.entered.runAtLoad = entered;
}

function withoutMarker(handoff: Handoff): void {
  if (handoff.facts.load !== undefined)
    handoff.facts.load.runAtLoad = { at: '0x000000002000005c', loaded: '60000000' };
}

describe('run-at-load-set', () => {
  it('held', () => {
    expect(judged('run-at-load-set')).toMatchObject({ verdict: 'held', evidence: [15, 16] });
  });

  it('the marker left: broken', () => {
    expect(judged('run-at-load-set', (h) => flag(h, '306e7572'))).toMatchObject({ verdict: 'broken' });
  });

  it('1 in the other byte order: broken', () => {
    expect(judged('run-at-load-set', (h) => flag(h, '00000001')).verdict).toBe('broken');
  });

  it('1 after a load that was not for a crash: broken', () => {
    const result = judged('run-at-load-set', (h) => {
      if (h.facts.load !== undefined) h.facts.load.crash = false;
    });
    expect(result.verdict).toBe('broken');
  });

  it('a big-endian image: its own order counts', () => {
    const result = judged('run-at-load-set', (h) => {
      if (h.facts.load !== undefined)
        h.facts.load.runAtLoad = { at: '0x000000002000005c', loaded: '72756e30', byteOrder: 'big' };
      flag(h, '00000001');
    });
    expect(result.verdict).toBe('held');
  });

  it('no marker, left alone: not applicable', () => {
    const result = judged('run-at-load-set', (h) => {
      withoutMarker(h);
      flag(h, '60000000');
    });
    expect(result).toMatchObject({ verdict: 'not-applicable', note: expect.stringContaining('60000000') });
  });

  it('no marker, but changed: broken', () => {
    expect(judged('run-at-load-set', withoutMarker).verdict).toBe('broken');
  });

  it('not entered: not reached', () => {
    expect(judged('run-at-load-set', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
  });

  it('the word could not be read at T2: the bytes of the last store to it decide; without them, not reached', () => {
    const unread = (bytes: number | string) =>
      judged('run-at-load-set', (h) => {
        delete h.facts.entered?.runAtLoad;
        replaceStep(h, 'flag', store(1, 'run-at-load', KERNEL + 0x5cn, bytes));
      });
    expect(unread('01000000')).toMatchObject({ verdict: 'held', evidence: [15, 16] });
    expect(unread('00000001')).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('00000001 in memory, not 1'),
    });
    expect(unread(4).verdict).toBe('not-reached');
  });
});

describe('boot-cpu-recorded', () => {
  it('held', () => {
    expect(judged('boot-cpu-recorded')).toMatchObject({ verdict: 'held', evidence: [14, 16] });
  });

  it('the id of another CPU: broken', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      if (h.facts.entered !== undefined)
        h.facts.entered.tree = { at: '0x000000002ffe0000', version: 17, bootCpu: 8 };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('hardware id 8') });
  });

  it('purgatory stored the right id, and the tree names another one: the note says both', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      replaceStep(h, 'boot-cpu', store(1, 'boot-cpu', TREE + 28n, '00000009'));
      if (h.facts.entered !== undefined) h.facts.entered.tree = { at: hex64(TREE), version: 17, bootCpu: 8 };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('had stored 9') });
  });

  it('r3 points to no tree: broken', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      delete h.facts.entered?.tree;
    });
    expect(result.verdict).toBe('broken');
  });

  it('a stub without purgatory, and no tree: not applicable', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      delete h.facts.entered?.tree;
      delete h.facts.load?.purgatory;
    });
    expect(result).toMatchObject({
      verdict: 'not-applicable',
      note: expect.stringContaining('no purgatory'),
    });
  });

  it('r3 points to another tree than was loaded: broken', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      if (h.facts.entered !== undefined)
        h.facts.entered.tree = { at: hex64(0x1000), version: 17, bootCpu: 9 };
    });
    expect(result.verdict).toBe('broken');
  });

  it('a tree of version 1: not applicable', () => {
    const result = judged('boot-cpu-recorded', (h) => {
      if (h.facts.entered !== undefined)
        h.facts.entered.tree = { at: '0x000000002ffe0000', version: 1, bootCpu: 0 };
    });
    expect(result.verdict).toBe('not-applicable');
  });

  it('not entered: not reached', () => {
    expect(judged('boot-cpu-recorded', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
  });
});

describe('stays-put', () => {
  it('held', () => {
    expect(judged('stays-put')).toMatchObject({ verdict: 'held', evidence: [16, 17] });
  });

  it('stores above the vectors: broken', () => {
    const result = judged('stays-put', (h) =>
      insertAfter(h, 't2', 'moves', store(1, 'above-vectors', 0x10000n, 8)),
    );
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x0000000000010000') });
  });

  it('a device writes there: the kernel did not move', () => {
    const result = judged('stays-put', (h) =>
      insertAfter(h, 't2', 'dma', store(-1, 'above-vectors', 0x10000n, 16)),
    );
    expect(result.verdict).toBe('held');
  });

  it('runs at address 0: broken', () => {
    const result = judged('stays-put', (h) =>
      insertAfter(h, 't2', 'moved', call(1, 'start_kernel', 'moved', { addr: 0x3cc8n })),
    );
    expect(result.verdict).toBe('broken');
  });

  it('run-at-load 0: moving is held, staying is broken', () => {
    const moved = judged('stays-put', (h) => {
      flag(h, '306e7572');
      insertAfter(h, 't2', 'moves', store(1, 'above-vectors', 0x10000n, 8));
    });
    expect(moved.verdict).toBe('held');
    expect(judged('stays-put', (h) => flag(h, '306e7572')).verdict).toBe('broken');
  });

  it('without symbols of the new kernel, its dump tells', () => {
    expect(judged('stays-put', (h) => h.steps.delete('start')).verdict).toBe('held');
    expect(
      judged('stays-put', (h) => {
        h.steps.delete('start');
        h.steps.delete('t3');
      }).verdict,
    ).toBe('not-reached');
  });

  it('not relocatable: not applicable; not entered: not reached', () => {
    expect(judged('stays-put', withoutMarker).verdict).toBe('not-applicable');
    expect(judged('stays-put', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
  });
});
