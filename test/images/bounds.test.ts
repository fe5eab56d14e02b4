/** What hostile packages may cost: output, history, files and names are bounded before memory is taken. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { constants, createGzip, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { concatBytes, latin1Bytes } from '../../src/base/bytes.ts';
import { zstdDecompress } from '../../src/base/zstd.ts';
import { readAr } from '../../src/images/ar.ts';
import { importDebian } from '../../src/images/debian.ts';
import { decompress, decompressAll } from '../../src/images/decompress.ts';
import { FileTree } from '../../src/images/file-tree.ts';
import { readTar } from '../../src/images/tar-read.ts';
import { xzSize } from '../../src/images/xz-size.ts';
import { synthAr, synthDeb, synthTar } from '../synth/deb.ts';
import { asyncCodeOf, codeOf, mutate, mutations } from '../synth/mutate.ts';
import { storedXz } from '../synth/xz.ts';

const MIB = 2 ** 20;
const EIGHT_GIB = 2 ** 33;

/** `xz -9e` of one MiB of zeros. */
const ZEROS_XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM7///ANldAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1Iq9+SVJQAAAAAAwva6PqJwa2AAAfUBgIBAAHmXf0exxGf7AgAAAAAEWVo=',
  'base64',
);
/** liblzma's output for 1,000 letters with a dictionary of 1 GiB. */
const GREEDY_XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhASQAAABeH8f54APnAAtdADxv+7/+o7C5plYAAACFWM1rTdfywQABJ+gHAAAA9FWPXLHEZ/sCAAAAAARZWg==',
  'base64',
);

/** An .xz stream whose chunks promise 2 MiB each out of some bytes; only its headers are right. */
function promisingXz(chunks: number): Uint8Array {
  const head = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 1, 0, 0, 0, 0);
  const block = Uint8Array.of(2, 0, 0x21, 1, 16, 0, 0, 0, 0, 0, 0, 0);
  const chunk = Uint8Array.of(0xff, 0xff, 0xff, 0, 0, 93, 0);
  const body = concatBytes([...Array.from({ length: chunks }, () => chunk), Uint8Array.of(0)]);
  return concatBytes([head, block, body, new Uint8Array(-body.length & 3), new Uint8Array(64)]);
}

async function bomb(kind: 'gz' | 'zst', pieces: Iterable<Uint8Array>): Promise<Uint8Array> {
  const packer = kind === 'gz' ? createGzip() : createZstdCompress();
  const packed = buffer(packer);
  for (const piece of pieces)
    if (!packer.write(piece)) await new Promise((resolve) => packer.once('drain', resolve));
  packer.end();
  return await packed;
}

function* zeros(mebibytes: number): Generator<Uint8Array> {
  const piece = new Uint8Array(MIB);
  for (let i = 0; i < mebibytes; i++) yield piece;
}

async function drain(bytes: Uint8Array): Promise<number> {
  let total = 0;
  for await (const piece of decompress(bytes, 'x', EIGHT_GIB)) total += piece.length;
  return total;
}

describe('decompress', () => {
  it.each(['gz', 'zst'] as const)(
    '%s: 64 MiB out of little → accepted; more → image/too-large',
    async (kind) => {
      expect(await drain(await bomb(kind, zeros(64)))).toBe(64 * MIB);
      expect(await asyncCodeOf(async () => drain(await bomb(kind, zeros(65))))).toBe('image/too-large');
    },
  );

  it('xz: more than 64 MiB out of little → image/too-large, with nothing decoded', async () => {
    expect(xzSize(promisingXz(32)).output).toBe(64 * MIB);
    // What it promises is accepted, and what it holds is garbage.
    expect(await asyncCodeOf(() => drain(promisingXz(32)))).toBe('image/bad-compression');
    expect(await asyncCodeOf(() => drain(promisingXz(33)))).toBe('image/too-large');
  });

  it('a dictionary or a window of more than 64 MiB → refused', async () => {
    expect(xzSize(GREEDY_XZ)).toEqual({ dictionary: 2 ** 30, output: 1000 });
    expect(await asyncCodeOf(() => drain(GREEDY_XZ))).toBe('image/too-large');
    const windowed = (log: number): Promise<Uint8Array> => {
      const packer = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: log } });
      const packed = buffer(packer);
      packer.end(latin1Bytes('x'.repeat(1000)));
      return packed;
    };
    expect(await drain(await windowed(26))).toBe(1000);
    expect(await asyncCodeOf(async () => drain(await windowed(27)))).toBe('image/bad-compression');
  });
});

