/**
 * Defines the fidelity report (docs/fidelity.md), which compares the dump with what the emulator saw. Plain JSON, kept in the
 * trace, so that rules can be judged again. Pages are of 4 KiB whatever the kernel's are; addresses are real, 16 hex digits.
 */

/** The machine's state at an instant, beside memory (rules `interrupts-quiet`, `page-tables-cleared`, `hv-quiet`). */
export type InstantFacts = {
  readonly cpus: readonly {
    readonly index: number;
    readonly state: string;
    readonly nia: string;
    readonly msr: string;
    readonly r1: string;
    readonly r3: string;
  }[];
  readonly interrupts: readonly {
    readonly cpu: number;
    /** Presented and not accepted. */
    readonly xisr: string;
    readonly mfrr: number;
    readonly cppr: number;
    /** Accepted and not ended. */
    readonly unfinished: boolean;
    readonly inService: readonly string[];
    /** Inputs and latches of the CPU: `external`, `system-reset`, `doorbell`. */
    readonly pending: readonly string[];
  }[];
  /** Absent: the machine has no hash page table. */
  readonly hashTable?: {
    readonly valid: number;
    readonly hypervisor: number;
    readonly sample: readonly string[];
  };
  readonly hypervisor: {
    readonly vpas: readonly {
      readonly cpu: number;
      readonly kind: 'vpa' | 'slb-shadow' | 'dispatch-log';
      readonly raddr: string;
      readonly bytes: number;
    }[];
    /** XIVE's event queues, in which the hypervisor writes; absent in traces that do not say. */
    readonly queues?: readonly {
      readonly cpu: number;
      readonly priority: number;
      readonly raddr: string;
      readonly bytes: number;
    }[];
    readonly crqs: number;
    readonly tces: number;
    readonly inFlight: number;
  };
};

/** Who wrote: `by` the instruction of a CPU, a device, the hypervisor, or a fault that was asked for. */
export type WriterFact = {
  readonly by: 'cpu' | 'device' | 'hypervisor' | 'fault';
  readonly cpu: number;
  readonly nia: string;
  readonly symbol?: string;
  readonly insn: number;
  /** Of the last write to the page, where it is known that none came after it, and it is another one. */
  readonly last?: { readonly cpu: number; readonly nia: string; readonly insn: number };
};

/**
 * The owner of memory. Memory of no other owner is `production` before T1, because it is the crashed kernel's, and
 * `unexplained` after T1, when no writer is allowed there.
 */
export type Owner = 'reservation' | 'low-64k' | 'rtas' | 'hypervisor' | 'production' | 'unexplained';

/** Bytes that differ, from `raddr` on within a page or, for `reservation`, within all of it. `bytes`: how many differ. */
export type ChangeFact = {
  readonly raddr: string;
  readonly bytes: number;
  /** From the first of them to the last, where others lie between. */
  readonly span?: number;
  readonly owner: Owner;
  readonly writer?: WriterFact;
};

/**
 * A page of the reservation that was written between T1 and T2, but not by the crash image: by another CPU than the one
 * that entered it, by code that lies elsewhere, by a device or the hypervisor. `raddr`: of the page.
 */
export type StrayFact = {
  readonly raddr: string;
  readonly writer: WriterFact;
  /** Whether it holds other bytes at the end than at T1; after T2 the crash kernel may have written it, too. */
  readonly changed: boolean;
};

/** What a filter can leave out. */
export type PageKind = 'zero' | 'cache' | 'private' | 'user' | 'free' | 'poisoned' | 'offline';

/** Why a page is not in a dump that was filtered. `unknown`: it is not known what the kernel used it for. */
export type FilteredKind = PageKind | 'unknown';

