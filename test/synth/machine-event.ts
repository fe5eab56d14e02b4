/** Machine events from the little that a test says of them: the rest is zero. Marks are given as the trace has them. */

import type { MachineEvent, MachineEventKind } from '../../src/emulator/contract/index.ts';
import type { Mark } from '../../src/panic/trace/index.ts';
import { idOfMark } from '../../src/panic/watch/index.ts';

type Event<Kind extends MachineEventKind> = Extract<MachineEvent, { readonly kind: Kind }>;
type Loose<E> = { readonly [Field in keyof E]?: Field extends 'regs' ? Partial<E[Field]> : E[Field] };

/** The least of an event. */
export type EventSpec = {
  readonly [Kind in MachineEventKind]: Loose<Omit<Event<Kind>, 'kind' | 'mark'>> & {
    readonly kind: Kind;
  } & (Event<Kind> extends { readonly mark: number } ? { readonly mark: Mark } : unknown);
}[MachineEventKind];

type Stamp = { readonly n: number; readonly insn: number };

/** @param stamp used where the spec has none of its own */
export function machineEvent(spec: EventSpec, { n, insn }: Stamp): MachineEvent {
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
      return { ...common, kind: 'msr', ea: 0n, before: 0n, after: 0n, r3: 0n, ...defined(spec, common) };
    case 'hcall':
      return {
        ...common,
        kind: 'hcall',
        name: undefined,
        opcode: 0,
        ea: 0n,
        args: [],
        status: 0n,
        ...defined(spec, common),
      };
    case 'rtas':
      return { ...common, kind: 'rtas', name: 'nothing', args: [], ...defined(spec, common) };
    case 'interrupt': {
      const regs = { srr0: 0n, srr1: 0n, r1: 0n, dar: 0n, dsisr: 0n, ...spec.regs };
      const by = spec.requestedBy === undefined ? {} : { requestedBy: spec.requestedBy };
      return { ...common, kind: 'interrupt', vector: spec.vector ?? 0, ...by, regs };
    }
    case 'eoi':
      return { ...common, kind: 'eoi', controller: 'xics', source: 0, ...defined(spec, common) };
    case 'syscall':
      return {
        ...common,
        kind: 'syscall',
        number: 268,
        ea: 0n,
        args: [],
        rows: [],
        ...defined(spec, common),
      };
    case 'syscall-return':
      return {
        ...common,
        kind: 'syscall-return',
        number: 268,
        ea: 0n,
        r3: 0n,
        so: false,
        ...defined(spec, common),
      };
    case 'reset':
      return { ...common, kind: 'reset' };
    case 'run':
      return { ...common, kind: 'run', change: 'started', ...place, ...defined(spec, common) };
    case 'census':
      return { ...common, kind: 'census', state: 'running', ...place, ...defined(spec, common) };
    case 'disk':
      return {
        ...common,
        kind: 'disk',
        write: 'first',
        disk: 0,
        offset: 0,
        length: 512,
        ...defined(spec, common),
      };
    case 'fault':
      return {
        ...common,
        kind: 'fault',
        name: 'flip:0x0',
        damage: { kind: 'flip', raddr: 0, old: 0, new: 0xff },
        ...defined(spec, common),
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

/** What the spec says beside the stamp. */
function defined<Spec extends EventSpec>(
  spec: Spec,
  { n, cpu, insn, tb }: Stamp & { readonly cpu: number; readonly tb: bigint },
): Spec & Stamp & { readonly cpu: number; readonly tb: bigint } {
  return { ...spec, n, cpu, insn, tb };
}
