/** Takes stock Debian through one plan of a night, and compares what is said of the crash with what was done and with what drgn says. */

import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPartition } from '../../src/emulator/host/index.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { readDump } from '../../src/panic/guest/dump-device.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { isStandstill, Session } from '../../src/panic/guest/session.ts';
import { followAlarm } from '../../src/panic/handoff/follow-alarm.ts';
import { type CrashResult, crash, Lookout, leave, resolveMachine } from '../../src/panic/index.ts';
import { untilLoaded } from '../../src/panic/loading/index.ts';
import { stockGuest } from '../guests/image.ts';
import { openByDrgn } from '../matrix/stacks.ts';
import { modulePath, OOPS, withModules } from './modules.ts';
import { describePlan, type NightPlan, onlineAfter, type Step, type Way } from './plan.ts';

export type NightRow = {
  readonly n: number;
  readonly plan: readonly string[];
  readonly outcome: string;
  readonly phase: string;
  readonly reason?: string;
  /** Rules that are broken, and those that were not evaluated: name and note. */
  readonly broken: readonly string[];
  readonly open: readonly string[];
  /** What does not agree with what was done, or with what others say of the dump. */
  readonly refuted: readonly string[];
};

const SECONDS = 600;
const MEMORY = '1G';
/** Its init cannot be found, so that the kernel panics. */
const NO_INIT = 'rdinit=/none root=/dev/none';

/** @throws Error where the guest does not do what is typed, before it crashes */
export async function crashOf(plan: NightPlan): Promise<NightRow> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-night-'));
  const { image, folder: imageFolder } = await stockGuest();
  const boot = await imageSource(dirname(imageFolder)).bootImage(image.name, {
    dump: plan.dump,
    append: plan.append,
    ...(plan.crashKernel === 'panics' ? { crashAppend: NO_INIT } : {}),
  });
  if (boot.initrd === undefined) throw new Error('the image has no initramfs');
  const initrd = join(folder, 'initrd');
  writeFileSync(initrd, withModules(boot.initrd));
  const { processor, mmu, cpus, threads } = plan;
  const spec = resolveMachine({ processor, mmu, cpus, threads, memory: MEMORY, seed: 1 + plan.n });
  const handle = openPartition(makeConfig({ ...boot, initrd }, spec));
  const session = new Session(handle, true);
  try {
    const lookout = new Lookout(session, boot);
    await lookout.start();
    const ready = await untilLoaded(session, boot, plan.dump, SECONDS);
    if (ready.kind !== 'ready') throw new Error(`the guest is not ready: ${ready.kind}`);
    if (ready.noCrashKernel !== undefined) throw new Error(`no crash kernel: ${ready.noCrashKernel}`);
    for (const step of plan.steps) await take(step, lookout);
    if (plan.crashKernel === 'unloaded') await typed(session, 'kexec -p -u');
    const result = await end(plan, lookout);
    const dump = join(folder, 'vmcore');
    if (result.dump !== undefined)
      await pipeline(Readable.from(readDump(handle, result.dump)), createWriteStream(dump));
    return rowOf(plan, result, result.dump?.complete === true ? openByDrgn(dump) : undefined);
  } finally {
    session.close();
    await handle.close();
    rmSync(folder, { recursive: true });
  }
}

async function take(step: Step, lookout: Lookout): Promise<void> {
  const { session } = lookout;
  switch (step.kind) {
    case 'kexec': {
      const { outcome, reason, trace } = await leave(lookout, 'kexec', {});
      const broken = (trace?.rules ?? []).filter(({ verdict }) => verdict === 'broken');
      if (outcome !== 'done' || broken.length > 0)
        throw new Error(
          `a kexec: ${outcome}: ${reason ?? broken.map(({ name, note }) => `${name}: ${note}`).join('; ')}`,
        );
      return;
    }
    case 'cpu':
      await typed(session, `echo ${step.online ? 1 : 0} >/sys/devices/system/cpu/cpu${step.cpu}/online`);
      return;
    case 'oops':
      await typed(session, `echo 0 >/proc/sys/kernel/panic_on_oops; insmod ${modulePath(OOPS)}`);
      if (lookout.isAlarmed) throw new Error('an oops that the kernel survived is taken for a crash');
  }
}

