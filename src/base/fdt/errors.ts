/** Lists this folder's {@link FormatError} codes: what can be wrong with a flattened device tree. */

import type { FormatErrorDetail } from '../errors.ts';
import { FormatError } from '../errors.ts';

export const FDT_ERRORS = {
  'fdt/not-fdt': 'the blob does not start with the magic number 0xd00dfeed',
  'fdt/bad-version':
    'the blob is of a version that this parser does not read (17 is read; last compatible 16)',
  'fdt/truncated': 'the blob ends inside a structure that its header promises',
  'fdt/bad-header': 'the header places a block outside the blob or out of alignment',
  'fdt/bad-token': 'the structure block holds a token that may not stand there',
  'fdt/bad-name': 'a node or property name is empty, too long, or holds a character that names may not hold',
  'fdt/bad-string': 'a property name lies outside the strings block or has no end',
  'fdt/duplicate-name': 'a node has two properties or two children of one name',
  'fdt/too-deep': 'nodes are nested deeper than 64 levels',
  'fdt/bad-value': 'a property is not of the type that it was read as (cells, a string, a list of strings)',
  'fdt/bad-reserve-map': 'the memory reservation map has no end, or an entry passes 2^64',
} as const;

export type FdtErrorCode = keyof typeof FDT_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function fdtError(code: FdtErrorCode, message: string, detail: FormatErrorDetail = {}): FormatError {
  return new FormatError(code, message, detail);
}
