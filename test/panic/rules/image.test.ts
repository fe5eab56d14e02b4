import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { endBefore, type Handoff, insertAfter, KERNEL, stepOf } from '../../synth/rule-input.ts';
import { fetch, flip, interrupt, store } from '../../synth/trace-events.ts';
import { judged } from './judge.ts';

function storeInHead(offset: bigint, cpu = 1): (h: Handoff) => void {
  return (h) => insertAfter(h, 'flag', 'stores', store(cpu, 'kernel-head', KERNEL + offset, 8));
}

function flag(h: Handoff, bytes: string): void {
  if (h.facts.entered !== undefined) h.facts.entered.runAtLoad = bytes;
}

function bootargs(h: Handoff, text: string): void {
  const tree = h.facts.load?.tree;
  if (h.facts.load !== undefined && tree !== undefined) h.facts.load.tree = { ...tree, bootargs: text };
}

describe('run-at-load-old-abi', () => {
  it('an image of today: not applicable', () => {
    expect(judged('run-at-load-old-abi').verdict).toBe('not-applicable');
  });

  it('an image with the old flag that was loaded: broken', () => {
    const result = judged('run-at-load-old-abi', (h) => {
      if (h.facts.load !== undefined) h.facts.load.abi = 'kdump-flag';
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('__kdump_flag') });
  });

  it('the loader refused it: held; refused something else: not held', () => {
    const refused = (message: string) => (h: Handoff) => {
      h.facts.refusals = [{ code: 'image/refused', message }];
      delete h.facts.load;
    };
    expect(judged('run-at-load-old-abi', refused('the image has __kdump_flag at 0x18')).verdict).toBe('held');
    expect(judged('run-at-load-old-abi', refused('the image is too large')).verdict).toBe('not-reached');
  });

  it('a CPU sets the old flag: broken; other places are other rules’', () => {
    expect(judged('run-at-load-old-abi', storeInHead(0x18n)).verdict).toBe('broken');
    expect(judged('run-at-load-old-abi', storeInHead(0x40n)).verdict).toBe('not-applicable');
  });

  it('its refusal was let through: broken', () => {
    const plan = {
      bootargs: '',
      runAtLoad: 'absent',
      digested: [],
      undigested: [],
      forced: ['old-abi: the image has __kdump_flag'],
    } as const;
    const result = judged('run-at-load-old-abi', (h) => {
      h.facts.plan = plan;
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('all the same') });
  });
});

