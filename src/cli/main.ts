#!/usr/bin/env node
/** The program `kdumpd`: one file a command beside this one; docs/cli.md describes them. */

import { Command, CommanderError } from 'commander';
import { diskErrorOf } from '../base/disk-error.ts';
import { FormatError } from '../base/errors.ts';
import { HostFileError } from '../base/failure-text.ts';
import { ImportError } from '../images/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import { DataFolderError } from '../server/data-folder/index.ts';
import { EXIT_NOT_DONE, EXIT_USAGE, UsageError } from './arguments.ts';
import { packageVersion } from './version.ts';

const program = new Command('kdumpd')
  .description('Crash-dump capture on emulated ppc64 partitions')
  .version(packageVersion(), '--version', 'print the version')
  .exitOverride();

/** A command is loaded where it is asked for: a crash needs no HTTP, which takes most of a second to load. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  store: async () => (await import('./store.ts')).storeCommand(),
  image: async () => (await import('./image.ts')).imageCommand(),
  crash: async () => (await import('./crash.ts')).crashCommand(),
  kexec: async () => (await import('./kexec.ts')).kexecCommand(),
  emulate: async () => (await import('./emulate.ts')).emulateCommand(),
  key: async () => (await import('./key.ts')).keyCommand(),
};
const asked = Object.entries(COMMANDS).filter(([name]) => name === process.argv[2]);
// Help and an unknown command list them all.
for (const [, load] of asked.length > 0 ? asked : Object.entries(COMMANDS)) program.addCommand(await load());

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
