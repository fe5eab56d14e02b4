/**
 * Opens and closes the parts of the daemon in order: stores, fleet, operations, images, schedules and HTTP.
 * Its owner (the command line, a test) sets the paths and receives the reports.
 */

import type { Server as TlsServer } from 'node:tls';
import type { FastifyBaseLogger } from 'fastify';
import { defined } from '../base/defined.ts';
import {
  hostMemory,
  openPartition,
  type PartitionConfig,
  type PartitionHandle,
  SpareThread,
} from '../emulator/host/index.ts';
import {
  clearLeftovers,
  ImageService,
  type ImportProgress,
  imageSource,
  importDebian,
  listImages,
  type NamedImport,
  removeImage,
} from '../images/index.ts';
import { Captures, Room, retainCaptured } from '../panic/captures/index.ts';
import type { Operation, PartitionRequest } from '../panic/contract/index.ts';
import { MemoryBudget, openFleet, randomId } from '../panic/index.ts';
import { type EventBus, MemoryEventBus, OperationService, type WorkerId } from '../panic/operations/index.ts';
import { type MetadataStore, openMetadataStore } from '../panic/store/index.ts';
import { openVmcoreStore, type VmcoreStore } from '../vmcore/store/index.ts';
import { AuditLog, auditCheck, openAccess, Quotas } from './access/index.ts';
import { readTls, type TlsFiles, watchTls } from './access/tls.ts';
import { closeInOrder } from './closing.ts';
import { DEFAULT_CONFIG, type ServerConfig } from './config.ts';
import { daemonScratch, type HeldFolder, holdDataFolder, sentenceOf } from './data-folder/index.ts';
import { DiskWatch } from './disk-watch.ts';
import { FleetWatch } from './fleet-watch.ts';
import { buildApp } from './http/app.ts';
import type { LimitOptions } from './http/shared/limits.ts';
import type { HealthCheck, TroubledPartition, VersionInfo } from './http/shared/ports.ts';
import { maintenanceSchedules } from './maintenance.ts';
import { openScheduleJournal, viewSchedules } from './schedule/schedule-journal.ts';
import { Scheduler } from './schedule/scheduler.ts';
import { serviceFigures, storeHealth, watchStore } from './store-watch.ts';

export type DaemonOptions = Partial<
  Pick<ServerConfig, 'host' | 'port' | 'retention' | 'schedules' | 'minFreeBytes'>
> & {
  /** The data folder: made where it is missing, locked until the daemon closes. */
  readonly data: string;
  readonly version: VersionInfo;
  readonly logger: FastifyBaseLogger;
  /** Who this is to the store: the same over restarts. Default `local`. */
  readonly worker?: string;
  /** The built dashboard; absent: none is served. */
  readonly webRoot?: string;
  /** Host seconds that an operation may take where its request does not say; absent: by its machine. */
  readonly hostSeconds?: number;
  /** Bytes that the scratch disks of all partitions may hold together; absent: half of what is free at the start. */
  readonly scratchQuota?: number;
  /** Whether a key is needed on a loopback address, too. On any other one is needed always. */
  readonly requireKey?: boolean;
  /** Serves HTTPS with these files; absent: HTTP. */
  readonly tls?: TlsFiles;
  /** Partitions at a time. */
  readonly maxPartitions?: number;
  /** Bytes of the host's memory for partitions that are on; default three quarters of what this process may have. */
  readonly memoryLimit?: number;
  /** How often a client may ask, and how much it may hold open. */
  readonly limits?: LimitOptions;
  /** More host names to answer to, and origins of proxies in front (src/server/access/hosts.ts). */
  readonly allowedHosts?: readonly string[];
  /** Bytes free on the data folder's disk; default what the file system says. */
  readonly freeRoom?: () => number;
  /** Called for a partition that cannot be made, failed, or is slow to come up. */
  readonly onTrouble?: (trouble: TroubledPartition) => void;
  /** Called once: the whole fleet is up. */
  readonly onUp?: (address: string) => void;
  readonly onImportProgress?: (progress: ImportProgress) => void;
  /** Opens a machine; default a worker thread each. */
  readonly openPartition?: (config: PartitionConfig) => PartitionHandle;
  /** Imports Debian; default from its packages. */
  readonly importImage?: (
    request: NamedImport,
    progress: (progress: ImportProgress) => void,
    signal: AbortSignal,
  ) => Promise<void>;
};

