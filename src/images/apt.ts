/**
 * Downloads Debian's ppc64el packages with the apt-get of this machine, whatever the machine's architecture. Indexes and
 * state are in separate folders, so that neither root nor a foreign architecture in dpkg is needed; package sources and
 * keys are the machine's. apt checks signatures and hashes; the hashes of its index are recorded in the image.
 */

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { defined } from '../base/defined.ts';
import { failureText } from '../base/failure-text.ts';
import { ImportError } from './errors.ts';
import { DEFAULT_FLAVOUR, isMeant, releaseOf } from './kernel-package.ts';
import type { ReportProgress } from './progress.ts';

/** A package as apt's index promises it, and the file that was downloaded. */
export type DownloadedPackage = { readonly path: string; readonly bytes: number; readonly sha256: string };

export type AptOptions = {
  /** An empty folder: apt's state while it works, and the packages. */
  readonly scratch: string;
  /** Called with the size of all packages before they are downloaded; what it throws ends the download. */
  readonly requireRoom: (bytes: number) => void;
  /** A release, the beginning of one, or a flavour (kernel-package.ts); absent: the default flavour's newest. */
  readonly kernel?: string;
  /** The kernel's debug package as well. */
  readonly debuginfo: boolean;
  /** A sources.list to use in place of the machine's own. */
  readonly aptSources?: string;
  /** A suite to use in place of the machine's own, of the same mirrors. */
  readonly suite?: string;
  readonly progress: ReportProgress;
  readonly signal?: AbortSignal;
};

