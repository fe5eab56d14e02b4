/**
 * Runs `kdumpd key`: makes, lists and revokes API keys, over REST where a daemon is named or has the data folder, else in the
 * folder itself.
 */

import { Command } from 'commander';
import { defined } from '../base/defined.ts';
import { type ApiKey, type KeyQuota, SCOPES, type Scope } from '../panic/contract/index.ts';
import { type KeyBook, type KeyRequest, withKeysOf } from '../server/access/index.ts';
import { takeDataFolder } from '../server/data-folder/index.ts';
import { DEFAULT_DATA, integerArgument, optional, sizeArgument, UsageError } from './arguments.ts';
import { type DaemonOptions, daemonAt, namedDaemon, withDaemonOptions } from './daemon-client.ts';

type Options = DaemonOptions & { readonly data: string };

type CreateOptions = Options & {
  readonly scopes: string;
  readonly expires?: string;
  readonly maxPartitions?: string;
  readonly maxMemory?: string;
  readonly maxCaptures?: string;
  readonly json?: boolean;
};

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

export function keyCommand(): Command {
  const key = new Command('key').description('API keys: who may use the daemon').exitOverride();
  withKeyOptions(key.command('create <name>'))
    .description('makes a key and prints its secret, which is not shown again')
    .requiredOption('--scopes <list>', `with commas: ${SCOPES.join(', ')}`)
    .option('--expires <time>', 'such as 30d, 12h, 90m; default: never')
    .option('--max-partitions <n>', 'partitions that it may have at a time')
    .option('--max-memory <size>', 'memory of these partitions together')
    .option('--max-captures <n>', 'captures that it may have at a time')
    .option('--json', 'the whole key as JSON')
    .action(async (name: string, options: CreateOptions) => {
      const request = requestOf(name, options);
      const made = await withKeys(options, (keys) => keys.create(request));
      process.stdout.write(options.json === true ? `${JSON.stringify(made, null, 2)}\n` : `${made.secret}\n`);
      process.stderr.write(
        `kdumpd: key ${made.key.id} (${name}) may ${made.key.scopes.join(', ')}; keep the secret now, it is not shown again\n`,
      );
    });
  withKeyOptions(key.command('list')).action(async (options: Options) => {
    const keys = await withKeys(options, (book) => book.list());
    process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
  });
  withKeyOptions(key.command('revoke <id>')).action(async (id: string, options: Options) => {
    await withKeys(options, (keys) => keys.revoke(id));
  });
  return key;
}

function withKeyOptions(command: Command): Command {
  return withDaemonOptions(command.option('--data <dir>', 'data folder', DEFAULT_DATA)).exitOverride();
}

async function withKeys<T>(options: Options, work: (keys: KeyBook) => Promise<T>): Promise<T> {
  const named = namedDaemon(options);
  if (named !== undefined) return work(bookOf(named));
  const holding = takeDataFolder(options.data);
  if (holding.kind === 'ours') return withKeysOf(holding.folder, work);
  const address = holding.holder?.address;
  if (address === undefined)
    throw new UsageError(
      `the data folder ${options.data} is in use by a process that does not say where it serves: name it with --server`,
    );
  return work(bookOf(daemonAt(address, options)));
}

function bookOf(daemon: ReturnType<typeof daemonAt>): KeyBook {
  return {
    create: (request) => daemon.ask('POST', '/keys', request),
    list: async () => (await daemon.ask<{ readonly items: readonly ApiKey[] }>('GET', '/keys')).items,
    revoke: (id) => daemon.ask('DELETE', `/keys/${encodeURIComponent(id)}`),
  };
}

/** @throws UsageError */
function requestOf(name: string, options: CreateOptions): KeyRequest {
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(name))
    throw new UsageError(`key create: ${JSON.stringify(name)} is no name: letters, digits and ._+-`);
  const quota: KeyQuota = defined({
    maxPartitions: optional(options.maxPartitions, (text) => countArgument('--max-partitions', text)),
    maxMemoryBytes: optional(options.maxMemory, (text) => sizeArgument('--max-memory', text)),
    maxCaptures: optional(options.maxCaptures, (text) => countArgument('--max-captures', text)),
  });
  return {
    name,
    scopes: options.scopes.split(',').map(scopeArgument),
    ...defined({
      expiresInSeconds: optional(options.expires, durationArgument),
      quota: Object.keys(quota).length === 0 ? undefined : quota,
    }),
  };
}

function scopeArgument(text: string): Scope {
  const found = SCOPES.find((each) => each === text.trim());
  if (found === undefined)
    throw new UsageError(`--scopes: ${JSON.stringify(text)} is none of ${SCOPES.join(', ')}`);
  return found;
}

function countArgument(what: string, text: string): number {
  return integerArgument(what, text, 0, Number.MAX_SAFE_INTEGER);
}

/** @returns seconds */
function durationArgument(text: string): number {
  const [, number, unit] = /^([1-9][0-9]{0,7})([smhd])$/.exec(text) ?? [];
  if (number === undefined || unit === undefined)
    throw new UsageError(`--expires: ${JSON.stringify(text)} is no time such as 30d, 12h or 90m`);
  return Number(number) * SECONDS[unit as keyof typeof SECONDS];
}
