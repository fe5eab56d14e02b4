/** `kdumpd serve`: the daemon. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { BUILT_IN, importDebian, listImages, removeImage } from '../images/index.ts';
import type { PartitionRequest, ServiceEvent } from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import { openFleet } from '../panic/index.ts';
import { openMetadataStore } from '../panic/store/index.ts';
import {
  allowedHostsFor,
  buildApp,
  createCaptureReader,
  createLogger,
  createOperationReader,
  DEFAULT_CONFIG,
  FleetWatch,
  ImageService,
  maintenanceSchedules,
  openScheduleJournal,
  Scheduler,
  type TroubledPartition,
  viewSchedules,
} from '../server/index.ts';
import { openVmcoreStore } from '../vmcore/store/index.ts';
import { integerArgument } from './arguments.ts';
import { DEFAULT_DATA, openDataFolder } from './data-folder.ts';
import { readFleetFile } from './fleet-file.ts';
import { showProgress } from './image.ts';
import { imageSource } from './image-source.ts';

type Options = {
  readonly host: string;
  readonly port: string;
  readonly data: string;
  readonly fleet?: string;
};

/** The fleet of a daemon that was given none: the built-in guest, with a hash table and with a radix tree. */
const DEFAULT_FLEET: readonly PartitionRequest[] = [
  { name: 'one', image: BUILT_IN, processor: 'power8', cpus: 4, memory: '128M', seed: 1 },
  { name: 'two', image: BUILT_IN, processor: 'power9', cpus: 4, memory: '128M', seed: 2 },
];

export function serveCommand(): Command {
  return new Command('serve')
    .description('The daemon: fleet, REST, dashboard')
    .option('--host <address>', 'address to listen on', DEFAULT_CONFIG.host)
    .option('--port <n>', 'port; 0 picks one', String(DEFAULT_CONFIG.port))
    .option('--data <dir>', 'data folder', DEFAULT_DATA)
    .option('--fleet <file>', 'JSON: an array of partitions, as POST /partitions takes them')
    .exitOverride()
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const port = integerArgument('--port', options.port, 0, 65535);
  const wanted = options.fleet === undefined ? DEFAULT_FLEET : readFleetFile(options.fleet);
  const logger = createLogger(DEFAULT_CONFIG.log);
  const data = openDataFolder(options.data);
  const metadata = await openMetadataStore(data.metadata);
  const vmcores = await openVmcoreStore({ path: data.chunks });
  await vmcores.retain(await metadata.manifestIds());
  const fleet = await openFleet({
    images: imageSource(data.images),
    metadata,
    vmcores,
    onError: (error) => logger.error({ err: error }, 'fleet'),
  });
  const cancelled = new Set<(event: ServiceEvent) => void>();
  const captures = createCaptureReader(metadata, vmcores);
  const images = new ImageService({
    catalogue: { list: () => listImages(data.images), remove: (name) => removeImage(data.images, name) },
    importImage: async (request, report) => {
      await importDebian({
        imageRoot: data.images,
        name: request.name,
        ...defined({ kernel: request.kernel }),
        progress: (progress) => {
          showProgress(progress);
          report(progress.step, `${progress.done}/${progress.total} ${progress.detail ?? ''}`.trim());
        },
      });
    },
    inUse: (name) => fleet.usesImage(name),
    operations: metadata,
    logger,
  });
  let address = '';
  const watch = new FleetWatch({
    fleet,
    onTrouble: reportTrouble,
    onUp: () => process.stdout.write(`kdumpd ready ${address}\n`),
  });
  const scheduler = new Scheduler({
    schedules: maintenanceSchedules({
      schedules: DEFAULT_CONFIG.schedules,
      limits: DEFAULT_CONFIG.retention,
      captures,
      sweepStore: () => fleet.sweepStore(),
      logger,
    }),
    journal: await openScheduleJournal(metadata),
    logger,
  });
  const app = await buildApp({
    fleet,
    captures,
    operations: createOperationReader(metadata, {
      dequeue: (operation) => fleet.dequeue(operation),
      onCancelled: ({ id, state, phase }) => {
        for (const listener of cancelled) listener({ kind: 'operation', id, state, phase });
      },
    }),
    images,
    eventSources: [
      (listener) => images.events(listener),
      (listener) => {
        cancelled.add(listener);
        return () => cancelled.delete(listener);
      },
    ],
    health: () => [watch.check()],
    schedules: () => viewSchedules(scheduler, metadata),
    version: { name: 'kdumpd', version: packageVersion() },
    logger,
    ...webRoot(),
    ...hosts(options.host),
  });
  const close = async (): Promise<void> => {
    await scheduler.stop();
    await app.close();
    watch.close();
    await fleet.close();
    await images.settled();
    await vmcores.close();
    await metadata.close();
  };
  try {
    address = await app.listen({ host: options.host, port });
  } catch (error) {
    await close();
    throw cannotListen(error, options.host, port);
  }
  logger.info({ address }, 'listening; the fleet is starting');
  scheduler.start().catch((err: Error) => logger.error({ err }, 'schedules could not be started'));
  closeWithGrace({ delay: 20_000 }, async ({ err }) => {
    if (err !== undefined) logger.error({ err }, 'closing after an error');
    await close();
  });
  await prepareImages(data.images, wanted);
  // A fleet file is what its partitions are wanted by at every start; without one, only an empty fleet is filled.
  if (options.fleet !== undefined || fleet.list().length === 0) await watch.make(wanted);
  images.events((event) => {
    if (event.kind !== 'image' || event.state !== 'ready') return;
    watch.retry(event.name).catch((err: Error) => logger.error({ err, image: event.name }, 'fleet'));
  });
  await watch.started(() => fleet.startAll());
  const { ok, detail } = watch.check();
  if (!ok)
    process.stderr.write(
      `kdumpd: serving ${address} without its whole fleet: ${detail}; ${address}/healthz says more\n`,
    );
}

