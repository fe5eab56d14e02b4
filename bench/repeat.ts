/**
 * Has a daemon make captures, kexecs and restarts, runs the line that each of them gives in a fresh process without the daemon, and compares vmcore and
 * trace byte for byte: `npm run repeat [-- --times N] [--images DIR]`. It writes docs/repeat.md, and ends with 1 where something differs.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { Capture, Operation, PartitionView } from '../src/panic/contract/index.ts';
import { machineFacts } from './lib/facts.ts';
import { CASES, type Case } from './repeat/cases.ts';

type Row = {
  readonly case: Case;
  readonly left: Left;
  /** Nothing: it was repeated. */
  readonly differs: readonly string[];
};

/** What the daemon keeps: a capture, or the operation of a kexec or a restart. */
type Left =
  | { readonly kind: 'captures'; readonly record: Capture }
  | { readonly kind: 'operations'; readonly record: Operation };

const POLL_MS = 200;
const MOST_MS = 20 * 60_000;
const ROOT = join(import.meta.dirname, '..');
const KDUMPD = join(ROOT, 'scripts', 'kdumpd.mjs');

const options = new Command()
  .option('--times <n>', 'how many of them', String(CASES.length))
  .option('--images <dir>', 'a folder of images that has debian; without it, it is imported')
  .option('--built-in', 'the built-in guest alone')
  .option('--no-write', 'leave docs/repeat.md as it is')
  .parse()
  .opts<{ times: string; images?: string; builtIn?: boolean; write: boolean }>();

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-repeat-'));
const data = join(folder, 'data');
let daemon: ChildProcess | undefined;
try {
  const cases = CASES.filter(
    ({ partition }) => options.builtIn !== true || partition.image === 'built-in',
  ).slice(0, Number(options.times));
  if (options.images !== undefined) await cp(options.images, join(data, 'images'), { recursive: true });
  else if (cases.some(({ partition }) => partition.image === 'debian'))
    await run([process.execPath, KDUMPD, 'image', 'import', 'debian', '--data', data]);
  const api = await startDaemon();
  const rows: Row[] = [];
  for (const [index, each] of cases.entries()) {
    const row = await repeat(api, each, index);
    rows.push(row);
    process.stderr.write(`repeat: ${index + 1}/${cases.length} ${row.differs.join('; ') || 'the same'}\n`);
    // A run that is ended early leaves the page of what it did.
    if (options.write) writeFileSync(join(ROOT, 'docs', 'repeat.md'), pageOf(rows));
  }
  if (!options.write) process.stdout.write(pageOf(rows));
  process.exitCode = rows.every(({ differs }) => differs.length === 0) ? 0 : 1;
} finally {
  if (daemon !== undefined) await end(daemon);
  rmSync(folder, { recursive: true, force: true });
}

async function repeat(api: string, each: Case, index: number): Promise<Row> {
  const name = `repeat-${index}`;
  const made = await ask<PartitionView>(api, 'POST', '/partitions', { ...each.partition, name });
  await done(api, await ask<Operation>(api, 'POST', `/partitions/${made.id}/start`, {}));
  let left: Left;
  try {
    for (const { text, eachKey } of each.typed ?? [])
      for (const piece of eachKey === true ? [...text] : [text]) {
        await ask(api, 'POST', `/partitions/${made.id}/console`, { text: piece });
        await sleep(eachKey === true ? 20 : 1000);
      }
    if (each.leaves !== undefined) {
      const operation = await ask<Operation>(api, 'POST', `/partitions/${made.id}/${each.leaves}`, {});
      left = { kind: 'operations', record: await done(api, operation) };
    } else {
      if (each.asked !== undefined)
        await done(api, await ask<Operation>(api, 'POST', `/partitions/${made.id}/panic`, each.asked));
      left = { kind: 'captures', record: await captureOf(api, made.id) };
    }
  } finally {
    await done(api, await ask<Operation>(api, 'POST', `/partitions/${made.id}/stop`, {}));
    await ask(api, 'DELETE', `/partitions/${made.id}`);
  }
  return { case: each, left, differs: await compare(api, left) };
}

