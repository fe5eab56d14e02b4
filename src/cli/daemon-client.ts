/** Asks a daemon over REST: which one and with which key the command line or the environment says. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Refusal } from '../panic/contract/index.ts';
import { UsageError } from './arguments.ts';

export type DaemonOptions = {
  /** `http://…`, without a path. */
  readonly server?: string;
  /** A file that holds the key's secret. */
  readonly key?: string;
};

export interface DaemonClient {
  readonly server: string;
  /**
   * @param path below the API's prefix: `/keys`
   * @returns the body of the answer; undefined where it has none
   * @throws Refusal with the daemon's own words, or where it does not answer
   */
  ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T>;
}

/** Adds the options that say which daemon is asked. */
export function withDaemonOptions(command: Command): Command {
  return command
    .option('--server <url>', 'the daemon to ask; default KDUMPD_SERVER')
    .option('--key <file>', 'file with the key to show; default KDUMPD_KEY, a key or a file');
}

/** The daemon that was named; undefined: none was. @throws UsageError for an address that is none */
export function namedDaemon(options: DaemonOptions): DaemonClient | undefined {
  const server = options.server ?? process.env.KDUMPD_SERVER;
  return server === undefined || server === '' ? undefined : daemonAt(server, options);
}

export function daemonAt(server: string, options: DaemonOptions): DaemonClient {
  if (!/^https?:\/\//.test(server) || !URL.canParse(server))
    throw new UsageError(`--server: ${JSON.stringify(server)} is no address such as http://127.0.0.1:8470`);
  const root = server.replace(/\/+$/, '');
  const secret = secretOf(options);
  return {
    server: root,
    ask: async <T>(method: string, path: string, body?: object): Promise<T> => {
      const answer = await fetch(`${root}/api/v1${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).catch((error: unknown) => {
        throw new Refusal('conflict', `the daemon at ${root} does not answer: ${causeOf(error)}`);
      });
      const text = await answer.text();
      if (!answer.ok)
        throw new Refusal('conflict', `the daemon at ${root} says: ${problemText(text, answer.status)}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
  };
}

/** @throws UsageError where the file cannot be read */
function secretOf({ key }: DaemonOptions): string | undefined {
  const named = key ?? process.env.KDUMPD_KEY;
  if (named === undefined || named === '') return undefined;
  if (key === undefined && named.startsWith('kd_')) return named.trim();
  try {
    return readFileSync(named, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--key: ${named} cannot be read: ${causeOf(error)}`);
  }
}

function problemText(body: string, status: number): string {
  try {
    const {
      detail,
      title,
      errors = [],
    } = JSON.parse(body) as {
      readonly detail?: string;
      readonly title?: string;
      readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
    };
    const fields = errors.map((each) => `${each.pointer} ${each.detail}`.trim()).join('; ');
    return [detail ?? title ?? `status ${status}`, fields].filter((each) => each !== '').join(': ');
  } catch {
    // Not a problem document: something else answers there.
    return `status ${status}, and it is no kdumpd`;
  }
}

/** fetch hides the reason in `cause`. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
