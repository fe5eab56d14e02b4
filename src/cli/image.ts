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
  importOnBase,
  importOwn,
  listImages,
  type Replace,
  removeImage,
} from '../images/index.ts';
import { Room } from '../panic/captures/index.ts';
import { type Operation, Refusal } from '../panic/contract/index.ts';
import { dataPaths } from '../server/data-folder/index.ts';
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
  readonly suite?: string;
  readonly sources?: string;
  readonly base?: string;
  readonly modules?: string;
  readonly kexecTools?: string;
  readonly makedumpfile?: string;
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
    .description(
      '`debian`: from Debian’s ppc64el packages; `rpm`: from a folder of RPM packages; without a source: your own kernel',
    )
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--name <name>', 'name of the image (default: that of the source)')
    .option(
      '--kernel <kernel>',
      'debian, rpm: its release, the beginning of that, or a flavour; else: its file',
    )
    .option('--initrd <file>')
    .option('--base <image>', 'take all that is not given from this image: programs, libraries, kernel')
    .option('--modules <dir>', 'with --base: the modules of your kernel')
    .option('--kexec-tools <file>', 'with --base: your build of kexec')
    .option('--makedumpfile <file>', 'with --base: your build of makedumpfile')
    .option('--append <string>', 'kernel command line')
    .option('--crash-append <string>', 'the crash kernel’s command line')
    .option('--loader <own>', 'own: your guest has an agent that loads by plan (docs/images.md)')
    .option('--symbols <file>', 'System.map')
    .option('--debuginfo [file]', 'vmlinux with DWARF; debian: fetch it (718 MB), without a file')
    .option('--packages <dir>', 'debian, rpm: folder of package files; debian uses apt without it')
    .option(
      '--suite <name>',
      'debian: take packages from this suite of the machine’s mirrors, such as trixie',
    )
    .option('--sources <file>', 'debian: a sources.list to use instead of the machine’s')
    .option('--digest', 'debian, rpm, --base: let purgatory check the segments’ SHA-256 (slow)')
    .option('--replace', 'replace an image of that name')
    .option('--key <file>', KEY)
    .exitOverride()
    .action(async (source: string | undefined, options: ImportOptions) => {
      const load = source === undefined ? importFiles : importStock(source);
      const record = await changeFolder(options, {
        alone: (images) => load(images, options, options.replace ?? false),
        beside: (daemon, images) =>
          source !== DEBIAN || !isOverRest(options)
            ? importBeside(daemon, images, options, load, options.name ?? source ?? '')
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
  name: string,
): Promise<unknown> {
  const path = imagePath(name);
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
  const kind = choiceArgument('image import', source, [DEBIAN, 'rpm'] as const);
  return async (imageRoot, options, replace) => {
    if (kind === 'rpm' && options.packages === undefined)
      throw new UsageError('image import rpm takes --packages: a folder of package files');
    new Room({ free: () => freeRoom(imageRoot), reserve: 0 }).take(IMPORT_BYTES, 'An import of packages');
    return await importDebian({
      imageRoot,
      name: options.name ?? kind,
      kind,
      replace,
      progress: showProgress,
      ...defined({
        kernel: options.kernel,
        packagesDir: options.packages,
        suite: options.suite,
        aptSources: options.sources,
        append: options.append,
        crashAppend: options.crashAppend,
      }),
      ...(options.debuginfo === true ? { debuginfo: true } : {}),
      ...(options.digest === true ? { kexecOptions: '' } : {}),
    });
  };
}

async function importFiles(imageRoot: string, options: ImportOptions, replace: Replace): Promise<unknown> {
  if (options.base !== undefined) return await importBased(imageRoot, options, options.base, replace);
  if (options.name === undefined || options.kernel === undefined) {
    throw new UsageError('image import takes `debian` or `rpm`, or --name and --kernel or --base');
  }
  if ([options.modules, options.kexecTools, options.makedumpfile].some((each) => each !== undefined))
    throw new UsageError('--modules, --kexec-tools and --makedumpfile are for --base');
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

async function importBased(
  imageRoot: string,
  options: ImportOptions,
  base: string,
  replace: Replace,
): Promise<unknown> {
  const { name, initrd, loader, symbols, debuginfo } = options;
  if (name === undefined) throw new UsageError('image import --base takes --name');
  if ([initrd, loader, symbols, debuginfo].some((each) => each !== undefined))
    throw new UsageError('--initrd, --loader, --symbols and --debuginfo are not for --base');
  return await importOnBase({
    imageRoot,
    name,
    base,
    replace,
    progress: showProgress,
    ...defined({
      kernel: options.kernel,
      modules: options.modules,
      kexecTools: options.kexecTools,
      makedumpfile: options.makedumpfile,
      append: options.append,
      crashAppend: options.crashAppend,
    }),
    ...(options.digest === true ? { kexecOptions: '' } : {}),
  });
}
