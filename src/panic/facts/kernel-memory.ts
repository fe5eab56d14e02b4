/**
 * Reads the crashed kernel's memory by its own effective addresses: the linear map, and through its page table what lies outside
 * of it (modules, vmalloc).
 * Source: Linux 6.12 arch/powerpc/include/asm/book3s/64/hash-4k.h and hash-64k.h (H_KERN_VIRT_START: under hash the address
 * of vmalloc gives the size of pages).
 */

import { KernelPageTable } from '../../vmcore/analyse/index.ts';
import type { ReadMemory } from './symbols/index.ts';
import { ifThere, realOf } from './symbols/index.ts';

const HASH_64K_START = 0xc008000000000000n;
const HASH_4K_START = 0xc0003d0000000000n;

export class KernelMemory {
  readonly #read: ReadMemory;
  readonly #tables: { readonly low: KernelPageTable; readonly high: KernelPageTable } | undefined;

  /** @param root effective address of swapper_pg_dir; undefined: only the linear map can be read */
  constructor(read: ReadMemory, root: bigint | undefined, mmu: 'hash' | 'radix') {
    this.#read = read;
    const table = (format: 'radix' | 'hash-4k' | 'hash-64k', at: bigint): KernelPageTable =>
      new KernelPageTable(format, realOf(at), (raddr, length) => ifThere(read(raddr, length)));
    if (root === undefined) this.#tables = undefined;
    else if (mmu === 'hash') this.#tables = { low: table('hash-4k', root), high: table('hash-64k', root) };
    else {
      const radix = table('radix', root);
      this.#tables = { low: radix, high: radix };
    }
  }

  /** Undefined where a part of it is not mapped, or not in memory. */
  async bytes(address: bigint, length: number): Promise<Uint8Array | undefined> {
    if (isLinear(address)) return await ifThere(this.#read(realOf(address), length));
    const part = await this.upTo(address, length);
    return part.length === length ? part : undefined;
  }

  /** As {@link bytes}, as far as there is something. */
  async upTo(address: bigint, length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = address + BigInt(done);
      const place = await this.#place(at);
      if (place === undefined) return out.subarray(0, done);
      const size = Math.min(place.bytes, length - done);
      const bytes = await ifThere(this.#read(place.raddr, size));
      if (bytes === undefined) return out.subarray(0, done);
      out.set(bytes, done);
      done += size;
    }
    return out;
  }

  async #place(address: bigint): Promise<{ readonly raddr: number; readonly bytes: number } | undefined> {
    // Pages of the linear map are read one by one: where memory ends within a read, the rest is still there.
    if (isLinear(address)) return { raddr: realOf(address), bytes: 4096 - Number(address & 0xfffn) };
    if (!isKernel(address) || this.#tables === undefined) return undefined;
    const place = await this.#tables[address < HASH_64K_START ? 'low' : 'high'].find(address);
    return place.kind === 'mapped' ? place : undefined;
  }
}

export function isLinear(address: bigint): boolean {
  return address >> 52n === 0xc00n && address < HASH_4K_START;
}

/** Whether the address is one of the kernel's, in the linear map or outside of it. */
export function isKernel(address: bigint): boolean {
  return address >> 60n === 0xcn;
}