async function typed(session: Session, line: string): Promise<void> {
  await session.type(0, Buffer.from(`${line}\r`));
  const stopped = await session.untilResting(SECONDS);
  if (stopped !== undefined) throw new Error(`${line}: the guest does not come to rest: ${stopped.kind}`);
}

async function end({ dump, way }: NightPlan, lookout: Lookout): Promise<CrashResult> {
  if (way.kind === 'asked')
    return await crash(lookout, { trigger: way.trigger, onCpu: way.onCpu, dump }, { loadedDump: dump });
  const { session } = lookout;
  const line = lineOf(way);
  await session.type(0, Buffer.from(`${line}\r`));
  const stop = await session.wait(() => (lookout.isAlarmed ? 'alarm' : undefined), SECONDS);
  if (isStandstill(stop)) throw new Error(`${line}: nothing happens: ${stop.kind}`);
  const result = await followAlarm(lookout);
  if (result === undefined) throw new Error(`${line}: the crash came to nothing`);
  return result;
}

/** What is typed. */
function lineOf(way: Exclude<Way, { readonly kind: 'asked' }>): string {
  switch (way.kind) {
    case 'shell':
      return 'echo c >/proc/sysrq-trigger';
    case 'module':
      return `echo 1 >/proc/sys/kernel/panic_on_oops; insmod ${modulePath(way.module)}`;
    case 'hang':
      return `echo 1 >/proc/sys/kernel/hardlockup_panic; insmod ${modulePath(way.module)}`;
  }
}

function rowOf(plan: NightPlan, result: CrashResult, drgn: string | undefined): NightRow {
  const { outcome, phase, reason, trace } = result;
  const noted = (verdict: string): readonly string[] =>
    (trace?.rules ?? [])
      .filter((rule) => rule.verdict === verdict)
      .map(({ name, note }) => `${name}: ${note ?? 'no note'}`);
  return {
    n: plan.n,
    plan: describePlan(plan),
    outcome,
    phase,
    ...(reason === undefined ? {} : { reason }),
    broken: noted('broken'),
    open: noted('not-evaluated'),
    refuted: refutedBy(plan, result, drgn),
  };
}

/** What is said of the crash, against what was done and what drgn says. */
function refutedBy(
  plan: NightPlan,
  { outcome, requested, trace, dump }: CrashResult,
  drgn: string | undefined,
): string[] {
  const refuted: string[] = [];
  const { way } = plan;
  if (requested !== (way.kind === 'asked')) refuted.push(`requested is ${requested}`);
  if (trace === undefined) return [...refuted, 'there is no trace'];
  const { t0 } = trace.instants;
  if (way.kind === 'asked' && t0?.cpu !== way.onCpu)
    refuted.push(`T0 is on CPU ${t0?.cpu}, the trigger was for CPU ${way.onCpu}`);
  const online = onlineAfter(plan);
  for (const cpu of trace.machine.cpus)
    if (cpu.online !== undefined && cpu.online !== online.has(cpu.index))
      refuted.push(`CPU ${cpu.index} is said to be ${cpu.online ? 'online' : 'offline'}`);
  const wanted = plan.crashKernel === 'loaded' ? 'captured' : 'failed';
  if (outcome !== wanted) refuted.push(`${outcome}, and it had to be ${wanted}`);
  if (outcome === 'captured' && drgn !== 'opens')
    refuted.push(`captured, and drgn says: ${drgn ?? 'there is no dump'}`);
  if (outcome === 'failed' && dump?.complete === true && drgn === 'opens')
    refuted.push('failed, and drgn opens a whole dump');
  return refuted;
}
