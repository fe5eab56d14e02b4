/**
 * The harness of the differential tests: the same code words run under QEMU's user mode and in our engine, from the same
 * registers and memory, and everything that they leave is compared.
 *
 * How to use it (fixed-point and vector tests share it):
 * 1. Choose a {@link Layout} (`new Layout({ words, vectors })`): `words` instructions a case at the most; with `vectors`
 *    VSRs, FPSCR and VSCR are set and compared too.
 * 2. Make {@link Case}s: code words, a {@link State} to start from, {@link MEMORY_BYTES} bytes of private memory. Case
 *    number i has its code at `layout.codeAddress(i)` and its memory at `layout.memoryAddress(i)`. Code may branch forward,
 *    to `codeAddress(i) + 4 * code.length` at the most, and may use every register; it must not take an interrupt or a
 *    system call. TAR holds the case's own code address when it starts, and is not compared.
 * 3. `await compareRuns(batch)` (qemu-user-compare.ts) answers the numbers of the cases that differ; `shrink` finds the one
 *    instruction at which a case first differs, and `describeFailure` says it with its inputs and both results.
 *
 * A program is one static ELF image: a stub loads a case's registers from its record, jumps to it through TAR, saves the registers
 * in the record and continues with the next; at the end the records and memories go to standard output. Our engine runs the same
 * image, where the code that writes and exits is replaced by `attn`. Records hold 64-bit words in the guest's byte order.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '../../src/base/errors.ts';
import { epilogue, prologue, RECORD, TAIL_WORDS, tail, writeAndExit } from './qemu-user-stub.ts';

export type Endian = 'big' | 'little';

/** Registers before or after a case. 64-bit values are unsigned. */
export type State = {
  readonly gpr: readonly bigint[];
  readonly cr: number;
  readonly xer: number;
  readonly lr: bigint;
  readonly ctr: bigint;
  /** With vectors: doublewords 0 and 1 of VSR n at [2n] and [2n + 1]. */
  readonly vsr?: readonly bigint[];
  readonly fpscr?: bigint;
  readonly vscr?: number;
};

export type Case = {
  readonly code: readonly number[];
  readonly input: State;
  /** {@link MEMORY_BYTES} bytes, at the case's memory address. */
  readonly memory: Uint8Array;
};

export type Outcome = { readonly state: State; readonly memory: Uint8Array };

/** Runs an image to its end and answers its data region (records and memories). */
export type Runner = (image: Image) => Promise<Uint8Array>;

export type Image = {
  readonly endian: Endian;
  readonly entry: number;
  /** Code from {@link CODE_BASE} and data from {@link DATA_BASE}. */
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  /** Offset in `code` of the words that end the program: writing and exiting, or `attn`. */
  readonly finalOffset: number;
  /** Instructions of the stub that a whole run executes, up to the end. */
  readonly stubInstructions: number;
};

export const MEMORY_BYTES = 512;
/** Below 32 KiB, so that the absolute conditional branches reach the first cases. */
export const CODE_BASE = 0x4000;
export const DATA_BASE = 0x100000;
const STUB_BYTES = 0x800;

/** Where the parts of a program lie. */
export class Layout {
  readonly words: number;
  readonly vectors: boolean;
  readonly recordBytes: number;
  readonly stride: number;

  constructor(options: { readonly words: number; readonly vectors?: boolean }) {
    this.words = options.words;
    this.vectors = options.vectors ?? false;
    this.recordBytes = this.vectors ? 1408 : 384;
    this.stride = this.recordBytes + MEMORY_BYTES;
  }

  /** Cases that a program can hold. */
  get capacity(): number {
    return Math.floor((DATA_BASE - CODE_BASE - STUB_BYTES) / this.#codeStride);
  }
  codeAddress(index: number): number {
    return CODE_BASE + STUB_BYTES + index * this.#codeStride;
  }
  recordAddress(index: number): number {
    return DATA_BASE + index * this.stride;
  }
  memoryAddress(index: number): number {
    return this.recordAddress(index) + this.recordBytes;
  }
  get #codeStride(): number {
    return (this.words + TAIL_WORDS) * 4;
  }
}

/** Cases `from` to `to` - 1 of a program. */
export type Range = { readonly from: number; readonly to: number };

/** Builds a program. `range` runs just some of the cases, at their places. */
export function buildImage(layout: Layout, cases: readonly Case[], endian: Endian, range?: Range): Image {
  assert(
    cases.length > 0 && cases.length <= layout.capacity,
    `1 to ${layout.capacity} cases, not ${cases.length}`,
  );
  const little = endian === 'little';
  const code = new Uint8Array(layout.codeAddress(cases.length) - CODE_BASE);
  const codeView = new DataView(code.buffer);
  const put = (offset: number, words: readonly number[]): void => {
    for (const [i, word] of words.entries()) codeView.setUint32(offset + 4 * i, word, little);
  };
  const start = prologue(layout.recordAddress(range?.from ?? 0), layout.vectors);
  const end = epilogue(
    start.loop - start.words.length,
    layout,
    layout.recordAddress(range?.to ?? cases.length),
  );
  const finalOffset = 4 * (start.words.length + end.length);
  const dataBytes = cases.length * layout.stride;
  const stub = [...start.words, ...end, ...writeAndExit(DATA_BASE, dataBytes)];
  assert(stub.length * 4 <= STUB_BYTES, 'the stub fits its place');
  put(0, stub);
  const data = new Uint8Array(dataBytes);
  const view = new DataView(data.buffer);
  cases.forEach((each, i) => {
    assert(each.code.length <= layout.words, `a case has ${layout.words} words at the most`);
    const at = layout.codeAddress(i) - CODE_BASE;
    put(at, each.code);
    const tailAt = at + 4 * each.code.length;
    put(tailAt, tail(layout.recordAddress(i), 4 * start.words.length - tailAt));
    writeRecord(view, layout.recordAddress(i) - DATA_BASE, layout, each.input, layout.codeAddress(i), little);
    assert(each.memory.length === MEMORY_BYTES, `a case has ${MEMORY_BYTES} bytes of memory`);
    data.set(each.memory, layout.memoryAddress(i) - DATA_BASE);
  });
  const perCase = start.words.length - start.loop + end.length + TAIL_WORDS;
  const stubInstructions = start.loop + ((range?.to ?? cases.length) - (range?.from ?? 0)) * perCase;
  return { endian, entry: CODE_BASE, code, data, finalOffset, stubInstructions };
}