describe('xzSize', () => {
  it('what liblzma writes, and stored blocks → dictionary and output', async () => {
    expect(xzSize(ZEROS_XZ)).toEqual({ dictionary: 64 * MIB, output: MIB });
    expect((await decompressAll(ZEROS_XZ, 'x', EIGHT_GIB)).length).toBe(MIB);
    expect(xzSize(storedXz(new Uint8Array(200_000)))).toEqual({ dictionary: MIB, output: 200_000 });
    expect(xzSize(storedXz(new Uint8Array(0)))).toEqual({ dictionary: MIB, output: 0 });
  });

  it('blocks that are checked by SHA-256 → read; with a wrong digest, cut or damaged → image/bad-compression', async () => {
    const data = latin1Bytes('kernel '.repeat(20_000));
    const stored = storedXz(data, 10);
    expect(Buffer.compare(await decompressAll(stored, 'x', MIB), data)).toBe(0);
    expect((await decompressAll(storedXz(new Uint8Array(0), 10), 'x', MIB)).length).toBe(0);
    // A byte of the data, and one of the digest: index and footer are 28 bytes.
    for (const at of [30_000, stored.length - 40]) {
      const byte = (stored[at] ?? 0) ^ 1;
      const damaged = mutate(stored, [{ at, bytes: [byte] }]);
      expect(await asyncCodeOf(() => decompressAll(damaged, 'x', MIB))).toBe('image/bad-compression');
    }
    await fc.assert(
      fc.asyncProperty(mutations(stored.length), fc.nat(stored.length), async (changes, length) => {
        await asyncCodeOf(() => decompressAll(mutate(stored, changes).subarray(0, length), 'x', MIB));
      }),
      { numRuns: 100 },
    );
  });

  it('damaged and cut streams → image/bad-compression, image/too-large or an answer, nothing else', async () => {
    const stored = storedXz(latin1Bytes('kernel '.repeat(30)));
    await fc.assert(
      fc.asyncProperty(mutations(stored.length), fc.nat(stored.length), async (changes, length) => {
        await asyncCodeOf(() => decompressAll(mutate(stored, changes).subarray(0, length), 'x', MIB));
      }),
      { numRuns: 300 },
    );
  });
});

describe('zstdDecompress', () => {
  it('a frame whose window is more than 8 MiB → refused; one of 8 MiB → taken', () => {
    const frame = (log: number) => {
      const params = { [constants.ZSTD_c_windowLog]: log, [constants.ZSTD_c_contentSizeFlag]: 0 };
      return zstdCompressSync(new Uint8Array(9 * MIB), { params });
    };
    expect(zstdDecompress(frame(23), 9 * MIB).length).toBe(9 * MIB);
    expect(() => zstdDecompress(frame(24), 9 * MIB)).toThrow();
  });
});

