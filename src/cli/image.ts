/** Runs `kdumpd image`: imports, lists and removes images. */

import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { type ImportProgress, importDebian, importOwn, listImages, removeImage } from '../images/index.ts';
import { dataPaths } from '../server/index.ts';
import { choiceArgument, DEFAULT_DATA, optional, UsageError } from './arguments.ts';

type ImportOptions = {
  readonly data: string;
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
    .exitOverride()
    .action(async (source: string | undefined, options: ImportOptions) => {
      const { images } = dataPaths(options.data);
      const record = await (source === undefined
        ? importFiles(images, options)
        : importStock(images, source, options));
      process.stdout.write(`${JSON.stringify(record, null, 2)}\n`);
    });
  image
    .command('list')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .exitOverride()
    .action(async (options: { readonly data: string }) => {
      const { images, broken } = await listImages(dataPaths(options.data).images);
      for (const { name, error } of broken) process.stderr.write(`kdumpd: image ${name}: ${error.message}\n`);
      process.stdout.write(`${JSON.stringify(images, null, 2)}\n`);
    });
  image
    .command('rm <name>')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .exitOverride()
    .action(async (name: string, options: { readonly data: string }) => {
      await removeImage(dataPaths(options.data).images, name);
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

async function importStock(imageRoot: string, source: string, options: ImportOptions): Promise<unknown> {
  if (source !== 'debian') throw new UsageError(`image import: ${JSON.stringify(source)} is not debian`);
  return await importDebian({
    imageRoot,
    name: options.name ?? 'debian',
    progress: showProgress,
    ...defined({
      kernel: options.kernel,
      packagesDir: options.packages,
      append: options.append,
      crashAppend: options.crashAppend,
    }),
    ...(options.debuginfo === true ? { debuginfo: true } : {}),
    ...(options.digest === true ? { kexecOptions: '' } : {}),
    ...(options.replace === true ? { replace: true } : {}),
  });
}

async function importFiles(imageRoot: string, options: ImportOptions): Promise<unknown> {
  if (options.name === undefined || options.kernel === undefined) {
    throw new UsageError('image import takes `debian`, or --name and --kernel');
  }
  return await importOwn({
    imageRoot,
    name: options.name,
    kernel: options.kernel,
    ...defined({
      initrd: options.initrd,
      append: options.append,
      crashAppend: options.crashAppend,
      loader: optional(options.loader, (text) => choiceArgument('--loader', text, ['own'] as const)),
      symbols: options.symbols,
    }),
    ...(typeof options.debuginfo === 'string' ? { debuginfo: options.debuginfo } : {}),
    ...(options.replace === true ? { replace: true } : {}),
  });
}
