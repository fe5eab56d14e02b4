/**
 * Reads facts from memory once the new kernel was entered. A crash kernel leaves them as purgatory did: it writes neither the
 * tree, nor its image's head, nor the backup region. An ordinary kexec's kernel may overwrite them; memory kept at T2 is read then.
 * Source: Devicetree Specification 0.4 §5.2 (version at 20, boot_cpuid_phys at 28, big-endian).
 */

import { getU32 } from '../../base/bytes.ts';
import { hex64 } from '../../base/hex.ts';
import type { AtEntryFacts, EntryFacts, FetchEvent } from '../trace/index.ts';
import type { KexecImage } from './kexec-image.ts';
import { compareDigest } from './purgatory-facts.ts';
import type { ReadMemory } from './symbols/index.ts';
import { ifThere } from './symbols/index.ts';

const FDT_MAGIC = 0xd00dfeed;
const TREE_HEADER = 40;
const STUB_BYTES = 0x100;

/** @param entry the event of T2. @returns the facts that could be read */
export async function readEntryFacts(
  image: KexecImage,
  entry: FetchEvent,
  read: ReadMemory,
): Promise<EntryFacts> {
  const attempt = (raddr: number, length: number): Promise<Uint8Array | undefined> =>
    ifThere(read(raddr, length));
  const { runAtLoad } = image.facts;
  const word = runAtLoad === undefined ? undefined : await attempt(Number(BigInt(runAtLoad.at)), 4);
  const treeAt = Number(BigInt(entry.regs.r3));
  const header = Number.isSafeInteger(treeAt) ? await attempt(treeAt, TREE_HEADER) : undefined;
  const isTree = header !== undefined && getU32(header, 0, 'big') === FDT_MAGIC;
  const backup = image.backup === undefined ? undefined : await attempt(image.backup, STUB_BYTES);
  return {
    ...(word === undefined ? {} : { runAtLoad: Buffer.from(word).toString('hex') }),
    ...(isTree
      ? {
          tree: { at: hex64(treeAt), version: getU32(header, 20, 'big'), bootCpu: getU32(header, 28, 'big') },
        }
      : {}),
    ...(backup === undefined ? {} : { backup: Buffer.from(backup).toString('hex') }),
  };
}

/** @param read memory of T1. @returns the facts that could be read */
export async function readAtEntryFacts(image: KexecImage, read: ReadMemory): Promise<AtEntryFacts> {
  const low = await ifThere(read(0, STUB_BYTES));
  const regions = (image.facts.purgatory?.regions ?? []).map(({ start, bytes }) => ({
    start: Number(BigInt(start)),
    length: bytes,
  }));
  const purgatory = image.segments.find(({ role }) => role === 'purgatory');
  const digest =
    purgatory === undefined || regions.length === 0
      ? undefined
      : await ifThere(compareDigest(purgatory, regions, read));
  return {
    ...(low === undefined ? {} : { low: Buffer.from(low).toString('hex') }),
    ...(digest === undefined ? {} : { digest }),
  };
}
