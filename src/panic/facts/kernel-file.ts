/** Reads a kernel's file as the memory that it becomes; address 0 is that of its first segment. */

import { statSync } from 'node:fs';
import type { ByteSource } from '../../base/bytes.ts';
import { parseElf } from '../../base/elf/index.ts';
import { FormatError } from '../../base/errors.ts';
import { OutsideMemory } from '../../emulator/memory/contract.ts';
import { SymbolTable, symbolsOfElf } from '../../vmcore/analyse/index.ts';
import { openFileSource } from '../../vmcore/reader/index.ts';
import type { ReadMemory } from './symbols/index.ts';

const PT_LOAD = 1;
/** Reads come in whole pieces of this size: zeros follow the kernel up to the next multiple. */
const PIECE = 2 ** 20;

export type KernelFile = {
  readonly read: ReadMemory;
  /** Bytes in memory. */
  readonly size: number;
  /** The linked address of a symbol, counted from the kernel's first byte; undefined where the file does not name it. */
  readonly find: (name: string) => number | undefined;
};

/**
 * Opens a kernel for as long as `use` takes.
 * @returns undefined where it cannot be read; the partition reports the error when it starts
 */
export async function withKernelFile<T>(
  path: string,
  use: (file: KernelFile) => Promise<T>,
): Promise<T | undefined> {
  try {
    const source = openFileSource(path);
    try {
      const loads = parseElf(source).programs.filter(({ type }) => type === PT_LOAD);
      const [base = 0n] = loads.map(({ paddr }) => paddr).sort((a, b) => (a < b ? -1 : 1));
      const [linked = 0n] = loads.map(({ vaddr }) => vaddr).sort((a, b) => (a < b ? -1 : 1));
      const size = Math.max(0, ...loads.map(({ paddr, memsz }) => Number(paddr - base) + memsz));
      const limit = Math.ceil(size / PIECE) * PIECE;
      const read: ReadMemory = async (raddr, length) => {
        if (raddr + length > limit) throw new OutsideMemory(raddr, length);
        const bytes = new Uint8Array(length);
        for (const { paddr, offset, filesz } of loads) {
          const start = Number(paddr - base);
          const from = Math.max(start, raddr);
          const to = Math.min(start + filesz, raddr + length);
          if (from < to) bytes.set(source.read(offset + from - start, to - from), from - raddr);
        }
        return bytes;
      };
      let table: SymbolTable | undefined;
      const find = (name: string): number | undefined => {
        table ??= symbolsOf(source);
        const address = table.find(name);
        return address === undefined ? undefined : Number(address - linked);
      };
      return await use({ read, size, find });
    } finally {
      source.close();
    }
  } catch (error) {
    if (!(error instanceof FormatError) && !isFileError(error)) throw error;
    return undefined;
  }
}

/** None where the file is stripped. */
function symbolsOf(source: ByteSource): SymbolTable {
  try {
    return symbolsOfElf(source);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== 'analyse/no-symbols') throw error;
    return new SymbolTable([]);
  }
}

/** A key that differs between versions of a file. */
export function stampOf(path: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(path);
    return `${path} ${ino} ${mtimeMs} ${size}`;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return path;
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
