/**
 * The same guest on qemu-system-ppc64: pseries with the virtual open firmware, one POWER9 CPU under TCG, virtio-blk
 * disks, two vtys: the first on standard output, the second, the agent's, on a socket.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestMachine, GuestSpec, Output } from './crash-run.ts';

/**
 * `x-vof`: no SLOF, which takes seconds. The caps say that no mitigation is needed or offered, as TCG gives none; with
 * the defaults QEMU refuses to start on TCG or the guest flushes caches on every system call.
 */
export const QEMU_MACHINE =
  'pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off';

/** What QEMU says of its version, in one line. */
export function qemuVersion(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
}

/** QEMU's arguments for a spec; `agentSocket` listens already. */
export function qemuArguments(spec: GuestSpec, dumpDisk: string, agentSocket: string): string[] {
  const { kernel, initrd, disk } = spec.image.files;
  if (initrd === undefined || disk === undefined)
    throw new Error(`image ${spec.image.name} lacks an initramfs or a disk`);
  const drive = (id: string, file: string, more: string): string[] => [
    '-drive',
    `file=${file},format=raw,if=none,id=${id},cache=unsafe${more}`,
    '-device',
    `virtio-blk-pci,drive=${id}`,
  ];
  return [
    ...['-M', QEMU_MACHINE, '-cpu', spec.processor, '-smp', String(spec.cpus)],
    ...['-m', `${spec.memoryBytes / 2 ** 20}M`],
    ...['-nographic', '-nodefaults', '-no-reboot'],
    ...['-serial', 'stdio', '-chardev', `socket,id=agent,path=${agentSocket}`, '-serial', 'chardev:agent'],
    ...[
      '-kernel',
      join(spec.folder, kernel.file),
      '-initrd',
      join(spec.folder, initrd.file),
      '-append',
      spec.append,
    ],
    ...drive('system', join(spec.folder, disk.file), ',readonly=on'),
    ...drive('dump', dumpDisk, ''),
  ];
}

/** A QEMU guest, and its process for measuring. */
export type QemuMachine = GuestMachine & { readonly pid: () => number | undefined };

/** Powers on; the time runs from the start of the process. */
export function powerOnQemu(spec: GuestSpec, output: Output): QemuMachine {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-qemu-'));
  const dumpDisk = join(folder, 'dump');
  writeFileSync(dumpDisk, '');
  truncateSync(dumpDisk, spec.dumpDiskBytes);
  const path = join(folder, 'agent');
  let begun = 0;
  let agent: Socket | undefined;
  let child: ChildProcess | undefined;
  const at = (): { readonly seconds: number } => ({ seconds: (performance.now() - begun) / 1000 });
  let said = '';
  const over = new Promise<void>((resolve, reject) => {
    const server = createServer((socket) => {
      agent = socket;
      socket.on('data', (bytes) => output(1, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, at()));
      socket.on('error', reject);
      server.close();
    });
    server.on('error', reject);
    server.listen(path, () => {
      begun = performance.now();
      child = spawn('qemu-system-ppc64', qemuArguments(spec, dumpDisk, path), {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout?.on('data', (bytes: Buffer) => output(0, bytes, at()));
      child.stderr?.on('data', (bytes: Buffer) => {
        said += bytes.toString('utf8');
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        rmSync(folder, { recursive: true, force: true });
        if (code === 0 || signal === 'SIGTERM') resolve();
        else reject(new Error(`qemu-system-ppc64 ended with ${code ?? signal}: ${said}`));
      });
    });
  });
  return {
    over,
    pid: () => child?.pid,
    agentInput: (text) => void agent?.write(text),
    close: async () => {
      child?.kill('SIGTERM');
      await over.catch(() => undefined);
    },
  };
}
