/** Makes the record of a capture, which REST shows, from the result of a crash. */

import { defined } from '../../base/defined.ts';
import { type Actor, type Capture, type CaptureVmcore, type Made, shownUses } from '../contract/index.ts';
import type { Left } from '../guest/session.ts';
import type { CrashResult } from '../handoff/crash-result.ts';
import { countRules, unjudgedRules } from '../rules/index.ts';

export type CaptureOrigin = {
  readonly id: string;
  readonly partitionId: string;
  readonly image: string;
  readonly createdAt: string;
  readonly left: Pick<Left, 'unsupported' | 'words'>;
  readonly createdBy?: Actor;
  readonly made?: Made;
};

/**
 * @param vmcore null where the crash left none, or none of it is stored
 * @param lost what of it the disk did not take: the capture then failed, whatever the crash did
 */
export function captureOf(
  origin: CaptureOrigin,
  result: CrashResult,
  vmcore: CaptureVmcore | null,
  lost: readonly string[] = [],
): Capture {
  const { unsupported, words } = origin.left;
  const isStored = result.outcome === 'captured' && lost.length === 0;
  const reasons = [result.reason, ...lost].filter((reason) => reason !== undefined);
  return {
    id: origin.id,
    partitionId: origin.partitionId,
    image: origin.image,
    outcome: isStored ? 'captured' : 'failed',
    requested: result.requested,
    phase: isStored ? 'stored' : result.phase,
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    ...result.identity,
    vmcore,
    rules: countRules(result.trace?.rules ?? unjudgedRules(result.reason)),
    ...(unsupported.length === 0 ? {} : { unsupported: shownUses(unsupported) }),
    ...(words.length === 0 ? {} : { words }),
    ...defined({ made: origin.made }),
    createdAt: origin.createdAt,
    ...defined({ createdBy: origin.createdBy }),
  };
}
