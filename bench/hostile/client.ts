/** A client of the daemon's REST for the hostile run: crashes of healthy partitions, power of the hostile one, latencies. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Capture, Operation, PartitionView } from '../../src/panic/contract/index.ts';

export class Client {
  readonly #api: string;

  constructor(base: string) {
    this.#api = `${base}/api/v1`;
  }

  async partitions(): Promise<readonly PartitionView[]> {
    return (await this.#get<{ items: PartitionView[] }>('/partitions')).items;
  }

  partition(id: string): Promise<PartitionView> {
    return this.#get(`/partitions/${id}`);
  }

  /** Types on the first terminal. A partition that was stopped meanwhile takes no input: false. */
  async type(id: string, text: string): Promise<boolean> {
    const answer = await fetch(`${this.#api}/partitions/${id}/console`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    return answer.ok;
  }

  /** @returns milliseconds from the request to the stored capture. @throws Error where it was not captured, or a rule was broken */
  async crash(id: string, cpu: number): Promise<number> {
    const from = performance.now();
    const operation = await this.#operate(`/partitions/${id}/panic`, {
      trigger: 'sysrq',
      onCpu: cpu,
      dump: 'raw',
    });
    const took = performance.now() - from;
    if (operation.state !== 'succeeded' || operation.captureId === undefined)
      throw new Error(`a healthy partition was not captured: ${JSON.stringify(operation)}`);
    const capture = await this.#get<Capture>(`/captures/${operation.captureId}`);
    if (capture.outcome !== 'captured' || capture.rules.broken > 0)
      throw new Error(`a healthy partition's capture is not right: ${JSON.stringify(capture)}`);
    await this.#delete(`/captures/${capture.id}`);
    return took;
  }

  /** @returns milliseconds until the partition is stopped. @throws Error where it cannot be */
  async stop(id: string): Promise<number> {
    const from = performance.now();
    if ((await this.partition(id)).state === 'stopped') return 0;
    const operation = await this.#operate(`/partitions/${id}/stop`);
    if (operation.state !== 'succeeded') throw new Error(`not stopped: ${JSON.stringify(operation)}`);
    return performance.now() - from;
  }

  async start(id: string): Promise<void> {
    const operation = await this.#operate(`/partitions/${id}/start`);
    if (operation.state !== 'succeeded') throw new Error(`not started: ${JSON.stringify(operation)}`);
  }

  async untilReady(id: string): Promise<void> {
    for (;;) {
      const { state, reason } = await this.partition(id);
      if (state === 'ready') return;
      if (state === 'failed' || state === 'stopped') throw new Error(`${id} is ${state}: ${reason}`);
      await sleep(20);
    }
  }

  async #operate(path: string, body?: object): Promise<Operation> {
    const answer = await fetch(`${this.#api}${path}`, {
      method: 'POST',
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    const { id } = (await answer.json()) as Operation;
    for (;;) {
      const operation = await this.#get<Operation>(`/operations/${id}`);
      if (operation.state !== 'queued' && operation.state !== 'running') return operation;
      await sleep(20);
    }
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#api}${path}`);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async #delete(path: string): Promise<void> {
    const answer = await fetch(`${this.#api}${path}`, { method: 'DELETE' });
    if (!answer.ok) throw new Error(`DELETE ${path}: ${answer.status} ${await answer.text()}`);
  }
}

/** Asks the daemon something every 25 ms, and keeps how long each answer took. */
export class Latencies {
  readonly #base: string;
  readonly #paths: readonly string[];
  #milliseconds: number[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(base: string, paths: readonly string[]) {
    this.#base = base;
    this.#paths = paths;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Those since the last call, ascending. */
  take(): readonly number[] {
    const taken = this.#milliseconds.sort((a, b) => a - b);
    this.#milliseconds = [];
    return taken;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const from = performance.now();
      const answer = await fetch(`${this.#base}${this.#paths[i % this.#paths.length]}`);
      await answer.arrayBuffer();
      const took = performance.now() - from;
      if (answer.status >= 500 && answer.status !== 503) throw new Error(`${answer.url}: ${answer.status}`);
      this.#milliseconds.push(took);
      await sleep(Math.max(0, 25 - took));
    }
  }
}

/** @param ascending at least one number */
export function quantile(ascending: readonly number[], part: number): number {
  const at = Math.min(ascending.length - 1, Math.floor(ascending.length * part));
  const found = ascending[at];
  if (found === undefined) throw new Error('the quantile of nothing');
  return found;
}
