/**
 * Renders events in words for people; no other file does. Programs read the typed fields, never these words.
 * Interrupts and MSR bits are named as the Power ISA names them (3.0B, Book III, §3.2.1 and §6.5).
 */

import { MSR, VECTOR } from '../../base/power.ts';
import type { TraceEvent } from './event.ts';
import type { Mark } from './mark.ts';

/** An event before its words are rendered. */
export type Wordless<Event extends TraceEvent = TraceEvent> = Event extends TraceEvent
  ? Omit<Event, 'text'>
  : never;

/** @returns what happened, in a few words: without the CPU, the instant and the address, which stand beside it */
export function textOf(event: Wordless): string {
  switch (event.kind) {
    case 'fetch':
      return markText(event.mark);
    case 'store':
      return storeText(event);
    case 'msr':
      return msrText(BigInt(event.regs.before), BigInt(event.regs.after));
    case 'hcall':
      return `${event.name ?? `hypercall 0x${event.opcode.toString(16)}`}${statusText(event.status)}`;
    case 'rtas':
      return event.message === undefined ? event.name : `${event.name}: ${event.message}`;
    case 'interrupt':
      return `${vectorText(event.vector)}${event.requestedBy === 'outside' ? ', requested from outside' : ''}`;
    case 'eoi':
      return `end of interrupt 0x${event.source.toString(16)}`;
    case 'syscall':
      return `${event.name}, ${event.segments === undefined ? 'its list cannot be read' : countText(event.segments.length, 'segment')}`;
    case 'syscall-return':
      return `${event.name} returned: ${event.result}`;
    case 'reset':
      return 'system reset from outside';
    case 'run':
      return event.change;
    case 'census':
      return `is ${event.state}`;
    case 'disk':
      return `${event.write} write to disk ${event.disk}`;
    case 'fault':
      return event.name;
  }
}

/** @returns a place, as a noun */
export function markText(mark: Mark): string {
  switch (mark.at) {
    case 'function':
      return mark.in === 'production'
        ? mark.name
        : `${mark.in === 'crash' ? 'next kernel' : 'next kernel at address 0'}: ${mark.name}`;
    case 'segment':
      return `segment ${mark.role}`;
    case 'copy':
      return `start of segment ${mark.role}`;
    case 'note':
      return `note of CPU ${mark.cpu}`;
    case 'entry':
      return 'entry of the image';
    case 'low':
      return 'copy at 0';
    case 'above-vectors':
      return 'above the vectors';
    case 'run-at-load':
      return 'run-at-load word';
    case 'boot-cpu':
      return 'boot CPU of the tree';
    case 'kernel-head':
      return 'start of the next kernel';
    case 'release':
      return 'release of the secondaries';
  }
}

/** `0x100 system reset`. */
export function vectorText(vector: number): string {
  const found = Object.entries(VECTOR).find(([, at]) => at === vector);
  const name = found?.[0].replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `0x${vector.toString(16)}${name === undefined ? '' : ` ${name}`}`;
}

/** A doubleword: of longer stores the words give the length alone. */
const SHOWN_BYTES = 8;

function storeText({
  mark,
  length,
  old,
  new: now,
}: Wordless<Extract<TraceEvent, { kind: 'store' }>>): string {
  const place = markText(mark);
  if (old === undefined || now === undefined || length > SHOWN_BYTES)
    return `${place}: ${countText(length, 'byte')}`;
  return `${place}: ${old} → ${now}`;
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function statusText(status: string | undefined): string {
  if (status === undefined) return '';
  const value = BigInt.asIntN(64, BigInt(status));
  return value === 0n ? '' : ` → ${value}`;
}

function msrText(before: bigint, after: bigint): string {
  const turned = (to: 'on' | 'off'): string => {
    const [from, into] = to === 'on' ? [before, after] : [after, before];
    const names = Object.entries(MSR).flatMap(([name, bit]) => ((into & ~from & bit) === 0n ? [] : [name]));
    return names.length === 0 ? '' : `${names.join(' ')} ${to}`;
  };
  return [turned('on'), turned('off')].filter((text) => text !== '').join(', ');
}
