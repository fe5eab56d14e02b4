/** Lists the {@link FormatError} codes of formats and readers: what can be wrong with a dump. */

import type { FormatErrorDetail } from '../../base/errors.ts';
import { FormatError } from '../../base/errors.ts';

export const VMCORE_ERRORS = {
  'vmcore/unknown-format': 'the first bytes are of no known format: neither ELF, KDUMP nor makedumpfile',
  'vmcore/not-a-core': 'the file is ELF but not a 64-bit PowerPC core',
  'vmcore/truncated': 'the dump ends before what its headers promise',
  'vmcore/marked-incomplete': 'the writer itself marked the dump as incomplete',
  'vmcore/lost-pages': 'pages have a place in the dump but were never written (descriptor offset 0)',
  'vmcore/ranges-overlap': 'two segments claim the same physical memory',
  'vmcore/no-memory': 'the dump holds no memory at all',
  'vmcore/no-registers': 'the dump holds no NT_PRSTATUS note',
  'vmcore/no-vmcoreinfo': 'the dump holds no VMCOREINFO',
  'vmcore/bad-notes': 'the notes cannot be read',
  'vmcore/bad-prstatus': 'an NT_PRSTATUS descriptor is not 0x1f8 bytes long',
  'vmcore/bad-vmcoreinfo': 'VMCOREINFO is not lines of KEY=VALUE',
  'vmcore/bad-kdump-header': 'a field of the KDUMP header or sub header makes no sense',
  'vmcore/bad-kdump-version': 'the KDUMP header is of a version that is not read (3 to 6 are)',
  'vmcore/bad-page-descriptor': 'a page descriptor has unknown flags or a size above one block',
  'vmcore/bad-page-data': 'a page does not decompress to one block',
  'vmcore/bad-flat-header': 'a flattened dump has another type or version than 1',
  'vmcore/bad-flat-record': 'a record of a flattened dump has a negative or absurd offset or size',
  'vmcore/nested-flattened': 'a flattened dump holds another flattened dump',
  'vmcore/memory-absent': 'the physical address is no memory of the crashed machine',
  'vmcore/memory-excluded': 'the page was left out by a filter',
  'vmcore/memory-lost': 'the page was lost when the dump was written',
  'vmcore/memory-missing': 'the page lies beyond the end of a dump that was cut short',
  'vmcore/short-read': 'a file gave fewer bytes than its size promised',
} as const;

export type VmcoreErrorCode = keyof typeof VMCORE_ERRORS;

/** A {@link FormatError} of this folder; the caller throws it. */
export function vmcoreError(
  code: VmcoreErrorCode,
  message: string,
  detail: FormatErrorDetail = {},
): FormatError {
  return new FormatError(code, message, detail);
}
