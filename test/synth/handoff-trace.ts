/**
 * A trace as a panic on one CPU of a small partition leaves it, with addresses and counts of the size that a stock
 * kernel has: half a million instructions from trigger to purgatory, then hundreds of millions.
 */

import { hex64 } from '../../src/base/hex.ts';
import type {
  FunctionName,
  Instant,
  Mark,
  RuleResult,
  Trace,
  TraceEvent,
  Wordless,
} from '../../src/panic/trace/index.ts';
import { textOf } from '../../src/panic/trace/index.ts';

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

/** An event without what {@link synthTrace} adds to each. */
export type OwnFields = OwnFieldsOf<Wordless>;
type OwnFieldsOf<Event> = Event extends TraceEvent | Wordless
  ? Omit<Event, 'n' | 'cpu' | 'insn' | 'tb'>
  : never;

const MSR_VIRTUAL = '0x8000000000009033';
const MSR_REAL = '0x8000000000001001';

/** A fetch at a place. */
export function fetch(mark: Mark, addr: string, symbol?: string, r3 = 0): OwnFields {
  const zero = hex64(0);
  return {
    kind: 'fetch',
    mark,
    addr,
    ...(symbol === undefined ? {} : { symbol }),
    raddr: hex64(BigInt(addr) & 0xfff_ffff_ffffn),
    regs: { r1: zero, r3: hex64(r3), r4: zero, r5: zero, r6: zero, lr: zero, msr: MSR_VIRTUAL },
  };
}

/** A call of a function of the production kernel. */
export function call(name: FunctionName, addr: string, r3 = 0): OwnFields {
  return fetch({ at: 'function', name, in: 'production' }, addr, `${name}+0x0`, r3);
}

function store(mark: Mark, addr: string, old: string, now: string, symbol?: string): OwnFields {
  return {
    kind: 'store',
    mark,
    addr,
    length: now.length / 2,
    old,
    new: now,
    ...(symbol === undefined ? {} : { symbol }),
    regs: { nia: hex64(0xc000_0000), r3: hex64(0) },
  };
}

function hcall(name: 'H_SIGNAL_SYS_RESET' | 'H_REGISTER_PROCESS_TABLE' | 'H_SET_MODE', r4 = 0): OwnFields {
  const opcode = { H_SIGNAL_SYS_RESET: 0x380, H_REGISTER_PROCESS_TABLE: 0x37c, H_SET_MODE: 0x31c }[name];
  const zero = hex64(0);
  return {
    kind: 'hcall',
    name,
    opcode,
    addr: '0xc0000000000fb228',
    symbol: 'plpar_hcall_norets+0x30',
    regs: { r4: hex64(r4), r5: zero, r6: zero, r7: zero, r8: zero },
    status: zero,
  };
}

function interrupt(vector: number, symbol: string): OwnFields {
  const zero = hex64(0);
  return {
    kind: 'interrupt',
    addr: hex64(vector),
    symbol,
    vector,
    ...(vector === 0x100 ? { requestedBy: 'guest' } : {}),
    regs: { srr0: '0xc000000000d4c2b8', srr1: MSR_VIRTUAL, r1: zero, dar: zero, dsisr: zero },
  };
}

/** An event with its words. */
export function synthEvent(at: Pick<TraceEvent, 'n' | 'cpu' | 'insn' | 'tb'>, own: OwnFields): TraceEvent {
  const wordless = { ...at, ...own };
  return { ...wordless, text: textOf(wordless) };
}

