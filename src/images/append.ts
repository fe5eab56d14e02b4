/**
 * Builds the guest's kernel command lines. The agent reads its settings from parameters of the production kernel's command
 * line; spaces in values for the crash kernel are written as `^` (docs/images.md).
 */

import type { Loader } from '../panic/index.ts';
import { imageError } from './errors.ts';
import type { ImageRecord } from './image-record.ts';

/** Linux 6.1 arch/powerpc/include/uapi/asm/setup.h COMMAND_LINE_SIZE, its terminating zero included. */
const COMMAND_LINE_SIZE = 2048;

export type AppendOptions = {
  /** Added to the image's own, for the production and the crash kernel. */
  readonly append?: string;
  readonly crashAppend?: string;
  /** How the agent loads for dumping first: `raw` (the default) or makedumpfile options. */
  readonly dump?: string;
  /** Guest seconds until the crash kernel gives a dump up; absent: the guest's own limit, 1800. */
  readonly dumpSeconds?: number;
  /** Default: what the image says. */
  readonly loader?: Loader;
};

/** The production kernel's whole command line. @throws FormatError `image/bad-append` */
export function bootAppend(image: ImageRecord, options: AppendOptions = {}): string {
  const words = [image.append, options.append ?? ''];
  let ofCrashKernel = 0;
  if (loaderOf(image, options) === 'own') {
    // The agent only carries out what the host has planned; the crash kernel's options are in the plan.
    words.push('kdumpd.loader=plan', `kdumpd.dump=${hatted(options.dump ?? 'raw', 'the dump mode')}`);
  } else if (image.agent) {
    const crash = hatted(crashAppend(image, options), 'the crash kernel’s command line');
    ofCrashKernel = crash.length;
    words.push(`kdumpd.append=${crash}`);
    words.push(`kdumpd.dump=${hatted(options.dump ?? 'raw', 'the dump mode')}`);
    if (image.kexecOptions !== '')
      words.push(`kdumpd.kexec=${hatted(image.kexecOptions, 'the options of kexec')}`);
  }
  const text = splitWords(words.join(' ')).join(' ');
  if (!/^[\x20-\x7e]*$/.test(text)) throw bad('a kernel command line is printable ASCII', text);
  if (text.length >= COMMAND_LINE_SIZE) {
    throw bad(
      ofCrashKernel === 0
        ? `the kernel command line is longer than ${COMMAND_LINE_SIZE - 1} bytes`
        : `the kernel command line is longer than ${COMMAND_LINE_SIZE - 1} bytes: it carries that of the crash kernel (kdumpd.append=), which takes ${ofCrashKernel} of them`,
      `${text.length} bytes`,
    );
  }
  return text;
}

/** The crash kernel's command line, but for what the loader itself adds. @throws FormatError `image/bad-append` */
export function crashAppend(image: ImageRecord, options: AppendOptions = {}): string {
  const words = [image.crashAppend, options.crashAppend ?? ''];
  if (options.dumpSeconds !== undefined) words.push(`kdumpd.timeout=${options.dumpSeconds}`);
  const text = splitWords(words.join(' ')).join(' ');
  if (!/^[\x20-\x7e]*$/.test(text)) throw bad('a kernel command line is printable ASCII', text);
  return text;
}

/** Who plans the loads. @throws FormatError `image/bad-append` for an image that cannot load by plan */
export function loaderOf(image: ImageRecord, options: AppendOptions = {}): Loader {
  const loader = options.loader ?? image.loader ?? 'stock';
  if (loader === 'own' && !image.agent)
    throw bad('an image without an agent cannot be given a plan', image.name);
  if (loader === 'stock' && image.loader === 'own')
    throw bad('this image has no loader of its own', image.name);
  return loader;
}

/** The agent's `load` command for a dump mode, with its newline. @throws FormatError `image/bad-append` */
export function loadCommand(dump: string): string {
  hatted(dump, 'the dump mode');
  return `load ${splitWords(dump).join(' ')}\n`;
}

function hatted(text: string, what: string): string {
  if (!/^[\x20-\x7e]*$/.test(text) || /["'\\^$`]/.test(text)) {
    throw bad(`${what} must be printable ASCII without quotes, backslash, ^, $ and backquote`, text);
  }
  return splitWords(text).join('^');
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function bad(message: string, actual: string): Error {
  return imageError('image/bad-append', message, { actual: JSON.stringify(actual.slice(0, 200)) });
}
