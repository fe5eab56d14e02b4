/** Switches the faults of a program that runs under the shim: the file of 4096 bytes that shim.c calls struct control. */

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';

/** Kinds of calls that can fail. `create` makes a file, `names` are rename, unlink, mkdir, rmdir and links. */
export const CALLS = { create: 1, write: 2, truncate: 4, sync: 8, names: 16, read: 32 } as const;
export type CallKind = keyof typeof CALLS;

export type Fault = {
  readonly error: 'ENOSPC' | 'EIO' | 'EROFS';
  readonly calls: readonly CallKind[];
  /** Which of the calls, counted from 1 and from now on, fails. */
  readonly at: number;
  /** Whether all after it fail, too, until {@link Control.disarm}. */
  readonly onwards: boolean;
  /** Only calls on paths that contain this are counted. */
  readonly path?: string;
};

export type Injected = {
  /** Calls of the kinds asked for. */
  readonly calls: number;
  readonly failed: number;
  /** The last one that failed. */
  readonly last?: { readonly kind: CallKind; readonly path: string };
};

const BYTES = 4096;
const AT = {
  magic: 0,
  mask: 4,
  error: 8,
  mode: 12,
  at: 16,
  pattern: 40,
  lastKind: 256,
  lastPath: 260,
} as const;
const PATTERN_BYTES = 216;

export class Control {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'w+', 0o600);
    const page = Buffer.alloc(BYTES);
    page.write('KSHM', AT.magic);
    writeSync(this.#fd, page, 0, BYTES, 0);
  }

  arm({ error, calls, at, onwards, path = '' }: Fault): void {
    this.disarm();
    const head = Buffer.alloc(AT.lastPath);
    if (Buffer.byteLength(path) >= PATTERN_BYTES) throw new Error(`the path ${path} is too long`);
    head.write('KSHM', AT.magic);
    head.writeUInt32LE(
      calls.reduce((mask, kind) => mask | CALLS[kind], 0),
      AT.mask,
    );
    head.writeUInt32LE(constants.errno[error], AT.error);
    head.writeBigUInt64LE(BigInt(at), AT.at);
    head.write(path, AT.pattern);
    writeSync(this.#fd, head, 0, head.length, 0);
    // Last: until now nothing is counted.
    this.#mode(onwards ? 2 : 1);
  }

  /** There is room again, or the disk is well. @returns what has failed since it was armed */
  disarm(): Injected {
    this.#mode(0);
    return this.injected();
  }

  injected(): Injected {
    const page = Buffer.alloc(BYTES);
    readSync(this.#fd, page, 0, BYTES, 0);
    const counts = { calls: Number(page.readBigUInt64LE(24)), failed: Number(page.readBigUInt64LE(32)) };
    if (counts.failed === 0) return counts;
    const end = page.indexOf(0, AT.lastPath);
    const number = page.readUInt32LE(AT.lastKind);
    const kind = (Object.keys(CALLS) as CallKind[]).find((each) => CALLS[each] === number);
    if (kind === undefined) throw new Error(`the shim failed a call of kind ${number}`);
    return { ...counts, last: { kind, path: page.toString('utf8', AT.lastPath, end) } };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #mode(mode: number): void {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(mode);
    writeSync(this.#fd, word, 0, 4, AT.mode);
  }
}
