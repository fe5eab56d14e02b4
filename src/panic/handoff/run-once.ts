/**
 * Takes one way out of a kernel without a daemon: opens a partition, boots it, waits until its guest is ready, takes the way
 * (a crash, a kexec or a restart) and writes files. The result does not depend on the host's clock or on chance: the same
 * image, seed and request give the same bytes.
 */

import { writeFile } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import {
  openPartition,
  type PartitionConfig,
  type PartitionEnd,
  type PartitionHandle,
} from '../../emulator/host/index.ts';
import type { MachineRequest, ToolWords, TypedInput, UnsupportedUse } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { defaultHostSeconds, stopOnAbort } from '../guest/host-time.ts';
import { makeConfig } from '../guest/machine.ts';
import { resolveMachine } from '../guest/machine-spec.ts';
import { Session } from '../guest/session.ts';
import { untilLoaded } from '../loading/index.ts';
import { withinHostTime } from '../operations/index.ts';
import { unjudgedRules } from '../rules/index.ts';
import type { RuleResult, Trace } from '../trace/index.ts';
import { formatTrace, type TraceFormat } from '../trace/index.ts';
import { Lookout } from './lookout.ts';
import { requireWritable, writing } from './output-file.ts';
import { whyNotReady } from './reason.ts';
import { timedInput, typeAgain } from './type-again.ts';

/** Options of both commands. */
export type OnceOptions<Phase> = MachineRequest & {
  readonly boot: BootImage;
  /** Files to write; they are overwritten. */
  readonly trace?: string;
  readonly traceFormat?: TraceFormat;
  readonly console?: string;
  readonly onPhase?: (phase: Phase | 'booting' | 'ready') => void;
  readonly onConsole?: (bytes: Uint8Array) => void;
  /** What users typed in the run that is repeated, in order. */
  readonly input?: readonly TypedInput[];
  /** Host seconds for all of it; default by the machine. */
  readonly hostSeconds?: number;
  /** Called once, at the end, with what the guest met that the machine lacks, where there was something. */
  readonly onUnsupported?: (unsupported: readonly UnsupportedUse[]) => void;
  /** Opens the partition; default a worker thread of its own. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
};

/** The part of a result that every way has. */
type Result = {
  readonly outcome: string;
  readonly phase: string;
  readonly reason?: string;
  readonly trace?: Trace;
};

/** A guest that did not become ready: no way was taken. */
export type NotBooted = {
  readonly phase: 'booting' | 'ready';
  readonly reason: string;
  /** Instructions executed until then. */
  readonly insn: number;
  readonly end?: PartitionEnd;
};

/** A way out of a kernel: the part that differs between the commands. */
export type Way<R extends Result, T> = {
  /** The dump mode that the agent loads the crash kernel with: `raw` or makedumpfile options. */
  readonly loadedDump: string;
  /** Guest seconds until the guest must be ready. */
  readonly limitSeconds: number;
  /** Takes a ready guest out of its kernel. */
  readonly take: (lookout: Lookout, noCrashKernel: string | undefined, signal: AbortSignal) => Promise<R>;
  /** The guest crashes by itself before it is ready; undefined: that came to nothing. */
  readonly followAlarm?: (lookout: Lookout, signal: AbortSignal) => Promise<R | undefined>;
  /** The result where the guest did not become ready. */
  readonly notBooted: (stop: NotBooted) => R;
  /** Makes the command's report before the partition is closed. */
  readonly report: (result: R, handle: PartitionHandle, head: ReportHead) => Promise<T>;
};

/** What every report begins with. */
export type ReportHead = Pick<PartitionConfig, 'processor' | 'mmu' | 'cpus'> & {
  readonly image: string;
  /** What the guest used that the machine lacks; absent: nothing. */
  readonly unsupported?: readonly UnsupportedUse[];
  /** What its kexec-tools and makedumpfile printed; absent: nothing. */
  readonly words?: readonly ToolWords[];
};

export type ReportedRule = Pick<RuleResult, 'name' | 'verdict' | 'evidence' | 'note'>;

/** @throws FormatError for bad options; HostFileError for a file that cannot be written; Error where the machine cannot be made. */
export async function runOnce<R extends Result, T, Phase>(
  options: OnceOptions<Phase>,
  way: Way<R, T>,
): Promise<T> {
  const { boot, trace, console } = options;
  for (const path of [trace, console]) if (path !== undefined) requireWritable(path);
  const spec = resolveMachine(options);
  const config = { ...makeConfig(boot, spec), ...timedInput(options.input) };
  const handle = (options.openPartition ?? openPartition)(config);
  const session = new Session(handle, boot.agent, options.onConsole);
  try {
    const result = await withinHostTime(options.hostSeconds ?? defaultHostSeconds(spec), async (signal) => {
      const unwatch = stopOnAbort(session, signal);
      return await bootAndTake(session, options, way, signal).finally(unwatch);
    });
    const { processor, mmu, cpus } = config;
    const { unsupported, words } = session;
    const report = await way.report(result, handle, {
      image: boot.name,
      processor,
      mmu,
      cpus,
      ...(unsupported.length === 0 ? {} : { unsupported }),
      ...(words.length === 0 ? {} : { words }),
    });
    if (trace !== undefined)
      await writing(trace, () => writeFile(trace, traceText(result, options.traceFormat)));
    if (console !== undefined) await writing(console, () => writeFile(console, session.console));
    if (unsupported.length > 0) options.onUnsupported?.(unsupported);
    return report;
  } finally {
    session.close();
    await handle.close();
  }
}

/** The rules as reports list them: every one, also where nothing was traced. */
export function reportedRules({ trace, reason }: Pick<Result, 'trace' | 'reason'>): readonly ReportedRule[] {
  return (trace?.rules ?? unjudgedRules(reason)).map(({ name, verdict, evidence, note }) => ({
    name,
    verdict,
    ...defined({ evidence, note }),
  }));
}

/** 0: captured or done, and no rule broken; 1: a rule is broken; 2: not captured, not done. */
export function exitCodeOf(report: {
  readonly outcome: string;
  readonly rules: readonly ReportedRule[];
}): 0 | 1 | 2 {
  if (report.outcome === 'failed') return 2;
  return report.rules.some(({ verdict }) => verdict === 'broken') ? 1 : 0;
}

async function bootAndTake<R extends Result, T, Phase>(
  session: Session,
  { boot, onPhase, input = [] }: OnceOptions<Phase>,
  way: Way<R, T>,
  signal: AbortSignal,
): Promise<R> {
  onPhase?.('booting');
  const lookout = new Lookout(session, boot);
  await lookout.start();
  const ready = await untilLoaded(session, boot, way.loadedDump, way.limitSeconds);
  if (ready.kind !== 'ready') {
    const crashed = await way.followAlarm?.(lookout, signal);
    if (crashed !== undefined) return crashed;
    return way.notBooted({
      phase: 'booting',
      reason: await whyNotReady(ready, way.limitSeconds, lookout),
      insn: session.insn,
      ...(ready.kind === 'ended' ? { end: ready.end } : {}),
    });
  }
  onPhase?.('ready');
  const strayed = await typeAgain(lookout, input);
  if (strayed !== undefined) return way.notBooted({ phase: 'ready', reason: strayed, insn: session.insn });
  return await way.take(lookout, ready.noCrashKernel, signal);
}

/** The trace file: nothing was traced where no way was taken. */
function traceText({ trace }: Result, format: TraceFormat = 'json'): string {
  return trace === undefined ? 'null\n' : formatTrace(trace, format);
}
