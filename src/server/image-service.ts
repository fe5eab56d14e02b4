/**
 * The images as REST shows them: what the catalogue holds, what is being imported, and what failed. An import is an
 * operation; its progress goes out as events. How an image is made is the importer's business.
 */

import { randomBytes } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { defined } from '../base/defined.ts';
import { FormatError } from '../base/errors.ts';
import type { Operation, ServiceEvent } from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import type { MetadataStore } from '../panic/store/index.ts';
import type { ImageCatalogue, ImageImport, ImageView } from './http/shared/ports.ts';

/** An image as the catalogue describes it; files by role. */
export type StoredImage = {
  readonly name: string;
  readonly kind: ImageView['kind'];
  readonly kernelRelease?: string;
  readonly append: string;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string } | undefined>>;
};

export type ImageServiceOptions = {
  readonly catalogue: {
    list(): Promise<{
      readonly images: readonly StoredImage[];
      readonly broken: readonly { readonly name: string; readonly error: Error }[];
    }>;
    remove(name: string): Promise<void>;
  };
  /** Makes the image; resolves when it is in the catalogue. `report` says in a few words how far it is. */
  readonly importImage: (
    request: ImageImport & { readonly name: string },
    report: (phase: string, detail: string) => void,
  ) => Promise<void>;
  readonly inUse: (name: string) => boolean;
  readonly operations: Pick<MetadataStore, 'createOperation' | 'updateOperation'>;
  readonly logger: FastifyBaseLogger;
};

const DEFAULT_NAME = 'debian';
/** Progress comes with every package; clients need not see each. */
const REPORT_EVERY_MS = 400;

type Pending = { readonly state: 'importing' | 'failed'; readonly detail: string };

export class ImageService implements ImageCatalogue {
  readonly #options: ImageServiceOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #running = new Set<Promise<void>>();
  readonly #listeners = new Set<(event: ServiceEvent) => void>();

  constructor(options: ImageServiceOptions) {
    this.#options = options;
  }

  /** Events of imports and of their operations. @returns a function that ends the subscription. */
  events(listener: (event: ServiceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async list(): Promise<readonly ImageView[]> {
    const { images, broken } = await this.#options.catalogue.list();
    const views = new Map<string, ImageView>();
    for (const image of images) views.set(image.name, viewOf(image));
    for (const { name, error } of broken) views.set(name, unready(name, 'failed', error.message));
    for (const [name, { state, detail }] of this.#pending) {
      if (!views.has(name)) views.set(name, unready(name, state, detail));
    }
    return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async get(name: string): Promise<ImageView> {
    const found = (await this.list()).find((image) => image.name === name);
    if (found === undefined) throw new Refusal('not-found', `There is no image ${name}.`);
    return found;
  }

  async remove(name: string): Promise<void> {
    const pending = this.#pending.get(name);
    if (pending?.state === 'importing') throw new Refusal('conflict', `Image ${name} is being imported.`);
    if (this.#options.inUse(name)) throw new Refusal('conflict', `A partition uses image ${name}.`);
    const inCatalogue = await this.#isInCatalogue(name);
    if (pending === undefined && !inCatalogue) throw new Refusal('not-found', `There is no image ${name}.`);
    if (inCatalogue) await this.#options.catalogue.remove(name);
    this.#pending.delete(name);
  }

  async startImport(request: ImageImport): Promise<Operation> {
    const name = request.name ?? DEFAULT_NAME;
    if (this.#pending.get(name)?.state === 'importing') {
      throw new Refusal('conflict', `Image ${name} is being imported.`);
    }
    // Marked before anything is awaited, so that a second request sees it.
    const before = this.#pending.get(name);
    this.#pending.set(name, { state: 'importing', detail: 'beginning' });
    try {
      if (await this.#isInCatalogue(name))
        throw new Refusal('conflict', `There is an image ${name} already.`);
      const now = new Date().toISOString();
      const operation: Operation = {
        id: `import-${randomBytes(6).toString('hex')}`,
        kind: 'import',
        state: 'running',
        phase: 'beginning',
        createdAt: now,
        updatedAt: now,
      };
      await this.#options.operations.createOperation(operation);
      this.#emit({ kind: 'image', name, state: 'importing' });
      const run = this.#import({ ...request, name }, operation);
      this.#running.add(run);
      void run.finally(() => this.#running.delete(run));
      return operation;
    } catch (error) {
      if (before === undefined) this.#pending.delete(name);
      else this.#pending.set(name, before);
      throw error;
    }
  }

  /** Resolves when no import runs. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Never rejects: what goes wrong is the operation's error. */
  async #import(request: ImageImport & { readonly name: string }, begun: Operation): Promise<void> {
    const { name } = request;
    const log = this.#options.logger.child({ component: 'images', image: name, operation: begun.id });
    let operation = begun;
    let reportedAt = 0;
    const report = (phase: string, detail: string): void => {
      this.#pending.set(name, { state: 'importing', detail });
      const now = performance.now();
      if (phase === operation.phase && now - reportedAt < REPORT_EVERY_MS) return;
      reportedAt = now;
      operation = { ...operation, phase };
      this.#emit({ kind: 'image', name, state: 'importing', progress: detail });
    };
    const started = performance.now();
    try {
      await this.#options.importImage(request, report);
      this.#pending.delete(name);
      log.info({ durationMs: Math.round(performance.now() - started) }, 'image imported');
      await this.#end({ ...operation, state: 'succeeded', phase: 'ready' });
      this.#emit({ kind: 'image', name, state: 'ready' });
    } catch (err) {
      log.error({ err, durationMs: Math.round(performance.now() - started) }, 'image import failed');
      const error = describeFailure(err);
      this.#pending.set(name, { state: 'failed', detail: error.message });
      await this.#end({ ...operation, state: 'failed', error });
      this.#emit({ kind: 'image', name, state: 'failed' });
    }
  }

  async #end(operation: Operation): Promise<void> {
    try {
      await this.#options.operations.updateOperation({ ...operation, updatedAt: new Date().toISOString() });
    } catch (err) {
      // The image itself is well or not, whatever becomes of its operation; at the next start it is failed.
      this.#options.logger.error({ err, operation: operation.id }, 'operation could not be stored');
    }
    this.#emit({ kind: 'operation', id: operation.id, state: operation.state, phase: operation.phase });
  }

  async #isInCatalogue(name: string): Promise<boolean> {
    const { images, broken } = await this.#options.catalogue.list();
    return [...images, ...broken].some((image) => image.name === name);
  }

  #emit(event: ServiceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
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

/** What input or the caller got wrong is told; what is our own is in the log. */
function describeFailure(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof FormatError) return { code: error.code, message: error.message };
  if (error instanceof Refusal) return { code: `image/${error.code}`, message: error.message };
  return { code: 'image/failed', message: 'The import failed; the log of the daemon says why.' };
}