export function synthTrace(shape: TraceShape = {}): Trace {
  const cpus = shape.cpus ?? 2;
  const master = shape.master ?? 1;
  const ends = shape.ends ?? 't4';
  const events: TraceEvent[] = [];
  const add = (cpu: number, after: number, own: OwnFields): TraceEvent => {
    const insn = T0 + after;
    const event = synthEvent({ n: events.length, cpu, insn, tb: hex64(Math.floor(insn * 0.512)) }, own);
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

  const t0 = add(master, 0, call('sysrq_handle_crash', '0xc0000000001a6f40', 0x63));
  const panic = add(master, 1_904, call('panic', '0xc00000000014f2a0'));
  const crash = add(master, 41_220, call('__crash_kexec', '0xc00000000029b870'));
  add(master, 44_031, call('default_machine_crash_shutdown', '0xc00000000005b1f0'));
  const resets: TraceEvent[] = [];
  const parked: TraceEvent[] = [];
  for (const [i, cpu] of secondaries.entries()) {
    add(master, 46_400 + i * 130, hcall('H_SIGNAL_SYS_RESET', hardwareIdOf(cpu)));
    resets.push(add(cpu, 47_010 + i * 600, interrupt(0x100, 'arch_local_irq_restore+0x8')));
    add(
      cpu,
      51_900 + i * 700,
      store({ at: 'note', cpu }, '0x000000003ffe2c00', '00000000', '05000000', 'crash_save_cpu+0x94'),
    );
    parked.push(
      add(cpu, 58_221 + i * 510, {
        kind: 'msr',
        addr: '0x00000000000090a4',
        symbol: 'kexec_smp_wait+0x10',
        regs: { before: '0x8000000000001031', after: MSR_REAL, r3: hex64(hardwareIdOf(cpu)) },
      }),
    );
  }
  add(master, 391_300, call('default_machine_kexec', '0xc00000000005b9d8'));
  const copied = add(
    master,
    498_112,
    store({ at: 'low' }, hex64(0), '00'.repeat(256), '48000060'.repeat(64), 'kexec_sequence+0xd4'),
  );
  const released = secondaries.map((cpu, i) =>
    add(cpu, 498_301 + i * 40, fetch({ at: 'low' }, hex64(0x60), undefined, hardwareIdOf(cpu))),
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
    master,
    512_604,
    fetch({ at: 'entry' }, '0x00000000228a0700', 'purgatory+0x700', hardwareIdOf(master)),
  );
  instants.t1 = mark(t1);
  rules.push({ name: 'master-entry', verdict: 'held', evidence: [t1.n] });
  add(master, 512_990, hcall('H_SET_MODE', 4));
  if (ends === 't1') {
    const digest = add(master, 22_840_004, {
      kind: 'run',
      change: 'stopped',
      addr: '0x00000000228a1c60',
      regs: { msr: MSR_REAL, r3: hex64(0) },
    });
    rules.push(
      { name: 'run-at-load-set', verdict: 'not-reached' },
      { name: 'boot-cpu-recorded', verdict: 'not-reached', evidence: [digest.n] },
      { name: 'stays-put', verdict: 'not-reached' },
    );
    return assemble(cpus, instants, events, rules);
  }

  const bootCpu = add(
    master,
    22_861_310,
    store(
      { at: 'boot-cpu' },
      '0x000000002ffe001c',
      '00000000',
      hardwareIdOf(master).toString(16).padStart(8, '0'),
    ),
  );
  const flag = add(
    master,
    22_861_377,
    store({ at: 'run-at-load' }, '0x000000002000005c', '72756e30', '01000000'),
  );
  const t2 = add(
    master,
    22_861_440,
    fetch({ at: 'segment', role: 'kernel' }, '0x0000000020000000', '_stext+0x0', 0x2ffe_0000),
  );
  add(master, 31_002_118, { kind: 'rtas', name: 'query-cpu-stopped-state', args: [1, 2] });
  add(master, 47_118_904, hcall('H_REGISTER_PROCESS_TABLE'));
  for (const [i, cpu] of secondaries.entries()) {
    add(
      cpu,
      96_400_212 + i * 9_000,
      fetch({ at: 'segment', role: 'kernel' }, '0x0000000020000060', '__secondary_hold+0x0'),
    );
  }
  const disk = (write: 'first' | 'last', offset: number): OwnFields => ({
    kind: 'disk',
    write,
    disk: 1,
    offset,
    length: 4096,
  });
  const t3 = add(master, 246_611_087, disk('first', 0));
  const extra = shape.extraEvents ?? 24;
  const step = Math.floor(470_000_000 / (extra + 1));
  for (let i = 1; i <= extra; i++) {
    add(
      i % 7 === 0 && cpus > 1 ? (secondaries[0] ?? master) : master,
      246_611_087 + i * step,
      i % 3 === 0 ? interrupt(0x500, 'do_idle+0x40') : hcall('H_SET_MODE', i),
    );
  }
  const t4 = add(master, 727_940_551, disk('last', 2_195_456));
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
