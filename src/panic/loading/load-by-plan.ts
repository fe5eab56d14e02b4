/**
 * Loads by plan: the guest reports the facts that only it knows, the host computes the segments (crashkernel/) and
 * writes them to the guest's read-only disk, and the guest passes them to kexec_load itself.
 *
 * The disk holds two plans: `crash`, and `next`, the image's own kernel for an ordinary kexec with the production
 * kernel's command line. A `next` that is refused here is left out and reported; the crash kernel is loaded all the same.
 */

import { readFile } from 'node:fs/promises';
import { assert, FormatError } from '../../base/errors.ts';
import { hostFileAsync } from '../../base/failure-text.ts';
import { hex64 } from '../../base/hex.ts';
import {
  buildPlanDisk,
  type DiskPlan,
  type GuestFacts,
  type LoadImage,
  type LoadPlan,
  type LoadReport,
  type LoadRequest,
  planLoad,
  probeImage,
  type Range,
} from '../../crashkernel/index.ts';
import { panicError } from '../contract/errors.ts';
import type { BootImage, BootLoading } from '../guest/boot-image.ts';
import { isStandstill, type Readiness, type Session } from '../guest/session.ts';
import type { PlanFacts, RangeFact } from '../trace/index.ts';
import { parseFacts } from './facts.ts';
import { ownPurgatory } from './purgatory-file.ts';

/** The result of a load. `report`: the plan, where one was given to the guest. */
export type PlannedLoad = {
  /** Why no crash kernel is loaded; absent: one is. */
  readonly failure?: string;
  readonly report?: LoadReport;
  /** Why the disk holds no plan for an ordinary kexec. */
  readonly nextFailure?: string;
};

/** Guest seconds. */
const LOAD_SECONDS = 600;
/** Read-only disk of the guest on which plans lie: the first one. */
const PLAN_DISK = 0;
/** Written in one message. */
const PIECE = 4 * 2 ** 20;
/** The reason that a guest which loads by plan gives for having no crash kernel. */
const WAITING = /^waiting for a plan\b/;

/**
 * Waits until the guest is ready and, where it loads by plan, has loaded the crash kernel for `mode`.
 * @returns as Session.untilReady; `noCrashKernel` says why there is none
 */
export async function untilLoaded(
  session: Session,
  boot: BootImage,
  mode: string,
  limitSeconds: number,
): Promise<Readiness> {
  const ready = await session.untilReady(limitSeconds);
  if (ready.kind !== 'ready' || boot.loading === undefined) return ready;
  if (ready.noCrashKernel !== undefined && !waitsForPlan(boot, ready.noCrashKernel)) return ready;
  const { failure } = await loadByPlan(session, boot, mode);
  return failure === undefined ? { kind: 'ready' } : { kind: 'ready', noCrashKernel: failure };
}

/** Whether a guest without a crash kernel only waits for kdumpd's plan. */
export function waitsForPlan(boot: BootImage, noCrashKernel: string | undefined): boolean {
  return boot.loading !== undefined && noCrashKernel !== undefined && WAITING.test(noCrashKernel);
}

/** Makes new plans and has the guest load, to dump as `mode` says. @throws Error when the partition's worker dies */
export async function loadByPlan(session: Session, boot: BootImage, mode: string): Promise<PlannedLoad> {
  const { loading } = boot;
  const line = session.lines.last('facts');
  if (loading === undefined || line === undefined)
    return { failure: 'the image’s agent does not load by plan: it reported no facts' };
  if (session.handle.config.firmware === 'open-firmware')
    return { failure: 'Open Firmware gave the kernel no flattened tree to plan with' };
  let planned: PlannedLoad & { readonly report: LoadReport };
  try {
    const guest = parseFacts(line.text);
    const plans = await makePlans(session, boot, loading, guest, mode);
    planned = {
      report: plans.crash.report,
      ...(plans.next instanceof FormatError ? { nextFailure: describe(plans.next) } : {}),
    };
    await writePlans(session, plans);
  } catch (error) {
    // A check of kdumpd refused the plan, or the image or the disk is unsuitable.
    if (!(error instanceof FormatError)) throw error;
    session.planned = { refusals: [{ code: error.code, message: describe(error) }] };
    return { failure: describe(error) };
  }
  session.planned = { plan: planFacts(planned.report) };
  const answer = await session.command(`load ${mode}`, LOAD_SECONDS);
  if (isStandstill(answer)) return { failure: `the guest did not load the plan: ${answer.kind}`, ...planned };
  if (answer.kind === 'answer' && answer.ok) return planned;
  return { failure: answer.kind === 'answer' ? answer.text : answer.kind, ...planned };
}

