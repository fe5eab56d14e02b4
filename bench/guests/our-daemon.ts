/** A real daemon, built and started as a user starts it, with a fleet of stock guests in service. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { PartitionRequest, PartitionView } from '../../src/panic/contract/index.ts';
import type { GuestSpec } from './crash-run.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export type Daemon = {
  readonly pid: number;
  readonly process: ChildProcess;
  /** Where it serves: `http://…`. */
  readonly base: string;
  readonly close: () => Promise<void>;
};

/** Builds the program that {@link startDaemon} starts. @throws Error when that fails */
export async function buildDaemon(): Promise<void> {
  const build = spawn(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(build, 'exit');
  if (code !== 0) throw new Error(`scripts/build.mjs ended with ${code}`);
}

/**
 * `kdumpd serve` with so many guests of the spec's size; resolves when all are in service with a crash kernel.
 * @throws Error with what it said when it is not ready in time
 */
export function startDaemon(spec: GuestSpec, guests: number, timeoutSeconds: number): Promise<Daemon> {
  const fleet = Array.from(
    { length: guests },
    (_, i): PartitionRequest => ({
      name: `guest-${i + 1}`,
      image: spec.image.name,
      cpus: 1,
      memory: `${spec.memoryBytes / 2 ** 20}M`,
      seed: i + 1,
    }),
  );
  return serveFleet(fleet, dirname(spec.folder), timeoutSeconds);
}

/** How the process is started, where it is otherwise than a user starts it. */
export type DaemonProcess = {
  /** Options of Node.js. */
  readonly node?: readonly string[];
  /** Added to `serve`. */
  readonly serve?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Called at once; messages may be exchanged with it. */
  readonly onStart?: (child: ChildProcess) => void;
};

/**
 * `kdumpd serve` with this fleet over the images of a folder, in a data folder that goes with it; resolves when all are in
 * service with a crash kernel.
 * @throws Error with what it said when it is not ready in time
 */
export async function serveFleet(
  fleet: readonly PartitionRequest[],
  images: string,
  timeoutSeconds: number,
  { node = [], serve = [], environment = {}, onStart }: DaemonProcess = {},
): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-bench-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  if (existsSync(images)) symlinkSync(resolve(images), join(data, 'images'));
  writeFileSync(join(folder, 'fleet.json'), JSON.stringify(fleet));
  const main = join(ROOT, 'dist', 'cli', 'main.js');
  const options = ['--port', '0', '--data', data, '--fleet', join(folder, 'fleet.json')];
  const child = spawn(process.execPath, [...node, main, 'serve', ...options, ...serve], {
    stdio: ['ignore', 'pipe', 'pipe', ...(onStart === undefined ? [] : (['ipc'] as const))],
    env: { ...process.env, ...environment },
  });
  onStart?.(child);
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const base = await ready(child, timeoutSeconds);
    const answer = (await (await fetch(`${base}/api/v1/partitions`)).json()) as { items: PartitionView[] };
    const wrong = answer.items.find(({ state, reason }) => state !== 'ready' || reason !== undefined);
    if (answer.items.length !== fleet.length || wrong !== undefined || child.pid === undefined)
      throw new Error(`not ${fleet.length} guests in service: ${JSON.stringify(wrong ?? answer.items)}`);
    return { pid: child.pid, process: child, base, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits for the line that says so. @returns where it serves */
function ready(child: ChildProcess, timeoutSeconds: number): Promise<string> {
  let out = '';
  let err = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`kdumpd serve ${why}: ${err.slice(-2000)}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${timeoutSeconds} s`), timeoutSeconds * 1000);
    child.stdout?.on('data', (bytes: Buffer) => {
      out += bytes.toString();
      const base = /^kdumpd ready (\S+)\n/m.exec(out)?.[1];
      if (base === undefined) return;
      clearTimeout(timer);
      resolve(base);
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      err += bytes.toString();
      if (err.includes('without its whole fleet')) fail('could not start its fleet');
    });
    child.on('exit', (code) => fail(`ended with ${code}`));
    child.on('error', (error) => fail(error.message));
  });
}
