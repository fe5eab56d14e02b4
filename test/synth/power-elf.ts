/** Little-endian PowerPC ELF files as packages hold them: kernels, programs with a dynamic section, kernel modules. */

import { concatBytes, latin1Bytes } from '../../src/base/bytes.ts';
import {
  buildElf,
  buildElfHeader,
  EM_PPC64,
  ET_EXEC,
  ET_REL,
  PF_R,
  PF_X,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
  SECTION_HEADER,
  SHT_PROGBITS,
  SHT_STRTAB,
} from '../../src/base/elf/index.ts';
import { buildStruct } from '../../src/base/fields.ts';

/** A kernel: one segment at physical 0 with a Linux banner, a symbol table behind it. */
export function synthKernel(release: string): Uint8Array {
  const data = new Uint8Array(4096).fill(0x60);
  data.set(latin1Bytes(`Linux version ${release} (nobody@nowhere) #1\n\0`), 256);
  return buildElf({
    endian: 'little',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: 0xc000000000000000n,
    segments: [
      { type: PT_LOAD, flags: PF_R | PF_X, vaddr: 0xc000000000000000n, paddr: 0n, data, memsz: 8192 },
    ],
    symbols: [
      { name: 'start_here', value: 0xc000000000000000n, size: 8n, bind: 1, type: 2, other: 0, shndx: 0xfff1 },
    ],
  });
}

/** A program or library. Without `needed` and `interpreter` it is static. `mentioned` are names among its data. */
export function synthProgram(
  needed: readonly string[] = [],
  interpreter?: string,
  mentioned: readonly string[] = [],
): Uint8Array {
  const strings = latin1Bytes(`\0${[...needed, ...mentioned].map((name) => `${name}\0`).join('')}`);
  const base = 0x10000n;
  const entries: [bigint, bigint][] = [];
  let at = 1;
  for (const name of needed) {
    entries.push([1n, BigInt(at)]);
    at += name.length + 1;
  }
  entries.push([5n, base], [10n, BigInt(strings.length)], [0n, 0n]);
  const dynamic = new Uint8Array(new BigUint64Array(entries.flat()).buffer);
  return buildElf({
    endian: 'little',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: base,
    segments: [
      { type: PT_LOAD, flags: PF_R | PF_X, vaddr: base, data: strings },
      ...(needed.length === 0
        ? []
        : [{ type: PT_DYNAMIC, flags: PF_R, vaddr: 0x20000n, data: dynamic, align: 8n }]),
      ...(interpreter === undefined
        ? []
        : [
            {
              type: PT_INTERP,
              flags: PF_R,
              vaddr: 0x30000n,
              data: latin1Bytes(`${interpreter}\0`),
              align: 1n,
            },
          ]),
    ],
  });
}

/** A kernel module that has nothing but its .modinfo. */
export function synthModule(info: Readonly<Record<string, string>>): Uint8Array {
  const modinfo = latin1Bytes(
    Object.entries(info)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  );
  const names = latin1Bytes('\0.modinfo\0.shstrtab\0');
  const section = (name: number, type: number, offset: number, size: number): Uint8Array =>
    buildStruct(
      SECTION_HEADER,
      {
        sh_name: name,
        sh_type: type,
        sh_flags: 0n,
        sh_addr: 0n,
        sh_offset: BigInt(offset),
        sh_size: BigInt(size),
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 1n,
        sh_entsize: 0n,
      },
      'little',
    );
  const namesAt = 64 + modinfo.length;
  const shoff = namesAt + names.length;
  const header = buildElfHeader(
    {
      endian: 'little',
      osAbi: 0,
      abiVersion: 0,
      type: ET_REL,
      machine: EM_PPC64,
      entry: 0n,
      flags: 2,
      phoff: 0,
      shoff,
      shstrndx: 2,
    },
    0,
    3,
  );
  return concatBytes([
    header,
    modinfo,
    names,
    section(0, 0, 0, 0),
    section(1, SHT_PROGBITS, 64, modinfo.length),
    section(10, SHT_STRTAB, namesAt, names.length),
  ]);
}
