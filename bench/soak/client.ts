/** A client of the daemon that measures: every request has a limit of time, and none throws. */

import { createHash } from 'node:crypto';

/** `status` 0: no answer, `why` says what happened. `body`: of a 2xx answer alone; a problem is in `why`. */
export type Answer<T> = { readonly status: number; readonly body: T | undefined; readonly why: string };

export type Downloaded = {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
  /** What the headers say of it. */
  readonly promised: string | null;
  /** Why the body ended early. */
  readonly cut?: string;
};

const LIMIT_MS = 60_000;

export class Client {
  readonly base: string;
  /** Milliseconds of every request for JSON. */
  readonly latencies: number[];

  constructor(base: string, latencies: number[] = []) {
    this.base = base;
    this.latencies = latencies;
  }

  async get<T>(path: string, limitMs?: number): Promise<Answer<T>> {
    return await this.call<T>('GET', path, undefined, limitMs);
  }

  async call<T>(
    method: string,
    path: string,
    body?: unknown,
    limitMs: number = LIMIT_MS,
  ): Promise<Answer<T>> {
    const begun = performance.now();
    try {
      const answer = await fetch(`${this.base}/api/v1${path}`, {
        method,
        signal: AbortSignal.timeout(limitMs),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.text();
      this.latencies.push(performance.now() - begun);
      const parsed: T | undefined = answer.ok && text !== '' ? JSON.parse(text) : undefined;
      return { status: answer.status, body: parsed, why: `${answer.status} ${text.slice(0, 300)}` };
    } catch (error) {
      return { status: 0, body: undefined, why: reasonOf(error) };
    }
  }

  /** Downloads a vmcore, or a span of it. */
  async download(id: string, range?: string, limitMs: number = LIMIT_MS): Promise<Downloaded> {
    const hash = createHash('sha256');
    let bytes = 0;
    let [status, promised]: [number, string | null] = [0, null];
    try {
      const answer = await fetch(`${this.base}/api/v1/captures/${id}/vmcore`, {
        signal: AbortSignal.timeout(limitMs),
        ...(range === undefined ? {} : { headers: { range } }),
      });
      status = answer.status;
      promised = answer.headers.get('x-content-sha256');
      for await (const piece of answer.body ?? []) {
        hash.update(piece);
        bytes += piece.length;
      }
      return { status, bytes, sha256: hash.digest('hex'), promised };
    } catch (error) {
      return { status, bytes, sha256: hash.digest('hex'), promised, cut: reasonOf(error) };
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : `${error.name}: ${error.message}`;
}
