import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { LoadCall, TreeFacts } from '../../../src/panic/trace/index.ts';
import { endBefore, type Handoff, insertAfter, KERNEL, stepOf } from '../../synth/rule-input.ts';
import { store } from '../../synth/trace-events.ts';
import { judged } from './judge.ts';

const MIB = 2 ** 20;

/** Another call after those of the good handoff. */
function load(h: Handoff, call: Partial<LoadCall>): void {
  const last = h.facts.loads?.at(-1);
  if (last !== undefined) h.facts.loads = [...(h.facts.loads ?? []), { ...last, ...call }];
}

function tree(h: Handoff, change: Partial<TreeFacts>): void {
  if (h.facts.load?.tree !== undefined) h.facts.load.tree = { ...h.facts.load.tree, ...change };
}

function noLoad(h: Handoff): void {
  delete h.facts.load;
  delete h.facts.loads;
}

function segment(start: number): LoadCall['segments'] {
  return [{ mem: hex64(start), bytes: 0x10000 }];
}

describe('an image of kexec_file_load whose segments are not known', () => {
  const unread = { segments: [], entry: hex64(0), byFile: { unread: true } } as const;

  it.each([
    ['load-in-reservation', true],
    ['load-no-overlap', true],
    ['load-anywhere', false],
  ] as const)('%s: not evaluated; refused by the kernel, nothing is left open', (rule, crash) => {
    expect(judged(rule, (h) => load(h, { ...unread, crash, result: 'ok' }))).toMatchObject({
      verdict: 'not-evaluated',
      note: expect.stringContaining('kexec_file_load'),
    });
    const before = judged(rule).verdict;
    expect(judged(rule, (h) => load(h, { ...unread, crash, result: 'ENOSYS' })).verdict).toBe(before);
  });

  it('hooks-paired: it is a load, for which prepare must run', () => {
    const hooks = { prepare: 1, cleanup: 1 };
    expect(judged('hooks-paired', (h) => load(h, { ...unread, hooks })).verdict).toBe('held');
    expect(
      judged('hooks-paired', (h) => load(h, { ...unread, hooks: { prepare: 0, cleanup: 1 } })),
    ).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('the load of'),
    });
  });
});

describe('hooks-paired', () => {
  it('held', () => expect(judged('hooks-paired').verdict).toBe('held'));

  it('prepare did not run: broken', () => {
    const result = judged('hooks-paired', (h) => load(h, { hooks: { prepare: 0, cleanup: 1 } }));
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('prepare') });
  });

  for (const [what, call] of [
    ['another load takes the place', {}],
    ['it is unloaded', { segments: [] }],
  ] as const) {
    it(`${what}: cleanup ran, held; did not, broken`, () => {
      expect(
        judged('hooks-paired', (h) => load(h, { ...call, hooks: { prepare: 1, cleanup: 1 } })).verdict,
      ).toBe('held');
      expect(
        judged('hooks-paired', (h) => load(h, { ...call, hooks: { prepare: 1, cleanup: 0 } })),
      ).toMatchObject({ verdict: 'broken', note: expect.stringContaining('cleanup') });
    });
  }

  it('an ordinary image does not take the place of a crash image', () => {
    expect(judged('hooks-paired', (h) => load(h, { crash: false })).verdict).toBe('held');
  });

  it('a refused load needs neither', () => {
    const result = judged('hooks-paired', (h) =>
      load(h, { result: 'ETXTBSY', hooks: { prepare: 0, cleanup: 0 } }),
    );
    expect(result.verdict).toBe('held');
  });

  it('hooks were not watched: not applicable; nothing loaded: not reached', () => {
    const unseen = judged('hooks-paired', (h) => {
      h.facts.loads = (h.facts.loads ?? []).map(({ hooks, ...call }) => call);
    });
    expect(unseen.verdict).toBe('not-applicable');
    expect(judged('hooks-paired', noLoad).verdict).toBe('not-reached');
  });

  it('the kernel names both hooks, and some calls or all were not watched: not evaluated', () => {
    const unwatched = (h: Handoff): void => {
      h.facts.probes = [...h.facts.probes, 'machine_kexec_prepare', 'machine_kexec_cleanup'];
      h.facts.loads = (h.facts.loads ?? []).map(({ hooks, ...call }) => call);
    };
    expect(judged('hooks-paired', unwatched).verdict).toBe('not-evaluated');
    const some = judged('hooks-paired', (h) => {
      unwatched(h);
      load(h, { hooks: { prepare: 1, cleanup: 1 } });
    });
    expect(some).toMatchObject({
      verdict: 'not-evaluated',
      note: 'in 1 of 2 calls of kexec_load the hooks were not watched',
    });
  });

  it('hooks ran so often that reports of them ended: not broken, not evaluated', () => {
    const result = judged('hooks-paired', (h) => {
      load(h, { hooks: { prepare: 0, cleanup: 0 } });
      const mark = { at: 'function', name: 'machine_kexec_prepare', in: 'production' } as const;
      h.more = [{ cpu: 0, kind: 'fetch', mark, count: 1, since: 1_000_000 }];
    });
    expect(result.verdict).toBe('not-evaluated');
  });
});

