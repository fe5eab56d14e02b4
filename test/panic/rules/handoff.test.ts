import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { RuleResult } from '../../../src/panic/trace/index.ts';
import {
  endBefore,
  goodHandoff,
  type Handoff,
  inputOf,
  insertAfter,
  KERNEL,
  moveAfter,
  replaceStep,
  stepOf,
  TREE,
} from '../../synth/rule-input.ts';
import { call, fetch, hcall, interrupt, msr, REAL, store, VIRTUAL } from '../../synth/trace-events.ts';
import { judged, judgedOf, onlyOneCpu } from './judge.ts';

/** The same handoff as an ordinary kexec: device shutdown, machine_shutdown, the image copied. */
function ordinary(h: Handoff): void {
  h.facts.path = 'kexec';
  h.facts.probes = ['kernel_kexec', 'device_shutdown', 'machine_shutdown', 'machine_kexec'];
  if (h.facts.load !== undefined) h.facts.load.crash = false;
  for (const name of ['signal', 'reset', 'save', 'save-master', 'backup', 'flag', 't3']) h.steps.delete(name);
  replaceStep(h, 'panic', call(1, 'kernel_kexec'));
  h.steps.delete('crash');
  insertAfter(h, 'panic', 'machine_kexec', call(1, 'machine_kexec'));
  insertAfter(h, 'panic', 'machine_shutdown', call(1, 'machine_shutdown'));
  insertAfter(h, 'panic', 'device_shutdown', call(1, 'device_shutdown'));
  insertAfter(h, 'down-1', 'real', msr(1, VIRTUAL, REAL));
  insertAfter(h, 'real', 'copies', store(1, { at: 'copy', role: 'kernel' }, KERNEL, 8));
}

function with_(...changes: readonly ((h: Handoff) => void)[]): (h: Handoff) => void {
  return (h) => {
    for (const change of changes) change(h);
  };
}

describe('path-reboot', () => {
  it('held; a crash: not applicable', () => {
    expect(judged('path-reboot', ordinary).verdict).toBe('held');
    expect(judged('path-reboot')).toMatchObject({ verdict: 'not-applicable', note: 'the guest crashed' });
  });

  it('on another CPU than asked: broken, unless it migrated', () => {
    const asked = (h: Handoff): void => {
      stepOf(h, 'panic', 'fetch').cpu = 0;
    };
    expect(judged('path-reboot', with_(ordinary, asked)).verdict).toBe('broken');
    const migrated = judged(
      'path-reboot',
      with_(ordinary, asked, (h) => insertAfter(h, 'panic', 'migrates', call(0, 'migrate_to_reboot_cpu'))),
    );
    expect(migrated).toMatchObject({ verdict: 'held', note: expect.stringContaining('reboot CPU') });
  });

  it('a shutdown left out, or in another order: broken', () => {
    for (const name of ['device_shutdown', 'machine_shutdown'])
      expect(
        judged(
          'path-reboot',
          with_(ordinary, (h) => h.steps.delete(name)),
        ).verdict,
      ).toBe('broken');
    const swapped = judged(
      'path-reboot',
      with_(ordinary, (h) => moveAfter(h, 'machine_kexec', 'device_shutdown')),
    );
    expect(swapped.verdict).toBe('broken');
  });

  it('no entry: not reached; no symbols: not applicable', () => {
    expect(
      judged(
        'path-reboot',
        with_(ordinary, (h) => endBefore(h, 't1')),
      ).verdict,
    ).toBe('not-reached');
    const nameless = with_(ordinary, (h) => {
      h.facts.probes = [];
    });
    expect(judged('path-reboot', nameless).verdict).toBe('not-applicable');
  });
});

