/** Dumps that we build, opened by programs that are not ours; and the reverse. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource, concatBytes } from '../../src/base/bytes.ts';
import {
  checkDump,
  openDump,
  openFileSource,
  plainPieces,
  unflatten,
} from '../../src/vmcore/reader/index.ts';
import { needsProgram } from '../support/programs.ts';
import { COMPRESSIONS, elfDump, flatten, kdumpDump, MACHINE, pageBytes } from '../synth/vmcore.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kdumpd-oracle-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
}

const DRGN = `
import drgn, sys
for path in sys.argv[1:]:
    prog = drgn.Program()
    prog.set_core_dump(path)
    little = bool(prog.platform.flags & drgn.PlatformFlags.IS_LITTLE_ENDIAN)
    print(prog.platform.arch.name, "little" if little else "big", bool(prog.flags & drgn.ProgramFlags.IS_LINUX_KERNEL),
          prog.read(0x20000, 32, physical=True).hex(), prog.read(0x100008, 8, physical=True).hex())
`;

describe.each(['big', 'little'] as const)('%s-endian', (endian) => {
  const machine = { ...MACHINE, endian, pageSize: 65536 };

  it('elfDump: readelf -ln → segments and notes, no warning', () => {
    needsProgram('readelf');
    const run = spawnSync('readelf', ['-lnhW', file(`${endian}.elf`, elfDump(machine))], {
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(
      endian === 'big' ? /2's complement, big endian/ : /2's complement, little endian/,
    );
    expect(run.stdout).toMatch(/Type:\s+CORE/);
    expect(run.stdout).toMatch(/NOTE\s+0x0000e8/);
    expect(run.stdout).toMatch(/LOAD\s+0x\w+ 0xc000000000000000 0x0000000000000000 0x050000 0x050000/);
    expect(run.stdout).toMatch(/LOAD\s+0x\w+ 0xc000000000100000 0x0000000000100000 0x040000 0x040000/);
    expect(run.stdout.match(/CORE\s+0x000001f8\s+NT_PRSTATUS/g)).toHaveLength(2);
    expect(run.stdout).toMatch(/VMCOREINFO\s+0x/);
  });

  it('elfDump: gdb → one thread a CPU with the registers that were saved', () => {
    needsProgram('gdb-multiarch');
    const commands = ['info threads', 'p/x $pc', 'p/x $r5', 'p/x $lr', 'x/gx 0xc000000000020008'];
    const args = [
      '-nx',
      '-batch',
      '-ex',
      `core-file ${file(`${endian}.gdb`, elfDump(machine))}`,
      ...commands.flatMap((command) => ['-ex', command]),
    ];
    const { stdout } = spawnSync('gdb-multiarch', args, { encoding: 'utf8' });
    expect(stdout).toContain('= 0xc000000000000100');
    expect(stdout).toContain('= 0xc000000000000005');
    expect(stdout).toContain('= 0xc000000000000104');
    const word = new DataView(pageBytes(machine, 2).buffer).getBigUint64(8, endian === 'little');
    expect(stdout).toContain(`0x${word.toString(16).padStart(16, '0')}`);
    expect(stdout.match(/LWP 10[01]/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('every format but flattened: drgn → the platform and the memory of the machine', () => {
    needsProgram('python3-drgn');
    const paths = [
      file(`${endian}.d.elf`, elfDump(machine)),
      ...COMPRESSIONS.map((compression) => file(`${endian}.${compression}`, kdumpDump(machine, compression))),
    ];
    const lines = execFileSync('/usr/bin/python3', ['-c', DRGN, ...paths], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const hex = (pfn: number, from: number, to: number): string =>
      Buffer.from(pageBytes(machine, pfn).subarray(from, to)).toString('hex');
    expect(lines).toEqual(paths.map(() => `PPC64 ${endian} True ${hex(2, 0, 32)} ${hex(16, 8, 16)}`));
  });
});

describe('makedumpfile', () => {
  it('unflatten: a stream → byte for byte what makedumpfile -R makes of it', () => {
    needsProgram('makedumpfile');
    const stream = flatten(kdumpDump({ ...MACHINE, pageSize: 65536 }, 'zlib'), 5000);
    const input = openSync(file('stream', stream), 'r');
    const output = join(dir, 'plain');
    const run = spawnSync('makedumpfile', ['-R', output], {
      stdio: [input, 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    expect(run.status, run.stderr).toBe(0);
    expect(concatBytes([...plainPieces(unflatten(arraySource(stream)).plain)])).toEqual(
      new Uint8Array(readFileSync(output)),
    );
  });
});

describe('qemu-system-ppc64', () => {
  it('openDump: dumps that QEMU wrote of a machine before its first instruction → read, with its firmware in memory', () => {
    needsProgram('qemu-system-ppc64');
    const elf = join(dir, 'qemu.elf');
    const flat = join(dir, 'qemu.flat');
    const commands = `dump-guest-memory ${elf}\ndump-guest-memory -z ${flat}\nquit\n`;
    const machine = ['-machine', 'pseries,x-vof=on', '-cpu', 'power9', '-smp', '2', '-m', '256M', '-S'];
    const io = ['-display', 'none', '-serial', 'none', '-parallel', 'none', '-monitor', 'stdio'];
    const run = spawnSync('qemu-system-ppc64', [...machine, ...io], { input: commands, encoding: 'utf8' });
    expect(run.status, run.stderr).toBe(0);
    const sources = [openFileSource(elf), openFileSource(flat)];
    const [first, second] = sources.map((source) => checkDump(source));
    for (const check of [first, second]) {
      expect(check).toMatchObject({ complete: true, endian: 'big' });
      expect(check?.problems.map(({ code }) => code)).toEqual(['vmcore/no-vmcoreinfo']);
      expect(check?.cpus.map(({ nip }) => nip)).toEqual([0x100n, 0x100n]);
      expect(check?.ranges).toEqual([{ paddr: 0n, size: 1n << 28n, dumped: 1n << 28n }]);
    }
    expect([first?.format, second?.format]).toEqual(['elf', 'flattened']);
    // Behind the memory QEMU puts the 11 bytes of its section names, which no reader of dumps wants.
    expect([first?.extent, second?.extent]).toEqual([(sources[0]?.size ?? 0) - 11, sources[1]?.size]);
    const [a, b] = sources.map((source) => openDump(source).readPhysical(0n, 1 << 20));
    expect(Buffer.compare(a ?? new Uint8Array(0), b ?? new Uint8Array(1))).toBe(0);
    expect(a?.some((byte) => byte !== 0)).toBe(true);
    for (const source of sources) source.close();
  });
});
