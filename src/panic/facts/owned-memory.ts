/**
 * Reads which memory the running kernel uses: what it lists as "System RAM" in its tree of resources, as /proc/iomem shows it.
 * Memory above `mem=`, or that was unplugged, is not in it.
 *
 * Source: Linux 6.1 to 7.2 include/linux/ioport.h (struct resource), kernel/resource.c (iomem_resource);
 * arch/powerpc/mm/mem.c, add_system_ram_resources (ranges of memblock once it is limited). Left out: kernels whose
 * resource_size_t is not 64 bits.
 */

import { type Endian, getU64, latin1 } from '../../base/bytes.ts';
import { hex64 } from '../../base/hex.ts';
import type { RangeFact } from '../trace/index.ts';
import type { ReadMemory } from './symbols/index.ts';
import { ifThere, realOf } from './symbols/index.ts';

const RESOURCE = { start: 0, end: 8, name: 16, flags: 24, sibling: 48, child: 56, bytes: 64 } as const;
const NAME = 'System RAM\0';
/** IORESOURCE_MEM: all that the root has. */
const MEMORY = 0x200n;
const LINEAR = 0xcn;
const MOST_RESOURCES = 65536;

/**
 * @param root real address of iomem_resource
 * @returns in order of address; undefined where the tree makes no sense, or names no memory
 */
export async function ownedMemory(root: number, read: ReadMemory): Promise<readonly RangeFact[] | undefined> {
  const bytes = await ifThere(read(root, RESOURCE.bytes));
  if (bytes === undefined) return undefined;
  const endian = (['little', 'big'] as const).find((each) => getU64(bytes, RESOURCE.flags, each) === MEMORY);
  return endian === undefined
    ? undefined
    : await systemRam(getU64(bytes, RESOURCE.child, endian), endian, read);
}

async function systemRam(
  first: bigint,
  endian: Endian,
  read: ReadMemory,
): Promise<readonly RangeFact[] | undefined> {
  const found: RangeFact[] = [];
  let steps = 0;
  for (let at = first; at !== 0n; ) {
    if (at >> 60n !== LINEAR || ++steps > MOST_RESOURCES) return undefined;
    const bytes = await ifThere(read(realOf(at), RESOURCE.bytes));
    if (bytes === undefined) return undefined;
    const word = (offset: number): bigint => getU64(bytes, offset, endian);
    const name = word(RESOURCE.name);
    const text = name >> 60n === LINEAR ? await ifThere(read(realOf(name), NAME.length)) : undefined;
    if (text !== undefined && latin1(text) === NAME) {
      const [start, end] = [word(RESOURCE.start), word(RESOURCE.end)];
      if (end < start || end > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
      found.push({ start: hex64(start), bytes: Number(end - start + 1n) });
    }
    at = word(RESOURCE.sibling);
  }
  return found.length === 0 ? undefined : found;
}