/** Of these and what they need of libraries the guest is made. */
const PROGRAM_PACKAGES: readonly string[] = ['kexec-tools', 'makedumpfile', 'busybox-static'];
/** Debian's keys, where its package debian-archive-keyring has them; elsewhere apt uses those that it trusts. */
const KEYRINGS = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`);
const ADVICE =
  'give package files of Debian ppc64el instead, or package sources that have them (docs/images.md)';

/** Whether apt-get and apt-cache are in PATH. */
export function hasApt(): boolean {
  return ['apt-get', 'apt-cache'].every((program) =>
    (process.env.PATH ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false; // not in this folder
      }
    }),
  );
}

/** Downloads the kernel and the packages. @throws ImportError */
export async function downloadPackages(options: AptOptions): Promise<DownloadedPackage[]> {
  const { scratch, progress, signal } = options;
  if (!hasApt()) throw new ImportError('import/no-apt', `apt-get is not installed here: ${ADVICE}`);
  const stateDir = join(scratch, 'apt');
  const targetDir = join(scratch, 'packages');
  await mkdir(targetDir, { recursive: true });
  await mkdir(join(stateDir, 'lists', 'partial'), { recursive: true });
  await mkdir(join(stateDir, 'cache'), { recursive: true });
  await writeFile(join(stateDir, 'status'), '');
  const settings = aptSettings(stateDir, await sourcesOf(options, stateDir));
  const run = (
    program: string,
    args: readonly string[],
    percent?: (value: number) => void,
  ): Promise<AptRun> => runApt(program, [...settings, ...args], targetDir, signal, percent);

  progress({ step: 'index', done: 0, total: 1 });
  // One source that has no ppc64el index, or fails, does no harm when the packages are found in another.
  const update = await run('apt-get', ['-q', 'update']);
  const failure = (what: string, result: AptRun): ImportError =>
    new ImportError(
      'import/apt-failed',
      `${what}: ${complaints(result) || complaints(update) || 'no reason given'}`,
    );
  progress({ step: 'index', done: 1, total: 1 });

  const ask = (names: readonly string[]): Promise<AptPackage[]> => show(run, names);
  const kernel = await findKernel(run, ask, options.kernel, update);
  const names = [
    ...(await kernelPackages(ask, kernel)),
    ...(options.debuginfo ? [`${kernel}-dbg`] : []),
    ...(await withLibraries(ask, PROGRAM_PACKAGES)),
  ];
  const planned = await run('apt-get', ['-q', 'download', '--print-uris', ...names]);
  if (planned.status !== 0) {
    const missing = /Unable to locate package (\S+)/.exec(planned.stderr)?.[1];
    if (missing === undefined) throw failure('apt-get cannot plan the download', planned);
    const why = complaints(update);
    throw new ImportError(
      'import/package-missing',
      `apt has no ppc64el package ${missing}${why === '' ? '' : ` (${why})`}: ${ADVICE}`,
    );
  }
  const plan = parsePlan(planned.stdout, targetDir);
  if (plan.length !== names.length) {
    throw new ImportError(
      'import/apt-failed',
      `apt-get plans ${plan.length} downloads for ${names.length} packages`,
    );
  }
  const total = plan.reduce((sum, file) => sum + file.bytes, 0);
  options.requireRoom(total);
  progress({ step: 'download', done: 0, total });
  const fetched = await run('apt-get', ['-q', '-o', 'APT::Status-Fd=3', 'download', ...names], (percent) =>
    progress({ step: 'download', done: Math.round((total * percent) / 100), total }),
  );
  if (fetched.status !== 0) throw failure('apt-get cannot download', fetched);
  progress({ step: 'download', done: total, total });
  return plan;
}

function aptSettings(stateDir: string, sources: string | undefined): string[] {
  const settings = [
    'APT::Architecture=ppc64el',
    'APT::Architectures=ppc64el',
    `Dir::State=${stateDir}`,
    `Dir::State::Lists=${join(stateDir, 'lists')}`,
    `Dir::State::status=${join(stateDir, 'status')}`,
    `Dir::Cache=${join(stateDir, 'cache')}`,
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=30',
    'Acquire::https::Timeout=30',
    // As root, apt would download as a user that cannot enter our folders.
    'APT::Sandbox::User=root',
    ...(sources === undefined ? [] : [`Dir::Etc::SourceList=${sources}`, 'Dir::Etc::SourceParts=/dev/null']),
  ];
  return settings.flatMap((setting) => ['-o', setting]);
}

/** The sources.list in place of the machine's own, where one is wanted. @throws ImportError */
async function sourcesOf(
  { aptSources, suite, scratch, signal }: AptOptions,
  stateDir: string,
): Promise<string | undefined> {
  if (suite === undefined) return aptSources;
  if (!/^[a-z][a-z0-9./-]{0,63}$/.test(suite))
    throw new ImportError('import/package-missing', `${JSON.stringify(suite)} is no suite`);
  const own = aptSources === undefined ? [] : aptSettings(stateDir, aptSources);
  const query = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Origin: Debian'];
  const known = await runApt('apt-get', [...own, ...query], scratch, signal, undefined);
  const mirrors = new Set(
    known.stdout.split('\n').filter((line) => /^[a-z]+:\/\S+$/.test(line) && !line.includes('security')),
  );
  if (mirrors.size === 0) {
    throw new ImportError(
      'import/package-missing',
      `no mirror of Debian is known to take ${suite} from: ${ADVICE}`,
    );
  }
  const signed = KEYRINGS.find((path) => existsSync(path));
  const option = signed === undefined ? '' : `[signed-by=${signed}] `;
  const path = join(stateDir, 'suite.list');
  await writeFile(path, [...mirrors].map((site) => `deb ${option}${site} ${suite} main\n`).join(''));
  return path;
}

/** What apt's index says of a package. */
type AptPackage = {
  readonly name: string;
  readonly isLibrary: boolean;
  /** What it needs; of each need the packages that satisfy it. */
  readonly needs: readonly (readonly string[])[];
};
type Run = (program: string, args: readonly string[]) => Promise<AptRun>;
type Ask = (names: readonly string[]) => Promise<AptPackage[]>;

async function show(run: Run, names: readonly string[]): Promise<AptPackage[]> {
  if (names.length === 0) return [];
  const { stdout } = await run('apt-cache', ['show', '--no-all-versions', ...names]);
  return parseIndex(stdout);
}

/** The stanzas of a package index. @public for its test */
export function parseIndex(text: string): AptPackage[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string =>
      new RegExp(`^${name}: *(.*(?:\n[ \t].*)*)`, 'm').exec(stanza)?.[1] ?? '';
    const name = field('Package');
    if (name === '') return [];
    const needs = [field('Pre-Depends'), field('Depends')]
      .flatMap((list) => list.split(','))
      .map((need) => need.split('|').map((one) => /[^\s:(]+/.exec(one)?.[0] ?? ''))
      .filter(([first]) => first !== undefined && first !== '');
    return [{ name, isLibrary: /(^|\/)libs$/.test(field('Section').trim()), needs }];
  });
}

/** The package of the kernel that is meant. @throws ImportError */
async function findKernel(run: Run, ask: Ask, wanted: string | undefined, update: AptRun): Promise<string> {
  const missing = (name: string): ImportError => {
    const why = complaints(update);
    return new ImportError(
      'import/package-missing',
      `apt has no ppc64el package ${name}${why === '' ? '' : ` (${why})`}: ${ADVICE}`,
    );
  };
  if (wanted !== undefined && !/^[0-9A-Za-z][0-9A-Za-z.+~-]*$/.test(wanted))
    throw new ImportError('import/package-missing', `${JSON.stringify(wanted)} is no kernel release`);
  if (wanted === undefined || !/^[0-9]/.test(wanted)) {
    const meta = `linux-image-${wanted ?? DEFAULT_FLAVOUR}`;
    const found = (await ask([meta])).flatMap(({ needs }) => needs.flat());
    const kernel = found.find((name) => /^linux-image-[0-9]/.test(name));
    if (kernel === undefined) throw missing(meta);
    return kernel;
  }
  const { stdout } = await run('apt-cache', ['pkgnames', 'linux-image-']);
  const keys = stdout.split('\n').flatMap((name) => {
    const release = releaseOf(name);
    return name.startsWith('linux-image-') && release !== undefined && !name.endsWith('-dbg')
      ? [release]
      : [];
  });
  if (keys.includes(wanted)) return `linux-image-${wanted}`;
  const meant = keys.filter((key) => isMeant(key, wanted));
  const usual = meant.filter((key) => key.endsWith(`-${DEFAULT_FLAVOUR}`));
  const newest = (usual.length === 0 ? meant : usual)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  if (newest === undefined) throw missing(`linux-image-${wanted}`);
  return `linux-image-${newest}`;
}

/** The kernel's package and those that it is split into. */
async function kernelPackages(ask: Ask, kernel: string): Promise<string[]> {
  const release = releaseOf(kernel);
  return await follow(
    ask,
    [kernel],
    (name) => releaseOf(name) === release,
    () => true,
  );
}

/** Programs and, of what they need, the libraries. */
async function withLibraries(ask: Ask, programs: readonly string[]): Promise<string[]> {
  return await follow(
    ask,
    programs,
    () => true,
    ({ isLibrary }) => isLibrary,
  );
}

/** `names` and what they need, as far as it is wanted; of a choice the first that there is. */
async function follow(
  ask: Ask,
  names: readonly string[],
  isAsked: (name: string) => boolean,
  isWanted: (one: AptPackage) => boolean,
): Promise<string[]> {
  const chosen = new Set(names);
  const known = new Map<string, AptPackage>();
  let found = await ask(names);
  while (found.length > 0) {
    const needs = found.flatMap((one) => one.needs).map((need) => need.filter(isAsked));
    const unknown = [...new Set(needs.flat())].filter((name) => !known.has(name) && !chosen.has(name));
    for (const one of await ask(unknown)) known.set(one.name, one);
    const next = new Set<AptPackage>();
    for (const need of needs) {
      if (need.some((name) => chosen.has(name))) continue;
      const one = need.map((name) => known.get(name)).find((each) => each !== undefined);
      if (one !== undefined && isWanted(one)) next.add(one);
    }
    found = [...next];
    for (const { name } of found) chosen.add(name);
  }
  return [...chosen];
}

/** Lines of `apt-get download --print-uris`: 'URI' FILE BYTES SHA256:HASH. */
function parsePlan(text: string, targetDir: string): DownloadedPackage[] {
  return [...text.matchAll(/^'[^']+' ([^/\s]+\.deb) ([0-9]+) SHA256:([0-9a-f]{64})$/gm)].map((match) => ({
    path: join(targetDir, match[1] ?? ''),
    bytes: Number(match[2]),
    sha256: match[3] ?? '',
  }));
}

type AptRun = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** apt's own error lines, on one line. */
function complaints(run: AptRun): string {
  const lines = run.stderr.split('\n').filter((line) => /^E: /.test(line));
  return lines
    .slice(0, 3)
    .map((line) => withoutPlaces(line.slice(3).trim()))
    .join('; ');
}

/**
 * A complaint goes to clients of REST: files keep their last name, addresses lose the user and password of a proxy.
 * @public for its test
 */
export function withoutPlaces(line: string): string {
  return line
    .replace(/(?<=:\/\/)[^/@\s]*@/g, '')
    .replace(/(?:file:|(?<![\w:/.]))\/+(?:[^/\s'":,()]+\/)+/g, '');
}

function runApt(
  program: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
  percent: ((value: number) => void) | undefined,
): Promise<AptRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      ...defined({ signal }),
    });
    const text = ['', '', '', ''];
    child.stdio.forEach((stream, fd) => {
      stream?.on('data', (data: Buffer) => {
        text[fd] += data.toString('utf8');
        if (fd !== 3 || percent === undefined) return;
        const last = [...data.toString('utf8').matchAll(/^dlstatus:[0-9]+:([0-9.]+):/gm)].at(-1);
        if (last !== undefined) percent(Number(last[1]));
      });
    });
    child.on('error', (cause) => {
      const cancelled = signal?.aborted === true;
      reject(
        cancelled
          ? new ImportError('import/cancelled', 'the import was cancelled')
          : new ImportError('import/apt-failed', `${program} cannot be run: ${failureText(cause)}`),
      );
    });
    child.on('close', (status) => resolve({ status, stdout: text[1] ?? '', stderr: text[2] ?? '' }));
  });
}
