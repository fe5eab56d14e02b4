/**
 * A trace as a panic on one CPU of a small partition leaves it, with addresses and counts of the size that a stock
 * kernel has: half a million instructions from trigger to purgatory, then hundreds of millions.
 */

import { hex64 } from '../../src/base/hex.ts';
import type { Instant, RuleResult, Trace, TraceEvent } from '../../src/panic/trace/index.ts';

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

export function synthTrace(shape: TraceShape = {}): Trace {
  const cpus = shape.cpus ?? 2;
  const master = shape.master ?? 1;
  const ends = shape.ends ?? 't4';
  const events: TraceEvent[] = [];
  const add = (cpu: number, after: number, kind: string, more: Partial<TraceEvent> = {}): TraceEvent => {
    const insn = T0 + after;
    const event = { n: events.length, cpu, insn, tb: hex64(Math.floor(insn * 0.512)), kind, ...more };
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

  const t0 = add(master, 0, 'fetch', {
    addr: '0xc0000000001a6f40',
    symbol: 'sysrq_handle_crash+0x0',
    regs: { r3: hex64(0x63), msr: '0x8000000000009033' },
    detail: 'the trigger is delivered',
  });
  const panic = add(master, 1_904, 'fetch', { addr: '0xc00000000014f2a0', symbol: 'panic+0x0' });
  const crash = add(master, 41_220, 'fetch', { addr: '0xc00000000029b870', symbol: '__crash_kexec+0x0' });
  add(master, 44_031, 'fetch', { addr: '0xc00000000005b1f0', symbol: 'default_machine_crash_shutdown+0x0' });
  const resets: TraceEvent[] = [];
  const parked: TraceEvent[] = [];
  for (const [i, cpu] of secondaries.entries()) {
    add(master, 46_400 + i * 130, 'hcall', {
      addr: '0xc0000000000fb228',
      symbol: 'plpar_hcall_norets+0x30',
      regs: { r3: hex64(0x380), r4: hex64(hardwareIdOf(cpu)) },
      detail: `H_SIGNAL_SYS_RESET of thread ${hardwareIdOf(cpu)} → H_SUCCESS`,
    });
    resets.push(
      add(cpu, 47_010 + i * 600, 'interrupt', {
        addr: hex64(0x100),
        symbol: 'exc_virt_0x100',
        regs: { srr0: '0xc000000000d4c2b8', srr1: '0x8000000000009033' },
        detail: '0x100 system reset',
      }),
    );
    add(cpu, 51_900 + i * 700, 'store', {
      addr: '0xc00000003ffe2c00',
      symbol: 'crash_save_cpu+0x94',
      detail: 'registers saved to its crash note',
    });
    parked.push(
      add(cpu, 58_221 + i * 510, 'msr', {
        addr: '0x00000000000090a4',
        symbol: 'kexec_smp_wait+0x10',
        regs: { r3: hex64(hardwareIdOf(cpu)), msr: '0x8000000000001001' },
        detail: 'real mode: IR and DR clear',
      }),
    );
  }
  add(master, 391_300, 'fetch', { addr: '0xc00000000005b9d8', symbol: 'default_machine_kexec+0x0' });
  const copied = add(master, 498_112, 'store', {
    addr: hex64(0),
    symbol: 'kexec_sequence+0xd4',
    detail: 'first 0x100 bytes of the image at address 0',
  });
  const released = secondaries.map((cpu, i) =>
    add(cpu, 498_301 + i * 40, 'fetch', {
      addr: hex64(0x60),
      regs: { r3: hex64(hardwareIdOf(cpu)) },
      detail: 'released to absolute 0x60',
    }),
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

  const t1 = add(master, 512_604, 'fetch', {
    addr: '0x00000000228a0700',
    regs: {
      r1: '0x00000000228a6f00',
      r3: hex64(hardwareIdOf(master)),
      r4: '0x00000000228a0700',
      r5: hex64(0),
    },
    detail: "purgatory's entry: the old kernel is over",
  });
  instants.t1 = mark(t1);
  rules.push({ name: 'master-entry', verdict: 'held', evidence: [t1.n] });
  add(master, 512_990, 'hcall', { detail: 'H_PUT_TERM_CHAR "I\'m in purgatory"', regs: { r3: hex64(0x58) } });
  if (ends === 't1') {
    const digest = add(master, 22_840_004, 'run', {
      addr: '0x00000000228a1c60',
      detail: 'the digest does not match; spinning',
    });
    rules.push(
      { name: 'run-at-load-set', verdict: 'not-reached' },
      { name: 'boot-cpu-recorded', verdict: 'not-reached', evidence: [digest.n] },
      { name: 'stays-put', verdict: 'not-reached' },
    );
    return assemble(cpus, instants, events, rules);
  }

  const bootCpu = add(master, 22_861_310, 'store', {
    addr: '0x000000002ffe001c',
    regs: { value: hex64(hardwareIdOf(master)) },
    detail: 'boot_cpuid_phys of the tree',
  });
  const flag = add(master, 22_861_377, 'store', {
    addr: '0x000000002000005c',
    regs: { value: hex64(1) },
    detail: '__run_at_load',
  });
  const t2 = add(master, 22_861_440, 'fetch', {
    addr: '0x0000000020000000',
    symbol: '_stext',
    regs: { r3: '0x000000002ffe0000', r4: '0x0000000020000000', r5: hex64(0) },
    detail: "the new kernel's first instruction",
  });
  add(master, 31_002_118, 'rtas', { detail: 'instantiate: none asked for; query-cpu-stopped-state 1 → 2' });
  add(master, 47_118_904, 'hcall', {
    detail: 'H_REGISTER_PROCESS_TABLE radix → H_SUCCESS',
    symbol: 'radix_init_pseries+0x40',
  });
  for (const [i, cpu] of secondaries.entries()) {
    add(cpu, 96_400_212 + i * 9_000, 'fetch', {
      addr: '0x0000000020000060',
      symbol: '__secondary_hold',
      detail: 'held by the new kernel',
    });
  }
  const t3 = add(master, 246_611_087, 'disk', {
    detail: 'first write to the dump device',
    symbol: 'virtblk_add_req+0x0',
  });
  const extra = shape.extraEvents ?? 24;
  const step = Math.floor(470_000_000 / (extra + 1));
  for (let i = 1; i <= extra; i++) {
    add(
      i % 7 === 0 && cpus > 1 ? (secondaries[0] ?? master) : master,
      246_611_087 + i * step,
      i % 3 === 0 ? 'interrupt' : 'disk',
      {
        detail: i % 3 === 0 ? '0x500 external' : `wrote ${i} MiB`,
        ...(i % 3 === 0 ? { addr: hex64(0x500) } : {}),
      },
    );
  }
  const t4 = add(master, 727_940_551, 'disk', { detail: 'dump complete', symbol: 'virtblk_done+0x0' });
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
    version: 1,
    machine: {
      processor: 'power9',
      mmu: 'radix',
      cpus: Array.from({ length: cpus }, (_, index) => ({ index, hardwareId: hardwareIdOf(index) })),
    },
    image: { name: 'debian', kernelRelease: '6.1.0-50-powerpc64le' },
    instants,
    events,
    rules,
  };
}