/** What the operating system refused, for a person. */
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

/** Names a partition that is not there or does not run: the log is not read by everybody. */
function reportTrouble({ name, image, state, reason }: TroubledPartition): void {
  const what = { missing: 'could not be made', failed: 'failed', starting: 'is slow' }[state];
  process.stderr.write(`kdumpd: partition ${name} (image ${image}) ${what}: ${reason}\n`);
}

/** Imports Debian where the fleet wants it and it is not there; where that cannot be, says what to do and goes on. */
async function prepareImages(imageRoot: string, fleet: readonly PartitionRequest[]): Promise<void> {
  if (!fleet.some((each) => each.image === 'debian')) return;
  const { images } = await listImages(imageRoot);
  if (images.some((each) => each.name === 'debian')) return;
  process.stderr.write('kdumpd: importing stock Debian for the first time\n');
  try {
    await importDebian({ imageRoot, name: 'debian', progress: showProgress });
  } catch (error) {
    process.stderr.write(
      `kdumpd: Debian could not be imported: ${error instanceof Error ? error.message : String(error)}\n` +
        'kdumpd: give package files with `kdumpd image import debian --packages DIR`, or a kernel of yours with\n' +
        'kdumpd: `kdumpd image import --name N --kernel VMLINUX --initrd FILE`; the service goes on without partitions\n',
    );
  }
}

/** The built dashboard lies beside the built program; run from sources there may be none. */
function webRoot(): { readonly webRoot?: string } {
  const built = fileURLToPath(new URL('../../dist/web', import.meta.url));
  return existsSync(built) ? { webRoot: built } : {};
}

function hosts(host: string): { readonly allowedHosts?: readonly string[] } {
  const allowedHosts = allowedHostsFor(host);
  return allowedHosts === undefined ? {} : { allowedHosts };
}

function packageVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown';
}