/** Pages that a filter left out although the kernel used them: they are lost. */
export type LivePages = {
  readonly pages: number;
  /** Of the kernel's own image, [0, _end): how many of how many; absent: its end is not known. */
  readonly image?: { readonly pages: number; readonly of: number };
  /** Those of a kind that other levels than the one asked for leave out. */
  readonly beyondLevel: Readonly<Partial<Record<PageKind, number>>>;
  /** The first of them. */
  readonly ranges: readonly { readonly raddr: string; readonly bytes: number }[];
  /** Symbols of the kernel that lie in them: how many, and the first; those that tools read first are first. */
  readonly symbolCount: number;
  readonly symbols: readonly string[];
};

/** What makedumpfile printed of its own work (`--message-level` with 16): pages of the kernel's size. */
export type ToolReport = {
  readonly original: number;
  readonly excluded: Readonly<Partial<Record<PageKind, number>>>;
  readonly remaining: number;
};

export type PageCounts = {
  /** All RAM. */
  readonly total: number;
  /** In the dump, as they were at T1. */
  readonly equal: number;
  /** Of the first 64 KiB, likewise: the dump has them from the backup region. */
  readonly fromBackup: number;
  /** Not in the dump, and not to be: the reservation. */
  readonly reservation: number;
  /** Left out, and rightly so at the level that was asked for; `unknown`: that cannot be judged. */
  readonly filtered: Readonly<
    Record<Exclude<FilteredKind, 'offline'>, number> & { readonly offline?: number }
  >;
  /** Whether the kinds are known: the kernel's array of struct page could be read. Zero pages always are. */
  readonly kindsKnown: boolean;
  /** Why they are not. */
  readonly kindsUnknown?: string;
  /** The level that the dump is judged by (makedumpfile -d); absent: it is not known, and every kind may be left out. */
  readonly level?: number;
  /** Left out, and wrongly so; absent: none. */
  readonly live?: LivePages;
  /** In the dump, although they are of kinds that the level leaves out; absent: none. */
  readonly kept?: Readonly<Partial<Record<PageKind, number>>>;
  /** Pages of zeros in the dump that are stored once for all of them, as makedumpfile's level 1 does; absent: none. */
  readonly zeroOnce?: number;
  /** Not in the dump, and not to be: memory that the kernel never owned (`mem=`); absent: none. */
  readonly unowned?: number;
  /** In the dump, but not as they were. */
  readonly differingPages: number;
  /** The first of them, by owner of the bytes. */
  readonly differing: readonly ChangeFact[];
  /** Neither in the dump nor left out by a filter, and the first ranges of them. */
  readonly missing: number;
  readonly missingRanges: readonly { readonly raddr: string; readonly bytes: number }[];
};

/** One CPU's registers in the dump, against the source that was found for them. */
export type RegisterFact = {
  readonly cpu: number;
  /** `missing`: the dump has none. `unseen`: the emulator saw no source for them. */
  readonly source: 'system-reset' | 'ipi' | 'fault' | 'save' | 'missing' | 'unseen';
  /** `nip: dump 0x… seen 0x…`. */
  readonly differing: readonly string[];
};

export type FidelityReport = {
  /** Absent: there is no dump to compare. */
  readonly pages?: PageCounts;
  /** Makedumpfile's own figures, where the console has them. */
  readonly tool?: ToolReport;
  readonly registers?: readonly RegisterFact[];
  /** What the crashed kernel still wrote: T0 to T1. The first of {@link changedPagesBeforeT1} pages. */
  readonly changedBeforeT1: readonly ChangeFact[];
  readonly changedPagesBeforeT1: number;
  /** What changed between T1 and the end, all owners; of `unexplained` the first. */
  readonly changedAfterT1: readonly ChangeFact[];
  readonly changedPagesAfterT1: Readonly<Record<Exclude<Owner, 'production'>, number>>;
  /** What was written into the reservation from outside of the image; the first. Absent: nothing. */
  readonly intoReservation?: readonly StrayFact[];
  /** Why something could not be compared. */
  readonly problems: readonly string[];
};
