/**
 * Decoded records by instruction word. A kernel and its programs have some hundred thousand different words, and most are
 * decoded many times: in every page that holds them, and again in every process.
 *
 * Left out: relative branches, whose records depend on where in the page they stand.
 */

import { RECORD_SIZE } from './record.ts';

const ENTRY_BITS = 16;
/** Words of an entry: the record. */
const RECORD_WORDS = RECORD_SIZE / 4;
/** Multiplicative hashing: 2^32 divided by the golden ratio. */
const HASH = 0x9e3779b1 | 0;
/** Primary opcodes of the I and B forms. */
const OPCODE_BC = 16;
const OPCODE_B = 18;

export class RecordCache {
  /** The arena as words; records are read from it and written to it. */
  readonly #arena: Int32Array;
  readonly #words = new Int32Array(1 << ENTRY_BITS);
  readonly #known = new Uint8Array(1 << ENTRY_BITS);
  readonly #records = new Int32Array(RECORD_WORDS << ENTRY_BITS);

  constructor(arena: Int32Array) {
    this.#arena = arena;
  }

  /** Writes the record of `word` at an arena address. @returns false when it is not known. */
  recall(word: number, address: number): boolean {
    const entry = Math.imul(word, HASH) >>> (32 - ENTRY_BITS);
    if (this.#words[entry] !== word || this.#known[entry] === 0) return false;
    const from = entry * RECORD_WORDS;
    const to = address >>> 2;
    for (let i = 0; i < RECORD_WORDS; i++) this.#arena[to + i] = this.#records[from + i] as number;
    return true;
  }

  /** Remembers the record at an arena address as that of `word`, unless it depends on the place. */
  keep(word: number, address: number): void {
    const opcode = word >>> 26;
    if (opcode === OPCODE_BC || opcode === OPCODE_B) return;
    const entry = Math.imul(word, HASH) >>> (32 - ENTRY_BITS);
    this.#words[entry] = word;
    this.#known[entry] = 1;
    const to = entry * RECORD_WORDS;
    const from = address >>> 2;
    for (let i = 0; i < RECORD_WORDS; i++) this.#records[to + i] = this.#arena[from + i] as number;
  }
}
