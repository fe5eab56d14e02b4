/** Makes the record of a capture, which REST shows, from the result of a crash. */

import { defined } from '../../base/defined.ts';
import type { Capture, CaptureVmcore } from '../contract/index.ts';
import type { CrashResult } from '../handoff/crash.ts';
import { countRules } from '../rules/index.ts';

export type CaptureOrigin = {
  readonly id: string;
  readonly partitionId: string;
  readonly image: string;
  readonly createdAt: string;
};

/** @param vmcore null where the crash left none */
export function captureOf(origin: CaptureOrigin, result: CrashResult, vmcore: CaptureVmcore | null): Capture {
  return {
    id: origin.id,
    partitionId: origin.partitionId,
    image: origin.image,
    outcome: result.outcome,
    phase: result.outcome === 'captured' ? 'stored' : result.phase,
    ...defined({ reason: result.reason }),
    ...result.identity,
    vmcore,
    rules: countRules(result.trace?.rules ?? []),
    createdAt: origin.createdAt,
  };
}