export type FleetWanted = {
  readonly partitions: readonly PartitionRequest[];
  /** `always`: those that are not there are made. `when-empty`: only where there is no partition at all. */
  readonly make: 'always' | 'when-empty';
  /** Default true. With false every partition stays off until it is started by hand. */
  readonly start?: boolean;
  /** Called before stock Debian is imported because a partition wants it, and with why that failed. */
  readonly onImport?: (what: { readonly failed?: string }) => void;
};

export interface Daemon {
  /** Where it listens: `http://…`. */
  readonly address: string;
  /** Makes what is wanted and starts every partition, unless none is to be; resolves when each is up or has failed. */
  startFleet(wanted: FleetWanted): Promise<HealthCheck>;
  /** Reads the files of TLS again. Where they are wrong, what was served before is served on. */
  reloadTls(): void;
  /** Ends everything within two seconds, whatever guests, clients and the store do. Repeated: the same end. */
  close(): Promise<void>;
}

type Stores = {
  readonly metadata: MetadataStore;
  readonly vmcores: VmcoreStore;
  readonly worker: WorkerId;
};

const NOT_SWEPT = 'the store is damaged: nothing is removed from it; see `kdumpd store verify`';

const INTERRUPTED = {
  code: 'interrupted',
  message: 'the service was restarted while this was not done',
} as const;

/**
 * Takes the data folder, opens the stores and serves; no partition is started.
 * @throws DataFolderError for a folder that cannot be used; Refusal `conflict` where a key is needed and there is none; the
 * system's error where the address cannot be had
 */
export async function openDaemon(options: DaemonOptions): Promise<Daemon> {
  const folder = holdDataFolder(options.data);
  try {
    return await openOver(folder, options);
  } catch (error) {
    folder.release();
    throw error;
  }
}

/** The stores of a folder, with nothing left in them that an earlier incarnation began. @throws DataFolderError */
async function openStores(
  folder: HeldFolder,
  workerId: string,
  keepFreeBytes: number,
  logger: FastifyBaseLogger,
): Promise<Stores> {
  const { root, images, metadata: path, chunks } = folder;
  const opened: { close(): Promise<void> }[] = [];
  try {
    await clearLeftovers(images, true);
    const metadata = openMetadataStore(path, {
      onDamage: (damage) =>
        logger.error({ component: 'store', ...damage }, 'a record is damaged in the store'),
    });
    opened.push(metadata);
    const vmcores = await openVmcoreStore({ path: chunks, keepFreeBytes });
    opened.push(vmcores);
    const { heldBack } = await retainCaptured(metadata.captures, vmcores);
    if (heldBack !== undefined) logger.warn({ component: 'store', heldBack }, NOT_SWEPT);
    const worker = await metadata.operations.enlist(workerId);
    await metadata.operations.failOrphans(worker, INTERRUPTED);
    return { metadata, vmcores, worker };
  } catch (error) {
    for (const store of opened.reverse()) await store.close();
    throw sentenceOf(root, error);
  }
}

