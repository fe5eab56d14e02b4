/** Runs `kdumpd kexec`: one ordinary kexec, or one restart, without a daemon. */

import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { openPartition } from '../emulator/host/index.ts';
import { imageSource, pinFiles } from '../images/index.ts';
import { DEFAULT_LEAVE_SECONDS, exitCodeOf, runKexec, TRACE_FORMATS } from '../panic/index.ts';
import { commandScratch, dataPaths } from '../server/data-folder/index.ts';
import {
  choiceArgument,
  DEFAULT_DATA,
  HOST_TIMEOUT,
  hostTimeoutArgument,
  integerArgument,
  optional,
} from './arguments.ts';
import { type LoadingOptions, loadingArguments, withLoadingOptions } from './loading-arguments.ts';
import { type MachineOptions, machineArguments, withMachineOptions } from './machine-arguments.ts';
import { oneLine } from './one-line.ts';
import { ruleLines } from './rule-lines.ts';
import { typedBefore } from './typed-before.ts';
import { unsupportedText } from './unsupported-text.ts';

type Options = LoadingOptions &
  MachineOptions & {
    readonly data: string;
    readonly scratch?: string;
    readonly image: string;
    readonly restart?: boolean;
    readonly append?: string;
    readonly crashAppend?: string;
    readonly input?: string;
    readonly timeout: string;
    readonly hostTimeout?: string;
    readonly trace?: string;
    readonly traceFormat: string;
    readonly console?: string;
    readonly json?: boolean;
  };

export function kexecCommand(): Command {
  return withLoadingOptions(withMachineOptions(new Command('kexec')))
    .description('One ordinary kexec, from one kernel into the next, without a daemon')
    .requiredOption('--image <name>', 'the image to boot')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--scratch <dir>', 'folder for the dump disk (default: scratch in the data folder)')
    .option('--restart', 'do a plain restart instead, up to the call of the firmware')
    .option('--append <string>', 'added to the kernel command line')
    .option('--crash-append <string>', 'added to the crash kernel’s command line')
    .option('--input <file>', 'types what was typed before the operation that the file is, as JSON')
    .option(
      '--timeout <seconds>',
      'guest seconds until the new kernel must be up',
      String(DEFAULT_LEAVE_SECONDS),
    )
    .option('--host-timeout <seconds>', HOST_TIMEOUT)
    .option('--trace <file>')
    .option('--trace-format <format>', 'json or perfetto', 'json')
    .option('--console <file>')
    .option('--json', 'the report as JSON on stdout')
    .exitOverride()
    .action(async (options: Options) => {
      process.exitCode = await run(options);
    });
}

async function run(options: Options): Promise<number> {
  const machine = machineArguments(options);
  const input = optional(options.input, typedBefore);
  const traceFormat = choiceArgument('--trace-format', options.traceFormat, TRACE_FORMATS);
  const image = await imageSource(dataPaths(options.data).images).bootImage(options.image, {
    ...loadingArguments(options),
    ...defined({ append: options.append, crashAppend: options.crashAppend }),
  });
  const scratch = commandScratch(options.scratch ?? dataPaths(options.data).scratch);
  // An image that is removed or replaced meanwhile does not change this one.
  const { boot, release } = pinFiles(image);
  const report = await runKexec({
    boot,
    openPartition: (config) => openPartition(config, { scratch }),
    path: options.restart === true ? 'restart' : 'kexec',
    ...machine,
    request: { timeoutSeconds: integerArgument('--timeout', options.timeout, 1, 1_000_000) },
    traceFormat,
    onPhase: (phase) => process.stderr.write(`kexec: ${phase}\n`),
    onUnsupported: (all) => process.stderr.write(`kexec: ${oneLine(unsupportedText(all))}\n`),
    ...defined({
      hostSeconds: optional(options.hostTimeout, hostTimeoutArgument),
      input,
      trace: options.trace,
      console: options.console,
    }),
  }).finally(release);
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { outcome, phase, reason } = report;
    process.stderr.write(`${outcome}: ${phase}${reason === undefined ? '' : `: ${oneLine(reason)}`}\n`);
    process.stderr.write(ruleLines(report.rules));
  }
  return exitCodeOf(report);
}
