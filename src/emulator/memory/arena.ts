/**
 * The arena: one WebAssembly memory that holds everything compiled code touches. Guest RAM is pages of it, in any order.
 *
 * Layout: the register window at 0 (cpu/layout.ts), then what {@link Arena.reserve} hands out, then pages of 4 KiB.
 * The memory is reserved whole at the start, so that views of it stay valid; pages are touched only when they are used.
 */

import { assert, FormatError } from '../../base/errors.ts';

export const PAGE_SHIFT = 12;
export const PAGE_SIZE: number = 1 << PAGE_SHIFT;

const FIRST_FREE = 0x1000;
const WASM_PAGE = 65536;
const MOST_PAGES = 65535;
/** Bytes of an arena: addresses have 32 bits, and the end of it is one. */
export const LARGEST_ARENA: number = MOST_PAGES * WASM_PAGE;

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  #next = FIRST_FREE;
  readonly #free: number[] = [];

  /**
   * @param size bytes that the owner will need at the most; rounded up to 64 KiB, at most {@link LARGEST_ARENA}
   * @throws FormatError `memory/host` where the host does not give so much address space
   */
  constructor(size: number) {
    const pages = Math.ceil(size / WASM_PAGE);
    assert(pages <= MOST_PAGES, 'an arena is below 4 GiB');
    this.memory = reserved(pages);
    this.buffer = this.memory.buffer;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.view = new DataView(this.buffer);
  }

  get size(): number {
    return this.buffer.byteLength;
  }

  /** Reserves bytes permanently, aligned to 4 KiB. */
  reserve(length: number): number {
    const at = this.#next;
    this.#next += Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    assert(this.#next <= this.size, 'the arena is full');
    return at;
  }

  /** A zeroed page. */
  allocatePage(): number {
    const reused = this.#free.pop();
    if (reused === undefined) return this.reserve(PAGE_SIZE);
    this.bytes.fill(0, reused, reused + PAGE_SIZE);
    return reused;
  }

  freePage(page: number): void {
    this.#free.push(page);
  }

  /** Bytes handed out and not given back. */
  get used(): number {
    return this.#next - this.#free.length * PAGE_SIZE;
  }
}

function reserved(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    const mib = Math.ceil((pages * WASM_PAGE) / 2 ** 20);
    throw new FormatError('memory/host', `the host does not give ${mib} MiB of address space for a machine`, {
      cause,
    });
  }
}
