/**
 * Converts a trace to the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing open: one track a CPU; the
 * phases of the handoff and the stations of each CPU are slices, events are instants.
 * Source: "Trace Event Format" (Google, 2016 edition): JSON Object Format; phases X, i and M.
 * Times are the timebase in µs since power-on: 512 ticks are one (POWER's 512 MHz). Nothing comes from the host's clock.
 * Left out: flows between events, counters.
 */

import { TIMEBASE_HZ } from '../../base/power.ts';
import type { Trace, TraceInstant } from './document.ts';
import type { TraceEvent } from './event.ts';
import type { FunctionName } from './mark.ts';
import { calls, fetchesAt } from './select.ts';

type Args = Readonly<Record<string, unknown>>;
type Place = { readonly pid: number; readonly tid: number };

/** One element of `traceEvents`. `ts` and `dur` in µs. */
export type PerfettoEvent = Place &
  (
    | {
        readonly ph: 'X';
        readonly name: string;
        readonly cat: string;
        readonly ts: number;
        readonly dur: number;
        readonly args: Args;
      }
    | {
        readonly ph: 'i';
        readonly name: string;
        readonly cat: string;
        readonly ts: number;
        /** Of its thread, or of the whole process. */
        readonly s: 't' | 'p';
        readonly args: Args;
      }
    | { readonly ph: 'M'; readonly name: string; readonly args: Args }
  );

export type PerfettoTrace = {
  readonly traceEvents: readonly PerfettoEvent[];
  readonly displayTimeUnit: 'ns';
  readonly otherData: Args;
};

const TICKS_PER_MICROSECOND = TIMEBASE_HZ / 1e6;
const PID = 1;
/** The phases' own track, and the devices'. Thread ids of CPUs begin behind them. */
const PHASES_TID = 1;
const DEVICES_TID = 2;
const FIRST_CPU_TID = 10;

/** Between two instants; the last of those reached runs to the trace's end. */
const PHASES: readonly { readonly from: TraceInstant; readonly to?: TraceInstant; readonly name: string }[] =
  [
    { from: 't0', to: 't1', name: 'the old kernel leaves' },
    { from: 't1', to: 't2', name: 'purgatory' },
    { from: 't2', to: 't3', name: 'the new kernel starts' },
    { from: 't3', to: 't4', name: 'dump' },
  ];

const DOWN: readonly FunctionName[] = [
  'crash_ipi_callback',
  'crash_kexec_secondary',
  'kexec_smp_down',
  'pseries_kexec_cpu_down',
];
const PARKED: readonly FunctionName[] = ['kexec_smp_wait', 'kexec_wait'];

/** Stations of a CPU that is not the master, by what it executes, in the order in which it passes them. */
const STATIONS: readonly { readonly name: string; readonly begins: (event: TraceEvent) => boolean }[] = [
  { name: 'going down', begins: (event) => calls(event, DOWN) },
  { name: 'parked', begins: (event) => calls(event, PARKED) },
  { name: 'released', begins: (event) => fetchesAt(event, { at: 'low' }) },
  {
    name: 'in the new kernel',
    begins: (event) =>
      event.kind === 'fetch' && event.mark.at === 'function' && event.mark.in !== 'production',
  },
];

/** The same trace gives the same document. */
export function toPerfetto(trace: Trace): PerfettoTrace {
  const master = (trace.instants.t1 ?? trace.instants.t0)?.cpu;
  return {
    traceEvents: [
      ...names(trace, master),
      ...phases(trace, master),
      ...trace.machine.cpus
        .filter(({ index }) => index !== master)
        .flatMap(({ index }) => stations(trace, index)),
      ...instants(trace),
      ...trace.events.map(mark),
    ],
    displayTimeUnit: 'ns',
    otherData: {
      version: trace.version,
      machine: trace.machine,
      image: trace.image,
      rules: trace.rules,
    },
  };
}

