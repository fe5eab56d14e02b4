/** Opens a file as a ByteSource. Left out: devices, whose size stat does not report. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { vmcoreError } from '../format/index.ts';

/** A source that its opener must close. */
export type FileSource = ByteSource & { close(): void };

/**
 * Opens `path` for reading. Its size is what it is now: a file that shrinks later gives `vmcore/short-read`.
 * @throws the system's error when it cannot be opened.
 */
export function openFileSource(path: string): FileSource {
  const fd = openSync(path, 'r');
  const { size } = fstatSync(fd);
  return {
    size,
    read(offset: number, length: number): Uint8Array {
      assert(offset >= 0 && length >= 0 && offset + length <= size, 'openFileSource: read outside the file');
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const got = readSync(fd, bytes, done, length - done, offset + done);
        if (got === 0)
          throw vmcoreError('vmcore/short-read', 'the file became shorter', {
            what: path,
            offset: offset + done,
          });
        done += got;
      }
      return bytes;
    },
    close(): void {
      closeSync(fd);
    },
  };
}
