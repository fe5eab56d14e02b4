/** Summarises the fidelity report in a few numbers, for a command line. */

import type { FidelityReport, FilteredKind, Owner, PageKind } from '../trace/index.ts';

export type FidelitySummary = {
  /** Pages of 4 KiB; absent: there is no dump, or it could not be compared. */
  readonly pages?: {
    readonly total: number;
    readonly equal: number;
    readonly fromBackup: number;
    readonly reservation: number;
    readonly filtered: Readonly<Partial<Record<FilteredKind, number>>>;
    /** Left out although the kernel used them; absent: none. */
    readonly live?: number;
    /** In the dump although the level leaves out their kind; absent: none. */
    readonly kept?: Readonly<Partial<Record<PageKind, number>>>;
    /** Memory that the kernel never owned; absent: none. */
    readonly unowned?: number;
    readonly differing: number;
    readonly missing: number;
  };
  /** CPUs whose registers are as the emulator saw them, and those whose are not. */
  readonly registers?: { readonly equal: readonly number[]; readonly others: readonly number[] };
  readonly changedBeforeT1: number;
  /** Pages that changed between T1 and the end. */
  readonly changedAfterT1: Readonly<Partial<Record<Owner, number>>>;
};

export function summarise(report: FidelityReport): FidelitySummary {
  const { pages, registers } = report;
  const isEqual = ({
    source,
    differing,
  }: {
    readonly source: string;
    readonly differing: readonly string[];
  }) => source !== 'missing' && source !== 'unseen' && differing.length === 0;
  return {
    ...(pages === undefined
      ? {}
      : {
          pages: {
            total: pages.total,
            equal: pages.equal,
            fromBackup: pages.fromBackup,
            reservation: pages.reservation,
            filtered: withoutZeros(pages.filtered),
            ...(pages.live === undefined ? {} : { live: pages.live.pages }),
            ...(pages.kept === undefined ? {} : { kept: pages.kept }),
            ...(pages.unowned === undefined ? {} : { unowned: pages.unowned }),
            differing: pages.differingPages,
            missing: pages.missing,
          },
        }),
    ...(registers === undefined
      ? {}
      : {
          registers: {
            equal: registers.filter(isEqual).map(({ cpu }) => cpu),
            others: registers.filter((each) => !isEqual(each)).map(({ cpu }) => cpu),
          },
        }),
    changedBeforeT1: report.changedPagesBeforeT1,
    changedAfterT1: withoutZeros(report.changedPagesAfterT1),
  };
}

function withoutZeros<K extends string>(
  counts: Readonly<Partial<Record<K, number>>>,
): Partial<Record<K, number>> {
  return Object.fromEntries(
    Object.entries<number>(counts as Record<K, number>).filter(([, n]) => n > 0),
  ) as Partial<Record<K, number>>;
}
