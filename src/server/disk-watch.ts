/**
 * Watches the disk of the data folder. An error of it is noted until the disk works again, which is tried every few seconds:
 * what could not be stored is stored, and the reserve is written anew. The reserve is a file that holds room: it is removed
 * when the disk is full, so that ends of operations can be recorded.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { FastifyBaseLogger } from 'fastify';
import { type DiskError, diskErrorOf } from '../base/disk-error.ts';
import { freeRoom, sizeText } from '../base/free-room.ts';
import type { HealthCheck } from './http/shared/ports.ts';

export type DiskWatchOptions = {
  /** The data folder. */
  readonly folder: string;
  /** The file that holds room. */
  readonly reserve: string;
  /** With less than this free, captures and imports are refused. */
  readonly minFreeBytes: number;
  /** Stores what could not be stored. @returns how much still waits. @throws the disk's error */
  readonly retry: () => Promise<number>;
  readonly logger: FastifyBaseLogger;
  /** Bytes that are free; default those of the folder's file system. */
  readonly free?: () => number;
  /** Default 5 seconds. */
  readonly retryMs?: number;
};

const RETRY_MS = 5000;
const RESERVE_BYTES = 4 * 2 ** 20;

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  #trouble: DiskError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isTrying = false;
  #isClosed = false;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Bytes that are free. @throws the system's error */
  free(): number {
    return (this.#options.free ?? (() => freeRoom(this.#options.folder)))();
  }

  /** Writes the reserve where it is not there. */
  open(): void {
    this.#tryReserve();
  }

  /** Notes an error where it is one of the disk. */
  note(error: unknown): void {
    const disk = diskErrorOf(error);
    if (disk === undefined || this.#isClosed) return;
    if (this.#trouble === undefined)
      this.#options.logger.error(
        { err: disk, component: 'disk' },
        'the disk of the data folder is in trouble',
      );
    this.#trouble = disk;
    if (disk.code === 'disk-full') this.#dropReserve();
    this.#timer ??= setInterval(() => void this.recover(), this.#options.retryMs ?? RETRY_MS);
    this.#timer.unref();
  }

  /** Finds out whether the disk works again. */
  async recover(): Promise<void> {
    if (this.#isTrying || this.#trouble === undefined) return;
    this.#isTrying = true;
    try {
      const waiting = await this.#options.retry();
      if (waiting === 0 && this.#tryReserve()) this.#end();
    } catch (error) {
      const disk = diskErrorOf(error);
      if (disk === undefined)
        this.#options.logger.error(
          { err: error, component: 'disk' },
          'what waits for the disk could not be stored',
        );
      else this.#trouble = disk;
    } finally {
      this.#isTrying = false;
    }
  }

  /** For `/healthz`. Reading continues with a full disk: degraded, not down. */
  check(): HealthCheck {
    const name = 'disk';
    let free: number;
    try {
      free = this.free();
    } catch (error) {
      const disk = diskErrorOf(error);
      return { name, ok: false, degraded: true, detail: disk?.message ?? 'its free room cannot be read' };
    }
    const { minFreeBytes } = this.#options;
    const figures = `${sizeText(free)} free, ${sizeText(minFreeBytes)} wanted`;
    if (this.#trouble !== undefined)
      return { name, ok: false, degraded: true, detail: `${this.#trouble.message}; ${figures}` };
    if (free < minFreeBytes)
      return { name, ok: false, degraded: true, detail: `no room for captures and imports: ${figures}` };
    return { name, ok: true };
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  #end(): void {
    this.#trouble = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#options.logger.info(
      { component: 'disk', freeBytes: this.free() },
      'the disk of the data folder works again',
    );
  }

  /** Random bytes: a file system that compresses would keep no room for zeros. @returns whether it is there */
  #tryReserve(): boolean {
    const { reserve } = this.#options;
    if (existsSync(reserve)) return true;
    try {
      // Never through a link that somebody left there.
      rmSync(reserve, { force: true });
      const file = openSync(reserve, 'wx', 0o600);
      try {
        const bytes = randomBytes(RESERVE_BYTES);
        if (writeSync(file, bytes) !== bytes.length)
          throw Object.assign(new Error('cut'), { code: 'ENOSPC' });
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      this.#dropReserve();
      this.note(error);
      return false;
    }
  }

  #dropReserve(): void {
    try {
      rmSync(this.#options.reserve, { force: true });
    } catch (error) {
      this.#options.logger.error({ err: error, component: 'disk' }, 'the reserve cannot be removed');
    }
  }
}
