/**
 * Kernel command lines of the guest. The agent reads its settings from words of the production kernel's command line;
 * what it hands on to the crash kernel has spaces, written as `^` (docs/images.md).
 */

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
};

/** The production kernel's whole command line. @throws FormatError `image/bad-append` */
export function bootAppend(image: ImageRecord, options: AppendOptions = {}): string {
  const words = [image.append, options.append ?? ''];
  if (image.agent) {
    const crash = [image.crashAppend, options.crashAppend ?? ''];
    if (options.dumpSeconds !== undefined) crash.push(`kdumpd.timeout=${options.dumpSeconds}`);
    words.push(`kdumpd.append=${hatted(crash.join(' '), 'the crash kernel’s command line')}`);
    words.push(`kdumpd.dump=${hatted(options.dump ?? 'raw', 'the dump mode')}`);
    if (image.kexecOptions !== '')
      words.push(`kdumpd.kexec=${hatted(image.kexecOptions, 'the options of kexec')}`);
  }
  const text = splitWords(words.join(' ')).join(' ');
  if (!/^[\x20-\x7e]*$/.test(text)) throw bad('a kernel command line is printable ASCII', text);
  if (text.length >= COMMAND_LINE_SIZE) {
    throw bad(
      `the kernel command line is longer than ${COMMAND_LINE_SIZE - 1} bytes`,
      `${text.length} bytes`,
    );
  }
  return text;
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
