/**
 * Reads the options that a kernel was built with, where it has them (CONFIG_IKCONFIG), and says which of those that a guest needs are
 * not there: otherwise the guest would say so late, or nothing at all.
 * Source: Linux 6.1 kernel/configs.c (a gzip stream between IKCFG_ST and IKCFG_ED); init/Kconfig and arch/powerpc/Kconfig for the options.
 */

import { latin1, latin1Bytes } from '../base/bytes.ts';
import { decompress } from './decompress.ts';
import { imageError } from './errors.ts';

const START = latin1Bytes('IKCFG_ST');
const END = latin1Bytes('IKCFG_ED');
/** Of a distribution, 300 KB. */
const MAX_CONFIG_BYTES = 8 * 2 ** 20;

/** Options that must be built in: the guest's scripts, its consoles and a crash kernel need them. */
const BUILT_IN = [
  'PPC_PSERIES',
  'BLK_DEV_INITRD',
  'DEVTMPFS',
  'BINFMT_SCRIPT',
  'HVC_CONSOLE',
  'KEXEC',
  'CRASH_DUMP',
  'PROC_VMCORE',
];
/** Options that may be modules, where modules are given. */
const MODULES = ['VIRTIO_PCI', 'VIRTIO_BLK'];

/** The options of a kernel by name, without `CONFIG_`; undefined where it does not have them. */
export async function kernelOptions(kernel: Uint8Array): Promise<ReadonlyMap<string, string> | undefined> {
  const all = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length);
  const at = all.indexOf(START);
  const end = at < 0 ? -1 : all.indexOf(END, at);
  if (end < 0 || end - at > MAX_CONFIG_BYTES) return undefined;
  let text = '';
  try {
    const stream = kernel.subarray(at + START.length, end);
    for await (const piece of decompress(stream, 'the kernel’s options', MAX_CONFIG_BYTES))
      text += latin1(piece);
  } catch {
    return undefined; // some other data that begins alike
  }
  const options = [...text.matchAll(/^CONFIG_(\w+)=(.*)$/gm)];
  return options.length === 0
    ? undefined
    : new Map(options.map(([, name = '', value = '']) => [name, value]));
}

/** @throws FormatError `image/bad-kernel` that names what is missing */
export async function requireOptions(kernel: Uint8Array, what: string, hasModules: boolean): Promise<void> {
  const options = await kernelOptions(kernel);
  if (options === undefined) return;
  const missing = [
    ...BUILT_IN.filter((name) => options.get(name) !== 'y'),
    ...MODULES.filter((name) => options.get(name) !== 'y' && !(hasModules && options.get(name) === 'm')),
  ];
  if (missing.length === 0) return;
  const modules = missing.filter((name) => options.get(name) === 'm');
  const advice =
    modules.length === 0 || hasModules ? '' : `; ${modules.join(', ')} are modules: give their folder`;
  throw imageError(
    'image/bad-kernel',
    `${what} was built without what a guest needs: ${missing.map((name) => `CONFIG_${name}`).join(', ')}${advice}`,
    { what },
  );
}