describe('load-no-overlap', () => {
  it('held', () => expect(judged('load-no-overlap').verdict).toBe('held'));

  for (const [result, verdict] of [
    ['ETXTBSY', 'held'],
    ['EADDRNOTAVAIL', 'held'],
    ['EINVAL', 'broken'],
    ['ok', 'broken'],
  ] as const) {
    it(`a crash segment over the running kernel, ${result}: ${verdict}`, () => {
      expect(judged('load-no-overlap', (h) => load(h, { segments: segment(0x100000), result })).verdict).toBe(
        verdict,
      );
    });
  }

  it('an ordinary segment there is to be refused with ETXTBSY alone', () => {
    const result = judged('load-no-overlap', (h) =>
      load(h, { crash: false, segments: segment(0x100000), result: 'EADDRNOTAVAIL' }),
    );
    expect(result.verdict).toBe('broken');
  });

  it('over a TCE table: accepted is broken', () => {
    const result = judged('load-no-overlap', (h) => {
      tree(h, { tce: [{ start: hex64(0x30000000), bytes: 0x100000 }] });
      load(h, { segments: segment(0x30010000), result: 'ok' });
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('TCE') });
  });

  it('the end of the kernel is not known: not applicable; nothing loaded: not reached', () => {
    const unknown = judged('load-no-overlap', (h) => {
      const { end, ...running } = h.facts.running ?? { memory: [] };
      h.facts.running = running;
    });
    expect(unknown.verdict).toBe('not-applicable');
    expect(judged('load-no-overlap', noLoad).verdict).toBe('not-reached');
  });
});

describe('load-in-reservation', () => {
  it('held', () => expect(judged('load-in-reservation').verdict).toBe('held'));

  for (const [result, verdict] of [
    ['EADDRNOTAVAIL', 'held'],
    ['ETXTBSY', 'held'],
    ['ok', 'broken'],
  ] as const) {
    it(`a segment outside, ${result}: ${verdict}`, () => {
      expect(
        judged('load-in-reservation', (h) => load(h, { segments: segment(0x38000000), result })).verdict,
      ).toBe(verdict);
    });
  }

  it('the entry outside: broken', () => {
    expect(judged('load-in-reservation', (h) => load(h, { entry: hex64(0x38000000) })).verdict).toBe(
      'broken',
    );
  });

  it('only ordinary images, or nothing known of a reservation: not applicable; nothing: not reached', () => {
    const ordinary = judged('load-in-reservation', (h) => {
      h.facts.loads = (h.facts.loads ?? []).map((call) => ({ ...call, crash: false }));
    });
    expect(ordinary.verdict).toBe('not-applicable');
    const unknown = judged('load-in-reservation', (h) => {
      h.facts.running = { memory: [] };
    });
    expect(unknown.verdict).toBe('not-applicable');
    expect(judged('load-in-reservation', noLoad).verdict).toBe('not-reached');
  });
});

describe('load-anywhere', () => {
  const ordinary =
    (start: number, result = 'ok') =>
    (h: Handoff) => {
      h.facts.loads = [];
      h.facts.loads = [
        { insn: 1, cpu: 0, crash: false, entry: hex64(start), segments: segment(start), result },
      ];
      if (h.facts.load !== undefined) h.facts.load.crash = false;
    };

  it('above the real-mode area: held, and said', () => {
    const result = judged('load-anywhere', (h) => {
      ordinary(0x30000000)(h);
      if (h.facts.load !== undefined)
        h.facts.load.purgatory = { knows: [], regions: [{ start: hex64(0x8000000), bytes: 4096 }] };
    });
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('0x30000000') });
  });

  it('free memory refused: broken', () => {
    expect(judged('load-anywhere', ordinary(0x30000000, 'EADDRNOTAVAIL')).verdict).toBe('broken');
    expect(judged('load-anywhere', ordinary(0x30000000, 'ETXTBSY')).verdict).toBe('broken');
  });

  it('refused for a reason: not reached', () => {
    expect(judged('load-anywhere', ordinary(0x100000, 'ETXTBSY')).verdict).toBe('not-reached');
    const aboveLimit = judged('load-anywhere', (h) => {
      ordinary(0x30000000, 'EADDRNOTAVAIL')(h);
      h.facts.running = { ...(h.facts.running ?? { memory: [] }), memoryLimit: 0x20000000 };
    });
    expect(aboveLimit.verdict).toBe('not-reached');
  });

  it('a digest of what real mode cannot read: broken', () => {
    const result = judged('load-anywhere', (h) => {
      ordinary(0x30000000)(h);
      if (h.facts.load !== undefined)
        h.facts.load.purgatory = { knows: [], regions: [{ start: hex64(0x30000000), bytes: 4096 }] };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('digest') });
  });

  it('crash images alone: not applicable; nothing: not reached', () => {
    expect(judged('load-anywhere').verdict).toBe('not-applicable');
    expect(judged('load-anywhere', noLoad).verdict).toBe('not-reached');
  });
});

