/** Parses and formats faults as text for the command line, traces and reasons: `flip:kernel+0x1000@t1`, `flip:0x8000000`, `wedge:1`. */

import { panicError } from '../contract/errors.ts';
import type { Fault, FaultInstant, FlipTarget } from '../contract/index.ts';
import { FAULT_INSTANTS, FLIP_TARGETS } from '../contract/index.ts';

/** The faults that can be asked for, for help texts. */
export const FAULT_SYNTAX = 'flip:[SEGMENT+]OFFSET[@INSTANT] or wedge:CPU[@INSTANT]';

const NUMBER = '(0x[0-9a-f]+|[0-9]+)';
const FLIP = new RegExp(`^flip:(?:([a-z]+)\\+)?${NUMBER}$`, 'i');
const WEDGE = new RegExp(`^wedge:${NUMBER}$`, 'i');

/** @throws FormatError `panic/bad-fault` */
export function parseFault(text: string): Fault {
  const [what = '', instant, ...more] = text.split('@');
  const at = FAULT_INSTANTS.find((each) => each === instant);
  if (more.length > 0 || (instant !== undefined && at === undefined)) throw bad(text);
  const when = at === undefined ? {} : { at };
  const flip = FLIP.exec(what);
  if (flip !== null) {
    const of = FLIP_TARGETS.find((each) => each === (flip[1] ?? 'memory'));
    if (of === undefined) throw bad(text);
    return { kind: 'flip', of, offset: numberOf(flip[2], text), ...when };
  }
  const wedge = WEDGE.exec(what);
  if (wedge !== null) return { kind: 'wedge', cpu: numberOf(wedge[1], text), ...when };
  throw bad(text);
}

/** What {@link parseFault} reads; the instant is always said. */
export function faultText(fault: Fault): string {
  const at = `@${instantOf(fault)}`;
  switch (fault.kind) {
    case 'flip':
      return `flip:${fault.of === 'memory' ? '' : `${fault.of}+`}0x${fault.offset.toString(16)}${at}`;
    case 'wedge':
      return `wedge:${fault.cpu}${at}`;
  }
}

export function instantOf(fault: Fault): FaultInstant {
  return fault.at ?? 'trigger';
}

function numberOf(text: string | undefined, whole: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw bad(whole);
  return value;
}

function bad(text: string): Error {
  const segments = FLIP_TARGETS.filter((each: FlipTarget) => each !== 'memory');
  return panicError('panic/bad-fault', 'this is not a fault that can be injected', {
    expected: `${FAULT_SYNTAX}; SEGMENT is one of ${segments.join(', ')}, INSTANT one of ${FAULT_INSTANTS.join(', ')}`,
    actual: JSON.stringify(text.slice(0, 200)),
  });
}
