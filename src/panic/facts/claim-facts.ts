/**
 * Reads what firmware and loader had claimed of memory when the kernel was entered, and what the kernel's boot-time
 * allocator then allocated, from the map that the guest keeps in its tree.
 * Source: Benjamin Herrenschmidt, "Re: kexec on ppc64", linux-kernel, 15 July 2004 (the rule `claims-kept` of
 * docs/handoff.md); guest/README.md (`tree_blob`, `/chosen/kdumpd,allocations`: entries of 32 bytes: u64 start, u64
 * size, name of 16 bytes). Linux's prom_init leaves its own as the reserve map of the tree, which `tree-carries-all`
 * sees. Left out: which allocations must be in the real-mode area; the map does not say.
 */

import { getU64, latin1 } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import { findNode, parseFdt } from '../../base/fdt/index.ts';
import { hex64 } from '../../base/hex.ts';
import { OutsideMemory } from '../../emulator/memory/contract.ts';
import type { ClaimFacts, RangeFact, RunningFacts } from '../trace/index.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';
import { realOf } from './symbols/index.ts';
import { treeFacts } from './tree-facts.ts';

type Named = RangeFact & { readonly name: string };

const TREE_POINTER = 'tree_blob';
const MAP = 'kdumpd,allocations';
const ENTRY_BYTES = 32;
const NAME_AT = 16;
/** Names in the map of ranges that were claimed before the allocator began. */
const CLAIMS: readonly string[] = [
  'vectors',
  'kernel',
  'reserve-map',
  'tree',
  'initrd',
  'rtas',
  'crashkernel',
  'elfcorehdr',
];
const LOW_BYTES = 0x10000;
const TREE_LIMIT = 2 ** 20;
/** Entries of a map: the built-in guest has some dozen. */
const MOST_ENTRIES = 512;
const FDT_HEADER = 8;

/**
 * @param given the flattened tree that power-on gave the kernel
 * @returns undefined where the guest leaves no such map
 */
export async function claimFacts(
  read: ReadMemory,
  production: KernelSymbols,
  running: RunningFacts,
  given: Uint8Array | undefined,
): Promise<ClaimFacts | undefined> {
  const map = await readMap(read, production);
  if (map === undefined) return undefined;
  return {
    listed: map.map(({ start, bytes }) => ({ start, bytes })),
    claimed: claimsOf(running, given),
    allocated: map.filter(({ name }) => !CLAIMS.includes(name)),
  };
}

async function readMap(read: ReadMemory, production: KernelSymbols): Promise<readonly Named[] | undefined> {
  const pointer = production.table.find(TREE_POINTER);
  if (pointer === undefined) return undefined;
  try {
    const at = realOf(getU64(await read(realOf(pointer), 8), 0, 'big'));
    const total = Number(getU64(await read(at, FDT_HEADER), 0, 'big') & 0xffffffffn);
    if (total > TREE_LIMIT) return undefined;
    const map = findNode(parseFdt(await read(at, total)).root, '/chosen')?.properties.get(MAP);
    return map === undefined || map.length > MOST_ENTRIES * ENTRY_BYTES ? undefined : entriesOf(map);
  } catch (error) {
    // The pointer leads to no tree, or to no memory: the guest has not made its map yet.
    if (!(error instanceof FormatError) && !(error instanceof OutsideMemory)) throw error;
    return undefined;
  }
}

function entriesOf(map: Uint8Array): readonly Named[] {
  const list: Named[] = [];
  for (let at = 0; at + ENTRY_BYTES <= map.length; at += ENTRY_BYTES)
    list.push({
      start: hex64(getU64(map, at, 'big')),
      bytes: Number(getU64(map, at + 8, 'big')),
      name: latin1(map.subarray(at + NAME_AT, at + ENTRY_BYTES)).replace(/\0.*$/s, ''),
    });
  return list;
}

function claimsOf({ end, reservation }: RunningFacts, given: Uint8Array | undefined): readonly Named[] {
  const tree = given === undefined ? undefined : treeFacts(given);
  const { rtas, initrd } = tree ?? {};
  const kernelBytes = end === undefined ? LOW_BYTES : Number(BigInt(end));
  return [
    { name: 'the kernel', start: hex64(0), bytes: kernelBytes },
    ...(tree?.reserved ?? []).map((range) => ({ name: 'the reserve map', ...range })),
    ...(rtas?.base === undefined || rtas.bytes === undefined
      ? []
      : [{ name: 'RTAS', start: rtas.base, bytes: rtas.bytes }]),
    ...(initrd?.end === undefined
      ? []
      : [
          {
            name: 'the initrd',
            start: initrd.start,
            bytes: Number(BigInt(initrd.end) - BigInt(initrd.start)),
          },
        ]),
    ...(reservation === undefined ? [] : [{ name: 'the crash kernel', ...reservation }]),
  ].filter(({ bytes }) => bytes > 0);
}
