/** Checks requests to a fleet, and resolves the machine of each. */

import { randomBytes } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import { FormatError } from '../../base/errors.ts';
import type { PartitionConfig } from '../../emulator/host/index.ts';
import type { PanicRequest, PartitionRequest, PartitionView } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import { BOOT_DUMP_MODE, dumpMode } from '../guest/agent-line.ts';
import type { BootImage, ImageSource } from '../guest/boot-image.ts';
import { makeConfig } from '../guest/machine.ts';
import { resolveMachine } from '../guest/machine-spec.ts';

/** The image and the machine for it. @throws Refusal for the image; FormatError for a machine that cannot be */
export async function prepareMachine(
  images: ImageSource,
  request: PartitionRequest,
): Promise<{ readonly boot: BootImage; readonly config: PartitionConfig }> {
  const { append, crashAppend, loader } = request;
  const boot = await images.bootImage(request.image, {
    dump: BOOT_DUMP_MODE,
    ...defined({ append, crashAppend, loader }),
  });
  return { boot, config: makeConfig(boot, resolveMachine(request)) };
}

/** @throws Refusal `invalid` for what could never start. */
export async function checkRequest(images: ImageSource, request: PartitionRequest): Promise<void> {
  try {
    await prepareMachine(images, request);
  } catch (error) {
    if (error instanceof FormatError || (error instanceof Refusal && error.code === 'not-found'))
      throw new Refusal('invalid', error.message);
    throw error;
  }
}

/** @throws Refusal `invalid` */
export function checkPanic(view: PartitionView, request: PanicRequest): void {
  if (
    request.onCpu !== undefined &&
    (!Number.isInteger(request.onCpu) || request.onCpu < 0 || request.onCpu >= view.cpus)
  )
    throw new Refusal('invalid', `Partition ${view.id} has ${view.cpus} CPUs, counted from 0.`);
  for (const fault of request.faults ?? [])
    if (fault.kind === 'wedge' && fault.cpu >= view.cpus)
      throw new Refusal('invalid', `Partition ${view.id} has no CPU ${fault.cpu} to wedge.`);
  try {
    dumpMode(request.dump);
  } catch (error) {
    if (error instanceof FormatError) throw new Refusal('invalid', error.message);
    throw error;
  }
}

/** 50 bits in Crockford's base 32, which has no letters that look alike. */
export function randomId(prefix: string): string {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz';
  return prefix + [...randomBytes(10)].map((byte) => letters[byte & 31]).join('');
}
