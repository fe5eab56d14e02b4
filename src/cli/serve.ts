/** Runs `kdumpd serve`, the daemon. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { BUILT_IN } from '../images/index.ts';
import type { PartitionRequest } from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import {
  createLogger,
  type Daemon,
  DEFAULT_CONFIG,
  isHostOrOrigin,
  openDaemon,
  type TroubledPartition,
} from '../server/index.ts';
import {
  DEFAULT_DATA,
  gather,
  HOST_TIMEOUT,
  hostTimeoutArgument,
  integerArgument,
  optional,
  sizeArgument,
  UsageError,
} from './arguments.ts';
import { readFleetFile } from './fleet-file.ts';
import { showProgress } from './image.ts';
import { oneLine } from './one-line.ts';
import { packageVersion } from './version.ts';

type Options = {
  readonly host: string;
  readonly port: string;
  readonly data: string;
  readonly fleet?: string;
  readonly hostTimeout?: string;
  readonly minFree: string;
  /** `--no-start` makes it false. */
  readonly start: boolean;
  readonly requireKey?: boolean;
  readonly allowHost?: readonly string[];
  readonly scratchQuota?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly maxPartitions?: string;
  readonly memoryLimit?: string;
  readonly rateLimit?: string;
};

/** The fleet of a daemon that was given none: the built-in guest, with a hash table and with a radix tree. */
const DEFAULT_FLEET: readonly PartitionRequest[] = [
  { name: 'one', image: BUILT_IN, processor: 'power8', cpus: 4, memory: '128M', seed: 1 },
  { name: 'two', image: BUILT_IN, processor: 'power9', cpus: 4, memory: '128M', seed: 2 },
];

/** Closing takes less than two seconds; a daemon that cannot close is ended then. */
const CLOSE_MS = 5000;

export function serveCommand(): Command {
  return new Command('serve')
    .description('The daemon: fleet, REST, dashboard')
    .option('--host <address>', 'address to listen on', DEFAULT_CONFIG.host)
    .option('--port <n>', 'port; 0 picks one', String(DEFAULT_CONFIG.port))
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--fleet <file>', 'JSON file: an array of partitions, each as for POST /partitions')
    .option('--no-start', 'start no partition: each waits until it is started by hand')
    .option('--host-timeout <seconds>', HOST_TIMEOUT)
    .option(
      '--min-free <size>',
      'room that stays free on the data folder’s disk: no capture or import begins below it',
      '256M',
    )
    .option('--require-key', 'clients need a key on a loopback address, too')
    .option(
      '--allow-host <name>',
      'another host name to answer to, or the origin of a proxy in front',
      gather,
    )
    .option(
      '--scratch-quota <size>',
      'what the dump disks of all partitions may hold together (default: half of what is free)',
    )
    .option('--tls-cert <file>', 'serve HTTPS: certificate in PEM, with those that signed it')
    .option('--tls-key <file>', 'its private key in PEM; both are read again when they change, and on SIGHUP')
    .option('--max-partitions <n>', 'partitions at a time; default 256')
    .option(
      '--memory-limit <size>',
      'memory of the host for partitions that are on: a start beyond it is refused (default: three quarters)',
    )
    .option('--rate-limit <n>', 'requests of a client in a minute; default 6000 with a key')
    .exitOverride()
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const port = integerArgument('--port', options.port, 0, 65535);
  const hostSeconds = optional(options.hostTimeout, hostTimeoutArgument);
  const wanted = options.fleet === undefined ? DEFAULT_FLEET : readFleetFile(options.fleet);
  for (const each of options.allowHost ?? [])
    if (!isHostOrOrigin(each))
      throw new UsageError(
        `--allow-host: ${JSON.stringify(each)} is neither a host name nor an origin such as https://name`,
      );
  const tls = tlsFiles(options);
  const count = (what: string) => (text: string) => integerArgument(what, text, 1, 1_000_000);
  const requestsPerMinute = optional(options.rateLimit, count('--rate-limit'));
  const logger = createLogger(DEFAULT_CONFIG.log);
  let daemon: Daemon;
  try {
    daemon = await openDaemon({
      host: options.host,
      port,
      data: options.data,
      minFreeBytes: sizeArgument('--min-free', options.minFree),
      version: { name: 'kdumpd', version: packageVersion() },
      logger,
      ...defined({
        webRoot: webRoot(),
        requireKey: options.requireKey,
        scratchQuota: optional(options.scratchQuota, (text) => sizeArgument('--scratch-quota', text)),
        allowedHosts: options.allowHost,
        hostSeconds,
        tls,
        maxPartitions: optional(options.maxPartitions, count('--max-partitions')),
        memoryLimit: optional(options.memoryLimit, (text) => sizeArgument('--memory-limit', text)),
      }),
      limits: defined({ requestsPerMinute }),
      onTrouble: reportTrouble,
      onUp: (address) => process.stdout.write(`kdumpd ready ${address}\n`),
      onImportProgress: showProgress,
    });
  } catch (error) {
    throw cannotListen(error, options.host, port);
  }
  const { address } = daemon;
  logger.info({ address }, 'listening; the fleet is starting');
  // Without TLS a hang-up ends the daemon, as it does any program.
  if (tls !== undefined) process.on('SIGHUP', () => daemon.reloadTls());
  const skip = tls === undefined ? [] : (['SIGHUP'] as const);
  closeWithGrace({ delay: CLOSE_MS, skip: [...skip] }, async ({ err }) => {
    if (err !== undefined) logger.error({ err }, 'closing after an error');
    await daemon.close();
  });
  const { ok, detail } = await daemon.startFleet({
    partitions: wanted,
    // Partitions of a fleet file are made at every start where they are missing; without a file, only an empty fleet is filled.
    make: options.fleet === undefined ? 'when-empty' : 'always',
    start: options.start,
    onImport: reportImport,
  });
  if (!ok)
    process.stderr.write(
      `kdumpd: serving ${address} without its whole fleet: ${detail}; see ${address}/healthz\n`,
    );
}

