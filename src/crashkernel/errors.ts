/** Lists this folder's {@link FormatError} codes: what can be wrong with a kernel, a tree or a guest's facts. */

import type { FormatErrorDetail } from '../base/errors.ts';
import { FormatError } from '../base/errors.ts';

export const CRASHKERNEL_ERRORS = {
  'load/foreign-machine': 'the image is an ELF file for another machine than 64-bit PowerPC',
  'load/bad-kernel': 'the image holds nothing that can be loaded and entered',
  'load/absurd-size': 'a size or an address is larger than any that can be loaded',
  'load/old-abi': 'the image has the abandoned ABI of 2008: a __kdump_flag of 8 bytes at offset 0x18',
  'load/not-relocatable': 'the image has no run-at-load marker, and its own place is outside the reservation',
  'load/bad-purgatory':
    'purgatory is no position independent big-endian ELF with the symbols that are patched',
  'load/bad-tree': 'the machine’s tree lacks what a loader must know',
  'load/unsupported-memory': 'the tree describes memory in a way that is not supported',
  'load/bad-facts': 'the facts that the guest reported do not fit its machine',
  'load/no-reservation': 'no memory is reserved for a crash kernel',
  'load/no-room': 'the segments do not fit into the memory that they may use',
  'load/overlaps-kernel': 'a segment overlaps the running kernel (the kernel answers ETXTBSY)',
  'load/overlaps-tce-table': 'a segment overlaps a TCE table (the kernel answers ETXTBSY)',
  'load/outside-reservation':
    'a segment of a crash image is outside the reservation (the kernel answers EADDRNOTAVAIL)',
  'load/outside-memory': 'a segment is not wholly in memory',
  'load/segments-overlap': 'two segments overlap (the kernel answers EINVAL)',
  'load/too-many-segments': 'an image has more than 16 segments',
  'load/too-many-headers': 'elfcorehdr would need more program headers than an ELF file can count',
  'load/command-line': 'the next kernel’s command line is too long or not printable ASCII',
  'load/bad-plan': 'the bytes are not a plan disk',
} as const;

export type CrashkernelErrorCode = keyof typeof CRASHKERNEL_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function loadError(
  code: CrashkernelErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}

/**
 * Checks that a caller may force, so that the guest's kernel refuses instead. After any other error there is no plan that
 * could be given to a guest.
 */
export const FORCIBLE = [
  'old-abi',
  'not-relocatable',
  'overlaps-kernel',
  'overlaps-tce-table',
  'outside-reservation',
  'outside-memory',
  'segments-overlap',
] as const;
export type ForcibleCheck = (typeof FORCIBLE)[number];

/** Throws for a failed check or, where the check is forced, records it. */
export class Checks {
  readonly #forced: ReadonlySet<ForcibleCheck>;
  /** The forced checks that failed, in order. */
  readonly forced: string[] = [];

  constructor(force: readonly ForcibleCheck[]) {
    this.#forced = new Set(force);
  }

  /** @throws FormatError `load/…` unless the check is forced */
  refuse(check: ForcibleCheck, message: string, detail: FormatErrorDetail = {}): void {
    if (!this.#forced.has(check)) throw loadError(`load/${check}`, message, detail);
    this.forced.push(`${check}: ${message}`);
  }
}
