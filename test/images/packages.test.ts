/** Reading packages: ar, tar, compression and deb, good and hostile. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, latin1, latin1Bytes } from '../../src/base/bytes.ts';
import { readAr } from '../../src/images/ar.ts';
import { readDebControl, readDebData } from '../../src/images/deb.ts';
import { decompress, decompressAll } from '../../src/images/decompress.ts';
import { readTar } from '../../src/images/tar-read.ts';
import { buildTar } from '../../src/images/tar-write.ts';
import { compressed, type SynthCompression, synthAr, synthDeb, synthTar } from '../synth/deb.ts';
import { asyncCodeOf, codeOf, mutate, mutations } from '../synth/mutate.ts';

const MIB = 1024 * 1024;

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function tarContents(bytes: Uint8Array, pieceSize = 100): Promise<[string, string, string][]> {
  const out: [string, string, string][] = [];
  for await (const entry of readTar(pieces(bytes, pieceSize), 'x.tar')) {
    out.push([entry.path, entry.kind, entry.kind === 'file' ? latin1(await entry.data()) : entry.link]);
  }
  return out;
}

async function readWhole(deb: Uint8Array): Promise<number> {
  let bytes = 0;
  await readDebControl(deb, 'x.deb');
  for await (const entry of readDebData(deb, 'x.deb')) bytes += (await entry.data()).length;
  return bytes;
}

describe('readAr', () => {
  it('members of odd and even length → names and data in order', () => {
    const members = readAr(
      synthAr([
        { name: 'a/', data: latin1Bytes('odd') },
        { name: 'b', data: latin1Bytes('even') },
      ]),
      'x',
    );
    expect(members.map((m) => [m.name, latin1(m.data)])).toEqual([
      ['a', 'odd'],
      ['b', 'even'],
    ]);
  });

  it.each([
    ['no magic', latin1Bytes('not an archive at all'), 'image/not-ar'],
    ['half a header', latin1Bytes('!<arch>\ndebian-binary'), 'image/bad-ar'],
    ['a header without its end', latin1Bytes(`!<arch>\n${'x'.repeat(60)}`), 'image/bad-ar'],
    [
      'a size past the end',
      synthAr([{ name: 'a', data: latin1Bytes('1234') }]).subarray(0, 70),
      'image/bad-ar',
    ],
    ['a size that is no number', latin1Bytes(`!<arch>\n${'a'.padEnd(48)}-1        \`\n`), 'image/bad-ar'],
  ])('%s → refused', (_what, bytes, code) => {
    expect(codeOf(() => readAr(bytes, 'x'))).toBe(code);
  });
});

describe('readTar', () => {
  it('files, links, folders, prefix and long names → as they were put in', async () => {
    const long = `usr/${'long/'.repeat(40)}name`;
    const archive = synthTar([
      { path: './', type: '5' },
      { path: './usr/share/doc', data: 'text' },
      { path: './link', type: '2', link: '../elsewhere' },
      { path: '././@LongLink', type: 'L', data: `${long}\0` },
      { path: 'cut', data: 'x'.repeat(600) },
      { path: 'pax', type: 'x', data: '25 path=usr/from/the/pax\n' },
      { path: 'cut', data: 'p' },
      { path: 'dev', type: '3' },
    ]);
    expect(await tarContents(archive)).toEqual([
      ['', 'directory', ''],
      ['usr/share/doc', 'file', 'text'],
      ['link', 'symlink', '../elsewhere'],
      [long, 'file', 'x'.repeat(600)],
      ['usr/from/the/pax', 'file', 'p'],
      ['dev', 'other', ''],
    ]);
  });

  it('data that nobody reads → skipped', async () => {
    const archive = synthTar([
      { path: 'a', data: 'x'.repeat(5000) },
      { path: 'b', data: 'y' },
    ]);
    const paths: string[] = [];
    for await (const entry of readTar(pieces(archive, 333), 'x.tar')) paths.push(entry.path);
    expect(paths).toEqual(['a', 'b']);
  });

  it.each([
    ['../../etc/passwd', 'image/unsafe-path'],
    ['/etc/passwd', 'image/unsafe-path'],
    ['a/../b', 'image/unsafe-path'],
    ['a\nb', 'image/unsafe-path'],
  ])('path %j → %s', async (path, code) => {
    expect(await asyncCodeOf(() => tarContents(synthTar([{ path, data: 'x' }])))).toBe(code);
  });

  it.each([
    ['cut inside a header', synthTar([{ path: 'a', data: 'x' }]).subarray(0, 300)],
    ['cut inside data', synthTar([{ path: 'a', data: 'x'.repeat(2000) }]).subarray(0, 1024)],
    ['without an end', synthTar([{ path: 'a', data: 'x' }]).subarray(0, 1024)],
    ['promising more than it holds', synthTar([{ path: 'a', data: 'x', size: 0o7777777777 }])],
    ['with a wrong checksum', mutate(synthTar([{ path: 'a' }]), [{ at: 0, bytes: [0x62] }])],
    [
      'with a damaged extended header',
      synthTar([{ path: 'p', type: 'x', data: '99 path=a\n' }, { path: 'a' }]),
    ],
  ])('an archive %s → image/bad-tar', async (_what, archive) => {
    expect(await asyncCodeOf(() => tarContents(archive))).toBe('image/bad-tar');
  });

  it('an entry of more than 1 GiB that is read → image/too-large', async () => {
    const archive = synthTar([{ path: 'a', size: 0o77777777777 }]);
    expect(await asyncCodeOf(() => tarContents(archive))).toBe('image/too-large');
  });

  it('what buildTar writes → reads back, padded to the unit', async () => {
    const archive = concatBytes(buildTar([{ name: 'vmlinux', data: latin1Bytes('kernel') }], MIB));
    expect(archive.length).toBe(MIB);
    expect(await tarContents(archive, 65536)).toEqual([['vmlinux', 'file', 'kernel']]);
  });
});

describe('decompress', () => {
  const text = latin1Bytes('all work and no play '.repeat(20_000));

  it.each<SynthCompression>(['none', 'gz', 'zst', 'xz'])('%s: good, cut and damaged data', async (kind) => {
    const packed = compressed(text, kind);
    expect(Buffer.compare(await decompressAll(packed, 'x', MIB), text)).toBe(0);
    if (kind === 'none') return;
    expect(await asyncCodeOf(() => decompressAll(packed.subarray(0, packed.length - 9), 'x', MIB))).toBe(
      'image/bad-compression',
    );
    const damaged = mutate(packed, [{ at: Math.floor(packed.length / 2), bytes: [1, 2, 3, 4] }]);
    expect(await asyncCodeOf(() => decompressAll(damaged, 'x', MIB))).toBe('image/bad-compression');
    expect(await asyncCodeOf(() => decompressAll(packed, 'x', 1000))).toBe('image/too-large');
  });

  it('xz: a reader that stops early → the next one is served', async () => {
    const packed = compressed(text, 'xz');
    for await (const piece of decompress(packed, 'x', MIB)) {
      expect(piece.length).toBeGreaterThanOrEqual(0);
      break;
    }
    expect((await decompressAll(packed, 'x', MIB)).length).toBe(text.length);
  });
});

describe('deb', () => {
  const deb = synthDeb({ name: 'one', version: '1:2.0-3', entries: [{ path: './a', data: 'x' }] });

  it('a package → its control fields and files', async () => {
    expect(await readDebControl(deb, 'x')).toEqual({
      name: 'one',
      version: '1:2.0-3',
      architecture: 'ppc64el',
    });
    expect(await readWhole(deb)).toBe(1);
  });

  it.each([
    ['an archive of something else', synthAr([{ name: 'x', data: latin1Bytes('y') }]), 'image/not-deb'],
    ['another format', synthAr([{ name: 'debian-binary', data: latin1Bytes('3.0\n') }]), 'image/not-deb'],
    ['no control.tar', synthAr([{ name: 'debian-binary', data: latin1Bytes('2.0\n') }]), 'image/not-deb'],
  ])('%s → %s', async (_what, bytes, code) => {
    expect(await asyncCodeOf(() => readDebControl(bytes, 'x'))).toBe(code);
  });

  it('no control file, or one without a version → image/bad-control', async () => {
    const withControl = (entries: Parameters<typeof synthTar>[0]): Uint8Array =>
      synthAr([
        { name: 'debian-binary', data: latin1Bytes('2.0\n') },
        { name: 'control.tar', data: synthTar(entries) },
      ]);
    for (const entries of [[], [{ path: './control', data: 'Package: a\nArchitecture: all\n' }]]) {
      expect(await asyncCodeOf(() => readDebControl(withControl(entries), 'x'))).toBe('image/bad-control');
    }
  });

  it('a package with damage anywhere → FormatError or an answer, nothing else', async () => {
    const plain = synthDeb({
      name: 'one',
      compression: 'none',
      entries: [
        { path: './a', data: 'x'.repeat(700) },
        { path: './b', type: '2', link: 'a' },
      ],
    });
    await fc.assert(
      fc.asyncProperty(mutations(plain.length), async (changes) => {
        await asyncCodeOf(() => readWhole(mutate(plain, changes)));
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(mutations(deb.length), fc.nat(deb.length), async (changes, length) => {
        await asyncCodeOf(() => readWhole(mutate(deb, changes).subarray(0, length)));
      }),
      { numRuns: 300 },
    );
  });
});
