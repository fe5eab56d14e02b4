/** RPM packages and the cpio archives in them, good and hostile: nothing here checks what it is given. */

import { concatBytes, latin1Bytes, putU16, putU32 } from '../../src/base/bytes.ts';
import { compressed } from './deb.ts';

export type SynthCpioEntry = {
  readonly path: string;
  /** With the file's type; default a file. */
  readonly mode?: number;
  readonly data: Uint8Array | string;
  readonly inode?: number;
  readonly links?: number;
  /** What the header says, where that is not the length of the data. */
  readonly size?: number;
};

export type SynthRpm = {
  readonly name: string;
  readonly version?: string;
  readonly release?: string;
  readonly architecture?: string;
  readonly entries?: readonly SynthCpioEntry[];
  /** In place of the archive of `entries`. */
  readonly payload?: Uint8Array;
};

/** A "newc" archive. */
export function synthCpio(entries: readonly SynthCpioEntry[]): Uint8Array {
  const all = [...entries, { path: 'TRAILER!!!', mode: 0, data: '' }];
  return concatBytes(
    all.flatMap((entry, i) => {
      const data = typeof entry.data === 'string' ? latin1Bytes(entry.data) : entry.data;
      const {
        path,
        mode = 0o100644,
        inode = 1000 + i,
        links = 1,
        size = data.length,
      } = entry as SynthCpioEntry;
      const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, path.length + 1, 0];
      const head = `070701${fields.map((n) => n.toString(16).padStart(8, '0')).join('')}${path}\0`;
      const padded = head.padEnd(Math.ceil(head.length / 4) * 4, '\0');
      return [latin1Bytes(padded), data, new Uint8Array(-data.length & 3)];
    }),
  );
}

/** One header of tags, all of them strings. */
function header(tags: readonly (readonly [number, string])[]): Uint8Array {
  const index = new Uint8Array(16 + tags.length * 16);
  putU32(index, 0, 0x8eade801, 'big');
  putU32(index, 8, tags.length, 'big');
  let store = '';
  tags.forEach(([tag, text], i) => {
    [tag, 6, store.length, 1].forEach((value, field) => {
      putU32(index, 16 + i * 16 + field * 4, value, 'big');
    });
    store += `${text}\0`;
  });
  putU32(index, 12, store.length, 'big');
  return concatBytes([index, latin1Bytes(store)]);
}

/** A package; its signature says nothing. */
export function synthRpm(rpm: SynthRpm): Uint8Array {
  const lead = new Uint8Array(96);
  putU32(lead, 0, 0xedabeedb, 'big');
  lead[4] = 3;
  putU16(lead, 8, 5, 'big');
  const signature = header([[62, 'nothing']]);
  return concatBytes([
    lead,
    signature,
    new Uint8Array(-signature.length & 7),
    header([
      [1000, rpm.name],
      [1001, rpm.version ?? '1.0'],
      [1002, rpm.release ?? '1'],
      [1022, rpm.architecture ?? 'ppc64le'],
    ]),
    rpm.payload ?? compressed(synthCpio(rpm.entries ?? []), 'gz'),
  ]);
}