/** @throws UsageError where one is given without the other */
function tlsFiles({
  tlsCert: cert,
  tlsKey: key,
}: Options): { readonly cert: string; readonly key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new UsageError('--tls-cert and --tls-key are given together');
  return { cert, key };
}

/** Says in words why the operating system refused to listen. */
function cannotListen(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = new Map<unknown, string>([
    ['EADDRINUSE', 'the port is in use; --port chooses another'],
    ['EACCES', 'the port is privileged'],
    ['EADDRNOTAVAIL', 'this machine has no such address'],
    ['ENOTFOUND', 'there is no such host'],
  ]).get(code);
  return why === undefined ? error : new Refusal('conflict', `cannot listen on ${host}:${port}: ${why}`);
}

/** Reports on stderr a partition that could not be made or does not run: not every operator reads the log. */
function reportTrouble({ name, image, state, reason }: TroubledPartition): void {
  const what = { missing: 'could not be made', failed: 'failed', starting: 'is slow' }[state];
  process.stderr.write(`kdumpd: partition ${name} (image ${image}) ${what}: ${oneLine(reason)}\n`);
}

/** Announces that Debian is imported because the fleet wants it; where that cannot be, says what to do. */
function reportImport({ failed }: { readonly failed?: string }): void {
  process.stderr.write(
    failed === undefined
      ? 'kdumpd: importing stock Debian for the first time\n'
      : `kdumpd: Debian could not be imported: ${failed}\n` +
          'kdumpd: give package files with `kdumpd image import debian --packages DIR`, or your own kernel with\n' +
          'kdumpd: `kdumpd image import --name N --kernel VMLINUX --initrd FILE`; the service runs without these partitions\n',
  );
}

/** The built dashboard lies beside the built program; run from sources there may be none. */
function webRoot(): string | undefined {
  const built = fileURLToPath(new URL('../../dist/web', import.meta.url));
  return existsSync(built) ? built : undefined;
}