/** The image for a bare machine: `attn` instead of the system calls. */
export function bareCode(image: Image): Uint8Array {
  const code = Uint8Array.from(image.code);
  new DataView(code.buffer).setUint32(image.finalOffset, 0x00000200, image.endian === 'little');
  return code;
}

/** Runs an image under qemu-ppc64 or qemu-ppc64le. @throws Error when QEMU fails or the program is killed. */
export const qemuRunner: Runner = async (image) => {
  const folder = await mkdtemp(join(tmpdir(), 'kdumpd-differential-'));
  try {
    const file = join(folder, 'program');
    await writeFile(file, buildElf(image), { mode: 0o755 });
    return await run(image.endian === 'big' ? 'qemu-ppc64' : 'qemu-ppc64le', file, image.data.length);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** What case `index` left in a data region. */
export function outcome(layout: Layout, data: Uint8Array, endian: Endian, index: number): Outcome {
  const little = endian === 'little';
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const base = layout.recordAddress(index) - DATA_BASE;
  const u64 = (offset: number): bigint => view.getBigUint64(base + offset, little);
  const u32 = (offset: number): number => Number(u64(offset) & 0xffffffffn);
  const many = (offset: number, n: number): bigint[] =>
    Array.from({ length: n }, (_, i) => u64(offset + 8 * i));
  const memoryAt = layout.memoryAddress(index) - DATA_BASE;
  return {
    state: {
      gpr: many(RECORD.gpr, 32),
      cr: u32(RECORD.cr),
      xer: u32(RECORD.xer),
      lr: u64(RECORD.lr),
      ctr: u64(RECORD.ctr),
      // The vector that mfvscr leaves has VSCR in its last word.
      ...(layout.vectors
        ? { vsr: many(RECORD.vsr, 128), fpscr: u64(RECORD.fpscr), vscr: u32(RECORD.vscr + 8) }
        : {}),
    },
    memory: data.slice(memoryAt, memoryAt + MEMORY_BYTES),
  };
}

function writeRecord(
  view: DataView,
  at: number,
  layout: Layout,
  state: State,
  code: number,
  little: boolean,
): void {
  const put = (offset: number, value: bigint): void =>
    view.setBigUint64(at + offset, BigInt.asUintN(64, value), little);
  for (const [n, value] of state.gpr.entries()) put(RECORD.gpr + 8 * n, value);
  put(RECORD.cr, BigInt(state.cr >>> 0));
  put(RECORD.xer, BigInt(state.xer >>> 0));
  put(RECORD.lr, state.lr);
  put(RECORD.ctr, state.ctr);
  put(RECORD.code, BigInt(code));
  if (!layout.vectors) return;
  put(RECORD.fpscr, state.fpscr ?? 0n);
  put(RECORD.vscr + 8, BigInt(state.vscr ?? 0));
  for (const [n, value] of (state.vsr ?? []).entries()) put(RECORD.vsr + 8 * n, value);
}

const PAGE = 4096;

/** A static ELF64 executable: one segment of code, one of data. ELFv2 in its flags, so that the entry is an address. */
function buildElf(image: Image): Uint8Array {
  const little = image.endian === 'little';
  const dataOffset = PAGE + Math.ceil(image.code.length / PAGE) * PAGE;
  const out = new Uint8Array(dataOffset + image.data.length);
  const view = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, little ? 1 : 2, 1]);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, little);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, little);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), little);
  u16(16, 2); // ET_EXEC
  u16(18, 21); // EM_PPC64
  u32(20, 1);
  u64(24, image.entry);
  u64(32, 64); // e_phoff
  u32(48, 2); // e_flags: ABI version 2
  u16(52, 64);
  u16(54, 56);
  u16(56, 2); // e_phnum
  const segment = (at: number, flags: number, offset: number, address: number, size: number): void => {
    u32(at, 1); // PT_LOAD
    u32(at + 4, flags);
    u64(at + 8, offset);
    u64(at + 16, address);
    u64(at + 24, address);
    u64(at + 32, size);
    u64(at + 40, size);
    u64(at + 48, PAGE);
  };
  segment(64, 5, PAGE, CODE_BASE, image.code.length);
  segment(120, 6, dataOffset, DATA_BASE, image.data.length);
  out.set(image.code, PAGE);
  out.set(image.data, dataOffset);
  return out;
}

function run(program: string, file: string, bytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // A guest base, because hosts refuse to map the low addresses that the absolute branches need.
    const child = spawn(program, ['-cpu', 'power9', '-B', '0x400000000', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const chunks: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const data = Buffer.concat(chunks);
      if (code === 0 && data.length === bytes) resolve(data);
      else
        reject(
          new Error(`${program}: exit ${code ?? signal}, ${data.length} of ${bytes} bytes; ${errors.trim()}`),
        );
    });
  });
}