describe('payload-any', () => {
  const stub = (h: Handoff): void => {
    if (h.facts.load === undefined) return;
    h.facts.load.segments = [{ role: 'kernel', mem: hex64(KERNEL), bytes: 0x1000 }];
    h.facts.load.runAtLoad = { at: hex64(KERNEL + 0x5cn), loaded: '00000000' };
  };

  it('a stub that was entered: held; that was not: not reached', () => {
    expect(judged('payload-any', stub).verdict).toBe('held');
    expect(
      judged('payload-any', (h) => {
        stub(h);
        endBefore(h, 't1');
      }).verdict,
    ).toBe('not-reached');
  });

  it('refused for what it is: broken', () => {
    const result = judged('payload-any', (h) => {
      load(h, { result: 'ENOEXEC' });
      delete h.facts.load;
    });
    expect(result.verdict).toBe('broken');
  });

  it('a kernel: not applicable', () => expect(judged('payload-any').verdict).toBe('not-applicable'));
});

describe('crash-elsewhere', () => {
  it('held', () => expect(judged('crash-elsewhere').verdict).toBe('held'));

  it('outside of the reservation, or over the running kernel: broken', () => {
    for (const start of [0x38000000n, 0x1000000n]) {
      const result = judged('crash-elsewhere', (h) => {
        if (h.facts.load !== undefined)
          h.facts.load.segments = [{ role: 'kernel', mem: hex64(start), bytes: 0x100000 }];
      });
      expect(result.verdict).toBe('broken');
    }
  });

  it('it moved: broken', () => {
    const result = judged('crash-elsewhere', (h) =>
      insertAfter(h, 't2', 'moves', store(1, 'above-vectors', 0x10000n, 8)),
    );
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('did not stay') });
  });

  it('entered elsewhere: broken', () => {
    expect(
      judged('crash-elsewhere', (h) => {
        stepOf(h, 't2', 'fetch').raddr = hex64(0x400000);
      }).verdict,
    ).toBe('broken');
  });

  it('not entered: not reached; an ordinary kexec: not applicable', () => {
    expect(judged('crash-elsewhere', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
    expect(
      judged('crash-elsewhere', (h) => {
        h.facts.path = 'kexec';
      }).verdict,
    ).toBe('not-applicable');
  });
});

