/** Says how a crash, a kexec or a restart of the service came to be, and whether it can be repeated without it. */

import { defined } from '../../base/defined.ts';
import type { LeaveRequest, Made, PanicRequest, PartitionRequest } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { resolveMachine } from '../guest/machine-spec.ts';
import type { Session } from '../guest/session.ts';
import type { LeavePath, Trace } from '../trace/index.ts';
import { DEFAULT_LEAVE_SECONDS } from './kexec.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';
import { crashLine, type LineParts, leaveLine } from './repeat-line.ts';

/** The service that made it. */
export type Maker = {
  readonly version: string;
  /** The data folder, as it was given. */
  readonly data?: string;
};

export type MadeParts = {
  readonly maker: Maker;
  readonly partition: { readonly name: string; readonly request: PartitionRequest };
  readonly boot: BootImage;
  readonly session: Session;
  readonly trace: Trace | undefined;
};

/** @param asked undefined: it was not requested */
export function crashMade(parts: MadeParts, asked: PanicRequest | undefined): Made {
  const seconds = asked?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  return { ...madeOf(parts, seconds, (line) => crashLine(line, asked)), ...defined({ asked }) };
}

export function leaveMade(parts: MadeParts, path: LeavePath, asked: LeaveRequest): Made {
  const seconds = asked.timeoutSeconds ?? DEFAULT_LEAVE_SECONDS;
  return madeOf(parts, seconds, (line) => leaveLine(line, path, asked));
}

/** @param limitSeconds guest seconds that it was given, and that its boot is given without the service */
function madeOf(
  { maker, partition, boot, trace, session }: MadeParts,
  limitSeconds: number,
  lineOf: (parts: LineParts) => string,
): Made {
  const { request } = partition;
  const { processor, mmu, firmware, interrupts, diskBus, cpus, seed } = resolveMachine(request);
  const { name, kernelRelease, contents = { files: [], packages: [] } } = boot;
  const machine = { ...request, processor, mmu, firmware, interrupts, diskBus, cpus, seed };
  const { input } = session.past;
  const noLine = [...session.past.obstacles, ...endObstacles(session)];
  if ((session.past.readySeconds ?? 0) > limitSeconds)
    noLine.push('its time limit is shorter than its boot was, which counts without the daemon');
  const parts = { machine, hasInput: input.length > 0, ...defined({ data: maker.data }) };
  return {
    version: maker.version,
    partition: partition.name,
    machine,
    image: { name, ...defined({ kernelRelease }), ...contents },
    append: boot.append,
    ...defined({ nextAppend: trace?.image.load?.tree?.bootargs }),
    ...(input.length === 0 ? {} : { input }),
    ...(noLine.length === 0 ? { line: lineOf(parts) } : { noLine }),
  };
}

function endObstacles({ ended, diskFailure }: Session): readonly string[] {
  return [
    ...(ended?.kind === 'stopped' ? ['it was ended from outside'] : []),
    ...(ended?.kind === 'error' ? ['its machine failed'] : []),
    ...(diskFailure === undefined ? [] : ['the host failed behind a disk']),
  ];
}
