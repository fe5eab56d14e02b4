/** Lists the fields of an event for the page: those beside its text, kind, CPU and time. */

import type { TraceEvent } from '../../../src/panic/trace/index.ts';
import { formatExact } from '../model/format.ts';

export type Field = readonly [label: string, value: string];

/** @returns label and value of each field that the event has, in the order of the page */
export function fieldsOf(event: TraceEvent): readonly Field[] {
  switch (event.kind) {
    case 'fetch':
      return [...placeOf(event), ['real address', event.raddr], ...registersOf(event.regs)];
    case 'store':
      return [
        ...given('symbol', event.symbol),
        ['real address', event.addr],
        ['bytes', formatExact(event.length)],
        ...given('before', event.old),
        ...given('after', event.new),
        ...registersOf(event.regs ?? {}),
      ];
    case 'msr':
      return [...placeOf(event), ...registersOf(event.regs)];
    case 'hcall':
      return [
        ...placeOf(event),
        ['opcode', hexOf(event.opcode)],
        ...registersOf(event.regs),
        ...given('status', event.status),
      ];
    case 'rtas':
      return [
        ...event.args.map((value, i): Field => [`argument ${i}`, hexOf(value)]),
        ...given('message', event.message),
      ];
    case 'interrupt':
      return [...placeOf(event), ...given('requested by', event.requestedBy), ...registersOf(event.regs)];
    case 'eoi':
      return [
        ['controller', event.controller.toUpperCase()],
        ['source', hexOf(event.source)],
        ...given('CPPR', event.cppr === undefined ? undefined : hexOf(event.cppr)),
      ];
    case 'syscall':
      return [
        ...placeOf(event),
        ['entry', event.entry],
        ['flags', event.flags],
        ...(event.segments ?? []).map(
          ({ mem, memsz, bufsz }, i): Field => [
            `segment ${i}`,
            `${mem}, ${formatExact(memsz)} bytes, ${formatExact(bufsz)} of them given`,
          ],
        ),
      ];
    case 'syscall-return':
      return [...placeOf(event), ...registersOf(event.regs)];
    case 'reset':
      return [];
    case 'run':
    case 'census':
      return [...placeOf(event), ...registersOf(event.regs)];
    case 'disk':
      return [
        ['disk', String(event.disk)],
        ['offset', formatExact(event.offset)],
        ['bytes', formatExact(event.length)],
      ];
    case 'fault':
      return damageOf(event.damage);
  }
}

/** @returns where it happened, in a word: a symbol, or else an address; empty for kinds that happen nowhere */
export function whereOf(event: TraceEvent): string {
  if ('symbol' in event && event.symbol !== undefined) return event.symbol;
  return 'addr' in event ? event.addr : '';
}

type Damage = Extract<TraceEvent, { kind: 'fault' }>['damage'];

function damageOf(damage: Damage): readonly Field[] {
  switch (damage.kind) {
    case 'flip':
      return [
        ['real address', damage.raddr],
        ['before', hexOf(damage.old)],
        ['after', hexOf(damage.new)],
      ];
    case 'wedge':
      return [['address', damage.addr], ...registersOf({ msr: damage.msr, r1: damage.r1 })];
  }
}

function placeOf({ addr, symbol }: { readonly addr: string; readonly symbol?: string }): readonly Field[] {
  return [...given('symbol', symbol), ['address', addr]];
}

function registersOf(regs: Readonly<Record<string, string>>): readonly Field[] {
  return Object.entries(regs);
}

function given(label: string, value: string | undefined): readonly Field[] {
  return value === undefined ? [] : [[label, value]];
}

function hexOf(value: number): string {
  return `0x${value.toString(16)}`;
}