describe('restart-shares-shutdown', () => {
  it('the crash kernel restarts: held', () => {
    expect(judged('restart-shares-shutdown').verdict).toBe('held');
  });

  it('without machine_shutdown: broken, unless it is compiled in', () => {
    const without = (h: Handoff): void => {
      h.steps.delete('shutdown');
    };
    expect(judged('restart-shares-shutdown', without).verdict).toBe('broken');
    const inside = judged(
      'restart-shares-shutdown',
      with_(without, (h) => {
        h.facts.shutdownCompiledIn = true;
      }),
    );
    expect(inside).toMatchObject({ verdict: 'held', note: expect.stringContaining('compiled in') });
  });

  it('machine_shutdown before machine_restart: held where kernel_restart came before it, broken otherwise', () => {
    const earlier = (asked: boolean) => (h: Handoff) => {
      moveAfter(h, 'shutdown', 'restart');
      if (asked) insertAfter(h, 't3', 'asked', call(1, 'kernel_restart', 'crash'));
    };
    expect(judged('restart-shares-shutdown', earlier(true)).verdict).toBe('held');
    expect(judged('restart-shares-shutdown', earlier(false)).verdict).toBe('broken');
  });

  it('a panic restarts without machine_shutdown: not applicable; asked for by kernel_restart: broken', () => {
    const panics = (h: Handoff): void => {
      h.steps.delete('shutdown');
      h.facts.probes = [...h.facts.probes, 'kernel_restart'];
    };
    expect(judged('restart-shares-shutdown', panics)).toMatchObject({
      verdict: 'not-applicable',
      note: 'no restart was requested by kernel_restart: machine_restart ran for a panic',
    });
    const asked = with_(panics, (h) => insertAfter(h, 't3', 'asked', call(1, 'kernel_restart', 'crash')));
    expect(judged('restart-shares-shutdown', asked).verdict).toBe('broken');
  });

  it('nothing restarted: not applicable, unless a restart was asked for; the trace ends before: not reached', () => {
    const without = (path: 'crash' | 'kexec' | 'restart') => (h: Handoff) => {
      endBefore(h, 'restart');
      if (path !== 'crash') h.facts.path = path;
    };
    for (const path of ['crash', 'kexec'] as const)
      expect(judged('restart-shares-shutdown', without(path))).toMatchObject({
        verdict: 'not-applicable',
        note: expect.stringContaining('no kernel restarted after that'),
      });
    expect(judged('restart-shares-shutdown', without('restart')).verdict).toBe('not-reached');
    expect(judged('restart-shares-shutdown', (h) => endBefore(h, 'shutdown')).verdict).toBe('not-reached');
  });

  it('other rules say nothing of a restart through firmware', () => {
    const restart = (h: Handoff): void => {
      h.facts.path = 'restart';
    };
    expect(judged('master-entry', restart).verdict).toBe('not-applicable');
    expect(judged('restart-shares-shutdown', restart).verdict).toBe('held');
  });
});

