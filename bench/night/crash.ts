/** Takes stock Debian through one plan of a night, and compares what is said of the crash with what was done and with what drgn says. */

import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { concatBytes } from '../../src/base/bytes.ts';
import { openPartition } from '../../src/emulator/host/index.ts';
import { buildCpio } from '../../src/images/cpio.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { readDump } from '../../src/panic/guest/dump-device.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { isStandstill, Session } from '../../src/panic/guest/session.ts';
import { followAlarm } from '../../src/panic/handoff/crash.ts';
import { type CrashResult, crash, Lookout, leave, resolveMachine } from '../../src/panic/index.ts';
import { untilLoaded } from '../../src/panic/loading/index.ts';
import { cpioFile, patchedModule } from '../../test/synth/patched-module.ts';
import { stockGuest } from '../guests/image.ts';
import { openByDrgn } from '../matrix/stacks.ts';
import { describePlan, type NightPlan, onlineAfter, type Step } from './plan.ts';

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
const STOCK = 'virtio_blk';
/** As long as the name of the stock module. */
const MODULE = 'oops_null0';
const MODULE_PATH = `${MODULE}.ko`;
/** Stores to address 0. */
const STORE_TO_NULL = [
  0x38600000, // li  r3,0
  0xf8630000, // std r3,0(r3)
];

/** @throws Error where the guest does not do what it is told, before it crashes */
export async function crashOf(plan: NightPlan): Promise<NightRow> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-night-'));
  const { image, folder: imageFolder } = await stockGuest();
  const boot = await imageSource(dirname(imageFolder)).bootImage(image.name, {
    dump: plan.dump,
    append: plan.append,
  });
  if (boot.initrd === undefined) throw new Error('the image has no initramfs');
  const initrd = join(folder, 'initrd');
  writeFileSync(initrd, withModule(readFileSync(boot.initrd)));
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

/** A second archive behind the first: the kernel unpacks both. */
function withModule(initrd: Uint8Array): Uint8Array {
  const stock = cpioFile(initrd, `lib/modules/${STOCK}.ko`);
  const data = patchedModule(stock, STOCK, MODULE, STORE_TO_NULL);
  const padding = new Uint8Array((4 - (initrd.length % 4)) % 4);
  const archive = buildCpio(new Map([[MODULE_PATH, { kind: 'file', mode: 0o644, data }]]));
  return concatBytes([initrd, padding, archive]);
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
      await typed(session, `echo 0 >/proc/sys/kernel/panic_on_oops; insmod /${MODULE_PATH}`);
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
  const line =
    way.kind === 'shell'
      ? 'echo c >/proc/sysrq-trigger'
      : `echo 1 >/proc/sys/kernel/panic_on_oops; insmod /${MODULE_PATH}`;
  await session.type(0, Buffer.from(`${line}\r`));
  const stop = await session.wait(() => (lookout.isAlarmed ? 'alarm' : undefined), SECONDS);
  if (isStandstill(stop)) throw new Error(`${line}: nothing happens: ${stop.kind}`);
  const result = await followAlarm(lookout);
  if (result === undefined) throw new Error(`${line}: the crash came to nothing`);
  return result;
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
  if (outcome === 'captured' && drgn !== 'opens')
    refuted.push(`captured, and drgn says: ${drgn ?? 'there is no dump'}`);
  if (outcome === 'failed' && dump?.complete === true && drgn === 'opens')
    refuted.push('failed, and drgn opens a whole dump');
  return refuted;
}
