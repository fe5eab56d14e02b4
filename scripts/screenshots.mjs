/**
 * Takes the pictures of the dashboard that README.md and docs/tutorial.md show: starts the built daemon with an empty data
 * folder, crashes CPU 3 of its first partition, and opens the pages in Debian's chromium. Run `npm run build` first.
 *
 * usage: node scripts/screenshots.mjs [FOLDER]      default: docs/img
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { mainFile } from './lib/build.mjs';
import { fail, packageRoot, say } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();

const CHROMIUM = '/usr/bin/chromium';
const MOST_BYTES = 200_000;
const READY_MS = 120_000;
const CRASH_MS = 120_000;

const folder = process.argv[2] ?? join(packageRoot, 'docs', 'img');
const data = mkdtempSync(join(tmpdir(), 'kdumpd-screenshots-'));
const daemon = spawn(process.execPath, [mainFile, 'serve', '--port', '0', '--data', data], {
  stdio: ['ignore', 'pipe', 'ignore'],
});

try {
  const address = await ready();
  const capture = await crash(address);
  await take(address, capture);
} finally {
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  if (daemon.exitCode === null && daemon.kill('SIGTERM')) await ended;
  rmSync(data, { recursive: true, force: true });
}

/** The daemon's address, once its fleet is up. */
function ready() {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error('the daemon did not become ready')), READY_MS);
    daemon.once('exit', (code) => reject(new Error(`the daemon ended with ${code}: is dist/ built?`)));
    daemon.stdout.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = /^kdumpd ready (\S+)$/m.exec(text);
      if (found === null) return;
      clearTimeout(late);
      resolve(found[1]);
    });
  });
}

/** Crashes CPU 3 of the partition `one`. Returns the id of its capture, when the partition is ready again. */
async function crash(address) {
  const api = `${address}/api/v1`;
  const get = async (path) => (await fetch(`${api}${path}`)).json();
  const { items } = await get('/partitions');
  const { id } = items.find(({ name }) => name === 'one');
  const response = await fetch(`${api}/partitions/${id}/panic`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ trigger: 'sysrq', onCpu: 3, dump: 'raw' }),
  });
  if (response.status !== 202) throw new Error(`the panic was answered ${response.status}`);
  const operation = (await response.json()).id;
  const until = Date.now() + CRASH_MS;
  while (Date.now() < until) {
    const { state, captureId, error } = await get(`/operations/${operation}`);
    if (state === 'failed') throw new Error(error.message);
    const partition = await get(`/partitions/${id}`);
    if (state === 'succeeded' && partition.state === 'ready') return captureId;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the crash was not captured in time');
}

async function take(address, capture) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage({
      viewport: { width: 1280, height: 860 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
    });
    await page.goto(address);
    // The console's last line of a boot.
    await page.locator('.xterm-rows').getByText('CPU 3 (hardware id 9)').waitFor();
    await shoot(page, 'fleet');
    await page.goto(`${address}/#/captures/${capture}`);
    await page.getByRole('heading', { name: 'Handoff' }).waitFor();
    await shoot(page, 'dashboard');
    await page.getByRole('radio', { name: 'by order' }).check();
    // Away from the lanes, so that no tooltip covers them.
    await page.mouse.move(0, 0);
    await shoot(page.locator('.chart'), 'lanes');
    await page.getByText('secondaries-parked').first().click();
    await shoot(page.locator('.handoff'), 'evidence');
  } finally {
    await browser.close();
  }
}

async function shoot(target, name) {
  const path = join(folder, `${name}.png`);
  await target.screenshot({ path });
  const { size } = statSync(path);
  say(`${path}: ${size} bytes`);
  if (size > MOST_BYTES) fail(`${path} is larger than ${MOST_BYTES} bytes`);
}