async function openOver(data: HeldFolder, options: DaemonOptions): Promise<Daemon> {
  const { logger } = options;
  const tls = options.tls === undefined ? undefined : readTls(options.tls);
  const host = options.host ?? DEFAULT_CONFIG.host;
  const scratch = daemonScratch(data.root, data.scratch, options.scratchQuota);
  const minFreeBytes = options.minFreeBytes ?? DEFAULT_CONFIG.minFreeBytes;
  const disk = new DiskWatch({
    folder: data.root,
    reserve: data.reserve,
    minFreeBytes,
    retry: () => operations.retryEnds(),
    logger,
    ...defined({ free: options.freeRoom }),
  });
  const onError = (component: string) => (error: Error) => {
    logger.error({ err: error, component }, component);
    disk.note(error);
  };
  const room = new Room({ free: () => disk.free(), reserve: minFreeBytes });
  const { metadata, vmcores, worker } = await openStores(
    data,
    options.worker ?? 'local',
    minFreeBytes,
    logger,
  );
  const access = await openAccess({
    store: metadata.keys,
    host,
    requireKey: options.requireKey === true,
    onError: onError('access'),
  }).catch(async (error: unknown) => {
    await vmcores.close();
    await metadata.close();
    throw error;
  });
  closeToOthers(data, logger);
  const bus = new MemoryEventBus();
  const shared = { bus, worker, newId: randomId };
  const operations = new OperationService({
    ...shared,
    queue: metadata.operations,
    onError: onError('operations'),
  });
  const { metadata: metadataPath, chunks } = data;
  const keeper = watchStore({
    metadata,
    vmcores,
    paths: { metadata: metadataPath, chunks },
    logger,
    onError: onError('store'),
  });
  await keeper.refresh();
  const captures = new Captures({
    ...shared,
    captures: metadata.captures,
    vmcores,
    keeper,
    onError: onError('captures'),
  });
  const memory =
    options.memoryLimit === undefined
      ? MemoryBudget.ofHost(hostMemory().limit)
      : new MemoryBudget(options.memoryLimit);
  const spare = new SpareThread({ refills: true });
  const fleet = await openFleet({
    ...shared,
    images: imageSource(data.images),
    metadata,
    captures,
    room,
    memory,
    onError: onError('fleet'),
    maker: { version: options.version.version, data: options.data },
    openPartition: options.openPartition ?? ((config) => openPartition(config, { spare, scratch })),
    ...defined({ hostSeconds: options.hostSeconds }),
  });
  const images = new ImageService({
    catalogue: { list: () => listImages(data.images), remove: (name) => removeImage(data.images, name) },
    importImage: (request, progress, signal) => importImage(data.images, options, request, progress, signal),
    inUse: (name) => fleet.usesImage(name),
    room,
    bus,
    onError: onError('images'),
    ...defined({ hostSeconds: options.hostSeconds }),
  });
  // What is there now is not new.
  await images.list();
  operations.serve(fleet.host);
  operations.serve(images);
  operations.serve(keeper.host);
  operations.start();
  disk.open();

  const quotas = new Quotas({
    fleet,
    captures,
    operations,
    ...defined({ maxPartitions: options.maxPartitions }),
  });
  const audit = new AuditLog({
    store: metadata.audit,
    newId: randomId,
    onLost: (entry, err) => {
      logger.error({ err, component: 'audit', entry }, 'an audit entry is not stored');
      disk.note(err);
    },
  });

  let address = '';
  const watch = new FleetWatch({
    fleet: {
      list: () => fleet.list(),
      get: (id) => fleet.get(id),
      create: (request) => quotas.createPartition(request),
    },
    operations,
    events: bus,
    onTrouble: (trouble) => options.onTrouble?.(trouble),
    onUp: () => options.onUp?.(address),
  });
  const scheduler = new Scheduler({
    schedules: maintenanceSchedules({
      schedules: options.schedules ?? DEFAULT_CONFIG.schedules,
      limits: options.retention ?? DEFAULT_CONFIG.retention,
      captures,
      sweepStore: () => captures.sweep(),
      verifyStore: (signal) => keeper.verify(signal),
      maxCapturesOfKey: () => access.keys.captureQuotas(),
      pruneAudit: () => audit.prune(),
      logger,
    }),
    journal: await openScheduleJournal(metadata.firings, worker),
    logger,
  });
  const app = await buildApp({
    fleet,
    captures,
    operations,
    images,
    events: bus,
    health: () => [watch.check(), disk.check(), storeHealth(keeper), ...auditCheck(audit)],
    store: () => keeper.view(),
    figures: () => serviceFigures({ fleet, memory, metadata, keeper }),
    schedules: () => viewSchedules(scheduler, metadata.firings),
    version: options.version,
    logger,
    access,
    audit,
    quotas,
    listen: host,
    ...defined({ tls }),
    ...defined({ limits: options.limits, webRoot: options.webRoot, allowedHosts: options.allowedHosts }),
  });
  let unwatchTls: (() => void) | undefined;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    unwatchTls?.();
    closed ??= closeInOrder({
      app,
      scheduler,
      watch,
      operations,
      fleet,
      spare,
      disk,
      vmcores,
      metadata,
      data,
      logger,
    });
    return closed;
  };
  try {
    address = await app.listen({ host, port: options.port ?? DEFAULT_CONFIG.port });
    data.announce(address);
  } catch (error) {
    await close();
    throw error;
  }
  scheduler.start().catch(onError('scheduler'));
  const reloadTls = (): void => {
    if (options.tls === undefined || !('setSecureContext' in app.server)) return;
    try {
      (app.server as unknown as TlsServer).setSecureContext(readTls(options.tls));
      logger.info({ component: 'tls' }, 'the certificate was read again');
    } catch (err) {
      logger.error({ err, component: 'tls' }, 'the certificate cannot be used: the one before is served on');
    }
  };
  unwatchTls = options.tls === undefined ? undefined : watchTls(options.tls, reloadTls);

  return {
    address,
    startFleet: async ({ partitions, make, start = true, onImport }) => {
      if (start && options.openPartition === undefined) spare.prepare();
      if (partitions.some(({ image }) => image === DEBIAN) && !(await hasImage(data.images, DEBIAN))) {
        onImport?.({});
        const submitted = await operations.submit({ kind: 'import', options: { kind: 'debian' } });
        const { error } = await ended(operations, bus, submitted);
        if (error !== undefined) onImport?.({ failed: error.message });
      }
      if (make === 'always' || fleet.list().length === 0) await watch.make(partitions);
      await bus.subscribe((message) => {
        if (message.kind !== 'event' || message.event.kind !== 'image' || message.event.state !== 'ready')
          return;
        watch.retry(message.event.name).catch(onError('fleet'));
      });
      await watch.started(start ? () => fleet.startAll() : undefined);
      return watch.check();
    },
    reloadTls,
    close,
  };
}

