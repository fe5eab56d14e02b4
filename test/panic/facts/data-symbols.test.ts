/** Data of the kernel that only its file names: read in another thread, and kept for that version of the file. */

import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_X, PT_LOAD } from '../../../src/base/elf/index.ts';
import { dataSymbols } from '../../../src/panic/facts/index.ts';
import type { KernelSymbols } from '../../../src/panic/facts/symbols/index.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';

const LINEAR = 0xc000000000000000n;
const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PRODUCTION: KernelSymbols = {
  source: 'kallsyms',
  base: 0,
  table: new SymbolTable([{ name: 'panic', address: LINEAR + 0x100n }]),
};

/** A kernel's file whose data lies at `modules`. All have the same size. */
function kernelFile(modules: bigint): Uint8Array {
  const symbol = (name: string, value: bigint) => ({
    name,
    value: LINEAR + value,
    size: 8n,
    bind: 1,
    type: 2,
    other: 0,
    shndx: 0xfff1,
  });
  const data = new Uint8Array(4096);
  return buildElf({
    endian: 'little',
    type: ET_EXEC,
    machine: EM_PPC64,
    segments: [{ type: PT_LOAD, flags: PF_R | PF_X, vaddr: LINEAR, paddr: 0n, data }],
    symbols: [symbol('panic', 0x100n), symbol('modules', modules)],
  });
}

/** Replaces the file as an import does, within the same moment. */
function put(path: string, modules: bigint): void {
  writeFileSync(`${path}.new`, kernelFile(modules));
  utimesSync(`${path}.new`, 1000, 1000);
  renameSync(`${path}.new`, path);
}

describe('dataSymbols', () => {
  it('what kallsyms does not name → the file’s, and of a file of the same name with other content, its own', async () => {
    const path = join(folder, 'vmlinux');
    put(path, 0x800n);
    const find = await dataSymbols(PRODUCTION, path);
    expect([find('modules'), find('swapper_pg_dir')]).toEqual([LINEAR + 0x800n, undefined]);
    // Two that ask at once are one reading; the second file has the first one's name, size and time.
    put(path, 0x900n);
    const both = await Promise.all([dataSymbols(PRODUCTION, path), dataSymbols(PRODUCTION, path)]);
    expect(both.map((each) => each('modules'))).toEqual([LINEAR + 0x900n, LINEAR + 0x900n]);
  });

  it('a file of another kernel, and none → nothing', async () => {
    const path = join(folder, 'other');
    put(path, 0x800n);
    const table = new SymbolTable([{ name: 'panic', address: LINEAR + 0x200n }]);
    expect((await dataSymbols({ ...PRODUCTION, table }, path))('modules')).toBeUndefined();
    expect((await dataSymbols(PRODUCTION, join(folder, 'none')))('modules')).toBeUndefined();
    expect((await dataSymbols(PRODUCTION, undefined))('modules')).toBeUndefined();
  });
});
