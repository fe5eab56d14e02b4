/**
 * The built dashboard in a real browser, over the service with a fleet in memory: what it shows, what it does, that
 * it asks nothing of anybody else, and in both themes. KDUMPD_SCREENSHOTS=DIR also keeps pictures.
 */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hex64 } from '../../src/base/hex.ts';
import { RULES } from '../../src/panic/rules/index.ts';
import type { TraceV1 } from '../../src/panic/trace/index.ts';
import type { AppOptions } from '../../src/server/http/app.ts';
import type { App } from '../../src/server/http/shared/context.ts';
import { hasProgram, needsProgram } from '../support/programs.ts';
import { FakeWorld, synthVmcore } from '../synth/fleet.ts';
import { playCrash } from '../synth/fleet-crash.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildServiceOver } from '../synth/service.ts';
import { eventOf, firstWrite, hcall, interrupt, msr } from '../synth/trace-events.ts';

const pictures = process.env.KDUMPD_SCREENSHOTS;
const present = hasProgram('chromium');

let webRoot = '';
let browser: Browser | undefined;
const open: { app: App; context: BrowserContext }[] = [];

beforeAll(async () => {
  if (!present) return;
  webRoot = await mkdtemp(join(tmpdir(), 'kdumpd-web-'));
  await build({
    configFile: fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url)),
    logLevel: 'warn',
    build: { outDir: webRoot, emptyOutDir: true },
  });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
});
// A page that stays open goes on drawing its terminals.
afterEach(async () => {
  for (const { app, context } of open.splice(0)) {
    await context.close();
    await app.close();
  }
});
afterAll(async () => {
  await browser?.close();
  if (webRoot !== '') await rm(webRoot, { recursive: true });
});
beforeEach(() => needsProgram('chromium'));

type Visit = { readonly page: Page; readonly base: string; readonly complaints: string[] };
type Look = {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  readonly health?: AppOptions['health'];
};

/** Opens the dashboard over a world. `complaints` gathers errors of the page and requests to anybody else. */
async function visit(world: FakeWorld, path = '', look: Look = {}): Promise<Visit> {
  if (browser === undefined) throw new Error('no browser');
  const { health } = look;
  const app = await buildServiceOver(world, { webRoot, ...(health === undefined ? {} : { health }) });
  const base = await app.listen({ host: '127.0.0.1', port: 0 });
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1360, height: look.height ?? 900 },
    colorScheme: look.dark === true ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  open.push({ app, context });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && origin !== base) complaints.push(request.url());
  });
  await page.goto(`${base}/${path}`);
  return { page, base, complaints };
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

function busyWorld(): FakeWorld {
  const world = new FakeWorld();
  world.addImage({ name: 'debian', kernelRelease: '6.1.0-50-powerpc64le' });
  world.addPartition({ id: 'p1', name: 'alpha', crashes: 3 });
  world.addPartition({ id: 'p2', name: 'beta', cpus: 1, instructions: 611_204_118, state: 'starting' });
  world.addPartition({
    id: 'p3',
    name: 'gamma',
    cpus: 4,
    state: 'failed',
    instructions: 4_021,
    reason: 'The image has no crashkernel= on its command line.',
  });
  world.print(
    'p1',
    [
      '[    0.000000] Linux version 6.1.0-50-powerpc64le (debian-kernel@lists.debian.org)',
      '[    0.000000] Reserving 256MB of memory at 512MB for crashkernel (System RAM: 1024MB)',
      '[    0.000000] Using pSeries machine description',
      '[    1.911204] smp: Brought up 1 node, 2 CPUs',
      '[   18.204117] \u001b[32mkexec: crash kernel loaded\u001b[0m',
      '# uname -m',
      'ppc64le',
      '# ',
    ].join('\r\n'),
  );
  world.addCapture(
    {
      id: 'c-20240301-0001',
      signature: '5fae1ac6deb31c85',
      cause: { reason: 'sysrq triggered crash', backtrace: ['sysrq_handle_crash', '__handle_sysrq'] },
    },
    { bytes: synthVmcore(2_200_000) },
  );
  world.addCapture(
    {
      id: 'c-20240301-0002',
      outcome: 'failed',
      phase: 'handoff',
      reason: 'CPU 1 never stopped: it spins at 0xc0000000000f1c40.',
    },
    { bytes: null, trace: synthTrace({ ends: 't0' }) },
  );
  world.addCapture(
    { id: 'c-20240301-0003', outcome: 'failed', phase: 'purgatory', reason: 'The digest does not match.' },
    { bytes: null, trace: synthTrace({ ends: 't1' }) },
  );
  world.addCapture({ id: 'c-20240301-0004' }, { bytes: synthVmcore(3_400_000) });
  return world;
}

