/** Runs `kdumpd crash`: one crash without a daemon. */

import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { openPartition } from '../emulator/host/index.ts';
import { imageSource, pinFiles } from '../images/index.ts';
import type { Trigger } from '../panic/contract/index.ts';
import {
  DEFAULT_TIMEOUT_SECONDS,
  dumpMode,
  exitCodeOf,
  FAULT_SYNTAX,
  runCrash,
  TRACE_FORMATS,
} from '../panic/index.ts';
import { commandScratch, dataPaths } from '../server/data-folder/index.ts';
import {
  choiceArgument,
  DEFAULT_DATA,
  faultArgument,
  gather,
  HOST_TIMEOUT,
  hostTimeoutArgument,
  integerArgument,
  optional,
} from './arguments.ts';
import { chooseImage, type ImageOptions, withImageOptions } from './image-arguments.ts';
import { type LoadingOptions, loadingArguments, withLoadingOptions } from './loading-arguments.ts';
import { type MachineOptions, machineArguments, withMachineOptions } from './machine-arguments.ts';
import { oneLine } from './one-line.ts';
import { ruleLines } from './rule-lines.ts';
import { typedBefore } from './typed-before.ts';
import { unsupportedText } from './unsupported-text.ts';

type Options = LoadingOptions &
  MachineOptions &
  ImageOptions & {
    readonly data: string;
    readonly scratch?: string;
    readonly trigger: string;
    readonly onCpu?: string;
    readonly append?: string;
    readonly crashAppend?: string;
    readonly dump: string;
    readonly bootDump?: string;
    readonly input?: string;
    readonly fault?: readonly string[];
    readonly timeout: string;
    readonly hostTimeout?: string;
    readonly vmcore?: string;
    readonly trace?: string;
    readonly traceFormat: string;
    readonly console?: string;
    readonly json?: boolean;
  };

const TRIGGERS: readonly (Trigger | 'none')[] = ['sysrq', 'nmi', 'panic', 'echo', 'none'];

export function crashCommand(): Command {
  return withLoadingOptions(withMachineOptions(withImageOptions(new Command('crash'))))
    .description('One crash without a daemon')
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--scratch <dir>', 'folder for the dump disk (default: scratch in the data folder)')
    .option('--trigger <kind>', 'sysrq, nmi, panic or echo; none: the guest crashes by itself', 'sysrq')
    .option('--on-cpu <n>', 'the CPU that is to panic')
    .option('--append <string>', 'added to the kernel command line')
    .option('--crash-append <string>', 'added to the crash kernel’s command line')
    .option('--dump <mode>', 'raw, or makedumpfile options', 'raw')
    .option('--boot-dump <mode>', 'what the crash kernel is loaded for at boot (default: --dump)')
    .option('--input <file>', 'types what was typed before the capture that the file is, as JSON')
    .option('--fault <what>', `inject a fault: ${FAULT_SYNTAX}; may be repeated`, gather)
    .option(
      '--timeout <seconds>',
      'guest seconds until the crash counts as failed',
      String(DEFAULT_TIMEOUT_SECONDS),
    )
    .option('--host-timeout <seconds>', HOST_TIMEOUT)
    .option('--vmcore <file>')
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
  const { cpus } = machine;
  const faults = options.fault?.map((each) => faultArgument(each, cpus));
  const dump = dumpMode(options.dump);
  const loadedDump = dumpMode(options.bootDump ?? options.dump);
  const input = optional(options.input, typedBefore);
  const traceFormat = choiceArgument('--trace-format', options.traceFormat, TRACE_FORMATS);
  const paths = dataPaths(options.data);
  const scratchFolder = options.scratch ?? paths.scratch;
  const scratch = commandScratch(scratchFolder);
  const { root, name, remove } = await chooseImage(options, paths.images, scratchFolder);
  const boot = imageSource(root).bootImage(name, {
    dump: loadedDump,
    ...loadingArguments(options),
    ...defined({ append: options.append, crashAppend: options.crashAppend }),
  });
  // An image that is removed or replaced meanwhile does not change this one; nor does its removal here.
  const pinned = await boot.then(pinFiles).catch(async (error) => {
    await remove();
    throw error;
  });
  if (pinned.isPinned) await remove();
  const report = await runCrash({
    boot: pinned.boot,
    openPartition: (config) => openPartition(config, { scratch }),
    ...machine,
    loadedDump,
    traceFormat,
    onPhase: (phase) => process.stderr.write(`crash: ${phase}\n`),
    onUnsupported: (all) => process.stderr.write(`crash: ${oneLine(unsupportedText(all))}\n`),
    request: {
      trigger: choiceArgument('--trigger', options.trigger, TRIGGERS),
      dump,
      timeoutSeconds: integerArgument('--timeout', options.timeout, 1, 1_000_000),
      ...defined({
        onCpu: optional(options.onCpu, (text) => integerArgument('--on-cpu', text, 0, cpus - 1)),
        faults,
      }),
    },
    ...defined({
      hostSeconds: optional(options.hostTimeout, hostTimeoutArgument),
      input,
      vmcore: options.vmcore,
      trace: options.trace,
      console: options.console,
    }),
  }).finally(async () => {
    pinned.release();
    await remove();
  });
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { outcome, phase, reason, vmcore } = report;
    process.stderr.write(
      `${outcome}: ${phase}${reason === undefined ? '' : `: ${oneLine(reason)}`}${vmcore === null ? '' : `, ${vmcore.bytes} bytes of ${vmcore.format}`}\n`,
    );
    process.stderr.write(ruleLines(report.rules));
  }
  return exitCodeOf(report);
}
