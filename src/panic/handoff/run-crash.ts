/** Runs one crash without a daemon: `kdumpd crash`. */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { CapturePhase, PanicRequest, Trigger, VmcoreFormat } from '../contract/index.ts';
import type { FidelitySummary } from '../fidelity/index.ts';
import { summarise } from '../fidelity/index.ts';
import { dumpMode } from '../guest/agent-line.ts';
import { readDump } from '../guest/dump-device.ts';
import { memoryBytesOf, resolveMachine } from '../guest/machine-spec.ts';
import { awaitCrash } from './await-crash.ts';
import { crash } from './crash.ts';
import type { CrashResult } from './crash-result.ts';
import { followAlarm } from './follow-alarm.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';
import { requireRoomFor, requireWritable, writing } from './output-file.ts';
import { type OnceOptions, type ReportedRule, type ReportHead, reportedRules, runOnce } from './run-once.ts';

export type CrashCommand = OnceOptions<CapturePhase> & {
  /** The trigger `none`: the guest crashes by itself. */
  readonly request: Omit<PanicRequest, 'trigger'> & { readonly trigger: Trigger | 'none' };
  /** The dump mode that the image's command line names; default that of the request. */
  readonly loadedDump?: string;
  /** A file for the vmcore; it is overwritten. */
  readonly vmcore?: string;
};

/** The JSON of `kdumpd crash` (docs/cli.md). */
export type CrashReport = ReportHead & {
  readonly outcome: 'captured' | 'failed';
  readonly phase: CapturePhase;
  readonly reason?: string;
  readonly rules: readonly ReportedRule[];
  /** The dump and memory against what the emulator saw; absent where the image was not entered. */
  readonly fidelity?: FidelitySummary;
  readonly instructions: CrashResult['instructions'];
  readonly vmcore: {
    readonly bytes: number;
    readonly sha256: string;
    readonly format: VmcoreFormat;
    readonly incomplete?: true;
  } | null;
};

/** Boots, crashes, captures. @throws FormatError for bad options; Error where the machine cannot be made. */
export async function runCrash(command: CrashCommand): Promise<CrashReport> {
  const { request, onPhase, vmcore } = command;
  if (vmcore !== undefined) requireWritable(vmcore);
  // How small a filter makes a dump is not known before.
  if (vmcore !== undefined && request.dump === 'raw')
    requireRoomFor(vmcore, memoryBytesOf(resolveMachine(command)));
  const loadedDump = command.loadedDump ?? request.dump;
  return await runOnce(command, {
    loadedDump: dumpMode(loadedDump),
    limitSeconds: request.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    take: async (lookout, noCrashKernel, signal) => {
      const { trigger } = request;
      const options = { loadedDump, signal, ...defined({ noCrashKernel, onPhase }) };
      return trigger === 'none'
        ? await awaitCrash(lookout, options)
        : await crash(lookout, { ...request, trigger }, options);
    },
    followAlarm: (lookout, signal) => followAlarm(lookout, { signal, ...defined({ onPhase }) }),
    notBooted: ({ insn, ...stop }): CrashResult => ({
      outcome: 'failed',
      requested: false,
      ...stop,
      instructions: { boot: insn, handoff: 0, capture: 0 },
    }),
    report: async (result, handle, head): Promise<CrashReport> => {
      const kept = await keepDump(handle, result, vmcore);
      const { outcome, phase, reason, trace } = result;
      return {
        ...head,
        outcome,
        phase: outcome === 'captured' && vmcore !== undefined ? 'stored' : phase,
        ...defined({ reason }),
        rules: reportedRules(result),
        ...(trace?.fidelity === undefined ? {} : { fidelity: summarise(trace.fidelity) }),
        instructions: result.instructions,
        vmcore: kept,
      };
    },
  });
}

async function keepDump(
  handle: PartitionHandle,
  { dump }: CrashResult,
  path: string | undefined,
): Promise<CrashReport['vmcore']> {
  if (dump === undefined) return null;
  const hash = createHash('sha256');
  let file: FileHandle | undefined;
  try {
    // For its owner alone, as makedumpfile makes dumps: it holds all memory of the guest.
    if (path !== undefined) file = await writing(path, () => open(path, 'w', 0o600));
    for await (const piece of readDump(handle, dump)) {
      hash.update(piece);
      if (path !== undefined) await writing(path, async () => file?.writeFile(piece));
    }
  } finally {
    await file?.close();
  }
  return {
    bytes: dump.bytes,
    sha256: hash.digest('hex'),
    format: dump.format,
    ...(dump.complete ? {} : { incomplete: true }),
  };
}
