/**
 * Says what came of a crash whose guest has stopped: whether there is a whole dump, why not, the trace with its verdicts, and which crash it
 * was. The phase comes from machine events alone; the agent's lines decide only whether the guest itself calls its dump done or failed.
 */

import { defined } from '../../base/defined.ts';
import type { MachineFault } from '../../emulator/host/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import { identifyCrash } from '../facts/identity.ts';
import { onlineCpus } from '../facts/index.ts';
import type { ReadMemory } from '../facts/symbols/index.ts';
import type { Examination } from '../fidelity/index.ts';
import { examineApart } from '../fidelity/index.ts';
import { type FoundDump, findDump } from '../guest/dump-device.ts';
import { isGone, type Session, type Standstill } from '../guest/session.ts';
import { ReadingFailure } from '../reading/index.ts';
import { judgeRules } from '../rules/index.ts';
import { keptAt, type UnjudgedTrace } from '../watch/index.ts';
import type { CrashResult, FollowOptions } from './crash-result.ts';
import { answers } from './entry-reading.ts';
import type { Lookout } from './lookout.ts';
import type { Prepared } from './prepare.ts';
import { reasonOf } from './reason.ts';
import { osTermOf } from './stuck-master.ts';

type Conclusion = Pick<FollowOptions, 'onPhase' | 'signal'> & {
  readonly lookout: Lookout;
  readonly prepared: Prepared;
  readonly stop: Standstill;
  readonly noCrashKernel?: string | undefined;
  readonly timeoutSeconds: number;
  readonly faults: readonly MachineFault[];
  readonly isRequested: boolean;
};

export async function conclude(conclusion: Conclusion): Promise<CrashResult> {
  const { lookout, prepared, stop, noCrashKernel, timeoutSeconds, faults, signal } = conclusion;
  const { session, boot } = lookout;
  const { recorder } = prepared;
  const observed = recorder.phase;
  if (stop.kind === 'timeout' || (stop.kind === 'standing' && !session.isResting))
    session.past.hinder('it was given up while it ran, by a limit of time');
  const { unread, known } = carefulReading(session);
  const alive = stop.kind !== 'ended' || !isGone(stop.end);
  await known(() => lookout.read(signal));
  if (alive) await known(() => noteOnline(session, prepared));
  const disk = recorder.dumpDisk;
  const found =
    observed === 'dumping' && alive && disk !== undefined
      ? await known(() => findDump(session.handle, disk, signal))
      : undefined;
  const said = saysDumped(conclusion);
  // Without `dump-done` this dump may have been cut, with the rest of an earlier, longer dump behind it on the device.
  const dump = found === undefined || said ? found : { ...found, complete: false };
  const captured = dump?.complete === true && said && !session.lines.has('dump-failed');
  if (captured) {
    recorder.setDumped();
    conclusion.onPhase?.('dumped');
  }
  const phase: CapturePhase = captured ? 'dumped' : observed;
  const dropped = alive ? await known(() => session.handle.dropped()) : undefined;
  if (dropped !== undefined) recorder.setDropped(dropped);
  const seen = whatWasSeen(session, prepared);
  const truth = alive ? await known(() => withGroundTruth(session, seen, prepared, dump, signal)) : undefined;
  const trace = truth ?? seen;
  const identity = (await answers(session.handle))
    ? await known(() => identifyCrash(trace, prepared.read, prepared.production, boot.vmlinux))
    : undefined;
  const why = captured
    ? []
    : [
        await reasonOf({
          session,
          prepared,
          phase,
          stop,
          timeoutSeconds,
          faults: faults.map(({ name }) => name),
          ...defined({ noCrashKernel, dump }),
        }),
      ];
  const reasons = [...unread, ...why];
  const { t0, t2, t4 } = trace.instants;
  return {
    outcome: captured ? 'captured' : 'failed',
    requested: conclusion.isRequested,
    phase,
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    trace: { ...trace, rules: judgeRules(trace) },
    ...defined({ identity, dump }),
    instructions: {
      boot: t0?.insn ?? session.insn,
      handoff: t0 === undefined || t2 === undefined ? 0 : t2.insn - t0.insn,
      capture: t2 === undefined || t4 === undefined ? 0 : t4.insn - t2.insn,
    },
    ...(stop.kind === 'ended' ? { end: stop.end } : {}),
  };
}

/**
 * Reads of a machine whose worker may be gone or die meanwhile, and whose guest may have made it too much to read.
 * `known` gives undefined then; `unread` says why a part of what the guest left is not known.
 */
function carefulReading({ handle, past }: Session): {
  readonly unread: readonly string[];
  readonly known: <T>(read: () => Promise<T>) => Promise<T | undefined>;
} {
  const unread: string[] = [];
  return {
    unread,
    known: async (read) => {
      try {
        return await read();
      } catch (error) {
        if (error instanceof ReadingFailure) {
          unread.push(error.message);
          past.hinder('what it left took too much of the host to read');
        } else if (await answers(handle)) throw error;
        return undefined;
      }
    },
  };
}

/** Gives the recorder which CPUs were online when the crash began. */
async function noteOnline({ handle }: Session, { recorder, production }: Prepared): Promise<void> {
  const begun = await keptAt(handle, 't0', recorder.instants.t0);
  if (begun === undefined) return;
  const read: ReadMemory = (raddr, length) => handle.readInstant('t0', raddr, length);
  recorder.setOnline(await onlineCpus(begun.vcpus, production, read));
}

/** Whether the guest says that its dump is done. One without an agent sends no lines: it restarts or powers off after a whole dump. */
function saysDumped({ lookout: { session, boot }, prepared, stop }: Conclusion): boolean {
  if (boot.agent) return session.lines.has('dump-done');
  if (stop.kind !== 'ended' || (stop.end.kind !== 'reboot' && stop.end.kind !== 'power-off')) return false;
  const { recorder } = prepared;
  const crashedAgain = recorder.entryOfKernel !== undefined && osTermOf(session, recorder) !== undefined;
  return !crashedAgain;
}

function whatWasSeen({ planned, unsupported }: Session, { recorder }: Prepared): UnjudgedTrace {
  const recorded = recorder.trace();
  return {
    ...recorded,
    image: { ...recorded.image, ...planned },
    ...(unsupported.length === 0 ? {} : { unsupported }),
  };
}

/** Adds to the trace what the emulator kept at T0 and T1, and the comparison of the dump with it. */
async function withGroundTruth<T extends UnjudgedTrace>(
  { handle, console, words }: Session,
  trace: T,
  { recorder, production }: Prepared,
  dump: FoundDump | undefined,
  signal: AbortSignal | undefined,
): Promise<T & Examination> {
  const input = {
    handle,
    facts: trace.image,
    online: trace.machine.cpus.filter(({ online }) => online !== false).map(({ index }) => index),
    ...(dump === undefined ? {} : { dump }),
    ...(trace.instants.t2 === undefined ? {} : { entered: trace.instants.t2.insn }),
    nameOf: (nia: bigint, insn: number) => recorder.nameAt(nia, insn),
    symbols: production.table.pack(),
    // makedumpfile's report is on the console of a guest without an agent, and among its words in one with an agent.
    console: [new TextDecoder('latin1').decode(console), ...words.flatMap(({ lines }) => lines)].join('\n'),
  };
  const examined = await examineApart(input, signal);
  return { ...trace, ...examined };
}
