/** Reads a kernel or an initramfs of the host straight into guest memory: it has tens of MiB, of which no second copy is needed. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../../../base/bytes.ts';
import { FormatError } from '../../../base/errors.ts';
import { hostFile } from '../../../base/failure-text.ts';
import type { Ram } from '../../memory/ram.ts';

export class BootFile implements ByteSource {
  /** Bytes when it was opened. */
  readonly size: number;
  readonly #role: string;
  readonly #fd: number;

  /** @param role what the file is: `the kernel` @throws HostFileError where it cannot be opened */
  constructor(role: string, path: string) {
    this.#role = role;
    this.#fd = hostFile(role, () => openSync(path, 'r'));
    this.size = fstatSync(this.#fd).size;
  }

  /** A copy of some bytes, for a parser. @throws HostFileError; FormatError `boot/short-read` */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#readInto(bytes, offset);
    return bytes;
  }

  /** Puts `length` bytes from `offset` on to a real address. @throws as {@link read}; OutsideMemory */
  load(ram: Ram, raddr: number, offset: number, length: number): void {
    ram.writeInPlace(raddr, length, (target, done) => this.#readInto(target, offset + done));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readInto(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.length; ) {
      const left = target.length - done;
      const got = hostFile(this.#role, () => readSync(this.#fd, target, done, left, offset + done));
      if (got === 0)
        throw new FormatError('boot/short-read', `${this.#role} became shorter while it was read`, {
          offset: offset + done,
        });
      done += got;
    }
  }
}
