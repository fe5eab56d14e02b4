/**
 * A trace as a panic on one CPU of a small partition leaves it, with addresses and counts of the size that a stock
 * kernel has: half a million instructions from trigger to purgatory, then hundreds of millions.
 */

import { hex64 } from '../../src/base/hex.ts';
import type { FunctionName, Instant, RuleResult, Trace, TraceEvent } from '../../src/panic/trace/index.ts';
import {
  call,
  type Draft,
  eventOf,
  fetch,
  hcall,
  interrupt,
  msr,
  REAL,
  rtas,
  store,
  VIRTUAL,
} from './trace-events.ts';

export type TraceShape = {
  readonly cpus?: number;
  /** Logical index of the CPU that panics. */
  readonly master?: number;
  /** The crash ends here: later instants are missing. */
  readonly ends?: 't0' | 't1' | 't4';
  /** Further hypercalls of the dump, to make a long trace. */
  readonly extraEvents?: number;
};

const T0 = 1_212_450_118;
/** Two threads a core, eight ids a core: 0, 1, 8, 9, 16 … */
const hardwareIdOf = (cpu: number): number => (cpu >> 1) * 8 + (cpu & 1);
const threadOf = (cpu: number): bigint => BigInt(hardwareIdOf(cpu));

/** Where the kernel makes its hypercalls. */
const HCALL = { addr: 0xc000_0000_000f_b228n, symbol: 'plpar_hcall_norets+0x30' };

function called(cpu: number, name: FunctionName, addr: bigint, r3 = 0n): Draft<'fetch'> {
  return call(cpu, name, 'production', { addr, raddr: addr & 0xfff_ffffn, r3, symbol: `${name}+0x0` });
}