describe('readTar', () => {
  async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const read = async (bytes: Uint8Array): Promise<void> => {
    for await (const entry of readTar(once(bytes), 'x.tar')) await entry.data();
  };
  const pax = (key: string, value: string): string => {
    const rest = ` ${key}=${value}\n`;
    for (let length = rest.length + 1; ; length++)
      if (`${length}${rest}`.length === length) return `${length}${rest}`;
  };

  it.each([
    ['a sparse file of GNU', synthTar([{ path: 'a', type: 'S', data: 'x' }]), 'image/bad-tar'],
    [
      'a sparse file of pax',
      synthTar([
        { path: 'p', type: 'x', data: pax('GNU.sparse.major', '1') },
        { path: 'a', data: 'x' },
      ]),
      'image/bad-tar',
    ],
    [
      'headers without end',
      synthTar(Array.from({ length: 9 }, (_, i) => ({ path: 'p', type: 'x', data: pax(`k${i}`, 'v') }))),
      'image/bad-tar',
    ],
    [
      'a path of more than PATH_MAX',
      synthTar([{ path: '././@LongLink', type: 'L', data: `${'a/'.repeat(2100)}\0` }, { path: 'a' }]),
      'image/unsafe-path',
    ],
    [
      'a link to more than PATH_MAX',
      synthTar([
        { path: '././@LongLink', type: 'K', data: `${'a/'.repeat(2100)}\0` },
        { path: 'a', type: '2', link: 'a' },
      ]),
      'image/unsafe-path',
    ],
  ])('%s → %s', async (_what, archive, code) => {
    expect(await asyncCodeOf(() => read(archive))).toBe(code);
  });
});

describe('readAr', () => {
  it('more members than a package has → image/bad-ar', () => {
    const members = Array.from({ length: 65 }, (_, i) => ({ name: `m${i}`, data: new Uint8Array(2) }));
    expect(readAr(synthAr(members.slice(1)), 'x')).toHaveLength(64);
    expect(codeOf(() => readAr(synthAr(members), 'x'))).toBe('image/bad-ar');
  });
});

describe('FileTree', () => {
  it('more bytes than it takes → image/too-large; a file that replaces another counts once', () => {
    const tree = new FileTree(100);
    tree.addFile('a', new Uint8Array(60), 0o644);
    tree.addFile('a', new Uint8Array(40), 0o644);
    tree.addFile('b', new Uint8Array(60), 0o644);
    expect(codeOf(() => tree.addFile('c', new Uint8Array(1), 0o644))).toBe('image/too-large');
    tree.addLink('b', 'a');
    tree.addFile('c', new Uint8Array(60), 0o644);
    expect(codeOf(() => tree.requireRoom(1, 'x'))).toBe('image/too-large');
  });

  it('more files than it takes → image/too-large', () => {
    const tree = new FileTree();
    for (let i = 0; i < 100_000; i++) tree.addLink(`l${i}`, 'x');
    tree.addLink('l0', 'y');
    expect(codeOf(() => tree.addLink('one more', 'x'))).toBe('image/too-large');
  });
});

describe('importDebian', () => {
  const root = mkdtempSync(join(tmpdir(), 'kdumpd-bounds-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const RELEASE = '6.1.0-50-powerpc64le';
  const packagesDir = join(root);

  function writePackages(data: Uint8Array): void {
    const control = `Package: linux-image-${RELEASE}\nVersion: 1\nArchitecture: ppc64el\n`;
    const members = [
      { name: 'debian-binary', data: latin1Bytes('2.0\n') },
      { name: 'control.tar.gz', data: gzipSync(synthTar([{ path: './control', data: control }])) },
      { name: 'data.tar.zst', data },
    ];
    writeFileSync(join(root, 'linux.deb'), synthAr(members));
    for (const name of ['kexec-tools', 'makedumpfile', 'busybox-static'])
      writeFileSync(join(root, `${name}.deb`), synthDeb({ name, entries: [] }));
  }

  it('70 KB that unpack to 1 GiB of modules → refused, in less than 300 MiB', async () => {
    const modules = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 4; i++) {
        const path = `./lib/modules/${RELEASE}/${i}.ko`;
        yield synthTar([{ path, size: 256 * MIB }]).subarray(0, 512);
        yield* zeros(256);
      }
      yield new Uint8Array(1024);
    };
    writePackages(await bomb('zst', modules()));
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    const code = await asyncCodeOf(() =>
      importDebian({ imageRoot: join(root, 'images'), name: 'bomb', packagesDir }),
    );
    clearInterval(timer);
    expect(code).toBe('image/too-large');
    expect(Math.max(most, process.memoryUsage.rss()) - before).toBeLessThan(300 * MIB);
  });
});
