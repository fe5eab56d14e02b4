/**
 * One ordinary kexec, or one restart, without a daemon: what `kdumpd kexec` does. As with a crash, the same image,
 * seed and request give the same bytes.
 */

import { writeFile } from 'node:fs/promises';
import {
  type MmuMode,
  openPartition,
  type PartitionConfig,
  type PartitionHandle,
  type Processor,
} from '../../emulator/host/index.ts';
import { parseMemorySpec } from '../../emulator/partition/index.ts';
import type { LeavePhase, LeaveRequest } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { defaultMmu, type MachineVariant, makeConfig } from '../guest/machine.ts';
import { Life } from '../guest/session.ts';
import { untilLoaded } from '../loading/index.ts';
import type { LeavePath, RuleResult } from '../trace/index.ts';
import { formatTrace, type TraceFormat } from '../trace/index.ts';
import { bootPlan } from '../watch/index.ts';
import { DEFAULT_LEAVE_SECONDS, type LeaveResult, leave } from './kexec.ts';
import { describeStandstill } from './reason.ts';

export type KexecCommand = {
  readonly boot: BootImage;
  readonly path: LeavePath;
  readonly processor?: Processor;
  readonly mmu?: MmuMode;
  readonly cpus?: number;
  /** As on the command line; default 1G. */
  readonly memory?: string;
  /** Bytes. */
  readonly rma?: number;
  readonly seed?: number;
  readonly variant?: MachineVariant;
  readonly request: LeaveRequest;
  /** Files to write; they are overwritten. */
  readonly trace?: string;
  readonly traceFormat?: TraceFormat;
  readonly console?: string;
  readonly onPhase?: (phase: LeavePhase) => void;
  /** Opens the partition; default a worker thread of its own. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
};

/** The JSON of `kdumpd kexec` (docs: command line). */
export type KexecReport = {
  readonly image: string;
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly cpus: number;
  readonly path: LeavePath;
  readonly outcome: 'done' | 'failed';
  readonly phase: LeavePhase;
  readonly reason?: string;
  readonly rules: readonly Pick<RuleResult, 'name' | 'verdict' | 'evidence'>[];
  readonly instructions: LeaveResult['instructions'];
};

/** Boots and leaves. @throws FormatError for bad options; Error where the machine cannot be made. */
export async function runKexec(command: KexecCommand): Promise<KexecReport> {
  const { boot, path } = command;
  const config = makeConfig(boot, {
    processor: command.processor ?? 'power9',
    mmu: command.mmu ?? defaultMmu(command.processor ?? 'power9'),
    cpus: command.cpus ?? 1,
    memory: parseMemorySpec(command.memory ?? '1G'),
    seed: command.seed ?? 1,
    ...(command.variant === undefined ? {} : { variant: command.variant }),
    ...(command.rma === undefined ? {} : { rma: command.rma }),
  });
  const handle = (command.openPartition ?? openPartition)(config);
  const life = new Life(handle, boot.agent);
  try {
    const result = await bootAndLeave(life, command);
    const { trace } = result;
    if (command.trace !== undefined)
      await writeFile(
        command.trace,
        trace === undefined ? 'null\n' : formatTrace(trace, command.traceFormat ?? 'json'),
      );
    if (command.console !== undefined) await writeFile(command.console, life.console);
    return {
      image: boot.name,
      processor: config.processor,
      mmu: config.mmu,
      cpus: config.cpus,
      path,
      outcome: result.outcome,
      phase: result.phase,
      ...(result.reason === undefined ? {} : { reason: result.reason }),
      rules: (trace?.rules ?? []).map(({ name, verdict, evidence }) =>
        evidence === undefined ? { name, verdict } : { name, verdict, evidence },
      ),
      instructions: result.instructions,
    };
  } finally {
    life.close();
    await handle.stop().catch(ignore);
    await handle.close();
  }
}

/** 0: done and no rule broken; 1: done, but a rule is broken; 2: not done. */
export function exitCodeOfKexec(report: Pick<KexecReport, 'outcome' | 'rules'>): 0 | 1 | 2 {
  if (report.outcome !== 'done') return 2;
  return report.rules.some(({ verdict }) => verdict === 'broken') ? 1 : 0;
}

async function bootAndLeave(life: Life, command: KexecCommand): Promise<LeaveResult> {
  const { boot, path, request } = command;
  const limit = request.timeoutSeconds ?? DEFAULT_LEAVE_SECONDS;
  command.onPhase?.('booting');
  await life.start(await bootPlan(boot.kernel, boot.vmlinux));
  const ready = await untilLoaded(life, boot, 'raw', limit);
  if (ready.kind !== 'ready') {
    return {
      outcome: 'failed',
      phase: 'booting',
      reason: describeStandstill(ready, limit),
      instructions: { boot: life.insn, handoff: 0, newKernel: 0 },
      ...(ready.kind === 'ended' ? { end: ready.end } : {}),
    };
  }
  command.onPhase?.('ready');
  return await leave(
    life,
    boot,
    path,
    request,
    command.onPhase === undefined ? {} : { onPhase: command.onPhase },
  );
}

/** A partition that has ended cannot be stopped: all is well. */
function ignore(): void {}