/** Takes other users' rights to the folder away, and says where it had to. */
function closeToOthers(folder: HeldFolder, logger: FastifyBaseLogger): void {
  const { root } = folder;
  const { changed, failed } = folder.tighten();
  if (changed > 0)
    logger.warn(
      { folder: root, files: changed },
      'the data folder was open to other users; it is closed to them now',
    );
  if (failed.length > 0)
    logger.warn(
      { folder: root, files: failed.slice(0, 10) },
      'files of the data folder belong to another user and stay as they are',
    );
}

const DEBIAN = 'debian';

async function hasImage(imageRoot: string, wanted: string): Promise<boolean> {
  const { images } = await listImages(imageRoot);
  return images.some(({ name }) => name === wanted);
}

async function importImage(
  imageRoot: string,
  { logger, onImportProgress, importImage: importOther }: DaemonOptions,
  request: NamedImport,
  report: (progress: ImportProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  const progress = (at: ImportProgress): void => {
    onImportProgress?.(at);
    report(at);
  };
  if (importOther !== undefined) await importOther(request, progress, signal);
  else {
    const { name, kernel } = request;
    await importDebian({ imageRoot, name, progress, signal, ...defined({ kernel }) });
  }
  const durationMs = Math.round(performance.now() - begun);
  logger.info({ component: 'images', image: request.name, durationMs }, 'image imported');
}

/** Waits for the end of an operation. */
async function ended(
  operations: OperationService,
  bus: EventBus,
  { id }: Pick<Operation, 'id'>,
): Promise<Operation> {
  let wake = (): void => undefined;
  const unsubscribe = await bus.subscribe((message) => {
    if (message.kind === 'event' && message.event.kind === 'operation' && message.event.id === id) wake();
  });
  try {
    for (;;) {
      const moved = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const operation = await operations.get(id);
      if (operation.state !== 'queued' && operation.state !== 'running') return operation;
      await moved;
    }
  } finally {
    unsubscribe();
  }
}
