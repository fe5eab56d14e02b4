/** Runs `kdumpd image`: imports, lists and removes images. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { freeRoom } from '../base/free-room.ts';
import {
  getImage,
  IMPORT_BYTES,
  type ImportProgress,
  importDebian,
  importOwn,
  listImages,
  type Replace,
  removeImage,
} from '../images/index.ts';
import { Room } from '../panic/captures/index.ts';
import { type Operation, Refusal } from '../panic/contract/index.ts';
import { dataPaths } from '../server/index.ts';
import { choiceArgument, DEFAULT_DATA, optional, UsageError } from './arguments.ts';
import { changeFolder } from './change-folder.ts';
import type { DaemonClient } from './daemon-client.ts';
import { oneLine } from './one-line.ts';

type ImportOptions = {
  readonly data: string;
  readonly key?: string;
  readonly name?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly crashAppend?: string;
  readonly loader?: string;
  readonly symbols?: string;
  readonly debuginfo?: string | true;
  readonly packages?: string;
  readonly digest?: boolean;
  readonly replace?: boolean;
};

const DEBIAN = 'debian';
const KEY = 'file with the key for a daemon that has the data folder; default KDUMPD_KEY';
const POLL_MS = 500;

export function imageCommand(): Command {
  const image = new Command('image').description('Images that partitions boot').exitOverride();
  image
    .command('import [source]')
    .description('`debian`: from Debian’s ppc64el packages; without a source: your own vmlinux')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--name <name>', 'name of the image (debian: `debian`)')
    .option('--kernel <version or file>', 'debian: kernel release; else: the vmlinux')
    .option('--initrd <file>')
    .option('--append <string>', 'kernel command line')
    .option('--crash-append <string>', 'the crash kernel’s command line')
    .option('--loader <own>', 'own: your guest has an agent that loads by plan (docs/images.md)')
    .option('--symbols <file>', 'System.map')
    .option('--debuginfo [file]', 'vmlinux with DWARF; debian: fetch it (718 MB), without a file')
    .option('--packages <dir>', 'debian: folder of package files to use instead of apt')
    .option('--digest', 'debian: let purgatory check the segments’ SHA-256 (slow)')
    .option('--replace', 'replace an image of that name')
    .option('--key <file>', KEY)
    .exitOverride()
    .action(async (source: string | undefined, options: ImportOptions) => {
      const load = source === undefined ? importFiles : importStock(source);
      const record = await changeFolder(options, {
        alone: (images) => load(images, options, options.replace ?? false),
        beside: (daemon, images) =>
          source === undefined || !isOverRest(options)
            ? importBeside(daemon, images, options, load)
            : importThrough(daemon, images, options),
      });
      process.stdout.write(`${JSON.stringify(record, null, 2)}\n`);
    });
  image
    .command('list')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .exitOverride()
    .action(async (options: { readonly data: string }) => {
      const { images, broken } = await listImages(dataPaths(options.data).images);
      for (const { name, error } of broken)
        process.stderr.write(`kdumpd: image ${oneLine(name)}: ${oneLine(error.message)}\n`);
      process.stdout.write(`${JSON.stringify(images, null, 2)}\n`);
    });
  image
    .command('rm <name>')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--key <file>', KEY)
    .exitOverride()
    .action(async (name: string, options: { readonly data: string; readonly key?: string }) => {
      await changeFolder(options, {
        alone: (images) => removeImage(images, name),
        beside: (daemon) => daemon.ask('DELETE', imagePath(name)),
      });
    });
  return image;
}

/** One line a step on stderr, overwritten where that is a terminal. */
export function showProgress({ step, done, total, detail }: ImportProgress): void {
  const text = `import: ${step} ${done}/${total}${detail === undefined ? '' : ` ${detail}`}`;
  process.stderr.write(
    process.stderr.isTTY ? `\r\u001b[K${text}${step === 'store' && done === total ? '\n' : ''}` : `${text}\n`,
  );
}

type Load = (imageRoot: string, options: ImportOptions, replace: Replace) => Promise<unknown>;

/** What REST takes of an import: it reads no path of its caller's choice. */
function isOverRest({ name, kernel, data, key, ...others }: ImportOptions): boolean {
  return Object.keys(others).length === 0;
}

/** Has the daemon import Debian, and shows how far it is. @throws Refusal where it failed */
async function importThrough(
  daemon: DaemonClient,
  imageRoot: string,
  { name = DEBIAN, kernel }: ImportOptions,
): Promise<unknown> {
  const { id } = await daemon.ask<Operation>('POST', '/images/import', {
    kind: 'debian',
    name,
    ...defined({ kernel }),
  });
  let shown = '';
  for (;;) {
    const operation = await daemon.ask<Operation>('GET', `/operations/${id}`);
    const { state, phase, error } = operation;
    if (state === 'succeeded') return await getImage(imageRoot, name);
    if (state === 'failed' || state === 'cancelled')
      throw new Refusal('conflict', error?.message ?? `the import was ${state}`);
    const { detail } = await daemon.ask<{ readonly detail?: string }>('GET', imagePath(name));
    const text = `import: ${phase}${detail === undefined ? '' : ` ${detail}`}\n`;
    if (text !== shown) process.stderr.write(text);
    shown = text;
    await sleep(POLL_MS);
  }
}

/**
 * Imports into the folder that a daemon holds: an image is built aside and appears at once, so that this is safe. An image that
 * is replaced is removed by the daemon, which refuses it while a partition uses it; then the daemon finds the new one.
 */
async function importBeside(
  daemon: DaemonClient,
  imageRoot: string,
  options: ImportOptions,
  load: Load,
): Promise<unknown> {
  const path = imagePath(options.name ?? DEBIAN);
  const record = await load(
    imageRoot,
    options,
    options.replace === true ? () => daemon.ask('DELETE', path) : false,
  );
  await daemon.ask('GET', path);
  return record;
}

function imagePath(name: string): string {
  return `/images/${encodeURIComponent(name)}`;
}

function importStock(source: string): Load {
  if (source !== DEBIAN) throw new UsageError(`image import: ${JSON.stringify(source)} is not debian`);
  return async (imageRoot, options, replace) => {
    new Room({ free: () => freeRoom(imageRoot), reserve: 0 }).take(IMPORT_BYTES, 'An import of Debian');
    return await importDebian({
      imageRoot,
      name: options.name ?? DEBIAN,
      replace,
      progress: showProgress,
      ...defined({
        kernel: options.kernel,
        packagesDir: options.packages,
        append: options.append,
        crashAppend: options.crashAppend,
      }),
      ...(options.debuginfo === true ? { debuginfo: true } : {}),
      ...(options.digest === true ? { kexecOptions: '' } : {}),
    });
  };
}

async function importFiles(imageRoot: string, options: ImportOptions, replace: Replace): Promise<unknown> {
  if (options.name === undefined || options.kernel === undefined) {
    throw new UsageError('image import takes `debian`, or --name and --kernel');
  }
  return await importOwn({
    imageRoot,
    name: options.name,
    replace,
    kernel: options.kernel,
    ...defined({
      initrd: options.initrd,
      append: options.append,
      crashAppend: options.crashAppend,
      loader: optional(options.loader, (text) => choiceArgument('--loader', text, ['own'] as const)),
      symbols: options.symbols,
    }),
    ...(typeof options.debuginfo === 'string' ? { debuginfo: options.debuginfo } : {}),
  });
}
