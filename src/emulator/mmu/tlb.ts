/**
 * The software TLB: where translations are kept so that compiled code finds them. It knows no page tables.
 *
 * A set holds three arrays of {@link TLB_ENTRIES} entries of 16 bytes: read, write and execute. An entry is a tag (the
 * effective page address, 64 bits; an odd low half when empty) and an addend (32 bits): for data, arena address minus the low half
 * of the effective address; for code, the address of the page's decoded records. A vCPU has one set a translation context.
 */

export const TLB_ENTRIES = 4096;
/** Of an effective address shifted right by 8: the byte offset of its entry in an array. */
export const TLB_INDEX_MASK: number = (TLB_ENTRIES - 1) << 4;
export const TLB_ARRAY_BYTES: number = TLB_ENTRIES * 16;
/** Offsets of the arrays in a set. */
export const TLB_READ = 0;
/** @alias The second array begins where the first ends. */
export const TLB_WRITE: number = TLB_ARRAY_BYTES;
export const TLB_EXECUTE: number = TLB_ARRAY_BYTES * 2;
export const TLB_SET_BYTES: number = TLB_ARRAY_BYTES * 3;

/** Translation contexts: real mode, problem state, and privileged state by AMR key 0 (its two bits added: write, read denied). */
export const CONTEXT_REAL = 0;
export const CONTEXT_USER = 1;
export const CONTEXT_KERNEL = 2;
export const CONTEXTS = 6;
/**
 * Code has one privileged context, and so three sets of execute entries are left over: this far from a context is the one
 * for code of the other byte order. What drops entries of a context drops more than it must there, never less.
 */
export const OTHER_ORDER = 3;
export const TLB_BYTES: number = TLB_SET_BYTES * CONTEXTS;

const LOGGED = 1024;
const PROGRAM_LOGGED = 512;

/** One vCPU's TLB in the arena. */
export class Tlb {
  readonly base: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Contexts that were filled since their last flush, as bits. */
  #filled = 2 ** CONTEXTS - 1;
  /** By context: how many entries were filled since its last flush, and where the first {@link LOGGED} of them are (word index). */
  readonly #fills = new Int32Array(CONTEXTS).fill(LOGGED + 1);
  readonly #log = new Int32Array(CONTEXTS * LOGGED);
  /** By privileged context, likewise, those of programs' addresses: the kernel copies from and to them. */
  readonly #programs = new Int32Array(CONTEXTS);
  readonly #programLog = new Int32Array(CONTEXTS * PROGRAM_LOGGED);

  /** @param base arena address of {@link TLB_BYTES} bytes, a multiple of 16. */
  constructor(buffer: ArrayBuffer, base: number) {
    this.base = base;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.flushAll();
  }

  /** Arena address of a context's set. */
  set(context: number): number {
    return this.base + context * TLB_SET_BYTES;
  }

  /**
   * Puts in an entry. `lo`/`hi` are the halves of the effective address; `array` one of the TLB_ offsets.
   * @returns where it is, for {@link drop}.
   */
  fill(context: number, array: number, lo: number, hi: number, addend: number): number {
    const at = (this.set(context) + array + ((lo >>> 8) & TLB_INDEX_MASK)) >>> 2;
    this.#words[at] = lo & ~0xfff;
    this.#words[at + 1] = hi;
    this.#words[at + 2] = addend;
    this.#filled |= 1 << context;
    const n = this.#fills[context] as number;
    if (n < LOGGED) this.#log[context * LOGGED + n] = at;
    this.#fills[context] = n + 1;
    if (hi >>> 28 === 0 && context >= CONTEXT_KERNEL) {
      const logged = this.#programs[context] as number;
      if (logged < PROGRAM_LOGGED) this.#programLog[context * PROGRAM_LOGGED + logged] = at;
      this.#programs[context] = logged + 1;
    }
    return at;
  }

  /** Empties the entry at a place that {@link fill} gave, whatever is there now. */
  drop(at: number): void {
    this.#words[at] = -1;
  }

  flushAll(): void {
    for (let context = 0; context < CONTEXTS; context++) this.flushContext(context);
  }