describe('memory-64bit', () => {
  const high = { start: hex64(2n ** 32n), bytes: 512 * MIB };
  const withHigh = (inTree: boolean, inCore: boolean) => (h: Handoff) => {
    const { running, load: loaded } = h.facts;
    if (running === undefined || loaded?.tree === undefined || loaded.core === undefined) return;
    h.facts.running = { ...running, memory: [...running.memory, high] };
    if (inTree) tree(h, { memory: [...loaded.tree.memory, high] });
    if (inCore) loaded.core = { ranges: [...loaded.core.ranges, { ...high, offset: high.start }] };
  };

  it('in the tree and in elfcorehdr: held', () => {
    expect(judged('memory-64bit', withHigh(true, true)).verdict).toBe('held');
  });

  it('lost on the way: broken, with the range', () => {
    expect(judged('memory-64bit', withHigh(false, true))).toMatchObject({
      verdict: 'broken',
      note: 'the tree lacks 0x100000000–0x11fffffff',
    });
    expect(judged('memory-64bit', withHigh(true, false))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('elfcorehdr'),
    });
  });

  it('cut at 4 GiB less a part: the part is named', () => {
    const result = judged('memory-64bit', (h) => {
      withHigh(true, true)(h);
      if (h.facts.load?.core !== undefined)
        h.facts.load.core = {
          ranges: h.facts.load.core.ranges.map((range) =>
            range.start === high.start ? { ...range, bytes: 256 * MIB } : range,
          ),
        };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x110000000') });
  });

  it('no such memory, or above mem=: not applicable; no image: not reached', () => {
    expect(judged('memory-64bit').verdict).toBe('not-applicable');
    const limited = judged('memory-64bit', (h) => {
      withHigh(false, false)(h);
      if (h.facts.running !== undefined) h.facts.running = { ...h.facts.running, memoryLimit: 2 ** 30 };
    });
    expect(limited.verdict).toBe('not-applicable');
    const none = judged('memory-64bit', (h) => {
      withHigh(true, true)(h);
      delete h.facts.load;
    });
    expect(none.verdict).toBe('not-reached');
  });
});

describe('tree-carries-all', () => {
  it('held', () => expect(judged('tree-carries-all').verdict).toBe('held'));

  for (const [what, change, word] of [
    ['memory is missing', { memory: [{ start: hex64(0), bytes: 512 * MIB }] }, 'lacks memory'],
    ['RTAS is missing', { rtas: {} }, 'RTAS'],
    ['the master is missing', { cpus: [8] }, 'hardware id 9'],
    ['another elfcorehdr', { bootargs: 'elfcorehdr=1M' }, 'elfcorehdr at 0x100000'],
    ['no elfcorehdr', { bootargs: '' }, 'do not say'],
    ['memory of the old kernel is given away', { reserved: [] }, 'gives away'],
    ['an initrd without end', { initrd: { start: hex64(0x228b0000) } }, 'initrd'],
  ] as const) {
    it(`${what}: broken`, () => {
      const result = judged('tree-carries-all', (h) => tree(h, change));
      expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining(word) });
    });
  }

  it('nothing limits the crash kernel: broken', () => {
    const result = judged('tree-carries-all', (h) => {
      if (h.facts.load?.tree === undefined) return;
      const { usable, ...rest } = h.facts.load.tree;
      h.facts.load.tree = rest;
    });
    expect(result.verdict).toBe('broken');
  });

  it('what the old kernel made for its loader is reported', () => {
    const result = judged('tree-carries-all', (h) => tree(h, { leftovers: ['linux,kernel-end'] }));
    expect(result).toMatchObject({ verdict: 'held', note: expect.stringContaining('linux,kernel-end') });
  });

  it('a kernel without a tree: broken; no image: not reached', () => {
    expect(judged('tree-carries-all', (h) => delete h.facts.load?.tree).verdict).toBe('broken');
    expect(judged('tree-carries-all', noLoad).verdict).toBe('not-reached');
  });
});

describe('claims-kept', () => {
  const initrd = { name: 'initrd', start: hex64(0x3000000), bytes: 0x100000 };
  const claims =
    (start: number, inRma = true) =>
    (h: Handoff) => {
      h.facts.claims = {
        listed: [initrd],
        claimed: [initrd],
        allocated: [{ name: 'paca', start: hex64(start), bytes: 0x10000, inRma }],
      };
    };

  it('no map: not applicable', () => expect(judged('claims-kept').verdict).toBe('not-applicable'));

  it('clear of claims: held', () => {
    expect(judged('claims-kept', claims(0x1000000)).verdict).toBe('held');
  });

  it('over the initrd, above the real-mode area, outside of memory, above mem=: broken', () => {
    expect(judged('claims-kept', claims(0x3000000))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('initrd'),
    });
    expect(judged('claims-kept', claims(0x18000000)).verdict).toBe('broken');
    expect(judged('claims-kept', claims(0x18000000, false)).verdict).toBe('held');
    expect(judged('claims-kept', claims(0x48000000, false)).verdict).toBe('broken');
    const limited = judged('claims-kept', (h) => {
      claims(0x8000000)(h);
      if (h.facts.running !== undefined) h.facts.running = { ...h.facts.running, memoryLimit: 64 * MIB };
    });
    expect(limited.verdict).toBe('broken');
  });

  it('a claim that the map does not hand on: broken', () => {
    const result = judged('claims-kept', (h) => {
      h.facts.claims = { listed: [], claimed: [initrd], allocated: [] };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('does not list') });
  });

  it('the same memory twice: broken', () => {
    const result = judged('claims-kept', (h) => {
      const one = { name: 'a', start: hex64(0x1000000), bytes: 0x10000, inRma: false };
      h.facts.claims = { listed: [], claimed: [], allocated: [one, { ...one, name: 'b' }] };
    });
    expect(result.verdict).toBe('broken');
  });
});
