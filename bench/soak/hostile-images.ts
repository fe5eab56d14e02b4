/** Guests that mean harm, as images in a data folder: each a few instructions without end, and none ever gets ready. */

import { createImage } from '../../src/images/catalogue.ts';
import type { PartitionRequest } from '../../src/panic/contract/index.ts';
import { bareKernelFile, KERNEL_ENTRY } from '../../test/synth/bare-kernel.ts';
import { diskChains } from '../../test/synth/disk-chains.ts';
import { printing, rtasCalls, unknownCalls } from '../../test/synth/flooding-guests.ts';
import { b, dForm, lis } from '../../test/synth/power-words.ts';

const MEBI = 2 ** 20;
const MEMORY = 64;

/** Stores a word into every page of memory, again and again. */
function touching(): number[] {
  return [
    lis(10, KERNEL_ENTRY / 65536 + 1), // r10 = 64 KiB
    lis(11, (MEMORY * MEBI) / 65536),
    dForm(36, 10, 10, 0), // stw r10,0(r10)
    dForm(14, 10, 10, 4096), // addi r10,r10,4096
    ((31 << 26) | (1 << 21) | (10 << 16) | (11 << 11) | (32 << 1)) >>> 0, // cmpld r10,r11
    dForm(16, 12, 0, -12 & 0xfffc), // blt
    b(-24),
  ];
}

const PROGRAMS: Readonly<Record<string, readonly number[]>> = {
  'floods-console': printing(0, '\u001b[2Jflood \u0007\r\n'),
  'floods-agent': printing(1, 'ok a\nok a\n'),
  'calls-unknown': unknownCalls(),
  'calls-rtas': rtasCalls(),
  spins: [b(0)],
  'touches-memory': touching(),
  'reads-disk': diskChains(MEMORY * MEBI, 0, true),
  'writes-disk': diskChains(MEMORY * MEBI, 0, false),
};

export const HOSTILE_NAMES: readonly string[] = Object.keys(PROGRAMS);

/** Partitions of them; their names distinguish them from the healthy ones. */
export function hostilePartition(name: string): PartitionRequest {
  return { name: `hostile-${name}`, image: `hostile-${name}`, memory: `${MEMORY}M`, seed: 1 };
}

export async function makeHostileImages(imageRoot: string): Promise<void> {
  for (const [name, words] of Object.entries(PROGRAMS)) {
    const image = `hostile-${name}`;
    await createImage(imageRoot, image, false, async (draft) => ({
      version: 1,
      name: image,
      kind: 'files',
      files: { kernel: await draft.add('kernel', [bareKernelFile(words)]) },
      append: '',
      crashAppend: '',
      kexecOptions: '',
      agent: false,
      packages: [],
    }));
  }
}
