/** Writes one sentence that says why a crash was not captured, from machine events and the state of the CPUs. */

import { hex64 } from '../../base/hex.ts';
import { MSR } from '../../base/power.ts';
import type { DiskFailure, VcpuSnapshot } from '../../emulator/host/index.ts';
import type { CapturePhase } from '../contract/index.ts';
import type { FoundDump } from '../guest/dump-device.ts';
import { describeEnd, type OsTerm, type Session, type Standstill } from '../guest/session.ts';
import { cpuStateOf } from '../trace/index.ts';
import type { Lookout } from './lookout.ts';
import type { Prepared } from './prepare.ts';
import { osTermOf } from './stuck-master.ts';

type Recorder = Prepared['recorder'];

export type Situation = {
  readonly session: Session;
  readonly prepared: Prepared;
  readonly phase: CapturePhase;
  readonly stop: Standstill;
  /** Why the agent has no crash kernel; absent: it has one. */
  readonly noCrashKernel?: string;
  readonly dump?: FoundDump;
  readonly timeoutSeconds: number;
  /** What was injected, by name. */
  readonly faults: readonly string[];
};

/** Bytes at the end of the console that are searched for purgatory's message. */
const CONSOLE_TAIL = 4096;

/** The reason of a failed capture. */
export async function reasonOf(situation: Situation): Promise<string> {
  const { faults } = situation;
  const guests = await guestsReason(situation);
  const hosts = hostsReason(situation.session.diskFailure);
  const reason = hosts === undefined ? guests : `${hosts}; ${guests}`;
  return faults.length === 0 ? reason : `${reason} (injected: ${faults.join(', ')})`;
}

/** What the host did to a disk. The guest knows no more than that its disk failed. */
export function hostsReason(failure: DiskFailure | undefined): string | undefined {
  if (failure === undefined) return undefined;
  const { code, operation, offset } = failure;
  const what =
    code === 'ENOSPC'
      ? 'the host’s disk is full'
      : code === 'EDQUOT'
        ? 'the quota of scratch disks is used up'
        : `the host’s disk failed (${code})`;
  if (operation === 'write') return `${what}: the dump was cut at ${offset} bytes`;
  return `${what}: disk ${failure.disk} could not be ${operation === 'read' ? `read at byte ${offset}` : 'flushed'}`;
}

async function guestsReason(situation: Situation): Promise<string> {
  const { session, stop, phase, dump } = situation;
  const failed = session.lines.last('dump-failed');
  const cut = dump !== undefined && !dump.complete ? `; ${cutShort(dump)}` : '';
  if (failed !== undefined)
    return `the crash kernel abandoned the dump (${failed.phase}): ${failed.reason}${cut}`;
  const how = await howItStopped(situation);
  const missing = situation.noCrashKernel;
  if (missing !== undefined) return `no crash kernel is loaded (${missing}): ${how}`;
  if (situation.prepared.image === undefined && phase !== 'triggered')
    return `no crash kernel is loaded: ${how}`;
  if (
    stop.kind === 'ended' &&
    stop.end.kind === 'reboot' &&
    (phase === 'dumping' || phase === 'crash-kernel')
  ) {
    const said = lastWords(situation);
    if (dump === undefined)
      return `the crash kernel rebooted without leaving a dump on the dump device${said}`;
    return `the crash kernel rebooted${cut === '' ? ' without saying that the dump is done' : cut}${said}`;
  }
  return `${how}${cut}`;
}

function cutShort(dump: FoundDump): string {
  const first = dump.check.problems[0]?.message ?? 'its headers promise more than there is';
  return `the dump is incomplete: ${first}`;
}

async function howItStopped(situation: Situation): Promise<string> {
  const { stop, phase, session } = situation;
  switch (stop.kind) {
    case 'ended':
      switch (stop.end.kind) {
        case 'os-term':
          return `the guest called ibm,os-term: ${stop.end.message}`;
        case 'reboot':
          return `the guest rebooted in phase ${phase}${lastWords(situation)}`;
        case 'power-off':
          return `the guest powered off in phase ${phase}${lastWords(situation)}`;
        case 'stopped':
          return stopped(situation, stop.end);
        case 'exceeded':
          return `${describeEnd(stop.end)}, in phase ${phase}`;
        case 'error':
          return `the machine failed in phase ${phase}: ${stop.end.message}`;
      }
      break;
    case 'timeout':
      return timedOut(situation, await session.handle.vcpus());
    case 'standing':
      return standing(situation, await session.handle.vcpus());
  }
  return `stopped in phase ${phase}`;
}

/** What the guest said by ibm,os-term before it went on. */
function lastWords({ session, prepared }: Situation): string {
  const osTerm = osTermOf(session, prepared.recorder);
  return osTerm === undefined ? '' : `, after it had called ibm,os-term: ${osTerm.message}`;
}

/** Stopped from outside. A stop for a reason says where the CPUs were, unless they are gone with the worker. */
async function stopped(situation: Situation, { reason }: { readonly reason?: string }): Promise<string> {
  const { phase, session, prepared } = situation;
  if (reason === undefined) return `the partition was stopped in phase ${phase}`;
  const cpus = await session.handle.vcpus().catch(() => []);
  const where = cpus.length === 0 ? '' : `: ${describeCpus(prepared.recorder, cpus)}`;
  return `${reason}; it was in phase ${phase}${where}`;
}

function timedOut(situation: Situation, cpus: readonly VcpuSnapshot[]): string {
  const { timeoutSeconds, phase } = situation;
  const why = neverStopped(situation, cpus) ?? describeCpus(situation.prepared.recorder, cpus);
  return `not done after ${timeoutSeconds} s of guest time, in phase ${phase}: ${why}`;
}

