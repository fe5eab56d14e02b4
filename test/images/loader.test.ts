import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadingArguments } from '../../src/cli/loading-arguments.ts';
import { bootAppend, crashAppend, loaderOf } from '../../src/images/append.ts';
import { formatImageRecord, type ImageRecord, parseImageRecord } from '../../src/images/image-record.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { importOwn } from '../../src/images/index.ts';
import { loadableKernel } from '../synth/crash-load.ts';

const FILE = { file: 'kernel', bytes: 6, sha256: '0'.repeat(64) };
const IMAGE: ImageRecord = {
  version: 1,
  name: 'debian',
  kind: 'debian',
  files: { kernel: FILE },
  append: 'console=hvc0',
  crashAppend: 'maxcpus=1',
  kexecOptions: '-i',
  agent: true,
  packages: [],
};

describe('who plans the load', () => {
  it('stock unless the image or the caller says own; an image without an agent cannot be given a plan', () => {
    expect(loaderOf(IMAGE)).toBe('stock');
    expect(loaderOf(IMAGE, { loader: 'own' })).toBe('own');
    expect(loaderOf({ ...IMAGE, loader: 'own' })).toBe('own');
    const bad = expect.objectContaining({ code: 'image/bad-append' });
    expect(() => loaderOf({ ...IMAGE, agent: false }, { loader: 'own' })).toThrow(bad);
    expect(() => loaderOf({ ...IMAGE, loader: 'own' }, { loader: 'stock' })).toThrow(bad);
  });

  it('own → the guest is told to wait for a plan, and nothing of what the crash kernel is told', () => {
    const options = { loader: 'own', dump: '-l -d 31', crashAppend: 'nosmp', dumpSeconds: 60 } as const;
    expect(bootAppend(IMAGE, options)).toBe('console=hvc0 kdumpd.loader=plan kdumpd.dump=-l^-d^31');
    expect(crashAppend(IMAGE, options)).toBe('maxcpus=1 nosmp kdumpd.timeout=60');
    expect(bootAppend(IMAGE, { dump: 'raw' })).toContain('kdumpd.append=maxcpus=1');
  });

  it('a command line that is too long → which one takes how much of it', () => {
    const long = 'x'.repeat(2000);
    expect(() => bootAppend(IMAGE, { crashAppend: long })).toThrow(
      'longer than 2047 bytes: it carries that of the crash kernel (kdumpd.append=), which takes 2010 of them',
    );
    expect(() => bootAppend(IMAGE, { loader: 'own', append: long + long })).toThrow(
      /longer than 2047 bytes$/,
    );
  });

  it('image.json keeps it; anything else there is refused', () => {
    const record = { ...IMAGE, loader: 'own' } as const;
    expect(parseImageRecord(formatImageRecord(record), 'x')).toEqual(record);
    const odd = formatImageRecord(record).replace('"own"', '"mine"');
    expect(() => parseImageRecord(odd, 'x')).toThrow(
      expect.objectContaining({ code: 'image/bad-catalogue' }),
    );
  });

  it('--load-at and --load-force → places and checks; nonsense is a usage error', () => {
    const options = { loader: 'own', loadAt: ['tree=0x100000'], loadForce: ['overlaps-kernel'] };
    expect(loadingArguments(options)).toEqual({
      loader: 'own',
      place: { tree: 0x100000 },
      force: ['overlaps-kernel'],
    });
    expect(loadingArguments({})).toEqual({});
    expect(loadingArguments({ loadKernel: 'stub' })).toEqual({ payload: 'stub' });
    for (const wrong of [
      { loader: 'mine' },
      { loader: 'stock', loadAt: ['tree=0x100000'] },
      { loadAt: ['tree'] },
      { loadAt: ['roof=0'] },
      { loadAt: ['tree=1'] },
      { loadForce: ['no-room'] },
    ])
      expect(() => loadingArguments(wrong), JSON.stringify(wrong)).toThrow(
        expect.objectContaining({ name: 'UsageError' }),
      );
  });
});

describe('an image that loads by plan', () => {
  const imageRoot = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  afterAll(() => rmSync(imageRoot, { recursive: true, force: true }));

  it('imported → a machine with a disk for two plans in place of one of the image’s', async () => {
    const kernel = join(imageRoot, 'vmlinux');
    writeFileSync(kernel, loadableKernel());
    await importOwn({ imageRoot, name: 'mine', kernel, loader: 'own', crashAppend: 'maxcpus=1' });
    const boot = await imageSource(imageRoot).bootImage('mine', {
      place: { tree: 0x5000000 },
      force: ['old-abi'],
    });
    expect(boot).toMatchObject({
      agent: true,
      append: 'console=hvc0 kdumpd.loader=plan kdumpd.dump=raw',
      loading: { append: 'maxcpus=1', digest: true, at: { tree: 0x5000000 }, force: ['old-abi'] },
    });
    const stub = join(imageRoot, 'stub');
    writeFileSync(stub, new Uint8Array(10_000_000));
    const other = await imageSource(imageRoot).bootImage('mine', { payload: stub });
    expect(other.loading?.kernel).toBe(stub);
    expect(other.loading?.diskBytes).toBeGreaterThan(10_000_000);
    await expect(imageSource(imageRoot).bootImage('mine', { payload: `${stub}s` })).rejects.toThrow(
      'no file',
    );
    expect(boot.disk).toBeUndefined();
    expect(boot.loading?.diskBytes).toBeGreaterThan(0x3000);
    expect((boot.loading?.diskBytes ?? 1) % 512).toBe(0);
  });
});
