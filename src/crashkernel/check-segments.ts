/**
 * Checks a list of segments for everything that the guest's kexec_load would refuse.
 * Source: Linux 6.1 kernel/kexec_core.c (sanity_check_segment_list), arch/powerpc/kexec/core_64.c
 * (machine_kexec_prepare); docs/handoff.md (`load-no-overlap`, `load-in-reservation`).
 */

import { type Checks, loadError } from './errors.ts';
import type { MachineFacts } from './machine-tree.ts';
import { containsRange, overlaps, type Range, showRange } from './ranges.ts';
import type { PlanSegment } from './segments.ts';

/** KEXEC_SEGMENT_MAX of Linux. */
export const MAX_SEGMENTS = 16;

export type SegmentLimits = {
  readonly machine: MachineFacts;
  /** `[0, _end)` of the running kernel. */
  readonly kernel: Range;
  /** For a crash image. */
  readonly reserved?: Range;
  readonly checks: Checks;
};

/** @param segments ascending @throws FormatError `load/…` for the first that is refused and not forced */
export function checkSegments(segments: readonly PlanSegment[], limits: SegmentLimits): void {
  const { machine, kernel, reserved, checks } = limits;
  if (segments.length > MAX_SEGMENTS)
    throw loadError('load/too-many-segments', 'there are too many segments', {
      expected: `at most ${MAX_SEGMENTS}`,
      actual: `${segments.length}`,
    });
  segments.forEach(({ role, mem, memsz }, i) => {
    const range = { start: mem, end: mem + memsz };
    const actual = showRange(range);
    const previous = segments[i - 1];
    if (!containsRange(machine.memory, range))
      checks.refuse('outside-memory', `segment ${i} (${role}) is not wholly in memory`, { actual });
    if (previous !== undefined && previous.mem + previous.memsz > mem)
      checks.refuse('segments-overlap', `segments ${i - 1} (${previous.role}) and ${i} (${role}) overlap`, {
        actual,
      });
    if (overlaps(range, kernel))
      checks.refuse('overlaps-kernel', `segment ${i} (${role}) overlaps the running kernel`, {
        expected: `outside ${showRange(kernel)}`,
        actual,
      });
    if (machine.tceTables.some((table) => overlaps(table, range)))
      checks.refuse('overlaps-tce-table', `segment ${i} (${role}) overlaps a TCE table`, { actual });
    if (reserved !== undefined && !containsRange([reserved], range))
      checks.refuse('outside-reservation', `segment ${i} (${role}) is outside the reservation`, {
        expected: `inside ${showRange(reserved)}`,
        actual,
      });
  });
}