export function synthTrace(shape: TraceShape = {}): Trace {
  const cpus = shape.cpus ?? 2;
  const master = shape.master ?? 1;
  const ends = shape.ends ?? 't4';
  const events: TraceEvent[] = [];
  const add = (after: number, draft: Draft): TraceEvent => {
    const insn = T0 + after;
    const event = eventOf(draft, events.length, insn, hex64(Math.floor(insn * 0.512)));
    events.push(event);
    return event;
  };
  const secondaries = Array.from({ length: cpus }, (_, i) => i).filter((cpu) => cpu !== master);
  const mark = (event: TraceEvent): Instant => ({
    event: event.n,
    insn: event.insn,
    tb: event.tb,
    cpu: event.cpu,
  });

  const t0 = add(0, called(master, 'sysrq_handle_crash', 0xc000_0000_001a_6f40n, 0x63n));
  const panic = add(1_904, called(master, 'panic', 0xc000_0000_0014_f2a0n));
  const crash = add(41_220, called(master, '__crash_kexec', 0xc000_0000_0029_b870n));
  add(44_031, called(master, 'default_machine_crash_shutdown', 0xc000_0000_0005_b1f0n));
  const resets: TraceEvent[] = [];
  const parked: TraceEvent[] = [];
  for (const [i, cpu] of secondaries.entries()) {
    add(46_400 + i * 130, hcall(master, 'H_SIGNAL_SYS_RESET', { r4: threadOf(cpu), ...HCALL }));
    resets.push(
      add(47_010 + i * 600, {
        ...interrupt(cpu, 0x100, { srr0: 0xc000_0000_00d4_c2b8n, srr1: VIRTUAL, symbol: 'do_idle+0x40' }),
        requestedBy: 'guest',
      }),
    );
    add(51_900 + i * 700, {
      ...store(cpu, { at: 'note', cpu }, 0x3ffe_2c00n, '05000000', { symbol: 'crash_save_cpu+0x94' }),
      old: '00000000',
    });
    parked.push(
      add(58_221 + i * 510, {
        ...msr(cpu, VIRTUAL, REAL, threadOf(cpu)),
        addr: hex64(0x90a4),
        symbol: 'kexec_smp_wait+0x10',
      }),
    );
  }
  add(391_300, called(master, 'default_machine_kexec', 0xc000_0000_0005_b9d8n));
  const copied = add(498_112, {
    ...store(master, 'low', 0n, '48000060'.repeat(64), { symbol: 'kexec_sequence+0xd4' }),
    old: '00'.repeat(256),
  });
  const released = secondaries.map((cpu, i) =>
    add(498_301 + i * 40, fetch(cpu, 'low', { addr: 0x60n, raddr: 0x60n, r3: threadOf(cpu), msr: REAL })),
  );
  const instants: { t0: Instant; t1?: Instant; t2?: Instant; t3?: Instant; t4?: Instant } = { t0: mark(t0) };
  const rules: RuleResult[] = [
    {
      name: 'path-panic',
      verdict: 'held',
      evidence: [t0.n, panic.n, crash.n],
      note: `master is CPU ${master}`,
    },
    {
      name: 'panic-skips-shutdown',
      verdict: 'held',
      note: 'machine_shutdown and device_shutdown were never fetched',
    },
    {
      name: 'stop-reached',
      verdict: cpus === 1 ? 'not-applicable' : 'held',
      ...(cpus === 1
        ? { note: 'one CPU' }
        : { evidence: resets.map((e) => e.n), note: 'by H_SIGNAL_SYS_RESET' }),
    },
    cpus === 1
      ? { name: 'secondaries-parked', verdict: 'not-applicable', note: 'one CPU' }
      : { name: 'secondaries-parked', verdict: 'held', evidence: parked.map((e) => e.n) },
    { name: 'slaves-first-256', verdict: 'held', evidence: [copied.n] },
    cpus === 1
      ? { name: 'slaves-at-0x60', verdict: 'not-applicable', note: 'one CPU' }
      : { name: 'slaves-at-0x60', verdict: 'held', evidence: released.map((e) => e.n) },
  ];
  if (ends === 't0') {
    const late = ['run-at-load-set', 'master-entry', 'boot-cpu-recorded', 'stays-put'];
    rules.push(...late.map((name): RuleResult => ({ name, verdict: 'not-reached' })));
    return assemble(cpus, instants, events, rules);
  }

  const t1 = add(
    512_604,
    fetch(master, 'entry', {
      addr: 0x228a_0700n,
      symbol: 'purgatory+0x700',
      r3: threadOf(master),
      msr: REAL,
    }),
  );
  instants.t1 = mark(t1);
  rules.push({ name: 'master-entry', verdict: 'held', evidence: [t1.n] });
  add(512_990, hcall(master, 'H_SET_MODE', { r4: 4n, ...HCALL }));
  if (ends === 't1') {
    const digest = add(22_840_004, {
      kind: 'run',
      cpu: master,
      change: 'stopped',
      addr: hex64(0x228a_1c60),
      regs: { msr: hex64(REAL), r3: hex64(0) },
    });
    rules.push(
      { name: 'run-at-load-set', verdict: 'not-reached' },
      { name: 'boot-cpu-recorded', verdict: 'not-reached', evidence: [digest.n] },
      { name: 'stays-put', verdict: 'not-reached' },
    );
    return assemble(cpus, instants, events, rules);
  }

  const bootCpu = add(22_861_310, {
    ...store(master, 'boot-cpu', 0x2ffe_001cn, hardwareIdOf(master).toString(16).padStart(8, '0')),
    old: '00000000',
  });
  const flag = add(22_861_377, {
    ...store(master, 'run-at-load', 0x2000_005cn, '01000000'),
    old: '72756e30',
  });
  const kernel = { at: 'segment', role: 'kernel' } as const;
  const t2 = add(
    22_861_440,
    fetch(master, kernel, { addr: 0x2000_0000n, symbol: '_stext+0x0', r3: 0x2ffe_0000n, msr: REAL }),
  );
  add(31_002_118, { ...rtas(master, 'query-cpu-stopped-state'), args: [1, 2] });
  add(47_118_904, hcall(master, 'H_REGISTER_PROCESS_TABLE', HCALL));
  for (const [i, cpu] of secondaries.entries()) {
    add(
      96_400_212 + i * 9_000,
      fetch(cpu, kernel, { addr: 0x2000_0060n, symbol: '__secondary_hold+0x0', msr: REAL }),
    );
  }
  const disk = (write: 'first' | 'last', offset: number): Draft<'disk'> => ({
    kind: 'disk',
    cpu: master,
    write,
    disk: 1,
    offset,
    length: 4096,
  });
  const t3 = add(246_611_087, disk('first', 0));
  const extra = shape.extraEvents ?? 24;
  const step = Math.floor(470_000_000 / (extra + 1));
  for (let i = 1; i <= extra; i++) {
    const cpu = i % 7 === 0 && cpus > 1 ? (secondaries[0] ?? master) : master;
    add(
      246_611_087 + i * step,
      i % 3 === 0
        ? interrupt(cpu, 0x500, { srr1: VIRTUAL, symbol: 'do_idle+0x40' })
        : hcall(cpu, 'H_SET_MODE', { r4: BigInt(i), ...HCALL }),
    );
  }
  const t4 = add(727_940_551, disk('last', 2_195_456));
  instants.t2 = mark(t2);
  instants.t3 = mark(t3);
  instants.t4 = mark(t4);
  rules.push(
    { name: 'run-at-load-set', verdict: 'held', evidence: [flag.n, t2.n] },
    { name: 'boot-cpu-recorded', verdict: 'held', evidence: [bootCpu.n, t2.n] },
    {
      name: 'stays-put',
      verdict: 'broken',
      evidence: [t2.n, t2.n + 1],
      note: 'CPU 1 wrote 0x0000000000010000, outside the vectors',
    },
    { name: 'interrupts-quiet', verdict: 'not-evaluated' },
    { name: 'memory-intact', verdict: 'not-evaluated' },
    { name: 'page-tables-cleared', verdict: 'not-applicable', note: 'radix' },
  );
  return assemble(cpus, instants, events, rules);
}

function assemble(
  cpus: number,
  instants: Trace['instants'],
  events: readonly TraceEvent[],
  rules: readonly RuleResult[],
): Trace {
  return {
    version: 2,
    machine: {
      processor: 'power9',
      mmu: 'radix',
      cpus: Array.from({ length: cpus }, (_, index) => ({ index, hardwareId: hardwareIdOf(index) })),
    },
    image: {
      name: 'debian',
      kernelRelease: '6.1.0-50-powerpc64le',
      symbols: { production: 'kallsyms', crash: 'kallsyms' },
      probes: ['sysrq_handle_crash', 'panic', '__crash_kexec', 'machine_shutdown', 'device_shutdown'],
    },
    instants,
    events,
    rules,
  };
}
