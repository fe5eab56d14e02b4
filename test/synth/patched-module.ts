/**
 * A kernel module whose init function holds code of the caller's. It is made of one of the kernel's own modules, so that it fits
 * the kernel (vermagic, symbol versions, layout of struct module): only the name and the first instructions of its init
 * function are replaced, and the signature, which no longer holds, is taken off. A kernel that does not insist on signatures
 * loads it.
 * Source: Linux 6.1 include/linux/module_signature.h; arch/powerpc/kernel/module_64.c (R_PPC64_TOCSAVE does nothing);
 * ELFv2 ABI.
 */

import { arraySource, getU32, latin1, latin1Bytes, putU32 } from '../../src/base/bytes.ts';
import { findSymbols, parseElf } from '../../src/base/elf/index.ts';

const SIGNATURE_MAGIC = '~Module signature appended~\n';
const SIGNATURE_HEADER = 12;
const RELOCATION = 24;
const R_PPC64_TOCSAVE = 109;
/** After the two instructions that set r2, `mflr` and the call of _mcount, which ftrace checks when the module loads. */
const BODY = 0x10;

/** A module whose init function jumps into a function of the kernel's that does not return. @param target its address */
export function spinningModule(
  stock: Uint8Array,
  stockName: string,
  name: string,
  target: bigint,
): Uint8Array {
  return patchedModule(stock, stockName, name, jumpTo(target));
}

/**
 * A module whose init function executes `words`, which must not return.
 * @param stock a little-endian module; `name` is as long as its own
 */
export function patchedModule(
  stock: Uint8Array,
  stockName: string,
  name: string,
  words: readonly number[],
): Uint8Array {
  const module = withoutSignature(stock);
  const elf = parseElf(arraySource(module));
  const section = (wanted: string) => {
    const found = elf.sections.find((each) => each.name === wanted);
    if (found === undefined) throw new Error(`the module has no section ${wanted}`);
    return found;
  };
  rename(module, stockName, name);
  const init = findSymbols(elf, ['init_module']).get('init_module');
  if (init === undefined) throw new Error('the module has no init_module');
  const start = Number(init.value) + BODY;
  const code = section('.init.text');
  if (code.size < start + words.length * 4) throw new Error('the module has a short init function');
  for (const [i, word] of words.entries()) putU32(module, code.offset + start + i * 4, word, 'little');
  // Relocations of the code that was there do nothing.
  const relocations = section('.rela.init.text');
  for (let at = relocations.offset; at < relocations.offset + relocations.size; at += RELOCATION)
    if (getU32(module, at, 'little') >= start) putU32(module, at + 8, R_PPC64_TOCSAVE, 'little');
  return module;
}

function jumpTo(target: bigint): number[] {
  const part = (n: bigint): number => Number((target >> (n * 16n)) & 0xffffn);
  return [
    0x3d800000 + part(3n), // lis   r12,…
    0x618c0000 + part(2n), // ori   r12,r12,…
    0x798c07c6, //            sldi  r12,r12,32
    0x658c0000 + part(1n), // oris  r12,r12,…
    0x618c0000 + part(0n), // ori   r12,r12,…
    0x7d8903a6, //            mtctr r12
    0x4e800420, //            bctr
  ];
}

/** A file of a "newc" cpio archive. */
export function cpioFile(archive: Uint8Array, path: string): Uint8Array {
  const field = (at: number, n: number): number =>
    Number.parseInt(latin1(archive.subarray(at + 6 + n * 8, at + 14 + n * 8)), 16);
  for (let at = 0; at + 110 <= archive.length; ) {
    const nameBytes = field(at, 11);
    const name = latin1(archive.subarray(at + 110, at + 110 + nameBytes - 1));
    if (name === 'TRAILER!!!') break;
    const data = at + Math.ceil((110 + nameBytes) / 4) * 4;
    const size = field(at, 6);
    if (name === path) return archive.subarray(data, data + size);
    at = data + Math.ceil(size / 4) * 4;
  }
  throw new Error(`the archive has no ${path}`);
}

function withoutSignature(module: Uint8Array): Uint8Array {
  const end = module.length - SIGNATURE_MAGIC.length;
  if (latin1(module.subarray(end)) !== SIGNATURE_MAGIC) return new Uint8Array(module);
  // A copy, also of a Buffer, whose slice is none.
  return new Uint8Array(module.subarray(0, end - SIGNATURE_HEADER - getU32(module, end - 4, 'big')));
}

/** In struct module and in .modinfo; every other mention is code's or data's. */
function rename(module: Uint8Array, from: string, to: string): void {
  if (from.length !== to.length) throw new Error('names of the same length, please');
  const text = latin1(module);
  const elf = parseElf(arraySource(module));
  for (const wanted of ['.gnu.linkonce.this_module', '.modinfo']) {
    const section = elf.sections.find((each) => each.name === wanted);
    if (section === undefined) throw new Error(`the module has no section ${wanted}`);
    const mention = wanted === '.modinfo' ? `\0name=${from}\0` : `\0${from}\0`;
    const at = text.indexOf(mention, section.offset);
    if (at < 0 || at >= section.offset + section.size) throw new Error(`${wanted} does not name ${from}`);
    module.set(latin1Bytes(to), at + mention.length - 1 - from.length);
  }
}
