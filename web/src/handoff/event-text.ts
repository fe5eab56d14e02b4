/** What an event says, in a few words: its own detail, or what its registers tell. */

import type { TraceEvent } from '../../../src/panic/trace/index.ts';

/** Interrupt vectors by name: Power ISA 3.0B, Book III, §6.5. */
const VECTORS: ReadonlyMap<bigint, string> = new Map([
  [0x100n, 'system reset'],
  [0x200n, 'machine check'],
  [0x300n, 'data storage'],
  [0x380n, 'data segment'],
  [0x400n, 'instruction storage'],
  [0x480n, 'instruction segment'],
  [0x500n, 'external'],
  [0x600n, 'alignment'],
  [0x700n, 'program'],
  [0x800n, 'floating-point unavailable'],
  [0x900n, 'decrementer'],
  [0xa00n, 'doorbell'],
  [0xc00n, 'system call'],
  [0xd00n, 'trace'],
  [0xf20n, 'vector unavailable'],
  [0xf40n, 'VSX unavailable'],
  [0xf60n, 'facility unavailable'],
]);

/** MSR bits that the handoff turns, by the number of their power of two: Power ISA 3.0B, Book III, §4.2.1. */
const MSR_BITS: readonly (readonly [name: string, bit: bigint])[] = [
  ['SF', 63n],
  ['HV', 60n],
  ['VEC', 25n],
  ['VSX', 23n],
  ['EE', 15n],
  ['PR', 14n],
  ['FP', 13n],
  ['ME', 12n],
  ['IR', 5n],
  ['DR', 4n],
  ['RI', 1n],
  ['LE', 0n],
];

export function eventText({ kind, detail, addr, regs = {} }: TraceEvent): string {
  switch (kind) {
    case 'interrupt':
      return addr === undefined ? (detail ?? '') : vectorText(BigInt(addr));
    case 'msr':
      return regs.before === undefined || regs.after === undefined
        ? (detail ?? '')
        : msrText(BigInt(regs.before), BigInt(regs.after));
    case 'hcall': {
      const status = regs.status === undefined ? 0n : BigInt.asIntN(64, BigInt(regs.status));
      return `${detail ?? ''}${status === 0n ? '' : ` → ${status}`}`;
    }
    default:
      return detail ?? '';
  }
}

function vectorText(vector: bigint): string {
  const name = VECTORS.get(vector);
  return `0x${vector.toString(16)}${name === undefined ? '' : ` ${name}`}`;
}

function msrText(before: bigint, after: bigint): string {
  const turned = (to: bigint): string =>
    MSR_BITS.filter(([, bit]) => (before >> bit) % 2n !== (after >> bit) % 2n && (after >> bit) % 2n === to)
      .map(([name]) => name)
      .join(' ');
  const [on, off] = [turned(1n), turned(0n)];
  return [on === '' ? '' : `${on} on`, off === '' ? '' : `${off} off`]
    .filter((text) => text !== '')
    .join(', ');
}

/** Whose event it is: devices have no CPU. */
export function whoseText({ cpu }: TraceEvent): string {
  return cpu < 0 ? 'device' : String(cpu);
}