function names(trace: Trace, master: number | undefined): readonly PerfettoEvent[] {
  const { processor, mmu, cpus } = trace.machine;
  const thread = (tid: number, name: string, order: number): readonly PerfettoEvent[] => [
    { ph: 'M', name: 'thread_name', pid: PID, tid, args: { name } },
    { ph: 'M', name: 'thread_sort_index', pid: PID, tid, args: { sort_index: order } },
  ];
  return [
    {
      ph: 'M',
      name: 'process_name',
      pid: PID,
      tid: PHASES_TID,
      args: { name: `${trace.image.name}, ${processor} ${mmu}` },
    },
    ...thread(PHASES_TID, 'handoff', 0),
    ...cpus.flatMap(({ index, hardwareId }) =>
      thread(
        tidOf(index),
        `CPU ${index} (thread ${hardwareId}${index === master ? ', master' : ''})`,
        index + 1,
      ),
    ),
    ...(trace.events.some(({ cpu }) => cpu < 0) ? thread(DEVICES_TID, 'devices', cpus.length + 1) : []),
  ];
}

/**
 * Slices on the phases' track, and the same on the master's, which goes through all of them; an ordinary kexec may
 * begin on another CPU, whose own slices they must not cut.
 */
function phases(trace: Trace, master: number | undefined): readonly PerfettoEvent[] {
  return PHASES.flatMap(({ from, to, name }): PerfettoEvent[] => {
    const start = trace.instants[from];
    if (start === undefined) return [];
    const end = to === undefined ? undefined : trace.instants[to];
    // A phase that was not left ends with the trace; one whose next instant is missing, with the one after it.
    const ts = microseconds(start.tb);
    const until = end === undefined ? Math.max(ts, lastTime(trace)) : microseconds(end.tb);
    const args = { instructions: end === undefined ? undefined : end.insn - start.insn };
    return [PHASES_TID, tidOf(master ?? start.cpu)].map((tid) => ({
      ph: 'X',
      name,
      cat: 'phase',
      pid: PID,
      tid,
      ts,
      dur: until - ts,
      args,
    }));
  });
}

/** The stations of a secondary, each from its first event to the first event of the next. */
function stations(trace: Trace, cpu: number): readonly PerfettoEvent[] {
  const own = trace.events.filter((event) => event.cpu === cpu);
  const starts: { name: string; event: TraceEvent }[] = [];
  let after = -1;
  for (const { name, begins } of STATIONS) {
    const event = own.find((each) => each.n > after && begins(each));
    if (event === undefined) continue;
    starts.push({ name, event });
    after = event.n;
  }
  return starts.map(({ name, event }, i) => {
    const ts = microseconds(event.tb);
    const next = starts[i + 1]?.event;
    const end = next === undefined ? Math.max(ts, lastTime(trace)) : microseconds(next.tb);
    return {
      ph: 'X',
      name,
      cat: 'cpu',
      pid: PID,
      tid: tidOf(cpu),
      ts,
      dur: end - ts,
      args: { n: event.n, insn: event.insn },
    };
  });
}

function instants(trace: Trace): readonly PerfettoEvent[] {
  return Object.entries(trace.instants).map(([name, { event, insn, tb, cpu }]) => ({
    ph: 'i',
    s: 'p',
    name: name.toUpperCase(),
    cat: 'instant',
    pid: PID,
    tid: PHASES_TID,
    ts: microseconds(tb),
    args: { n: event, insn, cpu },
  }));
}

function mark(event: TraceEvent): PerfettoEvent {
  return {
    ph: 'i',
    s: 't',
    name: [event.kind, event.text].filter((part) => part !== '').join(' '),
    cat: event.kind,
    pid: PID,
    tid: tidOf(event.cpu),
    ts: microseconds(event.tb),
    args: argsOf(event),
  };
}

/** What is known of an event beside its time, CPU and words; registers by their names. */
function argsOf({ cpu: _cpu, tb: _tb, kind: _kind, text: _text, ...known }: TraceEvent): Args {
  if (!('regs' in known)) return known;
  const { regs, ...others } = known;
  return { ...others, ...regs };
}

function tidOf(cpu: number): number {
  return cpu < 0 ? DEVICES_TID : FIRST_CPU_TID + cpu;
}

function lastTime(trace: Trace): number {
  return trace.events.reduce((last, { tb }) => Math.max(last, microseconds(tb)), 0);
}

/** Exact up to 2^53 ticks, which is half a year. */
function microseconds(tb: string): number {
  return Number(BigInt(tb)) / TICKS_PER_MICROSECOND;
}
