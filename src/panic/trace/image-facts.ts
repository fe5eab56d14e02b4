/**
 * Defines the facts that a trace holds beside its events: the image that was loaded for the crash, and what was read from
 * memory when the new kernel was entered. Plain JSON, so that rules can be judged again from a stored trace (docs/trace.md).
 */

import type { HandoffPath } from './handoff-path.ts';
import type { FunctionName } from './mark.ts';
import type { SegmentRole } from './segment-role.ts';

/** Where a kernel’s symbols came from. */
export type SymbolSource = 'kallsyms' | 'vmlinux' | 'none';

/** `mem`: real address, 16 hex digits. `bytes`: size in memory. */
export type SegmentFact = { readonly role: SegmentRole; readonly mem: string; readonly bytes: number };

/** The 32-bit word at image offset 0x5c, as 8 hex digits in the order of its bytes in memory. */
export type RunAtLoadFact = {
  readonly at: string;
  /** Before the crash. `72756e30` or `306e7572` is the marker `run0`. */
  readonly loaded: string;
  /** Byte order of the image, by the order of the marker; absent: there was no marker. */
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
  /** The first 0x100 bytes of the kernel's segment, hex. */
  readonly head?: string;
  /** `kdump-flag`: the kernel's symbols name `__kdump_flag`, the abandoned word at 0x18. */
  readonly abi?: 'kdump-flag';
  readonly tree?: TreeFacts;
  readonly core?: CoreFacts;
  readonly purgatory?: PurgatoryFacts;
};

/** A range of real addresses: 16 hex digits, and a size in bytes. */
export type RangeFact = { readonly start: string; readonly bytes: number };

/** What the tree for the next kernel says. */
export type TreeFacts = {
  readonly bytes: number;
  readonly version: number;
  /** `reg` of the memory nodes. */
  readonly memory: readonly RangeFact[];
  /** `linux,usable-memory` of the memory nodes; absent: none has it. */
  readonly usable?: readonly RangeFact[];
  /** The reservation map. */
  readonly reserved: readonly RangeFact[];
  /** Hardware ids that the CPU nodes name. */
  readonly cpus: readonly number[];
  /** Of the node /rtas; a part that is absent is not said. */
  readonly rtas?: { readonly base?: string; readonly entry?: string; readonly bytes?: number };
  readonly bootargs: string;
  readonly initrd?: { readonly start: string; readonly end?: string };
  /** TCE tables in memory (`linux,tce-base`, `linux,tce-size`): none under a hypervisor. */
  readonly tce: readonly RangeFact[];
  /** Properties that the old kernel made for itself or for its loader, handed on with the rest. */
  readonly leftovers: readonly string[];
};

/** What elfcorehdr says of memory: `offset` is where the range is read from. */
export type CoreFacts = { readonly ranges: readonly (RangeFact & { readonly offset: string })[] };

/** What purgatory was found to hold before the handoff. */
export type PurgatoryFacts = {
  /** Byte order of its data, where what was found shows it. */
  readonly byteOrder?: 'big' | 'little';
  /** Roles of segments whose address it holds as a doubleword. */
  readonly knows: readonly SegmentRole[];
  /** What its digest covers; empty: it has none. */
  readonly regions: readonly RangeFact[];
  /** Whether it holds the SHA-256 of those regions as they lay in memory before the handoff. */
  readonly digest?: 'equal' | 'different';
};

/** The production kernel and its machine. */
export type RunningFacts = {
  readonly memory: readonly RangeFact[];
  /** What can be reached in real mode: the first so many bytes. */
  readonly rma?: number;
  /** Real address of the end of the kernel's static memory; absent: its symbols do not say. */
  readonly end?: string;
  /** Memory set aside for crash images; absent: not known, or none. */
  readonly reservation?: RangeFact;
  /** What the kernel uses as memory ("System RAM" of its resources); absent: its symbols do not lead there. */
  readonly owned?: readonly RangeFact[];
  /** The kernel's init section, which it frees once it has booted; absent: its symbols do not say. */
  readonly init?: RangeFact;
  /** Limit of memory on the kernel's command line (`mem=`). */
  readonly memoryLimit?: number;
};

/** A kexec_load of this power cycle, in order. */
export type LoadCall = {
  readonly insn: number;
  readonly cpu: number;
  readonly crash: boolean;
  readonly entry: string;
  /** Empty: the image is dropped. */
  readonly segments: readonly { readonly mem: string; readonly bytes: number }[];
  /** `ok`, or the errno's name; absent: it was not seen to return. */
  readonly result?: string;
  /** Loaded by kexec_file_load: the kernel chose entry and segments, and they were read from its memory. */
  readonly byFile?: {
    /** As it was given; absent: it could not be read. */
    readonly commandLine?: string;
    /** Entry and segments are not known: the image is gone, or the kernel's memory does not say them. `entry` is 0, `segments` empty. */
    readonly unread?: true;
  };
  /** How often the guest's hooks ran during the call; absent: they were not watched. */
  readonly hooks?: { readonly prepare: number; readonly cleanup: number };
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

/** Read from memory of T1. */
export type AtEntryFacts = {
  /** The first 0x100 bytes of memory, hex. */
  readonly low?: string;
  /** Whether purgatory's digest was that of its regions; absent: it has none. */
  readonly digest?: 'equal' | 'different';
};

/** A load that kdumpd planned: the facts that cannot be read from memory. Absent: the guest's kexec-tools planned it. */
export type PlanFacts = {
  readonly bootargs: string;
  /** `set`: purgatory is to store 1; `kept`: the marker stays; `absent`: there is no marker. */
  readonly runAtLoad: 'set' | 'kept' | 'absent';
  readonly digested: readonly RangeFact[];
  readonly undigested: readonly (RangeFact & { readonly role: SegmentRole; readonly reason: string })[];
  /** Refusals that were let through to the guest. */
  readonly forced: readonly string[];
};

/** Why the host did not even give an image to the guest. */
export type LoadRefusal = { readonly code: string; readonly message: string };

/** `image` of a trace. */
export type ImageFacts = {
  readonly name: string;
  /** How the production kernel was left; absent: by a crash. */
  readonly path?: HandoffPath;
  readonly kernelRelease?: string;
  readonly symbols: { readonly production: SymbolSource; readonly crash?: SymbolSource };
  /** Functions of the production kernel whose execution was watched. */
  readonly probes: readonly FunctionName[];
  /** Absent: no image was loaded. */
  readonly load?: LoadFacts;
  readonly entered?: EntryFacts;
  readonly atEntry?: AtEntryFacts;
  readonly running?: RunningFacts;
  readonly loads?: readonly LoadCall[];
  /** machine_restart has the body of machine_shutdown in it; absent: it calls it, or that is not known. */
  readonly shutdownCompiledIn?: true;
  readonly refusals?: readonly LoadRefusal[];
  readonly plan?: PlanFacts;
  /** The boot-time allocator's own map, where the guest leaves one. */
  readonly claims?: ClaimFacts;
};

/** What firmware and loader had claimed when the kernel was entered, and what its boot-time allocator then gave away. */
export type ClaimFacts = {
  /** Every range of the guest's map: what was claimed before it began, and what it gave away. */
  readonly listed: readonly RangeFact[];
  readonly claimed: readonly (RangeFact & { readonly name: string })[];
  readonly allocated: readonly (RangeFact & { readonly name: string; readonly inRma?: boolean })[];
};