describe('cpu-down-order', () => {
  it('held, with the order', () => {
    expect(judged('cpu-down-order')).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('0, 1'),
    });
    expect(judged('cpu-down-order', ordinary).verdict).toBe('held');
  });

  it('a crash: a secondary before the go-ahead is broken; the master before a secondary is recorded', () => {
    const early = judged('cpu-down-order', (h) => {
      moveAfter(h, 'save', 'down-0');
    });
    expect(early).toMatchObject({ verdict: 'broken', note: expect.stringContaining('go-ahead') });
    const late = judged('cpu-down-order', (h) => {
      moveAfter(h, 'down-1', 'down-0');
    });
    expect(late).toMatchObject({ verdict: 'held', note: expect.stringContaining('1, 0') });
    expect(judged('cpu-down-order', (h) => h.steps.delete('down-0'))).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('without CPU 0'),
    });
  });

  it('an ordinary kexec: the master first, or a secondary that does not spin: broken', () => {
    const first = judged(
      'cpu-down-order',
      with_(ordinary, (h) => moveAfter(h, 'down-1', 'down-0')),
    );
    expect(first.verdict).toBe('broken');
    const running = judged(
      'cpu-down-order',
      with_(ordinary, (h) => {
        h.steps.delete('park');
        h.steps.delete('wait');
      }),
    );
    expect(running).toMatchObject({ verdict: 'broken', note: expect.stringContaining('real mode') });
    expect(
      judged(
        'cpu-down-order',
        with_(ordinary, (h) => h.steps.delete('down-0')),
      ).verdict,
    ).toBe('broken');
  });

  it('the function tells by its arguments who it is for', () => {
    const named = (secondary: bigint) => (h: Handoff) => {
      h.facts.probes = [...h.facts.probes, 'pseries_kexec_cpu_down'];
      const down = (cpu: number, r4: bigint) =>
        call(cpu, 'pseries_kexec_cpu_down', 'production', { r3: 1n, r4 });
      insertAfter(h, 'save-master', 'fn-0', down(0, secondary));
      insertAfter(h, 'wait', 'fn-1', down(1, 0n));
    };
    expect(judged('cpu-down-order', named(1n)).verdict).toBe('held');
    expect(judged('cpu-down-order', named(0n))).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('(1, 0)'),
    });
  });

  it('without the function, a CPU that ends another IPI before is not yet taken down', () => {
    const ends = hcall(0, 'H_IPI', { r4: 8n, r5: 0xffn });
    const result = judged('cpu-down-order', (h) => insertAfter(h, 'crash', 'ends', ends));
    expect(result.verdict).toBe('held');
  });

  it('an ordinary kexec wakes CPUs that were offline: each is to be taken down, but for one that the firmware has', () => {
    const handoff = goodHandoff();
    ordinary(handoff);
    handoff.cpus.push({ index: 2, hardwareId: 16, online: false });
    const at = (state: string): RuleResult => {
      const input = inputOf(handoff);
      const cpu = { index: 2, state, nia: hex64(0), msr: hex64(0), r1: hex64(0), r3: hex64(0) };
      const t1 = { cpus: [cpu], interrupts: [], hypervisor: { vpas: [], crqs: 0, tces: 0, inFlight: 0 } };
      return judgedOf('cpu-down-order', { ...input, records: { t1 } });
    };
    expect(at('running')).toMatchObject({
      verdict: 'broken',
      note: 'CPU 2 (hardware id 16) was not taken down',
    });
    expect(at('stopped').verdict).toBe('held');
  });

  it('a single CPU: not applicable; no panic: not reached', () => {
    expect(judged('cpu-down-order', onlyOneCpu).verdict).toBe('not-applicable');
    expect(judged('cpu-down-order', (h) => endBefore(h, 'panic')).verdict).toBe('not-reached');
  });
});

describe('thread-identity', () => {
  it('held', () => expect(judged('thread-identity').verdict).toBe('held'));

  it('an id made of the secondary flag: broken', () => {
    const result = judged('thread-identity', (h) => {
      stepOf(h, 'down-0', 'hcall').regs.r4 = hex64(1);
      stepOf(h, 'down-1', 'hcall').regs.r4 = hex64(0);
    });
    expect(result).toMatchObject({ verdict: 'broken', note: expect.stringContaining('named thread 1') });
  });

  const unregister = (target: bigint, code = 5n, status = 0n) =>
    hcall(0, 'H_REGISTER_VPA', { r4: code << 45n, r5: target, status });

  it('unregistering another thread’s area: broken; registering is no teardown', () => {
    expect(judged('thread-identity', (h) => insertAfter(h, 'down-0', 'vpa', unregister(1n))).verdict).toBe(
      'broken',
    );
    expect(
      judged('thread-identity', (h) => insertAfter(h, 'down-0', 'vpa', unregister(1n, 1n))).verdict,
    ).toBe('held');
  });

  it('a second teardown: held where the CPU goes on, broken where it does not', () => {
    const twice = (h: Handoff): void => {
      insertAfter(h, 'down-0', 'vpa', unregister(8n));
      insertAfter(h, 'vpa', 'again', unregister(8n, 5n, -4n));
    };
    expect(judged('thread-identity', twice)).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('did no harm'),
    });
    const stuck = judged(
      'thread-identity',
      with_(twice, (h) => {
        for (const name of ['park', 'wait', 'slave']) h.steps.delete(name);
      }),
    );
    expect(stuck.verdict).toBe('broken');
  });

  it('nothing kept with the firmware: not applicable; ended before: not reached', () => {
    const none = (h: Handoff): void => {
      h.steps.delete('down-0');
      h.steps.delete('down-1');
    };
    expect(judged('thread-identity', none).verdict).toBe('not-applicable');
    expect(judged('thread-identity', (h) => endBefore(h, 'down-0')).verdict).toBe('not-reached');
  });
});