type Plans = { readonly crash: LoadPlan; readonly next: LoadPlan | FormatError };

async function makePlans(
  session: Session,
  boot: BootImage,
  loading: BootLoading,
  guest: GuestFacts,
  mode: string,
): Promise<Plans> {
  const [tree, purgatory, image, initrd] = await Promise.all([
    session.handle.machineTree(),
    ownPurgatory(),
    imageOf(loading.kernel),
    loading.initrd === undefined ? undefined : readInitrd(loading.initrd),
  ]);
  assert(tree !== undefined, 'a machine that is on has the tree that it was given');
  const common = {
    image,
    tree,
    guest,
    purgatory,
    digest: loading.digest,
    ...(loading.at === undefined ? {} : { at: loading.at }),
    ...(loading.force === undefined ? {} : { force: loading.force }),
    ...(initrd === undefined
      ? {}
      : { initrd: new Uint8Array(initrd.buffer, initrd.byteOffset, initrd.length) }),
  };
  const crash = planLoad({
    ...common,
    crash: true,
    commandLine: `${loading.append} kdumpd.dump=${mode.split(' ').join('^')}`,
  });
  // An ordinary kexec boots the image's own kernel, whichever kernel or stub is loaded for a crash.
  const own = boot.kernel === loading.kernel ? image : await imageOf(boot.kernel);
  return {
    crash,
    next: planOrRefusal({ ...common, image: own, crash: false, commandLine: boot.append }),
  };
}

function planOrRefusal(request: LoadRequest): LoadPlan | FormatError {
  try {
    return planLoad(request);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

function readInitrd(path: string): Promise<Uint8Array> {
  return hostFileAsync('the initramfs', () => readFile(path));
}

async function imageOf(path: string): Promise<LoadImage> {
  return probeImage(new Uint8Array(await hostFileAsync('the kernel to load', () => readFile(path))));
}

async function writePlans(session: Session, { crash, next }: Plans): Promise<void> {
  const disk = session.handle.config.disks[PLAN_DISK];
  const onDisk = (name: string, plan: LoadPlan): DiskPlan => ({ ...plan, name });
  const pieces = buildPlanDisk([
    onDisk('crash', crash),
    ...(next instanceof FormatError ? [] : [onDisk('next', next)]),
  ]);
  const last = pieces.at(-1);
  const size = disk?.kind === 'memory' ? disk.bytes : 0;
  if (last === undefined || last.offset + last.bytes.length > size)
    throw panicError('panic/plan-disk', 'the plans do not fit their disk', { expected: `${size} bytes` });
  for (const { offset, bytes } of pieces)
    for (let at = 0; at < bytes.length; at += PIECE)
      await session.handle.writeDisk(PLAN_DISK, offset + at, bytes.slice(at, at + PIECE));
}

function planFacts({ bootargs, runAtLoad, digested, undigested, forced }: LoadReport): PlanFacts {
  const fact = ({ start, end }: Range): RangeFact => ({ start: hex64(start), bytes: end - start });
  return {
    bootargs,
    runAtLoad,
    digested: digested.map(fact),
    undigested: undigested.map(({ role, range, reason }) => ({ ...fact(range), role, reason })),
    forced,
  };
}

function describe(error: FormatError): string {
  const { expected, actual } = error.detail;
  const found = actual === undefined ? '' : `; found ${actual}`;
  return `${error.code}: ${error.message}${expected === undefined ? '' : ` (expected ${expected}${found})`}`;
}
