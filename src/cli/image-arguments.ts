/** Defines which image a command boots: one of the catalogue, or one that is put together for this command alone. */

import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { importOnBase } from '../images/index.ts';
import { UsageError } from './arguments.ts';
import { showProgress } from './image.ts';

export type ImageOptions = {
  readonly image?: string;
  readonly base?: string;
  readonly kernel?: string;
  readonly modules?: string;
  readonly kexecTools?: string;
  readonly makedumpfile?: string;
};

/** Where an image is, below an image root; `remove` where the command is done with it. */
export type ChosenImage = { readonly root: string; readonly name: string; remove(): Promise<void> };

/** Adds the options to a command. */
export function withImageOptions(command: Command): Command {
  return command
    .option('--image <name>', 'the image to boot')
    .option('--base <name>', 'instead: the image from which all is taken that is not given here')
    .option('--kernel <file>', 'with --base: your kernel')
    .option('--modules <dir>', 'with --base: the modules of your kernel')
    .option('--kexec-tools <file>', 'with --base: your build of kexec')
    .option('--makedumpfile <file>', 'with --base: your build of makedumpfile');
}

/**
 * @param imageRoot the catalogue
 * @param scratch a folder for an image of this command alone
 * @throws UsageError; what importOnBase throws
 */
export async function chooseImage(
  options: ImageOptions,
  imageRoot: string,
  scratch: string,
): Promise<ChosenImage> {
  const { image, base, kernel, modules, kexecTools, makedumpfile } = options;
  if (base === undefined) {
    if ([kernel, modules, kexecTools, makedumpfile].some((each) => each !== undefined))
      throw new UsageError('--kernel, --modules, --kexec-tools and --makedumpfile are for --base');
    if (image === undefined) throw new UsageError('crash takes --image or --base');
    return { root: imageRoot, name: image, remove: async () => undefined };
  }
  if (image !== undefined) throw new UsageError('crash takes --image or --base, not both');
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const root = mkdtempSync(join(scratch, 'image-'));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  const name = kernel === undefined ? base : 'own';
  try {
    await importOnBase({
      imageRoot: root,
      name,
      base,
      baseRoot: imageRoot,
      progress: showProgress,
      ...defined({ kernel, modules, kexecTools, makedumpfile }),
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { root, name, remove };
}
