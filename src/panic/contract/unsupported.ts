/**
 * Defines what a guest used that the machine does not implement: an instruction, a register, a hypercall, an RTAS call, a
 * device. Traces, captures, operations and partitions show it. Plain data without imports.
 */

/** A thing that the machine lacks, and how often the guest used it since power-on. */
export type UnsupportedUse = {
  /** `instruction`, `spr`, `hcall`, `rtas`, `mmio`, `config`, `device`; `others` counts what is not told apart. */
  readonly kind: string;
  /** The mnemonic or word, the number, the token, the offset. */
  readonly key: string;
  /** Where it was used first: the instruction's effective address, or a real address. */
  readonly where?: string;
  readonly detail?: string;
  readonly count: number;
};

/** Kinds of uses, in order of listing. */
export const UNSUPPORTED_KINDS = [
  'instruction',
  'spr',
  'hcall',
  'rtas',
  'mmio',
  'config',
  'device',
  'others',
] as const;

/** Of a guest that uses ever other things the first ones are shown; a trace has them all. */
const UNSUPPORTED_SHOWN = 32;

/** The first uses, and the rest counted as one. */
export function shownUses(all: readonly UnsupportedUse[]): readonly UnsupportedUse[] {
  if (all.length <= UNSUPPORTED_SHOWN) return all;
  const rest = all.slice(UNSUPPORTED_SHOWN - 1);
  const count = rest.reduce((sum, each) => sum + each.count, 0);
  return [...all.slice(0, UNSUPPORTED_SHOWN - 1), { kind: 'others', key: `${rest.length} more`, count }];
}

/** Uses by kind. */
export function usesByKind(all: readonly UnsupportedUse[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind, count } of all) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
}
