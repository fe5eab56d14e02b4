/**
 * What a trace says beside its events: the image that was loaded for the crash, and what was found in memory when the
 * new kernel was entered. Plain JSON, so that rules can be judged again from a stored trace (docs/trace.md).
 */

import type { SymbolSource } from '../symbols/index.ts';

/** What a segment of a kexec image is for. `data`: none of the others, or not recognised. */
export type SegmentRole = 'purgatory' | 'kernel' | 'tree' | 'elfcorehdr' | 'backup' | 'initrd' | 'data';

/** `mem`: real address, 16 hex digits. `bytes`: size in memory. */
export type SegmentFact = { readonly role: SegmentRole; readonly mem: string; readonly bytes: number };

/** The 32-bit word at image offset 0x5c, as 8 hex digits in the order of its bytes in memory. */
export type RunAtLoadFact = {
  readonly at: string;
  /** Before the crash. `72756e30` or `306e7572` is the marker `run0`. */
  readonly loaded: string;
  /** Byte order of the image, which the marker tells; absent: there was no marker. */
  readonly byteOrder?: 'big' | 'little';
};

/** The image that kexec_load was given. Addresses are real addresses. */
export type LoadFacts = {
  /** KEXEC_ON_CRASH. */
  readonly crash: boolean;
  readonly entry: string;
  readonly segments: readonly SegmentFact[];
  readonly runAtLoad?: RunAtLoadFact;
  /** Where each CPU's registers go, by logical index. */
  readonly notes: readonly string[];
  /** The 0x100 bytes at the entry, hex. */
  readonly stub: string;
};

/** Read when the new kernel had been entered. */
export type EntryFacts = {
  /** The word at image offset 0x5c, as {@link RunAtLoadFact.loaded}. */
  readonly runAtLoad?: string;
  /** The header of the tree that r3 pointed to; absent: r3 pointed to none. */
  readonly tree?: { readonly at: string; readonly version: number; readonly bootCpu: number };
  /** The first 0x100 bytes of the backup region, hex: address 0 as purgatory found it. */
  readonly backup?: string;
};

/** `image` of a trace. */
export type ImageFacts = {
  readonly name: string;
  readonly kernelRelease?: string;
  readonly symbols: { readonly production: SymbolSource; readonly crash?: SymbolSource };
  /** Functions of the production kernel whose execution was looked out for. */
  readonly probes: readonly string[];
  /** Absent: no image was loaded. */
  readonly load?: LoadFacts;
  readonly entered?: EntryFacts;
};
