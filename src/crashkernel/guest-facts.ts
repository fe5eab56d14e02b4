/**
 * Defines and checks the facts that only the running guest knows and its agent reports (docs/images.md): the addresses of
 * its CPUs' register notes and of VMCOREINFO, its reservation, and its own place.
 */

import { loadError } from './errors.ts';
import type { MachineFacts } from './machine-tree.ts';
import { containsRange, PAGE, type Range, showRange } from './ranges.ts';

export type GuestFacts = {
  /** Real address of each CPU's note buffer, by logical index, and the size of one in bytes. */
  readonly notes: readonly number[];
  readonly noteSize: number;
  readonly vmcoreinfo?: Range;
  /** The crash kernel's memory; absent: none is reserved. */
  readonly reserved?: Range;
  /** `[0, _end)` of the running kernel. */
  readonly kernel: Range;
};

/** More CPUs than any partition has. */
const MAX_CPUS = 8192;
const MAX_NOTE_BYTES = 2 ** 20;
const MAX_VMCOREINFO = 2 ** 20;

/** @throws FormatError `load/bad-facts` for what cannot be true of this machine */
export function checkGuestFacts(facts: GuestFacts, machine: MachineFacts): void {
  const inMemory = (range: Range, what: string): void => {
    if (range.end <= range.start || !containsRange(machine.memory, range))
      throw bad(`${what} is not in memory`, showRange(range));
  };
  if (facts.notes.length > MAX_CPUS) throw bad('there are too many CPUs', `${facts.notes.length}`);
  if (facts.notes.length > 0 && (facts.noteSize < 12 || facts.noteSize > MAX_NOTE_BYTES))
    throw bad('a note buffer has an absurd size', `${facts.noteSize}`);
  for (const start of facts.notes) inMemory({ start, end: start + facts.noteSize }, 'a note buffer');
  const { vmcoreinfo, reserved, kernel } = facts;
  if (vmcoreinfo !== undefined) {
    if (vmcoreinfo.end - vmcoreinfo.start > MAX_VMCOREINFO) throw bad('VMCOREINFO is too large', '');
    inMemory(vmcoreinfo, 'VMCOREINFO');
  }
  inMemory(kernel, 'the running kernel');
  if (reserved === undefined) return;
  inMemory(reserved, 'the reservation');
  if (reserved.start < PAGE || reserved.start % PAGE !== 0)
    throw bad('the reservation is not in whole pages above the first', showRange(reserved));
}

function bad(message: string, actual: string): Error {
  return loadError('load/bad-facts', message, actual === '' ? {} : { actual });
}
