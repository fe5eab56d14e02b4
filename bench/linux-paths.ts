/**
 * `npm run paths [-- --machine power9:radix,…] [--cpus N] [--threads N] [--memory MIB] [--out FILE]`: walks paths of Linux that boot and crash do not take, on stock
 * Debian under `kdumpd emulate` and under QEMU with the same kernel, initramfs and command line, and writes docs/linux-paths.md:
 * each path, what came out here and there, and the difference. KDUMPD_IMAGES names the folder that has the image `debian`.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { concatBytes, latin1Bytes } from '../src/base/bytes.ts';
import { buildCpio } from '../src/images/cpio.ts';
import { stockGuest } from './guests/image.ts';
import { QEMU_MACHINE, qemuVersion } from './guests/qemu-guest.ts';
import { commit, machineFacts, needProgram } from './lib/facts.ts';
import { CHECKS, REASONS } from './linux-paths/checks.ts';

const { values } = parseArgs({
  options: {
    machine: { type: 'string', default: 'power8:hash,power9:hash,power9:radix' },
    cpus: { type: 'string', default: '4' },
    threads: { type: 'string', default: '4' },
    memory: { type: 'string', default: '1024' },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'docs', 'linux-paths.md') },
  },
});
const QEMU = 'qemu-system-ppc64';
const KDUMPD = join(import.meta.dirname, '..', 'scripts', 'kdumpd.mjs');
const MOST_INSTRUCTIONS = 200e9;
const DEADLINE_MS = 900_000;
const MACHINES = values.machine.split(',').map((each) => each.split(':') as [string, string]);

const INIT = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mount -t debugfs debug /sys/kernel/debug
exec </dev/console >/dev/console 2>&1
echo 1 >/proc/sys/kernel/printk
cpu=/sys/devices/system/cpu memory=/sys/devices/system/memory
${CHECKS.map(({ name, shell }) => `echo; echo '@@ ${name}'; { ${shell}\n} 2>&1`).join('\n')}
echo; echo '@@ end'
poweroff -f
sleep 100
`;

/** What each check printed, by name. */
function outputs(console_: string): ReadonlyMap<string, string> {
  const parts = console_
    .replaceAll('\r', '')
    .replace(/^\[ *[\d.]+\] /gm, '')
    .split(/^@@ /m)
    .slice(1);
  return new Map(
    parts.map((part): [string, string] => {
      const [name = '', ...lines] = part.split('\n');
      return [
        name,
        lines
          .map((line) => line.trim())
          .filter((line) => line !== '')
          .join(' / '),
      ];
    }),
  );
}

function run(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, {
      encoding: 'latin1',
      timeout: DEADLINE_MS,
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  } catch (error) {
    // A guest that stops on its way has shown what it could; the missing checks are seen.
    return (error as { readonly stdout?: string }).stdout ?? '';
  }
}

needProgram(QEMU);
const guest = await stockGuest();
const folder = mkdtempSync(join(tmpdir(), 'kdumpd-paths-'));
try {
  const { kernel, initrd } = guest.image.files;
  if (initrd === undefined) throw new Error('the image has no initramfs');
  const old = readFileSync(join(guest.folder, initrd.file));
  const more = buildCpio(
    new Map([['paths', { kind: 'file' as const, mode: 0o755, data: latin1Bytes(INIT) }]]),
  );
  const file = join(folder, 'initrd');
  writeFileSync(file, concatBytes([old, new Uint8Array(-old.length & 3), more]));
  const sections: string[] = [];
  let differing = 0;
  for (const [processor, mmu] of MACHINES) {
    const noRadix = mmu === 'hash' && processor === 'power9' ? ' disable_radix' : '';
    const append = `console=hvc0 rdinit=/paths cryptomgr.notests=1 quiet${noRadix}`;
    process.stderr.write(`${processor} ${mmu}: here\n`);
    const kernelFile = join(guest.folder, kernel.file);
    const ours = outputs(
      run(process.execPath, [
        ...[KDUMPD, 'emulate', '--processor', processor, '--mmu', mmu],
        ...['--cpus', values.cpus, '--threads', values.threads],
        ...['--memory', `${values.memory}M`, '--kernel', kernelFile, '--initrd', file, '--append', append],
        ...['--max-instructions', String(MOST_INSTRUCTIONS)],
      ]),
    );
    process.stderr.write(`${processor} ${mmu}: QEMU\n`);
    const theirs = outputs(
      run(QEMU, [
        // By default QEMU leaves pages of 16 MiB out of the tree: a host of KVM may not have them.
        ...['-M', `${QEMU_MACHINE},cap-htm=off,ic-mode=xics,cap-hpt-max-page-size=16M`, '-cpu', processor],
        ...['-smp', values.cpus, '-m', `${values.memory}M`],
        ...['-nographic', '-nodefaults', '-no-reboot', '-serial', 'stdio'],
        ...['-kernel', kernelFile, '-initrd', file, '-append', append],
      ]),
    );
    const cell = (text: string | undefined): string =>
      (text ?? '**not reached**').replaceAll('|', '\\|').slice(0, 300);
    const rows = CHECKS.map(({ name, shell }) => {
      const [here, there] = [ours.get(name), theirs.get(name)];
      const same = here !== undefined && here === there;
      if (!same) differing++;
      return `| ${name} | \`${shell.replaceAll('\n', ' ').replaceAll('|', '\\|')}\` | ${cell(here)} | ${same ? 'the same' : cell(there)} | ${same ? '' : (REASONS.get(name) ?? '**not known**')} |`;
    });
    sections.push(
      [
        `## ${processor.toUpperCase()}, ${mmu}`,
        '',
        '| path | shell | here | QEMU | why |',
        '|---|---|---|---|---|',
        ...rows,
      ].join('\n'),
    );
  }
  writeFileSync(
    values.out,
    `# Paths of Linux beside boot and crash

Written by \`npm run paths\`; do not edit. Stock Debian (${guest.image.kernelRelease}), ${values.cpus} CPUs (here ${values.threads} threads a core), ${values.memory} MiB, here
(commit ${commit()}) and under ${qemuVersion(QEMU)}; ${machineFacts()}. ${differing} outputs differ. Not walked: perf stat,
a tracer by ptrace and a filter of seccomp, for which the image has no program; suspend to memory.

${sections.join('\n\n')}
`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
