/** A daemon as a user starts it, built, on a data folder of the harness, that may be killed at any moment. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { PartitionRequest } from '../../src/panic/contract/index.ts';

export const ROOT: string = join(import.meta.dirname, '..', '..');
export const MAIN: string = join(ROOT, 'dist', 'cli', 'main.js');

/** Where a harness keeps everything: `data` is the daemon's, `tmp` its temporary folder, `log` what it said. */
export type Place = {
  readonly data: string;
  readonly tmp: string;
  readonly log: string;
  readonly fleet: string;
};

export function makePlace(folder: string, fleet: readonly PartitionRequest[]): Place {
  const place = {
    data: join(folder, 'data'),
    tmp: join(folder, 'tmp'),
    log: join(folder, 'daemon.log'),
    fleet: join(folder, 'fleet.json'),
  };
  mkdirSync(place.data, { recursive: true, mode: 0o700 });
  mkdirSync(place.tmp, { recursive: true });
  writeFileSync(place.fleet, JSON.stringify(fleet));
  return place;
}

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export class Service {
  readonly base: string;
  readonly pid: number;
  /** It has said that its fleet has been started, whether all of it is up or not. */
  readonly started: Promise<void>;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #end: Ended | undefined;
  #last = '';

  private constructor(child: ChildProcess, base: string, log: string) {
    this.#child = child;
    this.base = base;
    this.pid = child.pid ?? 0;
    const file = createWriteStream(log, { flags: 'a' });
    // A harness that fails leaves no daemon behind.
    const last = (): boolean => child.kill('SIGKILL');
    process.once('exit', last);
    child.once('exit', () => process.off('exit', last));
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        this.#end = { code, signal };
        file.end();
        resolve(this.#end);
      });
    });
    let hasStarted: () => void = () => undefined;
    this.started = new Promise((resolve) => {
      hasStarted = resolve;
    });
    child.stdout?.on('data', (bytes: Buffer) => {
      file.write(bytes);
      if (bytes.includes('kdumpd ready ')) hasStarted();
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      file.write(bytes);
      if (bytes.includes('without its whole fleet')) hasStarted();
      this.#last = `${this.#last}${bytes}`.slice(-4000);
    });
  }

  static async start(
    place: Place,
    env: Readonly<Record<string, string>> = {},
    options: readonly string[] = [],
    wantedPort?: number,
  ): Promise<Service> {
    const port = wantedPort ?? (await freePort());
    const args = ['serve', '--port', `${port}`, '--data', place.data, '--fleet', place.fleet, ...options];
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: place.tmp, ...env },
    });
    return new Service(child, `http://127.0.0.1:${port}`, place.log);
  }

  /** How it ended; undefined: it runs. */
  get end(): Ended | undefined {
    return this.#end;
  }

  /** The end of what it said on stderr. */
  get lastWords(): string {
    return this.#last;
  }

  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return await this.ended;
  }
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
