/** Reads the journal that shim.c keeps: what changed the files of a folder, in order. All numbers are little-endian. */

import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x4e524a4b; // "KJRN"
const HEAD_BYTES = 32;
const KINDS = [
  'create',
  'write',
  'truncate',
  'sync',
  'rename',
  'unlink',
  'mkdir',
  'rmdir',
  'link',
  'symlink',
  'mark',
  'unsupported',
] as const;

export type JournalRecord = {
  readonly kind: (typeof KINDS)[number];
  readonly path: string;
  /** rename, link: the new name; symlink: the target. */
  readonly other: string;
  /** write: where; truncate: the size. */
  readonly offset: number;
  readonly data: Uint8Array;
};

/** Appends a mark: what was written by now was written before whatever the text says. */
export function markJournal(path: string, text: string): void {
  const name = Buffer.from(text);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(KINDS.indexOf('mark') + 1, 4);
  head.writeUInt32LE(name.length, 8);
  appendFileSync(path, Buffer.concat([head, name]));
}

/**
 * The records, in order. A last one that is not whole is left out: its program was killed.
 * @throws Error for what is no journal, and for a change that a journal cannot hold
 */
export function* readJournal(path: string): Generator<JournalRecord> {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const bytesAt = (at: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, at);
      return bytes;
    };
    for (let at = 0; at + HEAD_BYTES <= size; ) {
      const head = bytesAt(at, HEAD_BYTES);
      if (head.readUInt32LE(0) !== MAGIC) throw new Error(`no record of the journal at ${at}`);
      const kind = KINDS[head.readUInt32LE(4) - 1];
      if (kind === undefined) throw new Error(`an unknown record of the journal at ${at}`);
      const [pathBytes, otherBytes] = [head.readUInt32LE(8), head.readUInt32LE(12)];
      const dataBytes = Number(head.readBigUInt64LE(24));
      const end = at + HEAD_BYTES + pathBytes + otherBytes + dataBytes;
      if (end > size) return;
      const body = bytesAt(at + HEAD_BYTES, end - at - HEAD_BYTES);
      const record = {
        kind,
        path: body.toString('utf8', 0, pathBytes),
        other: body.toString('utf8', pathBytes, pathBytes + otherBytes),
        offset: Number(head.readBigUInt64LE(16)),
        data: body.subarray(pathBytes + otherBytes),
      };
      if (kind === 'unsupported')
        throw new Error(`${record.path} was changed in a way that the journal cannot hold`);
      yield record;
      at = end;
    }
  } finally {
    closeSync(fd);
  }
}
