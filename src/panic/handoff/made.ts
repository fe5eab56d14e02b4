/** Says how a crash, a kexec or a restart of the service came to be, and whether it can be repeated without it. */

import { defined } from '../../base/defined.ts';
import type { Made, PanicRequest, PartitionRequest } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { resolveMachine } from '../guest/machine-spec.ts';
import type { Session } from '../guest/session.ts';
import type { Trace } from '../trace/index.ts';
import { crashLine } from './crash-line.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './limits.ts';

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

/** @param asked undefined: nobody asked for it */
export function crashMade(parts: MadeParts, asked: PanicRequest | undefined): Made {
  const made = madeOf(parts);
  const { session, maker } = parts;
  const { input } = session.past;
  const noLine = [...session.past.obstacles, ...endObstacles(session)];
  const limit = asked?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  if ((session.past.readySeconds ?? 0) > limit)
    noLine.push('its time limit is shorter than its boot was, which counts without the daemon');
  const line = (): string =>
    crashLine({
      machine: made.machine,
      hasInput: input.length > 0,
      ...defined({ asked, data: maker.data }),
    });
  return {
    ...made,
    ...defined({ asked }),
    ...(input.length === 0 ? {} : { input }),
    ...(noLine.length === 0 ? { line: line() } : { noLine }),
  };
}

export function madeOf({ maker, partition, boot, trace }: MadeParts): Made {
  const { request } = partition;
  const { processor, mmu, firmware, interrupts, diskBus, cpus, seed } = resolveMachine(request);
  const { name, kernelRelease, contents = { files: [], packages: [] } } = boot;
  return {
    version: maker.version,
    partition: partition.name,
    machine: { ...request, processor, mmu, firmware, interrupts, diskBus, cpus, seed },
    image: { name, ...defined({ kernelRelease }), ...contents },
    append: boot.append,
    ...defined({ nextAppend: trace?.image.load?.tree?.bootargs }),
  };
}

function endObstacles({ ended, diskFailure }: Session): readonly string[] {
  return [
    ...(ended?.kind === 'stopped' ? ['it was ended from outside'] : []),
    ...(ended?.kind === 'error' ? ['its machine failed'] : []),
    ...(diskFailure === undefined ? [] : ['the host failed behind a disk']),
  ];
}
