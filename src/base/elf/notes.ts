/**
 * ELF notes: name, type and descriptor, each padded.
 * Source: gABI 5, Note Section. Core files pad to 4 bytes whatever p_align says; only p_align 8 (GNU properties) pads to 8.
 */

import type { Endian } from '../bytes.ts';
import { alignUp, concatBytes, copyBytes, latin1, latin1Bytes } from '../bytes.ts';
import { assert } from '../errors.ts';
import { buildStruct, parseStruct } from '../fields.ts';
import { PT_NOTE } from './constants.ts';
import { elfError } from './errors.ts';
import { NOTE_HEADER } from './layout.ts';
import { readSegment } from './parse.ts';
import type { ElfFile, ElfNote } from './types.ts';

/**
 * The notes in `bytes`, in order; descriptors are copies. An all-zero header ends the list: Linux leaves one behind
 * the last note of a CPU's buffer, and buffers that no CPU filled are zero.
 * @param align padding of name and descriptor, 4 or 8.
 * @throws FormatError `elf/bad-note`.
 */
export function parseNotes(bytes: Uint8Array, endian: Endian, align: 4 | 8 = 4): ElfNote[] {
  const notes: ElfNote[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + NOTE_HEADER.size > bytes.length) {
      if (bytes.subarray(at).every((byte) => byte === 0)) break;
      throw elfError('elf/bad-note', 'a note header runs past the end', {
        offset: at,
        expected: `${NOTE_HEADER.size} bytes`,
        actual: `${bytes.length - at}`,
      });
    }
    const header = parseStruct(NOTE_HEADER, bytes.subarray(at), endian);
    if (header.n_namesz === 0 && header.n_descsz === 0 && header.n_type === 0) break;
    const nameAt = at + NOTE_HEADER.size;
    const descAt = nameAt + alignUp(header.n_namesz, align);
    const end = descAt + header.n_descsz;
    if (end > bytes.length) {
      throw elfError('elf/bad-note', 'a note runs past the end', {
        offset: at,
        expected: `${end - at} bytes`,
        actual: `${bytes.length - at}`,
      });
    }
    const name = latin1(bytes.subarray(nameAt, nameAt + header.n_namesz)).replace(/\0+$/, '');
    notes.push({ name, type: header.n_type, desc: copyBytes(bytes, descAt, end) });
    at = alignUp(end, align);
  }
  return notes;
}

/** Notes as bytes; each name gets its terminating zero. */
export function buildNotes(notes: readonly ElfNote[], endian: Endian, align: 4 | 8 = 4): Uint8Array {
  return concatBytes(
    notes.flatMap((note) => {
      assert(!note.name.endsWith('\0'), 'buildNotes: names come without their zero');
      const name = new Uint8Array(alignUp(note.name.length + 1, align));
      name.set(latin1Bytes(note.name));
      const desc = new Uint8Array(alignUp(note.desc.length, align));
      desc.set(note.desc);
      const header = { n_namesz: note.name.length + 1, n_descsz: note.desc.length, n_type: note.type };
      return [buildStruct(NOTE_HEADER, header, endian), name, desc];
    }),
  );
}

/** The notes of every PT_NOTE segment, in order. @throws FormatError `elf/bad-note`, `elf/segment-outside-file`. */
export function elfNotes(elf: ElfFile): ElfNote[] {
  return elf.programs
    .filter((program) => program.type === PT_NOTE)
    .flatMap((program) =>
      parseNotes(readSegment(elf, program), elf.header.endian, program.align === 8n ? 8 : 4),
    );
}
