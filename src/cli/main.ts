#!/usr/bin/env node
/** The program `kdumpd`: one file a command beside this one; docs/cli.md describes them. */

import { Command, CommanderError } from 'commander';
import { diskErrorOf } from '../base/disk-error.ts';
import { FormatError } from '../base/errors.ts';
import { HostFileError } from '../base/failure-text.ts';
import { ImportError } from '../images/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import { DataFolderError } from '../server/index.ts';
import { EXIT_NOT_DONE, EXIT_USAGE, UsageError } from './arguments.ts';
import { crashCommand } from './crash.ts';
import { emulateCommand } from './emulate.ts';
import { imageCommand } from './image.ts';
import { kexecCommand } from './kexec.ts';
import { keyCommand } from './key.ts';
import { serveCommand } from './serve.ts';
import { storeCommand } from './store.ts';
import { packageVersion } from './version.ts';

const program = new Command('kdumpd')
  .description('Crash-dump capture on emulated ppc64 partitions')
  .version(packageVersion(), '--version', 'print the version')
  .exitOverride();

for (const command of [
  serveCommand(),
  storeCommand(),
  imageCommand(),
  crashCommand(),
  kexecCommand(),
  emulateCommand(),
  keyCommand(),
])
  program.addCommand(command);

/** Commander throws for help and for the version as well, with exit code 0. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`kdumpd: ${message}\n`);
  if (error instanceof UsageError) return EXIT_USAGE;
  if (
    !(error instanceof FormatError) &&
    !(error instanceof Refusal) &&
    !(error instanceof ImportError) &&
    !(error instanceof DataFolderError) &&
    !(error instanceof HostFileError) &&
    diskErrorOf(error) === undefined &&
    error instanceof Error &&
    error.stack !== undefined
  )
    process.stderr.write(`${error.stack}\n`);
  return EXIT_NOT_DONE;
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCode(error);
}
