/**
 * Takes a kernel out of what it may be wrapped in: gzip, xz or zstd, and Linux' boot wrapper for PowerPC (zImage), an ELF file of
 * 32 or 64 bits that holds the kernel, compressed or not, in a section.
 * Source: Linux 6.1 arch/powerpc/boot/wrapper (ksection, addsec, the formats of elf32ppc and elf64lppc); System V ABI, Generic ABI 4.1,
 * figures 4-3 and 4-8, for both classes.
 * Left out: payloads compressed by lzma or lzo, wrappers of other machines (cuImage, uImage, dtbImage).
 */

import { type Endian, getU16, getU32, getU64, latin1, MAX_OFFSET } from '../base/bytes.ts';
import { compressionOf, decompressAll } from './decompress.ts';
import { imageError } from './errors.ts';

/** A kernel with DWARF has 500 MB. */
const MAX_KERNEL_BYTES = 2 ** 30;
/** A compressed zImage holds a compressed kernel. */
const MAX_LAYERS = 3;
const SECTION = '.kernel:vmlinux.strip';
/** zImage has some 20 sections; a kernel with a section for each function has more, and is no wrapper. */
const MAX_SECTIONS = 4096;

/**
 * The ELF kernel in `bytes`, or `bytes` where it is wrapped in nothing known.
 * @throws FormatError `image/bad-compression`, `image/too-large`, `image/bad-kernel`
 */
export async function unwrapKernel(bytes: Uint8Array, what: string): Promise<Uint8Array> {
  let kernel = bytes;
  for (let layer = 0; layer <= MAX_LAYERS; layer++) {
    const payload = payloadOf(kernel, what);
    if (payload !== undefined) kernel = payload;
    else if (compressionOf(kernel) === 'none') return kernel;
    else kernel = await decompressAll(kernel, what, MAX_KERNEL_BYTES);
  }
  throw imageError('image/bad-kernel', `${what} is wrapped more than ${MAX_LAYERS} times`, { what });
}

/** Where each class of ELF has what is read here; offsets and sizes are of the width of the class. */
const CLASSES = {
  1: { shoff: 32, shentsize: 46, shnum: 48, shstrndx: 50, entry: 40, offset: 16, size: 20, isWide: false },
  2: { shoff: 40, shentsize: 58, shnum: 60, shstrndx: 62, entry: 64, offset: 24, size: 32, isWide: true },
} as const;

/** What a zImage wraps; undefined for anything that is not one. @throws FormatError `image/bad-kernel` */
function payloadOf(bytes: Uint8Array, what: string): Uint8Array | undefined {
  const layout = bytes[4] === 1 ? CLASSES[1] : bytes[4] === 2 ? CLASSES[2] : undefined;
  if (layout === undefined || bytes.length < layout.entry + 24 || latin1(bytes.subarray(1, 4)) !== 'ELF')
    return undefined;
  const endian: Endian = bytes[5] === 1 ? 'little' : 'big';
  const wide = (at: number): number => {
    if (!layout.isWide) return getU32(bytes, at, endian);
    const value = getU64(bytes, at, endian);
    return value > MAX_OFFSET ? Number.POSITIVE_INFINITY : Number(value);
  };
  const table = wide(layout.shoff);
  const count = getU16(bytes, layout.shnum, endian);
  const stride = getU16(bytes, layout.shentsize, endian);
  if (count > MAX_SECTIONS || stride < layout.entry || table + count * stride > bytes.length)
    return undefined;
  const dataOf = (index: number): Uint8Array | undefined => {
    if (index >= count) return undefined;
    const at = table + index * stride;
    const start = wide(at + layout.offset);
    const size = wide(at + layout.size);
    return start + size <= bytes.length ? bytes.subarray(start, start + size) : undefined;
  };
  const names = dataOf(getU16(bytes, layout.shstrndx, endian));
  if (names === undefined) return undefined;
  for (let index = 0; index < count; index++) {
    const name = getU32(bytes, table + index * stride, endian);
    if (latin1(names.subarray(name, name + SECTION.length + 1)) !== `${SECTION}\0`) continue;
    const data = dataOf(index);
    const isElf = data !== undefined && latin1(data.subarray(1, 4)) === 'ELF';
    if (data === undefined || (!isElf && compressionOf(data) === 'none'))
      throw imageError('image/bad-kernel', `${what}: what the boot wrapper holds is not a kernel`, {
        what,
        expected: 'ELF, plain or compressed by gzip, xz or zstd',
      });
    return data;
  }
  return undefined;
}