  flushContext(context: number): void {
    if ((this.#filled & (1 << context)) === 0) return;
    this.#filled &= ~(1 << context);
    const n = this.#fills[context] as number;
    this.#fills[context] = 0;
    this.#programs[context] = 0;
    // Linux invalidates everything after each single page while it patches itself: few entries live in between.
    if (n > LOGGED) this.#bytes.fill(0xff, this.set(context), this.set(context) + TLB_SET_BYTES);
    else for (let i = 0; i < n; i++) this.#words[this.#log[context * LOGGED + i] as number] = -1;
  }

  /** Drops every execute entry. */
  flushExecute(): void {
    this.flushArray(TLB_EXECUTE);
  }

  /** Drops every entry of an array, in all contexts. */
  flushArray(array: number): void {
    for (let context = 0; context < CONTEXTS; context++) {
      if ((this.#filled & (1 << context)) === 0) continue;
      const from = this.set(context) + array;
      this.#bytes.fill(0xff, from, from + TLB_ARRAY_BYTES);
    }
  }

  /** Drops one 4 KiB page from every array of every context, whatever its upper address bits. */
  flushPage(lo: number): void {
    const slot = (lo >>> 8) & TLB_INDEX_MASK;
    for (let context = 0; context < CONTEXTS; context++) {
      for (let array = 0; array < 3; array++) {
        const at = (this.set(context) + array * TLB_ARRAY_BYTES + slot) >>> 2;
        this.#words[at] = -1;
        this.#words[at + 1] = -1;
      }
    }
  }

  /** Drops everything that was translated: all but the real-mode context. */
  flushTranslated(): void {
    for (let context = CONTEXT_USER; context < CONTEXTS; context++) this.flushContext(context);
  }

  /** Drops a run of pages of 4 KiB from the translated contexts, whatever their upper address bits: those from 24 on. */
  dropPages(lo: number, pages: number): void {
    if (pages >= TLB_ENTRIES) {
      this.flushTranslated();
      return;
    }
    for (let context = CONTEXT_USER; context < CONTEXTS; context++) {
      if ((this.#filled & (1 << context)) === 0) continue;
      for (let array = 0; array < 3; array++) {
        const from = this.set(context) + array * TLB_ARRAY_BYTES;
        for (let i = 0; i < pages; i++)
          this.#words[(from + (((lo >>> 8) + i * 16) & TLB_INDEX_MASK)) >>> 2] = -1;
      }
    }
  }

  /** Drops what was translated from programs' addresses (top nibble 0), in whatever context they were used. */
  flushPrograms(): void {
    this.flushContext(CONTEXT_USER);
    for (let context = CONTEXT_KERNEL; context < CONTEXTS; context++) {
      const n = this.#programs[context] as number;
      this.#programs[context] = 0;
      if (n > PROGRAM_LOGGED) {
        this.flushContext(context);
        continue;
      }
      for (let i = 0; i < n; i++) {
        const at = this.#programLog[context * PROGRAM_LOGGED + i] as number;
        if ((this.#words[at + 1] as number) >>> 28 === 0) this.#words[at] = -1;
      }
    }
  }

  /** Drops every data entry of `array` that leads to the arena page given. */
  flushArenaPage(array: number, arenaPage: number): void {
    const words = this.#words;
    this.#dropWhere(array, (at) => {
      const tag = words[at] as number;
      return tag !== -1 && ((tag + (words[at + 2] as number)) | 0) === (arenaPage | 0);
    });
  }

  /** Drops every execute entry that leads to the records at `slot`. */
  flushCode(slot: number): void {
    const words = this.#words;
    this.#dropWhere(TLB_EXECUTE, (at) => words[at + 2] === slot);
  }

  /** Of the entries of an array in every context, drops those chosen by the index of their first word. */
  #dropWhere(array: number, chosen: (at: number) => boolean): void {
    const words = this.#words;
    for (let context = 0; context < CONTEXTS; context++) {
      if ((this.#filled & (1 << context)) === 0) continue;
      const from = (this.set(context) + array) >>> 2;
      const to = from + TLB_ARRAY_BYTES / 4;
      const n = this.#fills[context] as number;
      if (n > LOGGED) {
        for (let at = from; at < to; at += 4) if (chosen(at)) words[at] = -1;
        continue;
      }
      // What is not in the log is empty.
      for (let i = 0; i < n; i++) {
        const at = this.#log[context * LOGGED + i] as number;
        if (at >= from && at < to && chosen(at)) words[at] = -1;
      }
    }
  }
}
