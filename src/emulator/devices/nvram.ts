/**
 * Non-volatile memory: bytes, divided into partitions as firmware leaves them.
 *
 * Source: Linux 6.1 arch/powerpc/kernel/nvram_64.c (partitions: signature, checksum, length in 16-byte blocks, name). A machine that starts with all zeros makes Linux report a corrupt
 * NVRAM and do without its log partitions; this one starts with the system partition and free space instead.
 * Left out: wear, and any content of the system partition (no firmware variables exist).
 */

import { putU16 } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';

export const NVRAM_BYTES = 0x1_0000;

/** Partition signatures: system variables, and free space. */
export const NVRAM_SIGNATURE_SYSTEM = 0x70;
export const NVRAM_SIGNATURE_FREE = 0x7f;
const BLOCK = 16;
const NAME_AT = 4;
const NAME_BYTES = 12;
const SYSTEM_BYTES = 0x1000;

export class Nvram {
  readonly #bytes: Uint8Array;

  /** @param image What an earlier power cycle left; absent: freshly formatted. A copy is kept. */
  constructor(image?: Uint8Array) {
    assert(image === undefined || image.length === NVRAM_BYTES, 'an NVRAM image has 64 KiB');
    this.#bytes = image === undefined ? format() : new Uint8Array(image);
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  has(offset: number, length: number): boolean {
    return offset + length <= this.#bytes.length;
  }

  /** A copy. The range must lie inside. */
  read(offset: number, length: number): Uint8Array {
    assert(this.has(offset, length), 'NVRAM read outside');
    return this.#bytes.slice(offset, offset + length);
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(this.has(offset, bytes.length), 'NVRAM write outside');
    this.#bytes.set(bytes, offset);
  }
}

/** A partition header of 16 bytes. `bytes` counts the header too. */
export function nvramHeader(signature: number, bytes: number, name: string): Uint8Array {
  const header = new Uint8Array(BLOCK);
  header[0] = signature;
  putU16(header, 2, bytes / BLOCK, 'big');
  for (let i = 0; i < Math.min(name.length, NAME_BYTES); i++) header[NAME_AT + i] = name.charCodeAt(i);
  header[1] = checksum(header);
  return header;
}

/** The ones' complement sum of all header bytes but the checksum's own. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  header.forEach((byte, at) => {
    if (at !== 1) sum += byte;
  });
  while (sum > 0xff) sum = (sum & 0xff) + (sum >> 8);
  return sum;
}

function format(): Uint8Array {
  const bytes = new Uint8Array(NVRAM_BYTES);
  bytes.set(nvramHeader(NVRAM_SIGNATURE_SYSTEM, SYSTEM_BYTES, 'common'), 0);
  bytes.set(
    nvramHeader(NVRAM_SIGNATURE_FREE, NVRAM_BYTES - SYSTEM_BYTES, 'w'.repeat(NAME_BYTES)),
    SYSTEM_BYTES,
  );
  return bytes;
}
