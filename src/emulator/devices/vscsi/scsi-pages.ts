/**
 * Builds a disk's description of itself: INQUIRY data, vital product data, mode pages, sense data.
 * Source: SPC-4 §6.4 (INQUIRY), §7.8 (VPD pages 00h, 80h, 83h), §4.5.3 (fixed format sense data), §7.5 (mode parameter header);
 * SBC-3 §6.4.2 (caching mode page), §6.5.3 (block limits), §6.5.2 (block device characteristics). A SCSI disk of 512-byte blocks without write cache
 * that could lose anything: what is written is written.
 */

import { concatBytes, latin1Bytes, putU16, putU32 } from '../../../base/bytes.ts';

const VENDOR = 'KDUMPD';
const PRODUCT = 'VIRTUAL DISK';
const REVISION = '0001';
/** SPC-3, as its readers know it. */
const VERSION = 5;
const RESPONSE_FORMAT = 2;
const COMMAND_QUEUEING = 0x02;
const INQUIRY_BYTES = 36;
const NO_DEVICE = 0x7f;
/** The largest transfer that a client should ask for, in blocks: 2 MiB. */
export const MOST_BLOCKS = 4096;

function padded(text: string, length: number): Uint8Array {
  return latin1Bytes(text.padEnd(length).slice(0, length));
}

/** Standard INQUIRY data. @param present Whether there is a disk; otherwise the unit says that it can have none. */
export function inquiry(present: boolean): Uint8Array {
  const head = Uint8Array.of(
    present ? 0 : NO_DEVICE,
    0,
    VERSION,
    RESPONSE_FORMAT,
    INQUIRY_BYTES - 5,
    0,
    0,
    COMMAND_QUEUEING,
  );
  return concatBytes([
    head,
    padded(VENDOR, 8),
    padded(present ? PRODUCT : 'NO DEVICE', 16),
    padded(REVISION, 4),
  ]);
}

/** Vital product data; undefined for a page that there is not. @param name The disk's serial number. */
export function vitalProductData(page: number, name: string): Uint8Array | undefined {
  const body = vpdBody(page, name);
  if (body === undefined) return undefined;
  const header = Uint8Array.of(0, page, 0, 0);
  putU16(header, 2, body.length, 'big');
  return concatBytes([header, body]);
}

function vpdBody(page: number, name: string): Uint8Array | undefined {
  switch (page) {
    case 0x00:
      return Uint8Array.of(0x00, 0x80, 0x83, 0xb0, 0xb1);
    case 0x80:
      return latin1Bytes(name);
    case 0x83: {
      // One designator: ASCII, of the logical unit, by vendor.
      const text = concatBytes([padded(VENDOR, 8), latin1Bytes(name)]);
      return concatBytes([Uint8Array.of(0x02, 0x01, 0, text.length), text]);
    }
    case 0xb0: {
      const limits = new Uint8Array(60);
      putU32(limits, 4, MOST_BLOCKS, 'big');
      putU32(limits, 8, MOST_BLOCKS, 'big');
      return limits;
    }
    case 0xb1: {
      // A medium that does not turn.
      const characteristics = new Uint8Array(60);
      putU16(characteristics, 0, 1, 'big');
      return characteristics;
    }
    default:
      return undefined;
  }
}

const CACHING_PAGE = 0x08;
const ALL_PAGES = 0x3f;
const WRITE_PROTECTED = 0x80;

/** MODE SENSE data without block descriptors; undefined for a page that there is not. @param long The 10-byte command's header. */
export function modeParameters(page: number, readOnly: boolean, long: boolean): Uint8Array | undefined {
  if (page !== CACHING_PAGE && page !== ALL_PAGES) return undefined;
  const caching = new Uint8Array(20);
  caching[0] = CACHING_PAGE;
  caching[1] = caching.length - 2;
  const header = new Uint8Array(long ? 8 : 4);
  const length = header.length + caching.length;
  if (long) putU16(header, 0, length - 2, 'big');
  else header[0] = length - 1;
  header[long ? 3 : 2] = readOnly ? WRITE_PROTECTED : 0;
  return concatBytes([header, caching]);
}

type SenseName =
  | 'none'
  | 'invalidCommand'
  | 'outOfRange'
  | 'invalidField'
  | 'noUnit'
  | 'writeProtected'
  | 'transferFailed'
  | 'readError'
  | 'writeError';

/** Sense key, additional sense code and qualifier. */
export type Sense = { readonly key: number; readonly code: number; readonly qualifier: number };

export const SENSE: Readonly<Record<SenseName, Sense>> = {
  none: { key: 0, code: 0, qualifier: 0 },
  invalidCommand: { key: 5, code: 0x20, qualifier: 0 },
  outOfRange: { key: 5, code: 0x21, qualifier: 0 },
  invalidField: { key: 5, code: 0x24, qualifier: 0 },
  noUnit: { key: 5, code: 0x25, qualifier: 0 },
  writeProtected: { key: 7, code: 0x27, qualifier: 0 },
  /** Data could not be moved between memory and disk. */
  transferFailed: { key: 4, code: 0x47, qualifier: 0 },
  readError: { key: 3, code: 0x11, qualifier: 0 },
  writeError: { key: 3, code: 0x0c, qualifier: 0 },
};

/** Fixed format sense data of a current error. */
export function senseData({ key, code, qualifier }: Sense): Uint8Array {
  const bytes = new Uint8Array(18);
  bytes[0] = 0x70;
  bytes[2] = key;
  bytes[7] = bytes.length - 8;
  bytes[12] = code;
  bytes[13] = qualifier;
  return bytes;
}
