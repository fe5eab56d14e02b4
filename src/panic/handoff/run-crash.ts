/**
 * One crash without a daemon: what `kdumpd crash` does. Nothing of the result depends on the host's clock or on
 * chance, so that the same image, seed and request give the same bytes.
 */

import { createHash } from 'node:crypto';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import {
  type MmuMode,
  openPartition,
  type PartitionConfig,
  type PartitionHandle,
  type Processor,
} from '../../emulator/host/index.ts';
import { parseMemorySpec } from '../../emulator/partition/index.ts';
import type { CapturePhase, PanicRequest, VmcoreFormat } from '../contract/index.ts';
import type { FidelitySummary } from '../fidelity/index.ts';
import { summarise } from '../fidelity/index.ts';
import { dumpMode } from '../guest/agent-line.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { readDump } from '../guest/dump-device.ts';
import { defaultMmu, type MachineVariant, makeConfig } from '../guest/machine.ts';
import { Life, type Standstill } from '../guest/session.ts';
import { untilLoaded } from '../loading/index.ts';
import type { RuleResult } from '../trace/index.ts';
import { formatTrace, type TraceFormat } from '../trace/index.ts';
import { bootPlan } from '../watch/index.ts';
import { type CrashResult, crash, DEFAULT_TIMEOUT_SECONDS } from './crash.ts';
import { describeStandstill } from './reason.ts';

export type CrashCommand = {
  readonly boot: BootImage;
  readonly processor?: Processor;
  readonly mmu?: MmuMode;
  readonly cpus?: number;
  /** As on the command line; default 1G. */
  readonly memory?: string;
  /** Bytes. */
  readonly rma?: number;
  readonly seed?: number;
  /** The machine has no H_SIGNAL_SYS_RESET. */
  readonly refuseSysReset?: boolean;
  readonly variant?: MachineVariant;
  /** Size of the dump device in bytes; default: all memory and some. */
  readonly dumpBytes?: number;
  readonly request: PanicRequest;
  /** The dump mode that the image's command line names; default that of the request. */
  readonly loadedDump?: string;
  /** Files to write; they are overwritten. */
  readonly vmcore?: string;
  readonly trace?: string;
  readonly traceFormat?: TraceFormat;
  readonly console?: string;
  readonly onPhase?: (phase: CapturePhase) => void;
  readonly onConsole?: (bytes: Uint8Array) => void;
  /** Opens the partition; default a worker thread of its own. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
};

/** The JSON of `kdumpd crash` (docs: command line). */
export type CrashReport = {
  readonly image: string;
  readonly processor: Processor;
  readonly mmu: MmuMode;
  readonly cpus: number;
  readonly outcome: 'captured' | 'failed';
  readonly phase: CapturePhase;
  readonly reason?: string;
  readonly rules: readonly Pick<RuleResult, 'name' | 'verdict' | 'evidence'>[];
  /** The dump and memory against what the emulator saw; absent where the image was not entered. */
  readonly fidelity?: FidelitySummary;
  readonly instructions: { readonly boot: number; readonly handoff: number; readonly capture: number };
  readonly vmcore: {
    readonly bytes: number;
    readonly sha256: string;
    readonly format: VmcoreFormat;
    readonly incomplete?: true;
  } | null;
};

/** Boots, crashes, captures. @throws FormatError for bad options; Error where the machine cannot be made. */
export async function runCrash(command: CrashCommand): Promise<CrashReport> {
  const { boot } = command;
  const config = makeConfig(boot, {
    processor: command.processor ?? 'power9',
    mmu: command.mmu ?? defaultMmu(command.processor ?? 'power9'),
    cpus: command.cpus ?? 1,
    memory: parseMemorySpec(command.memory ?? '1G'),
    seed: command.seed ?? 1,
    ...(command.refuseSysReset === undefined ? {} : { refuseSysReset: command.refuseSysReset }),
    ...(command.variant === undefined ? {} : { variant: command.variant }),
    ...(command.rma === undefined ? {} : { rma: command.rma }),
    ...(command.dumpBytes === undefined ? {} : { dumpBytes: command.dumpBytes }),
  });
  const handle = (command.openPartition ?? openPartition)(config);
  const life = new Life(handle, boot.agent, command.onConsole);
  try {
    const result = await bootAndCrash(life, command);
    const vmcore = await keepDump(handle, result, command.vmcore);
    if (command.trace !== undefined)
      await writeFile(command.trace, traceText(result, command.traceFormat ?? 'json'));
    if (command.console !== undefined) await writeFile(command.console, life.console);
    const captured = result.outcome === 'captured';
    return {
      image: boot.name,
      processor: config.processor,
      mmu: config.mmu,
      cpus: config.cpus,
      outcome: result.outcome,
      phase: captured && command.vmcore !== undefined ? 'stored' : result.phase,
      ...(result.reason === undefined ? {} : { reason: result.reason }),
      rules: (result.trace?.rules ?? []).map(({ name, verdict, evidence }) =>
        evidence === undefined ? { name, verdict } : { name, verdict, evidence },
      ),
      ...(result.trace?.fidelity === undefined ? {} : { fidelity: summarise(result.trace.fidelity) }),
      instructions: result.instructions,
      vmcore,
    };
  } finally {
    life.close();
    await handle.stop().catch(ignore);
    await handle.close();
  }
}

/** 0: captured and no rule broken; 1: captured, but a rule is broken; 2: not captured. */
export function exitCodeOf(report: CrashReport): 0 | 1 | 2 {
  if (report.outcome !== 'captured') return 2;
  return report.rules.some(({ verdict }) => verdict === 'broken') ? 1 : 0;
}

async function bootAndCrash(life: Life, command: CrashCommand): Promise<CrashResult> {
  const { boot, request } = command;
  const limit = request.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  command.onPhase?.('booting');
  await life.start(await bootPlan(boot.kernel, boot.vmlinux));
  const ready = await untilLoaded(life, boot, dumpMode(command.loadedDump ?? request.dump), limit);
  if (ready.kind !== 'ready') return notBooted(life, ready, limit);
  command.onPhase?.('ready');
  return await crash(life, boot, request, {
    loadedDump: command.loadedDump ?? request.dump,
    ...(ready.noCrashKernel === undefined ? {} : { noCrashKernel: ready.noCrashKernel }),
    ...(command.onPhase === undefined ? {} : { onPhase: command.onPhase }),
  });
}

/** A guest that never became ready. */
function notBooted(life: Life, stop: Standstill, limitSeconds: number): CrashResult {
  return {
    outcome: 'failed',
    phase: 'booting',
    reason: describeStandstill(stop, limitSeconds),
    instructions: { boot: life.insn, handoff: 0, capture: 0 },
    ...(stop.kind === 'ended' ? { end: stop.end } : {}),
  };
}

/** The trace file: nothing was traced of a crash that was not tried. */
function traceText({ trace }: CrashResult, format: TraceFormat): string {
  return trace === undefined ? 'null\n' : formatTrace(trace, format);
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
    if (path !== undefined) file = await open(path, 'w');
    for await (const piece of readDump(handle, dump)) {
      hash.update(piece);
      await file?.writeFile(piece);
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

/** A partition that has ended cannot be stopped: all is well. */
function ignore(): void {}
