/**
 * Parses and builds VMCOREINFO, the crashed kernel's description of itself as lines of KEY=VALUE.
 * Source: Linux 6.1 kernel/crash_core.c and Documentation/admin-guide/kdump/vmcoreinfo.rst; the note's name is
 * VMCOREINFO and its type 0. Numbers of SYMBOL() are hexadecimal, those of NUMBER(), SIZE(), OFFSET() and LENGTH()
 * decimal. Kernels before 2.6.24 have none; BUILD-ID came with 5.9.
 */

import { latin1, latin1Bytes } from '../../base/bytes.ts';
import { vmcoreError } from './errors.ts';

export const VMCOREINFO_NOTE_NAME = 'VMCOREINFO';

/** Key to value, in the order of the note. */
export type Vmcoreinfo = ReadonlyMap<string, string>;

/** The lines of `bytes`; zero bytes at the end are padding. @throws FormatError `vmcore/bad-vmcoreinfo`. */
export function parseVmcoreinfo(bytes: Uint8Array): Vmcoreinfo {
  const text = latin1(bytes).replace(/\0+$/, '');
  const info = new Map<string, string>();
  let offset = 0;
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (line !== '' && equals <= 0)
      throw vmcoreError('vmcore/bad-vmcoreinfo', 'a line without a key', {
        offset,
        actual: JSON.stringify(line.slice(0, 40)),
      });
    // The kernel writes CRASHTIME and others once; where a key comes again, the last one counts, as makedumpfile reads it.
    if (line !== '') info.set(line.slice(0, equals), line.slice(equals + 1));
    offset += line.length + 1;
  }
  return info;
}

/** The note's descriptor. */
export function buildVmcoreinfo(info: Vmcoreinfo): Uint8Array {
  return latin1Bytes([...info].map(([key, value]) => `${key}=${value}\n`).join(''));
}

/** The address of a kernel symbol, or undefined. @throws FormatError where the value is no number. */
export function vmcoreinfoSymbol(info: Vmcoreinfo, symbol: string): bigint | undefined {
  return numberOf(info, `SYMBOL(${symbol})`, 16);
}

/** A value of NUMBER(), SIZE(), OFFSET() or LENGTH(), or undefined. @throws FormatError where it is no number. */
export function vmcoreinfoNumber(
  info: Vmcoreinfo,
  kind: 'NUMBER' | 'SIZE' | 'OFFSET' | 'LENGTH',
  name: string,
): bigint | undefined {
  return numberOf(info, `${kind}(${name})`, 10);
}

/** PAGESIZE in bytes, or undefined. @throws FormatError where it is no power of two of at least 4096. */
export function vmcoreinfoPageSize(info: Vmcoreinfo): number | undefined {
  const size = numberOf(info, 'PAGESIZE', 10);
  if (size === undefined) return undefined;
  if (size < 4096n || size > 1n << 24n || (size & (size - 1n)) !== 0n)
    throw vmcoreError('vmcore/bad-vmcoreinfo', 'PAGESIZE is no page size', { actual: `${size}` });
  return Number(size);
}

function numberOf(info: Vmcoreinfo, key: string, base: 10 | 16): bigint | undefined {
  const text = info.get(key);
  if (text === undefined) return undefined;
  const good = base === 16 ? /^(0x)?[0-9a-f]{1,16}$/i.test(text) : /^-?\d{1,20}$/.test(text);
  if (!good)
    throw vmcoreError('vmcore/bad-vmcoreinfo', `${key} is no number`, {
      actual: JSON.stringify(text.slice(0, 40)),
    });
  return base === 16 ? BigInt(`0x${text.replace(/^0x/i, '')}`) : BigInt(text);
}
