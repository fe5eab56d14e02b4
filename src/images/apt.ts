/**
 * Downloads Debian's ppc64el packages with the apt-get of this machine, whatever the machine's architecture. Indexes and
 * state are in separate folders, so that neither root nor a foreign architecture in dpkg is needed; package sources and
 * keys are the machine's. apt checks signatures and hashes; the hashes of its index are recorded in the image.
 */

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { defined } from '../base/defined.ts';
import { failureText } from '../base/failure-text.ts';
import { ImportError } from './errors.ts';
import type { ReportProgress } from './progress.ts';

/** A package as apt's index promises it, and the file that was downloaded. */
export type DownloadedPackage = { readonly path: string; readonly bytes: number; readonly sha256: string };

export type AptOptions = {
  /** An empty folder: apt's state while it works, and the packages. */
  readonly scratch: string;
  /** Called with the size of all packages before they are downloaded; what it throws ends the download. */
  readonly requireRoom: (bytes: number) => void;
  /** Package names, the kernel's excepted. */
  readonly packages: readonly string[];
  /** Kernel release such as `6.1.0-50-powerpc64le`; absent: the one that `linux-image-powerpc64le` depends on. */
  readonly kernel?: string;
  /** The kernel's debug package as well. */
  readonly debuginfo: boolean;
  /** A sources.list to use in place of the machine's own. */
  readonly aptSources?: string;
  readonly progress: ReportProgress;
  readonly signal?: AbortSignal;
};

const KERNEL_META_PACKAGE = 'linux-image-powerpc64le';
const ADVICE =
  'give package files of Debian 12 ppc64el instead, or package sources that have them (docs/images.md)';

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
  const settings = aptSettings(stateDir, options.aptSources);
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

  const kernel =
    options.kernel === undefined ? await newestKernel(run, update) : kernelPackage(options.kernel);
  const names = [kernel, ...(options.debuginfo ? [`${kernel}-dbg`] : []), ...options.packages];
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

function kernelPackage(kernel: string): string {
  if (!/^[0-9][0-9A-Za-z.+~-]*$/.test(kernel)) {
    throw new ImportError('import/package-missing', `${JSON.stringify(kernel)} is no kernel release`);
  }
  return `linux-image-${kernel}`;
}

async function newestKernel(
  run: (program: string, args: readonly string[]) => Promise<AptRun>,
  update: AptRun,
): Promise<string> {
  const shown = await run('apt-cache', ['show', '--no-all-versions', KERNEL_META_PACKAGE]);
  const name = /^Depends:.*?\b(linux-image-[0-9][^ ,]*)/m.exec(shown.stdout)?.[1];
  if (name === undefined) {
    const why = complaints(update) || complaints(shown);
    throw new ImportError(
      'import/package-missing',
      `apt has no ppc64el package ${KERNEL_META_PACKAGE}${why === '' ? '' : ` (${why})`}: ${ADVICE}`,
    );
  }
  return name;
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
