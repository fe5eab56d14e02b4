/** Runs one ordinary kexec or one restart without a daemon: `kdumpd kexec`. */

import { defined } from '../../base/defined.ts';
import type { LeavePhase, LeaveRequest } from '../contract/index.ts';
import type { LeavePath } from '../trace/index.ts';
import { DEFAULT_LEAVE_SECONDS, type LeaveResult, leave } from './kexec.ts';
import { type OnceOptions, type ReportedRule, type ReportHead, reportedRules, runOnce } from './run-once.ts';

export type KexecCommand = OnceOptions<LeavePhase> & {
  readonly path: LeavePath;
  readonly request: LeaveRequest;
};

/** The JSON of `kdumpd kexec` (docs/cli.md). */
export type KexecReport = ReportHead & {
  readonly path: LeavePath;
  readonly outcome: 'done' | 'failed';
  readonly phase: LeavePhase;
  readonly reason?: string;
  readonly rules: readonly ReportedRule[];
  readonly instructions: LeaveResult['instructions'];
};

/** Boots and leaves. @throws FormatError for bad options; Error where the machine cannot be made. */
export async function runKexec(command: KexecCommand): Promise<KexecReport> {
  const { path, request, onPhase } = command;
  return await runOnce(command, {
    loadedDump: 'raw',
    limitSeconds: request.timeoutSeconds ?? DEFAULT_LEAVE_SECONDS,
    take: (lookout, _noCrashKernel, signal) =>
      leave(lookout, path, request, { signal, ...defined({ onPhase }) }),
    notBooted: ({ insn, ...stop }): LeaveResult => ({
      outcome: 'failed',
      ...stop,
      instructions: { boot: insn, handoff: 0, newKernel: 0 },
    }),
    report: async (result, _handle, head): Promise<KexecReport> => ({
      ...head,
      path,
      outcome: result.outcome,
      phase: result.phase,
      ...defined({ reason: result.reason }),
      rules: reportedRules(result),
      instructions: result.instructions,
    }),
  });
}
