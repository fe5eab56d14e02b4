/**
 * The memory of a kernel that has kallsyms, and nothing else: tables as scripts/kallsyms lays them out. Every token
 * but two is a single character, so that names are compressed and a test can see it.
 */

import { alignUp, type Endian, putU32, putU64 } from '../../src/base/bytes.ts';

export type SynthSymbol = { readonly name: string; readonly offset: number; readonly type?: string };

export type KallsymsSpec = {
  readonly symbols: readonly SynthSymbol[];
  /** kallsyms_relative_base. */
  readonly base?: bigint;
  readonly endian?: Endian;
  /** Where offsets and base are: before the names (6.1) or behind the token index (6.5), or without a base, from their own places (7.2). */
  readonly layout?: 'offsets-first' | 'offsets-last' | 'own-places';
  /** Where the tables begin in memory, a multiple of 8, or of 4 with `own-places`. */
  readonly at?: number;
  /** Size of the memory. */
  readonly bytes?: number;
};

/** Tokens that stand for more than one character. Their codes are those of control characters. */
const WORDS: Readonly<Record<number, string>> = { 1: 'crash_', 2: 'kexec' };
/** Fewer symbols than this are not believed. */
const LEAST = 300;

export function kallsymsMemory(spec: KallsymsSpec): Uint8Array {
  const { endian = 'little', layout = 'offsets-first', at = 0x1000, base = 0xc000000000000000n } = spec;
  const padding = Array.from(
    { length: Math.max(0, LEAST - spec.symbols.length) },
    (_, i): SynthSymbol => ({
      name: `padding_${i}`,
      offset: 0x100000 + i * 16,
    }),
  );
  const symbols = [...spec.symbols, ...padding].sort((a, b) => a.offset - b.offset);
  const memory = new Uint8Array(spec.bytes ?? 0x40000);
  let here = at;
  const unit = layout === 'own-places' ? 4 : 8;
  const pad = (): void => {
    here = alignUp(here, unit);
  };
  const offsets = (): void => {
    for (const { offset } of symbols) {
      putU32(memory, here, (layout === 'own-places' ? offset - here : offset) >>> 0, endian);
      here += 4;
    }
    if (layout === 'own-places') return;
    pad();
    putU64(memory, here, base, endian);
    here += 8;
  };
  if (layout === 'offsets-first') offsets();
  putU32(memory, here, symbols.length, endian);
  here += unit;
  const names = here;
  const markers: number[] = [];
  for (const [i, { name, type = 'T' }] of symbols.entries()) {
    if (i % 256 === 0) markers.push(here - names);
    const codes = compress(type + name);
    if (codes.length < 0x80) memory[here++] = codes.length;
    else {
      memory[here++] = 0x80 | (codes.length & 0x7f);
      memory[here++] = codes.length >> 7;
    }
    memory.set(codes, here);
    here += codes.length;
  }
  pad();
  for (const marker of markers) {
    putU32(memory, here, marker, endian);
    here += 4;
  }
  pad();
  const tokens = here;
  const index: number[] = [];
  for (let code = 0; code < 256; code++) {
    index.push(here - tokens);
    const text = WORDS[code] ?? (code > 0x20 && code < 0x7f ? String.fromCharCode(code) : '?');
    for (const char of text) memory[here++] = char.charCodeAt(0);
    here++;
  }
  pad();
  const view = new DataView(memory.buffer);
  for (const offset of index) {
    view.setUint16(here, offset, endian === 'little');
    here += 2;
  }
  pad();
  if (layout !== 'offsets-first') offsets();
  return memory;
}

function compress(text: string): number[] {
  const codes: number[] = [];
  for (let i = 0; i < text.length; ) {
    const word = Object.entries(WORDS).find(([, each]) => text.startsWith(each, i));
    codes.push(word === undefined ? text.charCodeAt(i) : Number(word[0]));
    i += word === undefined ? 1 : word[1].length;
  }
  return codes;
}
