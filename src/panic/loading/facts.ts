/**
 * Parses the agent's `facts` line: `notes=0xA,0xB,… note-size=N vmcoreinfo=0xA+0xN reserved=0xSTART+0xSIZE
 * kernel=0xSTART+0xSIZE`. Numbers are hexadecimal, with or without 0x, but for note-size, which is decimal.
 * Unknown names are ignored: a newer agent may report more.
 */

import type { GuestFacts, Range } from '../../crashkernel/index.ts';
import { panicError } from '../contract/errors.ts';

/** @throws FormatError `panic/bad-facts`. Whether the facts fit the machine is checked when they are used. */
export function parseFacts(text: string): GuestFacts {
  const words = new Map(
    text
      .trim()
      .split(/\s+/)
      .map((word): [string, string] => {
        const at = word.indexOf('=');
        return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
      }),
  );
  const need = (name: string): string => {
    const value = words.get(name);
    if (value === undefined) throw bad(text, name);
    return value;
  };
  const range = (name: string): Range | undefined => {
    const value = words.get(name);
    return value === undefined ? undefined : parseRange(value, text, name);
  };
  const notes = need('notes');
  const noteSize = need('note-size');
  if (!/^\d{1,9}$/.test(noteSize)) throw bad(text, 'note-size');
  const vmcoreinfo = range('vmcoreinfo');
  const reserved = range('reserved');
  const kernel = parseRange(need('kernel'), text, 'kernel');
  return {
    notes: notes === '' ? [] : notes.split(',').map((each) => parseHex(each, text, 'notes')),
    noteSize: Number(noteSize),
    kernel,
    ...(vmcoreinfo === undefined ? {} : { vmcoreinfo }),
    ...(reserved === undefined ? {} : { reserved }),
  };
}

function parseRange(value: string, text: string, name: string): Range {
  const [start, size, more] = value.split('+');
  if (start === undefined || size === undefined || more !== undefined) throw bad(text, name);
  const from = parseHex(start, text, name);
  const end = from + parseHex(size, text, name);
  if (!Number.isSafeInteger(end)) throw bad(text, name);
  return { start: from, end };
}

function parseHex(value: string, text: string, name: string): number {
  const digits = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(value)?.[1];
  const number = digits === undefined ? Number.NaN : Number(`0x${digits}`);
  if (!Number.isSafeInteger(number)) throw bad(text, name);
  return number;
}

function bad(text: string, word: string): Error {
  return panicError('panic/bad-facts', `the guest’s facts: ${word} is missing or cannot be read`, {
    expected: 'notes=0xA,… note-size=N kernel=0xSTART+0xSIZE',
    actual: JSON.stringify(text.slice(0, 200)),
  });
}