describe('fleet page', () => {
  test.each([
    ['light', false],
    ['dark', true],
  ])('%s: cards, console and captures are there', async (name, dark) => {
    const { page, complaints } = await visit(busyWorld(), '', { dark });
    await page.getByRole('button', { name: /alpha/ }).waitFor();
    await page.locator('.xterm-rows').getByText('crash kernel loaded').waitFor();
    expect(await page.locator('.card').count()).toBe(3);
    expect(await page.locator('.captures-table tbody tr').count()).toBe(4);
    await page.getByText('CPU 1 never stopped').waitFor();
    await picture(page, `fleet-${name}`);
    expect(complaints).toEqual([]);
  });

  test('Panic: → the request that was chosen, its phases, and the capture at the end', async () => {
    const world = busyWorld();
    const { page, complaints } = await visit(world);
    await page.getByRole('radio', { name: 'NMI' }).check();
    await page.getByRole('combobox', { name: /^On/ }).selectOption('1');
    await page.getByRole('combobox', { name: /^Dump/ }).selectOption('-l -d 31');
    const asked = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/panic'),
    );
    await page.getByRole('button', { name: 'Panic' }).click();
    const request = await asked;
    expect(request.postDataJSON()).toEqual({ trigger: 'nmi', onCpu: 1, dump: '-l -d 31' });
    expect(request.headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
    await page.getByRole('button', { name: 'Panic' }).and(page.locator(':disabled')).waitFor();
    world.moveOperation('op-1', { state: 'running', phase: 'dumping' });
    await page.locator('.step.here').getByText('dumping').waitFor();
    await picture(page, 'panic-running');
    await playCrash(world, 'op-1', 20);
    await page.getByRole('link', { name: 'Open the capture' }).click();
    await page.getByRole('heading', { name: 'c5' }).waitFor();
    await page.getByRole('link', { name: 'Download vmcore' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('Kexec: → asked for once, its phases, and its own page with the lanes at the end', async () => {
    const world = busyWorld();
    const { page, complaints } = await visit(world);
    const asked = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/p1/kexec'),
    );
    await page.getByRole('button', { name: 'Kexec' }).click();
    expect((await asked).headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
    await page.getByRole('button', { name: 'Kexec' }).and(page.locator(':disabled')).waitFor();
    world.moveOperation('op-1', { state: 'running', phase: 'handoff' });
    await page.locator('.step.here').getByText('handoff').waitFor();
    world.operationTraces.set('op-1', synthTrace({ cpus: 4, master: 0, ends: 't1' }));
    world.moveOperation('op-1', { state: 'succeeded', phase: 'up', traced: true });
    world.setState('p1', 'ready');
    await page.getByText('The new kernel is up.').waitFor();
    await picture(page, 'kexec-done');
    await page.getByRole('link', { name: 'See how it went' }).click();
    await page.locator('.lanes').waitFor();
    expect(await page.locator('.lane-name').count()).toBe(4);
    expect(await page.getByRole('link', { name: 'Perfetto' }).getAttribute('href')).toMatch(
      /\/operations\/op-1\/trace\?format=perfetto$/,
    );
    await picture(page, 'operation');
    expect(complaints).toEqual([]);
  });

  test('kexecs and restarts: → listed, newest first, each with its own page', async () => {
    const world = busyWorld();
    world.addOperation({ id: 'o-1', kind: 'kexec', state: 'succeeded', phase: 'up', partitionId: 'p1' });
    world.addOperation({ id: 'o-2', kind: 'panic', state: 'succeeded', phase: 'stored', partitionId: 'p1' });
    world.addOperation({ id: 'o-3', kind: 'restart', state: 'failed', phase: 'handoff', partitionId: 'p2' });
    const { page } = await visit(world);
    const rows = page.getByRole('region', { name: 'Kexecs and restarts' }).locator('tbody tr');
    await rows.first().waitFor();
    const texts = await rows.allTextContents();
    expect(texts.map((text) => /^o-./.exec(text)?.[0])).toEqual(['o-3', 'o-1']);
    expect(texts[0]).toContain('betarestart failed');
    await page.getByRole('link', { name: 'o-1' }).click();
    await page.getByText('This operation left no trace.').waitFor();
  });

  test('New partition: → what is asked for is what was chosen, and shown of what was made', async () => {
    const world = busyWorld();
    world.addImage({ name: 'built-in', kind: 'built-in' });
    const { page, complaints } = await visit(world);
    await page.getByRole('button', { name: 'New partition' }).click();
    const choices = async (label: string): Promise<string[]> =>
      page.getByRole('combobox', { name: label, exact: true }).locator('option').allTextContents();
    expect(await choices('Interrupts')).toEqual(['XICS', 'XIVE']);
    await page.getByRole('combobox', { name: 'Processor' }).selectOption('power8');
    expect(await choices('Interrupts')).toEqual(['XICS']);
    expect(await choices('Translation')).toEqual(['hash table']);
    await page.getByRole('combobox', { name: 'Processor' }).selectOption('power9');
    // The built-in guest has drivers for one machine alone.
    await page.getByRole('combobox', { name: 'Image' }).selectOption('built-in');
    expect([await choices('Firmware'), await choices('Interrupts'), await choices('Disks')]).toEqual([
      ['flattened tree'],
      ['XICS'],
      ['virtio-blk'],
    ]);
    await page.getByRole('combobox', { name: 'Image' }).selectOption('debian');
    await page.getByRole('textbox', { name: 'Name' }).fill('delta');
    await page.getByRole('combobox', { name: 'Firmware' }).selectOption('open-firmware');
    await page.getByRole('combobox', { name: 'Interrupts' }).selectOption('xive');
    await page.getByRole('combobox', { name: 'Disks' }).selectOption('vscsi');
    await page.getByRole('combobox', { name: 'ibm,os-term' }).selectOption('end');
    await page.getByRole('textbox', { name: 'Real-mode area' }).fill('512M');
    await page.getByRole('textbox', { name: 'Dump device' }).fill('2G');
    await page.getByRole('checkbox', { name: /H_SIGNAL_SYS_RESET/ }).check();
    const asked = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/partitions'),
    );
    await page.getByRole('button', { name: 'Add and start' }).click();
    expect((await asked).postDataJSON()).toEqual({
      name: 'delta',
      image: 'debian',
      processor: 'power9',
      mmu: 'radix',
      firmware: 'open-firmware',
      interrupts: 'xive',
      diskBus: 'vscsi',
      cpus: 2,
      memory: '1G',
      osTerm: 'end',
      rma: '512M',
      dumpDevice: '2G',
      refuseSysReset: true,
    });
    const panel = page.getByRole('region', { name: 'delta' });
    for (const fact of ['Open Firmware', 'XIVE', 'virtual SCSI']) await panel.getByText(fact).waitFor();
    expect(complaints).toEqual([]);
  });

  test('an operation without a trace: → says so', async () => {
    const world = busyWorld();
    world.addOperation({
      id: 'o-1',
      kind: 'kexec',
      state: 'failed',
      phase: 'ready',
      error: { code: 'x', message: 'no room' },
    });
    const { page } = await visit(world, '#/operations/o-1');
    await page.getByText('This operation left no trace.').waitFor();
    await page.getByText('no room').waitFor();
  });

  test('typing on the console: → reaches the guest, its echo is shown', async () => {
    const world = busyWorld();
    const { page } = await visit(world);
    await page.locator('.xterm-rows').getByText('ppc64le').first().waitFor();
    await page.locator('.console-screen').click();
    await page.keyboard.type('ls /proc\n', { delay: 5 });
    await page.locator('.xterm-rows').getByText('ls /proc').waitFor();
    expect(world.typed.join('')).toBe('ls /proc\r');
  });

  test('a refused request: → its reason is shown', async () => {
    const world = busyWorld();
    const { page } = await visit(world);
    await page.locator('.xterm-rows').getByText('ppc64le').first().waitFor();
    // It changes behind the page's back.
    world.machine('p1').view = { ...world.machine('p1').view, state: 'crashed' };
    await page.getByRole('button', { name: 'Panic' }).click();
    await page.getByRole('alert').getByText('Partition p1 is crashed, not ready.').waitFor();
  });

  test('nothing yet: → says what to do; importing: → says how far', async () => {
    const world = new FakeWorld();
    const { page, complaints } = await visit(world);
    await page.getByText('No crash yet').waitFor();
    await picture(page, 'empty');
    await page.getByRole('button', { name: 'Import Debian' }).click();
    await page.getByText('fetching packages').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a signature: → the captures of that crash alone, and all again', async () => {
    const { page, complaints } = await visit(busyWorld());
    const rows = page.locator('.captures-table tbody tr');
    await page.getByText('sysrq triggered crash').waitFor();
    await page.getByRole('button', { name: /crash 5fae1ac6deb31c85/ }).click();
    await page.getByText('c-20240301-0004').waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(1);
    await page.getByRole('button', { name: /show all/ }).click();
    await page.getByText('c-20240301-0004').waitFor();
    expect(await rows.count()).toBe(4);
    expect(complaints).toEqual([]);
  });

  test('a fleet that is not whole: → what is missing, what failed, and why', async () => {
    const delta = {
      name: 'delta',
      image: 'nope',
      state: 'missing',
      reason: 'there is no image "nope"',
    } as const;
    const { page, complaints } = await visit(busyWorld(), '', {
      health: () => [{ name: 'fleet', ok: false, degraded: true, partitions: [delta] }],
    });
    await page.getByText('The fleet is not complete.').waitFor();
    await page.locator('.missing').getByText('delta (nope) could not be made: there is no image').waitFor();
    await page.locator('.card').getByText('no crashkernel= on its command line').waitFor();
    await picture(page, 'fleet-not-whole');
    expect(complaints).toEqual([]);
  });

  test('a daemon that fails: → an error with a way on', async () => {
    const world = busyWorld();
    const list = world.fleet.list;
    world.fleet.list = () => {
      throw new Error('broken');
    };
    const { page } = await visit(world);
    const alert = page.locator('.fleet [role=alert]');
    await alert.waitFor();
    world.fleet.list = list;
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: /alpha/ }).waitFor();
  });
});

describe('capture page', () => {
  test.each([
    ['light', false],
    ['dark', true],
  ])('%s: lanes, instants and rules are there', async (name, dark) => {
    const { page, complaints } = await visit(busyWorld(), '#/captures/c-20240301-0004', { dark });
    await page.locator('.lanes').waitFor();
    expect(await page.locator('.instant').count()).toBe(5);
    expect(await page.locator('.lane-name').allTextContents()).toEqual(['CPU 0', 'CPU 1 master']);
    expect(await page.locator('.event').count()).toBeGreaterThan(15);
    await page.locator('.console-text').getByText('Kernel panic').waitFor();
    await picture(page, `capture-${name}`);
    await page.locator('.event[data-event="0"]').hover();
    await page
      .locator('.tooltip')
      .getByText(/^symbol +sysrq_handle_crash\+0x0$/)
      .waitFor();
    await picture(page, `capture-tooltip-${name}`);
    expect(complaints).toEqual([]);
  });

  test('a rule: → its evidence is lit, the rest dimmed; its numbers choose events', async () => {
    const { page } = await visit(busyWorld(), '#/captures/c-20240301-0004');
    await page.getByRole('button', { name: /secondaries-parked/ }).click();
    const asked = RULES.find(({ name }) => name === 'secondaries-parked');
    await page
      .locator('.rule-body')
      .getByText(asked?.asks ?? '', { exact: true })
      .waitFor();
    await page
      .locator('.rule-body')
      .getByText(asked?.source ?? '')
      .waitFor();
    await page.locator('.event.lit').waitFor();
    expect(await page.locator('.event.lit').count()).toBe(1);
    expect(await page.locator('.event.dim').count()).toBeGreaterThan(10);
    await page.locator('.evidence-link').first().click();
    await page.locator('.event-details').getByText('IR DR off').waitFor();
    await page.locator('.event-details').getByText('0x8000000000001002').waitFor();
    await picture(page, 'capture-rule');
  });

  test('rules: → by chapter in the order of GET /rules, each with its counts', async () => {
    const { page } = await visit(busyWorld(), '#/captures/c-20240301-0004');
    // The capture's rules and the list of chapters come by two requests, in any order.
    await page.getByRole('region', { name: 'T1 to T4' }).waitFor();
    const titles = await page
      .locator('.rule-chapter')
      .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
    expect(titles).toEqual(['Ways in', 'Load time', 'T0 to T1', 'T1 to T4']);
    const first = page.getByRole('region', { name: 'Ways in' });
    expect(await first.locator('.rule-name').allTextContents()).toEqual([
      'path-panic',
      'panic-skips-shutdown',
    ]);
    expect(await first.locator('.count-held').textContent()).toContain('2');
  });

  test('a broken rule: → named before all others, and opened from there; devices have a lane of their own', async () => {
    const world = busyWorld();
    const trace = synthTrace();
    const [first, ...others] = trace.rules;
    if (first === undefined) throw new Error('the trace has rules');
    const disk = eventOf(firstWrite(1), trace.events.length, 9e9, hex64(0));
    world.addCapture(
      { id: 'broken' },
      {
        trace: {
          ...trace,
          events: [...trace.events, disk],
          rules: [{ ...first, verdict: 'broken' }, ...others],
        },
      },
    );
    const { page } = await visit(world, '#/captures/broken');
    await page.locator('.broken-rules').getByRole('button', { name: first.name }).click();
    await page.locator('.rule.open').getByText(first.name).waitFor();
    expect(await page.locator('.lane-name').allTextContents()).toContain('Devices');
    expect(await page.locator(`.event[data-event="${disk.n}"]`).count()).toBe(1);
  });

  test('an interrupt and a change of MSR: → in words', async () => {
    const world = busyWorld();
    const trace = synthTrace();
    const drafts = [
      interrupt(0, 0x100),
      msr(0, 0x9000n, 0x1032n),
      hcall(0, 'H_IPI', { status: 0xffff_ffff_ffff_fffcn }),
    ];
    world.addCapture(
      { id: 'words' },
      {
        trace: {
          ...trace,
          events: drafts.map((draft, n) => eventOf(draft, n, 1, hex64(0))),
        },
      },
    );
    const { page } = await visit(world, '#/captures/words');
    await page.locator('.events-table').waitFor();
    const said = await page.locator('.events-table td:last-child').allTextContents();
    expect(said).toEqual(['0x100 system reset', 'IR DR RI on, EE off', 'H_IPI → -4']);
  });

  test('a trace that was stored in version 1: → lanes, events in words, and its fields', async () => {
    const world = busyWorld();
    const stored = JSON.parse(
      readFileSync(new URL('../golden/trace-version-1.json', import.meta.url), 'utf8'),
    ) as TraceV1;
    world.addCapture({ id: 'before' }, { trace: stored });
    const { page, complaints } = await visit(world, '#/captures/before');
    await page.locator('.events-table').waitFor();
    expect(await page.locator('.events-table tbody tr').count()).toBe(stored.events.length);
    expect(await page.locator('.lane-name').count()).toBe(5);
    await page.locator('.legend-item').getByText('census').waitFor();
    const said = await page.locator('.events-table td:last-child').allTextContents();
    expect(said).toContain('note of CPU 0: 4 bytes');
    expect(said).toContain('next kernel: start_kernel');
    expect(complaints).toEqual([]);
  });

  test('events that were not kept: → how many, by kind and call', async () => {
    const world = busyWorld();
    const more = [
      { cpu: 0, kind: 'hcall', name: 'H_IPI', count: 1200 },
      { cpu: 1, kind: 'hcall', name: 'H_IPI', count: 34 },
      { cpu: 1, kind: 'store', mark: { at: 'low' }, count: 5 },
    ] as const;
    world.addCapture({ id: 'more' }, { trace: { ...synthTrace(), more } });
    const { page } = await visit(world, '#/captures/more');
    await page.locator('.not-kept summary').getByText('Seen and not kept (1\u202f239)').click();
    await page.getByText('hypercall H_IPI: 1\u202f234, store copy at 0: 5').waitFor();
  });

  test('keys: → events in order, zoom, and back', async () => {
    const { page } = await visit(busyWorld(), '#/captures/c-20240301-0004');
    await page.locator('.lanes').focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
    await page.locator('.event-details').getByText('event 2 on CPU 1').waitFor();
    for (let i = 0; i < 6; i++) await page.keyboard.press('+');
    await page.locator('.event.picked[data-event="2"]').waitFor();
    expect(await page.locator('.segment-head').count()).toBe(1);
    expect(await page.locator('.instant').count()).toBe(5);
    await picture(page, 'capture-zoomed');
    await page.keyboard.press('0');
    await page.locator('.true-scale').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Choose an event').waitFor();
  });

  test('T0 → T1: → clicking it shows that stretch alone', async () => {
    const { page } = await visit(busyWorld(), '#/captures/c-20240301-0004');
    await page.getByRole('button', { name: /^Zoom to T0 → T1/ }).click();
    await page.locator('.event[data-event="5"]').waitFor();
    expect(await page.locator('.segment-head').count()).toBe(1);
    await picture(page, 'capture-t0-t1');
  });

  test('a crash that failed: → the phase and the reason, no download', async () => {
    const { page } = await visit(busyWorld(), '#/captures/c-20240301-0003');
    await page.getByText('The digest does not match.').waitFor();
    expect(await page.locator('.step.failed').textContent()).toBe('purgatory');
    expect(await page.getByRole('link', { name: 'Download vmcore' }).count()).toBe(0);
    expect(await page.locator('.instant').count()).toBe(2);
    await picture(page, 'capture-failed');
  });

  test('a long trace on four CPUs, and a narrow window', async () => {
    const world = busyWorld();
    world.addCapture({ id: 'long' }, { trace: synthTrace({ cpus: 4, master: 2, extraEvents: 3000 }) });
    const { page, complaints } = await visit(world, '#/captures/long', { width: 480 });
    await page.locator('.cluster').first().waitFor();
    expect(await page.locator('.event').count()).toBeLessThan(800);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    );
    expect(overflow).toBe(false);
    await picture(page, 'capture-narrow');
    expect(complaints).toEqual([]);
  });

  test('a capture that is not there: → says so', async () => {
    const { page } = await visit(busyWorld(), '#/captures/nobody');
    await page.getByText('There is no capture nobody.').waitFor();
  });
});

test('/docs: → the API document, under the same content policy', async () => {
  const { page, complaints } = await visit(busyWorld(), 'docs/');
  await page.getByText('/api/v1/partitions/{id}/panic').waitFor();
  await picture(page, 'docs');
  expect(complaints).toEqual([]);
});
