/**
 * Opened devices: instance handles, and what may be done by them.
 * Source: IEEE 1275-1994 §3.2.1, §6.3.2.3 (device access). Only the console moves bytes; every other node can be opened
 * for its methods, or to be asked where it is.
 */

import { VTY_TRANSFER_BYTES, type Vty } from '../../devices/index.ts';
import type { ClientNode, FoundDevice } from './tree.ts';

export type Instance = { readonly phandle: number; readonly args: string | undefined };

/** More than any client opens; firmware's own memory would hold no more. */
const MOST_OPEN = 1024;

export class Instances {
  readonly #open = new Map<number, Instance>();
  #last = 0;

  /** @returns 0 where too many are open. */
  open({ node, args }: FoundDevice): number {
    if (this.#open.size >= MOST_OPEN) return 0;
    this.#last++;
    this.#open.set(this.#last, { phandle: node.phandle, args });
    return this.#last;
  }

  close(ihandle: number): void {
    this.#open.delete(ihandle);
  }

  get(ihandle: number): Instance | undefined {
    return this.#open.get(ihandle);
  }
}

/** The console as a device: what is written appears on the terminal, what is typed can be read. */
export class ConsoleDevice {
  readonly #vty: Vty;

  constructor(vty: Vty) {
    this.#vty = vty;
  }

  /** Whether `node` is the terminal's. */
  is(node: ClientNode | undefined): boolean {
    return node !== undefined && node.name === `vty@${this.#vty.unit.toString(16)}`;
  }

  /** @returns how many of the bytes the terminal took */
  write(bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length; at += VTY_TRANSFER_BYTES)
      if (!this.#vty.put(bytes.slice(at, at + VTY_TRANSFER_BYTES))) return at;
    return bytes.length;
  }

  /** What was typed, up to 16 bytes; nothing into a buffer that might not hold them. */
  read(length: number): Uint8Array {
    return length < VTY_TRANSFER_BYTES ? new Uint8Array(0) : this.#vty.take();
  }
}