describe('flag-is-place-only', () => {
  const moves = (h: Handoff): void => insertAfter(h, 't2', 'moves', store(1, 'above-vectors', 0x10000n, 8));
  const noDump = (h: Handoff): void => {
    h.steps.delete('t3');
  };

  for (const [what, change] of [
    ['1, elfcorehdr: stays and dumps', () => undefined],
    [
      '1, no elfcorehdr: stays, no dump',
      (h: Handoff) => {
        bootargs(h, '');
        noDump(h);
      },
    ],
    [
      'run0, elfcorehdr: moves and dumps',
      (h: Handoff) => {
        flag(h, '306e7572');
        moves(h);
      },
    ],
    [
      'run0, no elfcorehdr: moves, no dump',
      (h: Handoff) => {
        flag(h, '306e7572');
        bootargs(h, '');
        moves(h);
        noDump(h);
      },
    ],
  ] as const) {
    it(`${what}: held`, () => expect(judged('flag-is-place-only', change).verdict).toBe('held'));
  }

  it('a place that the flag does not say, or a dump without elfcorehdr: broken', () => {
    expect(judged('flag-is-place-only', moves).verdict).toBe('broken');
    expect(judged('flag-is-place-only', (h) => flag(h, '306e7572')).verdict).toBe('broken');
    expect(judged('flag-is-place-only', (h) => bootargs(h, ''))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('it did not know where the old memory is'),
    });
  });

  it('no dump yet, or not entered: not reached; no marker: not applicable', () => {
    expect(judged('flag-is-place-only', noDump).verdict).toBe('not-reached');
    expect(judged('flag-is-place-only', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
    const fixed = judged('flag-is-place-only', (h) => {
      if (h.facts.load !== undefined) h.facts.load.runAtLoad = { at: hex64(KERNEL), loaded: '60000000' };
    });
    expect(fixed.verdict).toBe('not-applicable');
  });
});

describe('entry-layout', () => {
  it('held', () => expect(judged('entry-layout').verdict).toBe('held'));

  it('entered elsewhere: broken', () => {
    const result = judged('entry-layout', (h) => {
      stepOf(h, 't2', 'fetch').raddr = hex64(KERNEL + 0x100n);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('0x100') });
  });

  it('the hypervisor’s place or any other is stored into: broken', () => {
    expect(judged('entry-layout', storeInHead(0x20n))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('hypervisor'),
    });
    expect(judged('entry-layout', storeInHead(0x80n)).verdict).toBe('broken');
  });

  it('no code for secondaries: broken', () => {
    const result = judged('entry-layout', (h) => {
      if (h.facts.load !== undefined) h.facts.load.head = `${'ab'.repeat(0x60)}${'00'.repeat(0xa0)}`;
    });
    expect(result.verdict).toBe('broken');
  });

  it('an exception in the copy: broken; after it: not', () => {
    const trap = interrupt(0, 0x700);
    expect(judged('entry-layout', (h) => insertAfter(h, 'slave', 'trap', trap)).verdict).toBe('broken');
    const later = judged('entry-layout', (h) => {
      insertAfter(h, 'slave', 'gone', fetch(0, { at: 'segment', role: 'kernel' }));
      insertAfter(h, 'gone', 'trap', trap);
    });
    expect(later.verdict).toBe('held');
  });

  it('not entered: not reached; no kernel: not applicable', () => {
    expect(judged('entry-layout', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
    const stub = judged('entry-layout', (h) => {
      if (h.facts.load === undefined) return;
      h.facts.load.segments = [{ role: 'kernel', mem: hex64(KERNEL), bytes: 0x1000 }];
      delete h.facts.load.runAtLoad;
    });
    expect(stub.verdict).toBe('not-applicable');
  });
});

describe('purgatory-patched', () => {
  it('held', () => expect(judged('purgatory-patched').verdict).toBe('held'));

  for (const [what, change, word] of [
    [
      'another byte of the kernel’s',
      (h: Handoff) => {
        if (h.facts.load !== undefined) h.facts.load.stub = `${'ab'.repeat(0x70)}00${'ab'.repeat(0x8f)}`;
      },
      '0x70',
    ],
    [
      'the kernel’s first word',
      (h: Handoff) => {
        if (h.facts.load?.head !== undefined) h.facts.load.stub = h.facts.load.head;
      },
      'first word',
    ],
    [
      'it does not know the kernel',
      (h: Handoff) => {
        if (h.facts.load !== undefined) h.facts.load.purgatory = { knows: ['backup', 'tree'], regions: [] };
      },
      'address of the kernel',
    ],
    ['no backup', (h: Handoff) => h.steps.delete('backup'), 'backup'],
    ['no run-at-load word', (h: Handoff) => h.steps.delete('flag'), 'run-at-load'],
    [
      'a stack in the kernel',
      (h: Handoff) => {
        stepOf(h, 't2', 'fetch').regs.r1 = hex64(KERNEL + 0x1000n);
      },
      'stack',
    ],
    [
      'no stack',
      (h: Handoff) => {
        stepOf(h, 't2', 'fetch').regs.r1 = hex64(0);
      },
      'stack',
    ],
    [
      'another tree',
      (h: Handoff) => {
        stepOf(h, 't2', 'fetch').regs.r3 = hex64(0x1000);
      },
      'tree',
    ],
  ] as const) {
    it(`${what}: broken`, () => {
      expect(judged('purgatory-patched', change)).toMatchObject({
        verdict: 'broken',
        note: expect.stringContaining(word),
      });
    });
  }

  it('the word at 0x5c is purgatory’s own to know', () => {
    const result = judged('purgatory-patched', (h) => {
      if (h.facts.load !== undefined) h.facts.load.stub = `${'ab'.repeat(0x5c)}01000000${'ab'.repeat(0xa0)}`;
    });
    expect(result.verdict).toBe('held');
  });

  it('no purgatory: not applicable; not left: not reached', () => {
    expect(judged('purgatory-patched', (h) => delete h.facts.load?.purgatory).verdict).toBe('not-applicable');
    expect(judged('purgatory-patched', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
  });
});

describe('digest-ok', () => {
  const wrong = (h: Handoff): void => {
    h.facts.atEntry = { digest: 'different' };
  };
  const flipped = (h: Handoff): void => insertAfter(h, 'panic', 'flip', flip(KERNEL + 100n));

  it('held', () => expect(judged('digest-ok').verdict).toBe('held'));

  it('wrong, and the kernel is never entered: held; entered: broken', () => {
    for (const damage of [wrong, flipped]) {
      expect(judged('digest-ok', damage).verdict).toBe('broken');
      const stopped = judged('digest-ok', (h) => {
        damage(h);
        endBefore(h, 't2');
      });
      expect(stopped).toMatchObject({ verdict: 'held', note: expect.stringContaining('never entered') });
    }
  });

  it('too few instructions to have looked at it: broken', () => {
    const result = judged('digest-ok', (h) => {
      if (h.facts.load !== undefined)
        h.facts.load.purgatory = { knows: [], regions: [{ start: hex64(KERNEL), bytes: 0x2880000 }] };
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('too few') });
  });

  it('no digest, or no purgatory: not applicable', () => {
    const none = judged('digest-ok', (h) => {
      if (h.facts.load !== undefined) h.facts.load.purgatory = { knows: [], regions: [] };
    });
    expect(none).toMatchObject({ verdict: 'not-applicable', note: expect.stringContaining('-i') });
    expect(judged('digest-ok', (h) => delete h.facts.load?.purgatory).verdict).toBe('not-applicable');
  });

  it('right, but never left; not entered: not reached', () => {
    expect(judged('digest-ok', (h) => endBefore(h, 't2')).verdict).toBe('not-reached');
    expect(judged('digest-ok', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });
});