/** Runs the record's line. @returns what differs */
async function compare(api: string, { kind, record }: Left): Promise<readonly string[]> {
  const { line, noLine } = record.made ?? {};
  if (line === undefined) return [`no line: ${noLine?.join('; ') ?? 'no record'}`];
  const [file, vmcore, trace] = ['record.json', 'vmcore', 'trace.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, JSON.stringify(record));
  const again = line
    .replace(/^npx kdumpd /, `'${process.execPath}' '${KDUMPD}' `)
    .replace(/--input FILE$/, `--input '${file}'`);
  const files = `${kind === 'captures' ? `--vmcore '${vmcore}' ` : ''}--trace '${trace}'`;
  const said = await run(['sh', '-c', `${again} ${files}`]);
  const differs: string[] = [];
  const stored = await (await fetch(`${api}/${kind}/${record.id}/trace`)).text();
  if (readFileSync(trace, 'utf8').trimEnd() !== stored) differs.push('the trace');
  const dump = kind === 'captures' ? record.vmcore : null;
  const digest = dump === null ? undefined : await digestOf(vmcore);
  if (digest !== dump?.sha256) differs.push('the vmcore');
  rmSync(vmcore, { force: true });
  rmSync(trace, { force: true });
  return differs.length === 0 ? [] : [...differs, said.trim().split('\n').at(-1) ?? ''];
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function startDaemon(): Promise<string> {
  const fleet = join(folder, 'fleet.json');
  writeFileSync(fleet, '[]');
  const child = spawn(process.execPath, [KDUMPD, 'serve', '--data', data, '--port', '0', '--fleet', fleet], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  daemon = child;
  let text = '';
  for await (const piece of child.stdout) {
    text += String(piece);
    const address = /kdumpd ready (http\S+?)\/?\s/.exec(text)?.[1];
    if (address === undefined) continue;
    child.stdout.resume();
    return `${address}/api/v1`;
  }
  throw new Error(`the daemon did not start: ${text}`);
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await gone;
}

async function ask<T>(api: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${api}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const begun = Date.now(); Date.now() - begun < MOST_MS; await sleep(POLL_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not end`);
}

function done(api: string, { id, kind }: Operation): Promise<Operation> {
  return until(`${kind} ${id}`, async () => {
    const operation = await ask<Operation>(api, 'GET', `/operations/${id}`);
    return operation.state === 'queued' || operation.state === 'running' ? undefined : operation;
  });
}

function captureOf(api: string, partitionId: string): Promise<Capture> {
  return until(`the crash of ${partitionId}`, async () => {
    const { items } = await ask<{ items: Capture[] }>(api, 'GET', `/captures?partitionId=${partitionId}`);
    return items.at(-1);
  });
}

/** @returns what the program printed. Its exit code is not looked at: a crash whose dump is damaged ends with 1 or 2. */
async function run([program, ...args]: readonly string[]): Promise<string> {
  const child = spawn(program ?? '', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += String(piece)));
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  return text;
}

function pageOf(rows: readonly Row[]): string {
  const same = rows.filter(({ differs }) => differs.length === 0).length;
  return `# Repeated without the daemon

\`npm run repeat -- --times ${rows.length}\` had a daemon make ${rows.length} captures, kexecs and restarts, ran the line that each of them gives (\`made.line\`, [api.md](api.md)) in a fresh
process without the daemon, and compared vmcore and trace: ${same} of ${rows.length} are the same, byte for byte. ${machineFacts()}.

| machine | asked for | typed | result | vmcore | again |
|---|---|---|---|---|---|
${rows.map(rowOf).join('\n')}

The lines:

${rows.map(({ left }) => `    ${(left.record.made?.line ?? 'none').replaceAll(data, 'data')}`).join('\n')}
`;
}

function rowOf({ case: { partition, typed, asked, leaves }, left, differs }: Row): string {
  const { image, ...machine } = partition;
  const cells = [
    [image, ...Object.entries(machine).map(([key, value]) => `${key} ${JSON.stringify(value)}`)].join(', '),
    asked === undefined
      ? (leaves ?? 'no')
      : Object.values(asked)
          .map((value) => (typeof value === 'object' ? JSON.stringify(value) : value))
          .join(', '),
    (typed ?? [])
      .map(({ text, eachKey }) => `${JSON.stringify(text)}${eachKey ? ' by keys' : ''}`)
      .join(', '),
    `${left.kind === 'captures' ? left.record.outcome : left.record.state}, ${left.record.phase}`,
    left.kind === 'captures' && left.record.vmcore !== null
      ? `\`${left.record.vmcore.sha256.slice(0, 16)}\``
      : 'none',
    differs.length === 0 ? 'the same' : differs.join('; '),
  ];
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}
