/** What goes into the guest's initramfs: libraries, modules, kernel, cpio. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { arraySource, latin1, latin1Bytes } from '../../src/base/bytes.ts';
import { buildElf, parseElf, readSegment } from '../../src/base/elf/index.ts';
import { readAgentScripts } from '../../src/images/agent-scripts.ts';
import { buildCpio, type CpioNode } from '../../src/images/cpio.ts';
import { FileTree } from '../../src/images/file-tree.ts';
import { AGENT_SCRIPTS } from '../../src/images/initramfs.ts';
import { inspectKernel, loadableKernel } from '../../src/images/kernel-image.ts';
import { collectModules, modulesOfTree } from '../../src/images/kernel-modules.ts';
import { findLibraries } from '../../src/images/shared-libraries.ts';
import { needsProgram } from '../support/programs.ts';
import { asyncCodeOf, codeOf } from '../synth/mutate.ts';
import { synthKernel, synthModule, synthProgram } from '../synth/power-elf.ts';

describe('FileTree', () => {
  it('relative, absolute and folder links → followed inside the tree', () => {
    const tree = new FileTree();
    tree.addFile('usr/lib/a-1.so', latin1Bytes('a'), 0o644);
    tree.addLink('usr/lib/a.so', 'a-1.so');
    tree.addLink('lib', 'usr/lib');
    tree.addLink('opt/a', '/lib/../lib/./a.so');
    expect(latin1(tree.find('lib/a.so')?.data ?? latin1Bytes('none'))).toBe('a');
    expect(latin1(tree.find('opt/a')?.data ?? latin1Bytes('none'))).toBe('a');
    expect(tree.find('usr/lib')).toBeUndefined();
    expect(tree.find('usr/lib/a.so/x')).toBeUndefined();
  });

  it('a circle, and a way out of the tree → image/bad-link', () => {
    const tree = new FileTree();
    tree.addLink('a', 'b');
    tree.addLink('b', 'a');
    tree.addLink('c/d', '../../etc/passwd');
    expect(codeOf(() => tree.find('a'))).toBe('image/bad-link');
    expect(codeOf(() => tree.find('c/d'))).toBe('image/bad-link');
  });
});

describe('findLibraries', () => {
  const tree = new FileTree();
  tree.addFile('bin/tool', synthProgram(['liba.so.1'], '/lib64/ld64.so.2'), 0o755);
  tree.addFile('usr/lib/powerpc64le-linux-gnu/liba.so.1', synthProgram(['libb.so.2', 'liba.so.1']), 0o644);
  tree.addFile('lib/powerpc64le-linux-gnu/libb.so.2', synthProgram(), 0o644);
  tree.addFile('lib64/ld64.so.2', synthProgram(), 0o755);
  tree.addFile('bin/broken', synthProgram(['libnone.so']), 0o755);

  it('a program → its libraries, theirs, and the interpreter; nothing twice', () => {
    const found = findLibraries(tree, ['bin/tool']);
    expect([...found.libraries.keys()]).toEqual(['liba.so.1', 'libb.so.2']);
    expect([...found.interpreters.keys()]).toEqual(['lib64/ld64.so.2']);
  });

  it('a library that is in no package → image/missing-file', () => {
    expect(codeOf(() => findLibraries(tree, ['bin/broken']))).toBe('image/missing-file');
  });

  it('a name with ".." → image/bad-library', () => {
    tree.addFile('bin/evil', synthProgram(['../../x']), 0o755);
    expect(codeOf(() => findLibraries(tree, ['bin/evil']))).toBe('image/bad-library');
  });
});

describe('collectModules', () => {
  const at = (name: string): string => `lib/modules/6.1/kernel/${name}`;
  const module = (depends: string, vermagic = '6.1 SMP'): Uint8Array => synthModule({ depends, vermagic });

  it('dependencies → before what needs them; dash is underscore; built-in ones left out', async () => {
    const tree = new FileTree();
    tree.addFile(at('top-mod.ko'), module('mid,low'), 0o644);
    tree.addFile(at('mid.ko'), module('low,core'), 0o644);
    tree.addFile(at('low.ko'), module(''), 0o644);
    tree.addFile('lib/modules/6.1/modules.builtin', latin1Bytes('kernel/core.ko\n'), 0o644);
    const modules = await collectModules(modulesOfTree(tree, '6.1'), '6.1', ['top_mod', 'low']);
    expect(modules.map((m) => m.name)).toEqual(['low', 'mid', 'top_mod']);
  });

  it.each([
    ['missing', 'other', '6.1 SMP', 'image/missing-file'],
    ['of another kernel', '', '6.2 SMP', 'image/bad-module'],
    ['in a circle', 'self', '6.1 SMP', 'image/bad-module'],
  ])('a module that is %s → refused', async (_what, depends, vermagic, code) => {
    const tree = new FileTree();
    tree.addFile(at('self.ko'), module(depends, vermagic), 0o644);
    expect(await asyncCodeOf(() => collectModules(modulesOfTree(tree, '6.1'), '6.1', ['self']))).toBe(code);
  });

  it('a file that is no module → FormatError', async () => {
    const tree = new FileTree();
    tree.addFile(at('self.ko'), latin1Bytes('text'), 0o644);
    expect(await asyncCodeOf(() => collectModules(modulesOfTree(tree, '6.1'), '6.1', ['self']))).toMatch(
      /^elf\//,
    );
  });
});

describe('kernel image', () => {
  const kernel = synthKernel('6.1.0-test');

  it('a kernel → its release; without sections the same segments at the same places', () => {
    const info = inspectKernel(kernel, 'vmlinux');
    expect(info.release).toBe('6.1.0-test');
    const small = loadableKernel(kernel, info);
    expect(small.length).toBeLessThan(kernel.length);
    const before = parseElf(arraySource(kernel));
    const after = parseElf(arraySource(small));
    expect(after.sections).toEqual([]);
    expect(after.programs).toEqual(before.programs);
    expect(after.header.entry).toBe(before.header.entry);
    after.programs.forEach((program, i) => {
      const original = before.programs[i];
      if (original === undefined) throw new Error('a segment is missing');
      expect(Buffer.compare(readSegment(after, program), readSegment(before, original))).toBe(0);
    });
  });

  const load = { type: 1, flags: 5, vaddr: 0n, data: new Uint8Array(64) };
  it.each([
    ['for another machine', { machine: 62, segments: [load] }],
    ['a core file', { type: 4, segments: [load] }],
    ['without segments', { segments: [] }],
    ['entered outside of its segments', { entry: 0x1000n, segments: [load] }],
    ['overlapping itself', { segments: [load, { ...load, vaddr: 0x10000n, paddr: 32n }] }],
  ])('an ELF file %s → image/bad-kernel', (_what, change) => {
    const file = buildElf({ endian: 'big', type: 2, machine: 21, ...change });
    expect(codeOf(() => inspectKernel(file, 'x'))).toBe('image/bad-kernel');
  });

  it('a truncated kernel → FormatError', () => {
    expect(codeOf(() => inspectKernel(kernel.subarray(0, 66_000), 'x'))).toMatch(/^elf\//);
    expect(codeOf(() => inspectKernel(latin1Bytes('#!/bin/sh\n'), 'x'))).toMatch(/^elf\//);
  });
});

describe('buildCpio', () => {
  const nodes = (): Map<string, CpioNode> =>
    new Map<string, CpioNode>([
      ['init', { kind: 'file', data: latin1Bytes('#!/bin/sh\n'), mode: 0o755 }],
      ['dev', { kind: 'directory' }],
      ['dev/console', { kind: 'char', major: 5, minor: 1 }],
      ['sh', { kind: 'symlink', target: 'init' }],
    ]);

  it('what was put in → listed by cpio', () => {
    needsProgram('cpio');
    const run = spawnSync('cpio', ['-itvn', '--quiet'], { input: buildCpio(nodes()), encoding: 'utf8' });
    const lines = run.stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' '));
    expect(lines).toEqual([
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 dev',
      'crw------- 1 0 0 5, 1 Jan 1 1970 dev/console',
      '-rwxr-xr-x 1 0 0 10 Jan 1 1970 init',
      'lrwxrwxrwx 1 0 0 4 Jan 1 1970 sh -> init',
    ]);
  });

  it('the same entries in another order → the same bytes', () => {
    const reversed = new Map([...nodes()].reverse());
    expect(Buffer.compare(buildCpio(nodes()), buildCpio(reversed))).toBe(0);
  });
});

describe('guest scripts', () => {
  it.each(AGENT_SCRIPTS)('%s: a shell reads it without complaint', async (name) => {
    const script = (await readAgentScripts()).get(name);
    const run = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
  });
});
