/** Runs `kdumpd store`: verifies and repairs the databases of a data folder. */

import { existsSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { Command } from 'commander';
import type { Operation, StoreDamage, StoreReport, StoreView } from '../panic/contract/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import { repairStore, verifyStore } from '../panic/store/index.ts';
import { dataPaths } from '../server/data-folder/index.ts';
import { DEFAULT_DATA, EXIT_DAMAGED, EXIT_DONE } from './arguments.ts';
import { changeFolder } from './change-folder.ts';
import type { DaemonClient, DaemonOptions } from './daemon-client.ts';

type Options = DaemonOptions & { readonly data: string; readonly json?: boolean };

const POLL_MS = 200;

export function storeCommand(): Command {
  const store = new Command('store').description('The databases of a data folder').exitOverride();
  const add = (name: string, description: string, run: (options: Options) => Promise<StoreReport>): void => {
    store
      .command(name)
      .description(description)
      .option('--data <dir>', 'data folder', DEFAULT_DATA)
      .option('--json', 'the report as JSON')
      .option('--key <file>', 'file with the key of the daemon that holds the folder')
      .exitOverride()
      .action(async (options: Options) => {
        const { data, json } = options;
        if (!existsSync(dataPaths(data).metadata))
          throw new Refusal('not-found', `${dataPaths(data).root} is no data folder: choose one with --data`);
        const report = await run(options);
        process.stdout.write(json === true ? `${JSON.stringify(report, null, 2)}\n` : inWords(report));
        process.exitCode = report.damage.length === 0 ? EXIT_DONE : EXIT_DAMAGED;
      });
  };
  add(
    'verify',
    'Reads everything and compares it with what was written; also beside a running daemon',
    verify,
  );
  add('repair', 'Repairs what can be proved; a daemon that holds the folder is asked to', repair);
  return store;
}

async function verify({ data }: Options): Promise<StoreReport> {
  return (await verifyStore(dataPaths(data), { onProgress })).report;
}

async function repair(options: Options): Promise<StoreReport> {
  return await changeFolder(options, {
    alone: async () => (await repairStore(dataPaths(options.data), { onProgress })).report,
    beside: repairBeside,
  });
}

/** The daemon that has the folder repairs it: its stores are open. */
async function repairBeside({ ask }: DaemonClient): Promise<StoreReport> {
  let operation = await ask<Operation>('POST', '/store/repair');
  while (operation.state === 'queued' || operation.state === 'running') {
    await after(POLL_MS);
    operation = await ask<Operation>('GET', `/operations/${operation.id}`);
  }
  const { last } = await ask<StoreView>('GET', '/store');
  const { state, error } = operation;
  if (last === undefined || (state !== 'succeeded' && error?.code !== 'store/damaged'))
    throw new Refusal(
      'conflict',
      `the daemon’s repair ended as ${state}: ${error?.message ?? 'no reason given'}`,
    );
  return last;
}

function onProgress(phase: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kkdumpd: ${phase}`);
}

function inWords({ vmcores, chunks, bytes, records, damage, repaired = [] }: StoreReport): string {
  const lines = [
    `${vmcores} vmcores, ${chunks} chunks and ${records} records were checked; ${bytes} bytes were read`,
    ...repaired.map((what) => `repaired: ${what}`),
    ...damage.map(damageInWords),
    damage.length === 0 ? 'no damage was found' : `${damage.length} things are damaged`,
  ];
  return `${process.stderr.isTTY ? '\n' : ''}${lines.join('\n')}\n`;
}

function damageInWords({ database, kind, id, problem, captures, advice }: StoreDamage): string {
  const what = id === undefined ? kind : `${kind} ${id}`;
  const affected = captures.length === 0 ? '' : ` (captures ${captures.join(', ')})`;
  return `${database}: ${what}: ${problem}${affected}: ${advice}`;
}
