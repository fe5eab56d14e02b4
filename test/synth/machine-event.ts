/** Machine events from the little that a test says of them: the rest is zero. Marks are given as the trace has them. */

import type { ObservedEvent, ObservedEventKind } from '../../src/emulator/contract/index.ts';
import type { Mark } from '../../src/panic/trace/index.ts';
import { idOfMark } from '../../src/panic/watch/index.ts';

type Event<Kind extends ObservedEventKind> = Extract<ObservedEvent, { readonly kind: Kind }>;
type Loose<E> = { readonly [Field in keyof E]?: Field extends 'regs' ? Partial<E[Field]> : E[Field] };

/** The least of an event. */
export type EventSpec = {
  readonly [Kind in ObservedEventKind]: Loose<Omit<Event<Kind>, 'kind' | 'mark'>> & {
    readonly kind: Kind;
  } & (Event<Kind> extends { readonly mark: number } ? { readonly mark: Mark } : unknown);
}[ObservedEventKind];

type Stamp = { readonly n: number; readonly insn: number };

/** @param stamp used where the spec has none of its own */
export function machineEvent(spec: EventSpec, { n, insn }: Stamp): ObservedEvent {
  const at = spec.insn ?? insn;
  const common = { n: spec.n ?? n, cpu: spec.cpu ?? 0, insn: at, tb: spec.tb ?? BigInt(at) };
  const place = { ea: 0n, msr: 0n, r3: 0n };
  switch (spec.kind) {
    case 'fetch': {
      const raddr = spec.raddr ?? Number((spec.ea ?? 0n) & 0xfffffffffffffffn);
      const regs = { r1: 0n, r3: 0n, r4: 0n, r5: 0n, r6: 0n, lr: 0n, msr: 0n, ...spec.regs };
      return { ...common, kind: 'fetch', ea: spec.ea ?? 0n, raddr, mark: idOfMark(spec.mark), regs };
    }
    case 'store': {
      const length = spec.length ?? 8;
      return {
        ...common,
        kind: 'store',
        mark: idOfMark(spec.mark),
        raddr: spec.raddr ?? 0,
        length,
        old: spec.old ?? new Uint8Array(length),
        new: spec.new ?? new Uint8Array(length),
        ...(spec.by === undefined ? {} : { by: spec.by }),
      };
    }
    case 'msr':
      return { ...common, ea: 0n, before: 0n, after: 0n, r3: 0n, ...said(spec) };
    case 'hcall':
      return {
        ...common,
        name: undefined,
        opcode: 0,
        ea: 0n,
        args: [],
        status: 0n,
        ...said(spec),
      };
    case 'rtas':
      return { ...common, name: 'nothing', args: [], ...said(spec) };
    case 'interrupt': {
      const regs = { srr0: 0n, srr1: 0n, r1: 0n, dar: 0n, dsisr: 0n, ...spec.regs };
      const by = spec.requestedBy === undefined ? {} : { requestedBy: spec.requestedBy };
      return { ...common, kind: 'interrupt', vector: spec.vector ?? 0, ...by, regs };
    }
    case 'eoi':
      return { ...common, controller: 'xics', source: 0, ...said(spec) };
    case 'syscall':
      return {
        ...common,
        number: 268,
        ea: 0n,
        args: [],
        rows: [],
        ...said(spec),
      };
    case 'syscall-return':
      return {
        ...common,
        number: 268,
        ea: 0n,
        r3: 0n,
        so: false,
        ...said(spec),
      };
    case 'reset':
      return { ...common, kind: 'reset' };
    case 'run':
      return { ...common, change: 'started', ...place, ...said(spec) };
    case 'census':
      return { ...common, state: 'running', ...place, ...said(spec) };
    case 'disk':
      return {
        ...common,
        write: 'first',
        disk: 0,
        offset: 0,
        length: 512,
        ...said(spec),
      };
    case 'fault':
      return {
        ...common,
        name: 'flip:0x0',
        damage: { kind: 'flip', raddr: 0, old: 0, new: 0xff },
        ...said(spec),
      };
  }
}

/** kexec_load's arguments and list as the machine reports them. */
export function kexecLoadSpec(
  entry: number,
  segments: readonly (readonly [mem: number, memsz: number])[],
  flags: bigint,
): EventSpec {
  return {
    kind: 'syscall',
    args: [BigInt(entry), BigInt(segments.length), 0x1000n, flags],
    rows: segments.map(([mem, memsz]) => [0n, BigInt(memsz), BigInt(mem), BigInt(memsz)]),
  };
}

/** What the spec says; its stamp is the event's already. */
function said<Spec extends EventSpec>(spec: Spec): Omit<Spec, keyof Stamp | 'cpu' | 'tb'> {
  return spec;
}