/** The partition stands still: which CPU waits for what. */
function standing(situation: Situation, cpus: readonly VcpuSnapshot[]): string {
  const { phase, prepared } = situation;
  const { recorder, image } = prepared;
  const master = cpus.find(({ index }) => index === recorder.master);
  if (phase === 'triggered' && !cpus.some(isStorm))
    return 'the guest did not react to the trigger: no CPU began to panic';
  if (phase === 'purgatory') {
    const purgatory = image?.segments.find(({ role }) => role === 'purgatory');
    const nia = Number(master?.nia ?? 0n);
    if (purgatory !== undefined && nia >= purgatory.mem && nia < purgatory.mem + purgatory.memsz) {
      const where = `CPU ${master?.index} loops at ${hex64(nia)} in purgatory and does not enter the kernel`;
      return saysMismatch(situation.session.console)
        ? `the digest of the loaded image does not match: ${where}`
        : `${where}, as it does when the digest of the loaded image does not match`;
    }
  }
  const { panicEnd } = situation.session;
  if (panicEnd !== undefined)
    return `the kernel panicked (${panicEnd}) and did not restart: ${describeCpus(recorder, cpus)}`;
  if (cpus.some(isStorm))
    return `interrupts without an end in phase ${phase}: ${describeCpus(recorder, cpus)}`;
  const osTerm = osTermOf(situation.session, recorder);
  if (osTerm !== undefined)
    return `the guest called ibm,os-term: ${osTerm.message}, and did not restart: ${describeCpus(recorder, cpus)}`;
  const stuck = neverStopped(situation, cpus);
  if (stuck !== undefined) return `${stuck}; the panicking CPU ${master?.index} waits for it without limit`;
  return `every CPU stands still in phase ${phase}: ${describeCpus(prepared.recorder, cpus)}`;
}

/** What a purgatory prints when a SHA-256 does not match: that of kexec-tools (2.0.25 purgatory/purgatory.c), or our own (guest/purgatory). */
function saysMismatch(console: Uint8Array): boolean {
  return /digests do not match|digest mismatch/.test(
    Buffer.from(console.subarray(-CONSOLE_TAIL)).toString('latin1'),
  );
}

/** While the kernel stops its CPUs for the dump: those that did not save their registers, and what they are doing instead. */
function neverStopped(situation: Situation, cpus: readonly VcpuSnapshot[]): string | undefined {
  const { phase, prepared } = situation;
  if (phase !== 'handoff' || prepared.image === undefined) return undefined;
  const stuck = unstopped(situation, cpus);
  if (stuck.length === 0) return undefined;
  return stuck
    .map((cpu) => `CPU ${cpu.index} never stopped: it is ${doing(prepared.recorder, cpu)}`)
    .join('; ');
}

/** Online secondaries that did not save their registers. */
function unstopped({ prepared }: Situation, cpus: readonly VcpuSnapshot[]): readonly VcpuSnapshot[] {
  const trace = prepared.recorder.trace();
  const saved = new Set(
    trace.events.flatMap((event) => (event.kind === 'store' && event.mark.at === 'note' ? [event.cpu] : [])),
  );
  return cpus
    .filter(({ index }) => index !== prepared.recorder.master && !saved.has(index))
    .filter(({ index }) => trace.machine.cpus.find((cpu) => cpu.index === index)?.online !== false);
}

/** What each CPU is doing, for people. */
export function describeCpus(recorder: Recorder | undefined, cpus: readonly VcpuSnapshot[]): string {
  return cpus.map((cpu) => `CPU ${cpu.index} ${doing(recorder, cpu)}`).join(', ');
}

function isStorm({ storm }: VcpuSnapshot): boolean {
  return storm !== undefined;
}

/** State and place; where the code has no name (a module's), who called it; and whether it takes interrupts. */
function doing(recorder: Recorder | undefined, { state, nia, lr, msr, storm }: VcpuSnapshot): string {
  const name = recorder?.nameOf(nia);
  const caller = name === undefined ? recorder?.nameOf(lr) : undefined;
  const where = `${name ?? hex64(nia)}${caller === undefined ? '' : ` (called from ${caller})`}`;
  const off = state !== 'ceded' && state !== 'stopped' && (msr & MSR.EE) === 0n;
  const what =
    storm === undefined ? cpuStateOf(state, nia, msr) : `raised ${storm} interrupts in interrupt handlers,`;
  return `${what} at ${where}${off ? ' with interrupts off' : ''}`;
}

/** Why a guest did not become ready. One that still runs is described by its CPUs. */
export async function whyNotReady(
  stop: Standstill,
  limitSeconds: number,
  { session, prepared }: Pick<Lookout, 'session' | 'prepared'>,
): Promise<string> {
  const why = describeStandstill(stop, limitSeconds, session.osTerm);
  if (stop.kind === 'ended') return why;
  return `${why}: ${describeCpus(prepared?.recorder, await session.handle.vcpus())}`;
}

function describeStandstill(stop: Standstill, limitSeconds: number, osTerm?: OsTerm): string {
  switch (stop.kind) {
    case 'timeout':
      return `the guest was not ready after ${limitSeconds} s of its time`;
    case 'standing':
      return 'the guest stands still, and its agent did not report that it is ready';
    case 'ended': {
      const { end } = stop;
      if (end.kind === 'stopped' && end.reason !== undefined)
        return `the guest did not become ready: ${end.reason}`;
      return `the guest ended before it was ready (${describeEnd(end, osTerm)})`;
    }
  }
}
