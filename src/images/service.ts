/**
 * Lists images for REST, those of the catalogue, running imports and failed ones, and runs imports. An import is an
 * operation, whose phase is the importer's step.
 */

import { defined } from '../base/defined.ts';
import { diskErrorOf } from '../base/disk-error.ts';
import { BugError, FormatError } from '../base/errors.ts';
import type { Room } from '../panic/captures/index.ts';
import type {
  ImageImport,
  ImageView,
  OperationKind,
  OperationRequest,
  ServiceEvent,
} from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import {
  type Accepted,
  type EventBus,
  OperationFailure,
  type OperationHost,
  type OperationResult,
  type Run,
} from '../panic/operations/index.ts';
import { ImportError } from './errors.ts';
import type { ImportProgress } from './progress.ts';

/** An image as the catalogue describes it; files by role. */
export type StoredImage = {
  readonly name: string;
  readonly kind: ImageView['kind'];
  readonly kernelRelease?: string;
  readonly append: string;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string } | undefined>>;
};

/** An import that has a name. */
export type NamedImport = ImageImport & { readonly name: string };

export type ImageServiceOptions = {
  readonly catalogue: {
    list(): Promise<{
      readonly images: readonly StoredImage[];
      readonly broken: readonly { readonly name: string; readonly error: Error }[];
    }>;
    remove(name: string): Promise<void>;
  };
  /** Makes the image; resolves when it is in the catalogue. Leaves nothing where it fails or is aborted. */
  readonly importImage: (
    request: NamedImport,
    progress: (progress: ImportProgress) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Whether a partition boots it. */
  readonly inUse: (name: string) => boolean;
  /** The room that an import needs; absent: it is not counted. */
  readonly room?: Pick<Room, 'take'>;
  readonly bus: EventBus;
  /** Called with what went wrong where the operation shows only that something did. */
  readonly onError: (error: Error) => void;
  /** Host seconds that an import may take where its request does not say; default an hour. */
  readonly hostSeconds?: number;
};

/** Some hundred MB are downloaded and unpacked: minutes, over a slow line longer. */
const HOST_SECONDS = 3600;
const DEFAULT_NAME = 'debian';
/** What an import of Debian takes at the most, without debugging data: packages, then the image beside them. */
export const IMPORT_BYTES: number = 400 * 2 ** 20;
/** Progress comes with every package; clients need not see each. */
const REPORT_EVERY_MS = 400;
/** Failed imports that are still listed; older ones are forgotten. */
const FAILED_KEPT = 100;

type Pending = { readonly state: 'importing' | 'failed'; readonly detail: string };

export class ImageService implements OperationHost {
  readonly kinds: readonly OperationKind[] = ['import'];
  readonly #options: ImageServiceOptions;
  /** By name: imports that run, and those that failed. */
  readonly #pending = new Map<string, Pending>();
  /** Images of the catalogue when it was last listed. */
  #seen: Set<string> | undefined;

  constructor(options: ImageServiceOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly ImageView[]> {
    const { images, broken } = await this.#options.catalogue.list();
    this.#notice(images);
    const views = new Map<string, ImageView>();
    for (const image of images) views.set(image.name, viewOf(image));
    for (const { name, error } of broken) views.set(name, unready(name, 'failed', error.message));
    for (const [name, { state, detail }] of this.#pending) {
      if (!views.has(name)) views.set(name, unready(name, state, detail));
    }
    return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The command line puts images into the folder beside the daemon: one that is new has come. */
  #notice(images: readonly StoredImage[]): void {
    const before = this.#seen;
    this.#seen = new Set(images.map(({ name }) => name));
    if (before === undefined) return;
    for (const name of this.#seen) {
      if (before.has(name) || this.#pending.get(name)?.state === 'importing') continue;
      this.#pending.delete(name);
      this.#publish({ kind: 'image', name, state: 'ready' }).catch(this.#options.onError);
    }
  }

  async get(name: string): Promise<ImageView> {
    const found = (await this.list()).find((image) => image.name === name);
    if (found === undefined) throw new Refusal('not-found', `There is no image ${name}.`);
    return found;
  }

  /** @throws Refusal `conflict` while a partition uses it or it is being imported. */
  async remove(name: string): Promise<void> {
    const pending = this.#pending.get(name);
    if (pending?.state === 'importing') throw new Refusal('conflict', `Image ${name} is being imported.`);
    if (this.#options.inUse(name)) throw new Refusal('conflict', `A partition uses image ${name}.`);
    const inCatalogue = await this.#isInCatalogue(name);
    if (pending === undefined && !inCatalogue) throw new Refusal('not-found', `There is no image ${name}.`);
    if (inCatalogue) await this.#options.catalogue.remove(name);
    this.#seen?.delete(name);
    this.#pending.delete(name);
  }

  async accept(request: OperationRequest): Promise<Accepted> {
    const { name } = namedImport(request);
    const before = this.#pending.get(name);
    if (before?.state === 'importing') throw new Refusal('conflict', `Image ${name} is being imported.`);
    const drop = (): void => {
      if (before === undefined) this.#pending.delete(name);
      else this.#pending.set(name, before);
    };
    // Marked before anything is awaited, so that a second request meets it.
    this.#pending.set(name, { state: 'importing', detail: 'queued' });
    let giveBack = (): void => undefined;
    try {
      if (await this.#isInCatalogue(name))
        throw new Refusal('conflict', `There is an image ${name} already.`);
      giveBack = this.#options.room?.take(IMPORT_BYTES, `An import of ${name}`) ?? giveBack;
    } catch (error) {
      drop();
      throw error;
    }
    return {
      turn: (work) => work().finally(giveBack),
      drop: () => {
        giveBack();
        drop();
      },
    };
  }

  hostSeconds(request: OperationRequest): number {
    return namedImport(request).hostTimeoutSeconds ?? this.#options.hostSeconds ?? HOST_SECONDS;
  }

  async run(request: OperationRequest, run: Run): Promise<OperationResult> {
    const wanted = namedImport(request);
    const { name } = wanted;
    this.#pending.set(name, { state: 'importing', detail: 'beginning' });
    await this.#publish({ kind: 'image', name, state: 'importing' });
    try {
      await this.#options.importImage(wanted, this.#progress(name, run), run.signal);
    } catch (error) {
      const failure = run.early() ?? failureOf(error);
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      this.#fail(name, failure.code === 'cancelled' ? 'The import was cancelled.' : failure.message);
      await this.#publish({ kind: 'image', name, state: 'failed' });
      throw failure;
    }
    this.#pending.delete(name);
    this.#seen?.add(name);
    await this.#publish({ kind: 'image', name, state: 'ready' });
    return { phase: 'ready' };
  }

  /** Shows how far an import is: each step in the operation's phase, the rest by events. */
  #progress(name: string, run: Run): (progress: ImportProgress) => void {
    let phase = '';
    let reportedAt = 0;
    return ({ step, done, total, detail = '' }) => {
      const text = `${done}/${total} ${detail}`.trim();
      this.#pending.set(name, { state: 'importing', detail: text });
      const now = performance.now();
      if (step === phase && now - reportedAt < REPORT_EVERY_MS) return;
      reportedAt = now;
      if (step !== phase) run.report(step);
      phase = step;
      this.#publish({ kind: 'image', name, state: 'importing', progress: text }).catch(this.#options.onError);
    };
  }

  #fail(name: string, detail: string): void {
    this.#pending.delete(name);
    this.#pending.set(name, { state: 'failed', detail });
    const failed = [...this.#pending].filter(([, { state }]) => state === 'failed');
    for (const [oldest] of failed.slice(0, -FAILED_KEPT)) this.#pending.delete(oldest);
  }

  async #isInCatalogue(name: string): Promise<boolean> {
    const { images, broken } = await this.#options.catalogue.list();
    return [...images, ...broken].some((image) => image.name === name);
  }

  #publish(event: ServiceEvent): Promise<void> {
    return this.#options.bus.publish(event);
  }
}

function namedImport(request: OperationRequest): NamedImport {
  if (request.kind !== 'import') throw new BugError(`${request.kind} is no import`);
  return { ...request.options, name: request.options.name ?? DEFAULT_NAME };
}

function viewOf(image: StoredImage): ImageView {
  return {
    name: image.name,
    kind: image.kind,
    state: 'ready',
    append: image.append,
    ...defined({ kernelRelease: image.kernelRelease }),
    files: Object.entries(image.files).flatMap(([role, file]) =>
      file === undefined ? [] : [{ role, bytes: file.bytes, sha256: file.sha256 }],
    ),
  };
}

function unready(name: string, state: Pending['state'], detail: string): ImageView {
  return { name, kind: 'debian', state, detail, files: [] };
}

/** Errors of the input or the caller are shown; the details of internal errors are in the log only. */
function failureOf(error: unknown): OperationFailure {
  const disk = diskErrorOf(error);
  if (disk !== undefined)
    return new OperationFailure(disk.code, `The image could not be stored: ${disk.message}.`);
  if (error instanceof FormatError || error instanceof ImportError)
    return new OperationFailure(error.code, error.message);
  if (error instanceof Refusal) return new OperationFailure(`image/${error.code}`, error.message);
  return new OperationFailure('image/failed', 'The import failed; the log of the daemon says why.');
}
