/**
 * Imports a user's own kernel: a kernel (kernel-payload.ts), and optionally an initramfs, symbols and a kernel with debugging data.
 * Nothing is added to it. Its second vty does not speak the agent protocol and it loads its own crash kernel, unless the
 * import says that the guest has an agent that loads by plan.
 */

import { readFile, stat } from 'node:fs/promises';
import { arraySource, latin1 } from '../base/bytes.ts';
import { defined } from '../base/defined.ts';
import { EM_PPC64, parseElf } from '../base/elf/index.ts';
import { causeText } from '../base/failure-text.ts';
import { Refusal } from '../panic/contract/index.ts';
import { createImage, type ImageDraft, type Replace } from './catalogue.ts';
import { compressionOf } from './decompress.ts';
import { imageError } from './errors.ts';
import type { ImageFile, ImageRecord, ImageRole } from './image-record.ts';
import { inspectKernel, loadableKernel } from './kernel-image.ts';
import { unwrapKernel } from './kernel-payload.ts';
import { noProgress, type ReportProgress } from './progress.ts';

/** Paths are local files. */
export type OwnImport = {
  readonly imageRoot: string;
  readonly name: string;
  readonly kernel: string;
  readonly initrd?: string;
  /** Default `console=hvc0`. */
  readonly append?: string;
  /** A System.map, or an ELF file with a symbol table. */
  readonly symbols?: string;
  /** The kernel with debugging data. */
  readonly debuginfo?: string;
  /** The guest has an agent that loads by plan (docs/images.md); then also the crash kernel's command line. */
  readonly loader?: 'own';
  readonly crashAppend?: string;
  readonly replace?: Replace;
  readonly progress?: ReportProgress;
  /** Bytes that are free on the disk of the images; default what its file system says. */
  readonly free?: () => number;
};

export const DEFAULT_OWN_APPEND = 'console=hvc0';

/** Magic numbers of what Linux unpacks besides gzip, xz and zstd. Source: Linux 6.1 lib/decompress.c. */
const OTHER_INITRD = [
  [0x42, 0x5a], // bzip2
  [0x5d, 0x00], // lzma
  [0x89, 0x4c], // lzo
  [0x02, 0x21], // lz4
] as const;

/** @throws FormatError `image/bad-kernel`, `image/bad-initrd`, `image/bad-symbols`, `elf/…`; Refusal, `no-room` before anything is read */
export async function importOwn(options: OwnImport): Promise<ImageRecord> {
  const { imageRoot, name } = options;
  const progress = options.progress ?? noProgress;
  const build = async (draft: ImageDraft): Promise<ImageRecord> => {
    progress({ step: 'build', done: 0, total: 1 });
    draft.requireRoom(await bytesOf(options));
    const original = await unwrapKernel(await readInput(options.kernel, 'kernel'), options.kernel);
    const info = inspectKernel(original, options.kernel);
    const contents: [ImageRole, Uint8Array][] = [['vmlinux', original]];
    if (options.initrd !== undefined) {
      const initrd = await readInput(options.initrd, 'initramfs');
      checkInitrd(initrd, options.initrd);
      contents.push(['initrd', initrd]);
    }
    if (options.symbols !== undefined) {
      const symbols = await readInput(options.symbols, 'symbol file');
      checkSymbols(symbols, options.symbols);
      contents.push(['symbols', symbols]);
    }
    if (options.debuginfo !== undefined) {
      const debuginfo = await readInput(options.debuginfo, 'file with debugging data');
      requirePowerElf(debuginfo, options.debuginfo);
      contents.push(['debuginfo', debuginfo]);
    }
    progress({ step: 'build', done: 1, total: 1 });
    const total = contents.length + 1;
    progress({ step: 'store', done: 0, total, detail: 'kernel' });
    const kernel = await draft.add('kernel', [loadableKernel(original, info)]);
    const others: [ImageRole, ImageFile][] = [];
    for (const [role, data] of contents) {
      progress({ step: 'store', done: others.length + 1, total, detail: role });
      others.push([role, await draft.add(role === 'debuginfo' ? 'vmlinux.debug' : role, [data])]);
    }
    progress({ step: 'store', done: total, total });
    return {
      version: 1,
      name,
      kind: 'files',
      ...defined({ kernelRelease: info.release }),
      files: { kernel, ...Object.fromEntries(others) },
      append: options.append ?? DEFAULT_OWN_APPEND,
      crashAppend: options.crashAppend ?? '',
      kexecOptions: '',
      agent: options.loader === 'own',
      ...defined({ loader: options.loader }),
      packages: [],
    };
  };
  return await createImage(imageRoot, name, options.replace ?? false, build, options.free);
}

/** What the image takes at the most: the kernel is stored as it is, and as it is booted. */
async function bytesOf({ kernel, initrd, symbols, debuginfo }: OwnImport): Promise<number> {
  return await bytesOfInputs([kernel, kernel, initrd, symbols, debuginfo]);
}

/** Bytes of the files together. @throws Refusal `invalid` for one that is not there */
export async function bytesOfInputs(paths: readonly (string | undefined)[]): Promise<number> {
  let sum = 0;
  for (const path of paths)
    if (path !== undefined) sum += await ofInput(`file ${path}`, async () => (await stat(path)).size);
  return sum;
}

/** @throws Refusal `invalid` */
export function readInput(path: string, what: string): Promise<Uint8Array> {
  return ofInput(what, () => readFile(path));
}

async function ofInput<T>(what: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new Refusal('invalid', `the ${what} cannot be read: ${causeText(error)}`);
  }
}

function checkInitrd(bytes: Uint8Array, what: string): void {
  const isCpio = /^07070[12]/.test(latin1(bytes.subarray(0, 6)));
  const isOther = OTHER_INITRD.some((magic) => magic.every((byte, i) => bytes[i] === byte));
  if (isCpio || isOther || compressionOf(bytes) !== 'none') return;
  throw imageError('image/bad-initrd', `${what} is no initramfs`, {
    what,
    expected: 'a newc cpio archive, plain or compressed',
  });
}

function checkSymbols(bytes: Uint8Array, what: string): void {
  if (latin1(bytes.subarray(1, 4)) === 'ELF') {
    requirePowerElf(bytes, what);
    return;
  }
  const first = latin1(bytes.subarray(0, 256)).split('\n')[0] ?? '';
  if (!/^[0-9a-f]{8,16} \S \S+$/.test(first)) {
    throw imageError('image/bad-symbols', `${what} is neither ELF nor a System.map`, {
      what,
      expected: 'address, type and name in each line',
      actual: JSON.stringify(first.slice(0, 80)),
    });
  }
}

/** @throws FormatError `image/wrong-architecture`, `elf/…` */
export function requirePowerElf(bytes: Uint8Array, what: string): void {
  const { machine } = parseElf(arraySource(bytes)).header;
  if (machine === EM_PPC64) return;
  throw imageError('image/wrong-architecture', `${what} is not for 64-bit PowerPC`, {
    what,
    expected: `machine ${EM_PPC64}`,
    actual: `${machine}`,
  });
}
