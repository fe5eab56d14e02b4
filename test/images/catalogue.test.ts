/** The catalogue of images on disk, image.json, and command lines. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { latin1Bytes } from '../../src/base/bytes.ts';
import { bootAppend, loadCommand } from '../../src/images/append.ts';
import { BUILT_IN, builtInImage } from '../../src/images/built-in.ts';
import {
  createImage,
  getImage,
  type ImageDraft,
  imagePath,
  listImages,
  removeImage,
  verifyImage,
} from '../../src/images/catalogue.ts';
import { formatImageRecord, type ImageRecord, parseImageRecord } from '../../src/images/image-record.ts';
import { codeOf } from '../synth/mutate.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kdumpd-images-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function record(name: string, draft: ImageDraft): Promise<ImageRecord> {
  return {
    version: 1,
    name,
    kind: 'files',
    files: { kernel: await draft.add('kernel', [latin1Bytes('ker'), latin1Bytes('nel')]) },
    append: 'console=hvc0',
    crashAppend: 'maxcpus=1',
    kexecOptions: '-i',
    agent: true,
    packages: [],
  };
}

const create = (name: string, replace = false): Promise<ImageRecord> =>
  createImage(root, name, replace, (draft) => record(name, draft));

describe('catalogue', () => {
  it('the built-in image → there without any file of ours, cannot be replaced or removed', async () => {
    const image = await getImage(root, BUILT_IN);
    expect(image).toMatchObject({ kind: 'built-in', agent: true, loader: 'own' });
    expect(await readFile(imagePath(root, image, 'kernel') ?? '')).toHaveLength(image.files.kernel.bytes);
    expect(await verifyImage(root, BUILT_IN)).toEqual(image);
    await expect(removeImage(root, BUILT_IN)).rejects.toMatchObject({ code: 'conflict' });
    await expect(createImage(root, BUILT_IN, true, async () => image)).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('an image → listed, got, verified, found on disk, removed', async () => {
    const image = await create('one');
    expect(await listImages(root)).toEqual({ images: [await builtInImage(), image], broken: [] });
    expect(await getImage(root, 'one')).toEqual(image);
    expect(await verifyImage(root, 'one')).toEqual(image);
    expect(imagePath(root, image, 'kernel')).toBe(join(root, 'one', 'kernel'));
    expect(imagePath(root, image, 'initrd')).toBeUndefined();
    await removeImage(root, 'one');
    expect(await readdir(root)).toEqual([]);
    await expect(getImage(root, 'one')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('a root that does not exist → the built-in image alone', async () => {
    expect(await listImages(join(root, 'nowhere'))).toEqual({ images: [await builtInImage()], broken: [] });
  });

  it('a build that fails → nothing is left, and an older image stays', async () => {
    await create('one');
    const failing = createImage(root, 'one', true, async (draft) => {
      await draft.add('kernel', [latin1Bytes('half')]);
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readdir(root)).toEqual(['one']);
    expect((await verifyImage(root, 'one')).name).toBe('one');
  });

  it('a name that is taken → conflict, unless it is to be replaced', async () => {
    await create('one');
    await expect(create('one')).rejects.toMatchObject({ code: 'conflict' });
    await create('one', true);
    expect(await readdir(root)).toEqual(['one']);
  });

  it('two imports of one name at once → one is there, the other is a conflict', async () => {
    const results = await Promise.allSettled([create('one'), create('one')]);
    expect(results.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((r) => r.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' });
    expect(await readdir(root)).toEqual(['one']);
  });

  it.each(['', '.', '..', '.hidden', 'a/b', '../x', 'a b', 'x'.repeat(64)])(
    'name %j → invalid',
    async (name) => {
      await expect(create(name)).rejects.toMatchObject({ code: 'invalid' });
      await expect(getImage(root, name)).rejects.toMatchObject({ code: 'not-found' });
      await expect(removeImage(root, name)).rejects.toMatchObject({ code: 'not-found' });
    },
  );

  it('what a process that is gone left behind → cleared by the next import', async () => {
    await mkdir(join(root, '.import-999999999-00000000-old'));
    await create('one');
    expect(await readdir(root)).toEqual(['one']);
  });

  it('a file that changed or is missing → image/checksum', async () => {
    await create('one');
    await writeFile(join(root, 'one', 'kernel'), 'other');
    await expect(verifyImage(root, 'one')).rejects.toMatchObject({ code: 'image/checksum' });
    await rm(join(root, 'one', 'kernel'));
    await expect(verifyImage(root, 'one')).rejects.toMatchObject({ code: 'image/checksum' });
  });

  it('a broken image.json → listed as broken beside the good ones, and can be removed', async () => {
    const image = await create('good');
    await create('renamed');
    await mkdir(join(root, 'empty'));
    await mkdir(join(root, 'text'));
    await writeFile(join(root, 'text', 'image.json'), 'no json');
    await writeFile(join(root, 'renamed', 'image.json'), formatImageRecord(image));
    const { images, broken } = await listImages(root);
    expect(images).toEqual([await builtInImage(), image]);
    expect(broken.map(({ name, error }) => [name, error.code])).toEqual([
      ['empty', 'image/bad-catalogue'],
      ['renamed', 'image/bad-catalogue'],
      ['text', 'image/bad-catalogue'],
    ]);
    await removeImage(root, 'text');
    expect((await listImages(root)).broken.length).toBe(2);
  });
});

describe('parseImageRecord', () => {
  it.each([
    ['version', 2],
    ['name', '../etc'],
    ['kind', 'other'],
    ['files', {}],
    ['files', { kernel: { file: '../../x', bytes: 1, sha256: '0'.repeat(64) } }],
    ['files', { kernel: { file: 'kernel', bytes: -1, sha256: '0'.repeat(64) } }],
    ['files', { kernel: { file: 'kernel', bytes: 1, sha256: 'x' } }],
    ['files', { rootkit: { file: 'kernel', bytes: 1, sha256: '0'.repeat(64) } }],
    ['append', 'a\nb'],
    ['agent', 'yes'],
    ['packages', [{}]],
  ])('%s = %j → image/bad-catalogue', async (field, value) => {
    const good = await create('one');
    expect(parseImageRecord(formatImageRecord(good), 'x')).toEqual(good);
    const text = JSON.stringify({ ...good, [field]: value });
    expect(codeOf(() => parseImageRecord(text, 'x'))).toBe('image/bad-catalogue');
  });
});

describe('bootAppend', () => {
  const image: ImageRecord = {
    version: 1,
    name: 'one',
    kind: 'debian',
    files: { kernel: { file: 'kernel', bytes: 1, sha256: '0'.repeat(64) } },
    append: 'console=hvc0  crashkernel=256M',
    crashAppend: 'console=hvc0 maxcpus=1',
    kexecOptions: '-i',
    agent: true,
    packages: [],
  };

  it('an image with the agent → its words, spaces as hats', () => {
    expect(
      bootAppend(image, { append: 'debug', crashAppend: 'x=1', dump: '-l -d 31', dumpSeconds: 60 }),
    ).toBe(
      'console=hvc0 crashkernel=256M debug kdumpd.append=console=hvc0^maxcpus=1^x=1^kdumpd.timeout=60 ' +
        'kdumpd.dump=-l^-d^31 kdumpd.kexec=-i',
    );
  });

  it('an image without the agent → only what was said', () => {
    expect(bootAppend({ ...image, agent: false }, { append: 'debug', dump: '-l' })).toBe(
      'console=hvc0 crashkernel=256M debug',
    );
  });

  it('text that the guest would read differently, or too much of it → image/bad-append', () => {
    for (const dump of ['-l^-d', '"-l"', '$(reboot)', 'a\nload']) {
      expect(codeOf(() => bootAppend(image, { dump }))).toBe('image/bad-append');
      expect(codeOf(() => loadCommand(dump))).toBe('image/bad-append');
    }
    expect(codeOf(() => bootAppend(image, { append: 'x'.repeat(2000) }))).toBe('image/bad-append');
  });

  it('loadCommand → one line', () => {
    expect(loadCommand(' -l  -d 31 ')).toBe('load -l -d 31\n');
  });
});