describe('static-only', () => {
  it('held', () => expect(judged('static-only').verdict).toBe('held'));

  it('a dynamic stack, or code from elsewhere: broken', () => {
    const stack = judged('static-only', (h) => {
      stepOf(h, 't1', 'fetch').regs.r1 = hex64(0xc000000004efb520n);
    });
    expect(stack).toMatchObject({ verdict: 'broken', note: expect.stringContaining('stack') });
    const code = judged('static-only', (h) =>
      insertAfter(h, 'copy', 'module', hcall(1, 'H_SET_MODE', { addr: 0xc008000000001000n })),
    );
    expect(code).toMatchObject({ verdict: 'broken', note: expect.stringContaining('executed') });
  });

  it('nothing copied: not reached; an end that is not known: not applicable', () => {
    expect(judged('static-only', (h) => endBefore(h, 'copy')).verdict).toBe('not-reached');
    const unknown = judged('static-only', (h) => {
      h.facts.running = { memory: [] };
    });
    expect(unknown.verdict).toBe('not-applicable');
  });
});

describe('copy-in-virtual', () => {
  it('a crash copies nothing: held; a store into the image: broken', () => {
    expect(judged('copy-in-virtual').verdict).toBe('held');
    const stored = judged('copy-in-virtual', (h) =>
      insertAfter(h, 'crash', 'wild', store(0, { at: 'copy', role: 'tree' }, TREE, 8)),
    );
    expect(stored.verdict).toBe('broken');
  });

  it('an ordinary kexec under radix: with translation off, by the master alone', () => {
    expect(judged('copy-in-virtual', ordinary).verdict).toBe('held');
    expect(
      judged(
        'copy-in-virtual',
        with_(ordinary, (h) => h.steps.delete('real')),
      ).verdict,
    ).toBe('broken');
    const other = with_(ordinary, (h) => {
      stepOf(h, 'copies', 'store').cpu = 0;
    });
    expect(judged('copy-in-virtual', other).verdict).toBe('broken');
  });

  it.each(['copy-in-virtual', 'static-only'] as const)(
    '%s: stores to the destination before the last CPU is down are no copy',
    (rule) => {
      const used = with_(ordinary, (h) => {
        insertAfter(h, 'machine_kexec', 'waker', store(1, { at: 'copy', role: 'tree' }, TREE, 8));
        insertAfter(h, 'waker', 'woken', store(0, { at: 'copy', role: 'tree' }, TREE, 8));
        insertAfter(h, 'woken', 'module', hcall(1, 'H_SET_MODE', { addr: 0xc008000000001000n }));
      });
      const named = with_(used, (h) => {
        h.facts.probes = [...h.facts.probes, 'kexec_copy_flush'];
        insertAfter(h, 'down-1', 'begins', call(1, 'kexec_copy_flush'));
      });
      for (const change of [used, named]) expect(judged(rule, change)).toMatchObject({ verdict: 'held' });
    },
  );

  it.each(['copy-in-virtual', 'static-only'] as const)(
    '%s: nothing shows when the copy began: not evaluated',
    (rule) => {
      const unseen = with_(ordinary, (h) => {
        for (const name of ['down-0', 'down-1', 'park', 'wait']) h.steps.delete(name);
      });
      expect(judged(rule, unseen)).toMatchObject({
        verdict: 'not-evaluated',
        note: 'it was not seen when the last CPU was down, and the copy began',
      });
    },
  );

  it('not entered: not reached', () => {
    expect(judged('copy-in-virtual', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });

  it('real mode ended at the RMA before the image was entered: broken, with the interrupt that came of it', () => {
    const limited = (dar: bigint, mmu: 'hash' | 'radix') => {
      const handoff = goodHandoff();
      handoff.facts.path = 'kexec';
      endBefore(handoff, 't1');
      insertAfter(handoff, 'crash', 'off', msr(1, VIRTUAL, REAL));
      const symbol = 'kexec_copy_flush+0x3c';
      insertAfter(handoff, 'off', 'limit', interrupt(1, 0x300, { srr0: 0xac7cn, srr1: REAL, dar, symbol }));
      const input = inputOf(handoff);
      return judgedOf('copy-in-virtual', { ...input, machine: { ...input.machine, mmu } });
    };
    expect(limited(0xc000000010000000n, 'hash')).toMatchObject({
      verdict: 'broken',
      note: 'translation was off for the copy: CPU 1 at kexec_copy_flush+0x3c could not reach 0x10000000 in real mode, which ends at 0x10000000',
      evidence: [2, 3],
    });
    expect(limited(0xc00000000ffffff8n, 'hash').verdict).toBe('not-reached');
    expect(limited(0xc000000050000000n, 'hash').verdict).toBe('not-reached');
    expect(limited(0xc000000010000000n, 'radix').verdict).toBe('not-reached');
  });
});

describe('slaves-noticed', () => {
  const overwrite = (h: Handoff): void => insertAfter(h, 't2', 'over', store(1, 'low', 0n, 0x100));

  it('nothing overwritten, or only the same code: held', () => {
    expect(judged('slaves-noticed').verdict).toBe('held');
    expect(judged('slaves-noticed', overwrite)).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('the same code'),
    });
  });

  it('other code under a waiting secondary: broken; one that has gone on: held', () => {
    const other = with_(overwrite, (h) => {
      if (h.facts.load !== undefined) h.facts.load.head = 'cd'.repeat(0x100);
    });
    expect(judged('slaves-noticed', other)).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('still in 0–0xff'),
    });
    const gone = with_(other, (h) =>
      insertAfter(h, 'slave', 'gone', fetch(0, { at: 'segment', role: 'kernel' })),
    );
    expect(judged('slaves-noticed', gone).verdict).toBe('held');
  });

  it('the same bytes first, other code later: broken by the later store; the bytes that were there decide', () => {
    const bytes = (code: string): string => `${'00'.repeat(0x60)}${code.repeat(0xa0)}`;
    const stores = (then: string) => (h: Handoff) => {
      for (const [i, code] of ['ab', then].entries()) {
        const over = store(1, 'low', 0n, bytes(code));
        insertAfter(h, i === 0 ? 't2' : 'over-0', `over-${i}`, { ...over, old: bytes('ab') });
      }
    };
    expect(judged('slaves-noticed', stores('ab'))).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('the same code'),
    });
    expect(judged('slaves-noticed', stores('cd'))).toMatchObject({
      verdict: 'broken',
      note: expect.stringMatching(/^CPU 0 .* was still in 0–0xff when CPU 1 overwrote/),
    });
  });

  it('a slow one that comes after it: broken', () => {
    const slow = with_(overwrite, (h) => moveAfter(h, 'over', 'slave'));
    expect(judged('slaves-noticed', slow)).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('only after'),
    });
    expect(
      judged(
        'slaves-noticed',
        with_(overwrite, (h) => h.steps.delete('slave')),
      ),
    ).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('old wait loop'),
    });
  });

  it('calling a secondary on is not overwriting', () => {
    const called = judged('slaves-noticed', (h) => insertAfter(h, 't2', 'call', store(1, 'low', 0x38n, 8)));
    expect(called).toMatchObject({ verdict: 'held', note: expect.stringContaining('nothing') });
  });

  it('a single CPU: not applicable; no entry: not reached', () => {
    expect(judged('slaves-noticed', onlyOneCpu).verdict).toBe('not-applicable');
    expect(judged('slaves-noticed', (h) => endBefore(h, 't1')).verdict).toBe('not-reached');
  });
});
