/** Defines the options for loads: who plans the segments of kexec_load, and how. Every command that boots an image has them. */

import type { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { FORCIBLE, type ForcibleCheck, SEGMENT_ROLES, type SegmentRole } from '../crashkernel/index.ts';
import type { BootOptions, Loader } from '../panic/index.ts';
import { choiceArgument, gather, integerArgument, optional, UsageError } from './arguments.ts';

export type LoadingOptions = {
  readonly loader?: string;
  readonly loadKernel?: string;
  readonly loadAt?: readonly string[];
  readonly loadForce?: readonly string[];
};

export const LOADERS: readonly Loader[] = ['stock', 'own'];

/** Adds the options to a command. */
export function withLoadingOptions(command: Command): Command {
  return command
    .option('--loader <who>', 'who plans the load: stock (kexec-tools in the guest) or own')
    .option('--load-kernel <file>', 'own: the file to load for a crash instead of the image’s kernel')
    .option('--load-at <role=address>', `own: the address of a segment (${SEGMENT_ROLES.join(', ')})`, gather)
    .option(
      '--load-force <check>',
      `own: skip a check, so that the guest’s kernel refuses instead (${FORCIBLE.join(', ')})`,
      gather,
    );
}

/** @throws UsageError */
export function loadingArguments(
  options: LoadingOptions,
): Pick<BootOptions, 'loader' | 'payload' | 'place' | 'force'> {
  const { loader, loadKernel, loadAt, loadForce } = options;
  if (loader === 'stock' && [loadKernel, loadAt, loadForce].some((each) => each !== undefined))
    throw new UsageError('--load-kernel, --load-at and --load-force are for --loader own');
  return defined({
    loader: optional(loader, (text) => choiceArgument('--loader', text, LOADERS)),
    payload: loadKernel,
    place: loadAt === undefined ? undefined : Object.fromEntries(loadAt.map(placeArgument)),
    force: loadForce?.map((each): ForcibleCheck => choiceArgument('--load-force', each, FORCIBLE)),
  });
}

function placeArgument(text: string): [SegmentRole, number] {
  const [role = '', address = ''] = text.split('=');
  const chosen = choiceArgument('--load-at', role, SEGMENT_ROLES);
  const at = integerArgument('--load-at', address, 0, 2 ** 48);
  if (at % 0x10000 !== 0) throw new UsageError('--load-at: an address is a multiple of 64 KiB');
  return [chosen, at];
}
