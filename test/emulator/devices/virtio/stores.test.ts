/** The places where a disk's bytes are keep the same contract. */

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BugError } from '../../../../src/base/errors.ts';
import type { OwnedStore } from '../../../../src/emulator/devices/virtio/index.ts';
import {
  createMemoryStore,
  createScratchStore,
  openFileStore,
} from '../../../../src/emulator/devices/virtio/index.ts';

const SIZE = 0x40000;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stores-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The one file of `folder` that this process has open; it has no name any more. */
function openFile(): Stats {
  const descriptors = readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
  const found = descriptors.filter((link) => existsSync(link) && readlinkSync(link).startsWith(folder));
  expect(found).toHaveLength(1);
  return statSync(found[0] ?? '');
}

const KINDS: [string, () => OwnedStore][] = [
  ['memory', () => createMemoryStore(SIZE)],
  ['scratch', () => createScratchStore(SIZE)],
  [
    'file',
    () => {
      writeFileSync(join(folder, 'file'), new Uint8Array(SIZE));
      return openFileStore(join(folder, 'file'), { readOnly: false });
    },
  ],
];

for (const [kind, open] of KINDS) {
  describe(`${kind} store`, () => {
    it('reads zeros, then what was written, across chunk ends', () => {
      const store = open();
      const bytes = Uint8Array.from({ length: 0x20000 }, (_, i) => (i * 13 + 1) & 0xff);
      store.write(0xfe00, bytes);
      store.flush();
      const back = new Uint8Array(SIZE).fill(9);
      store.read(0, back);
      expect(Buffer.compare(back.subarray(0xfe00, 0x2fe00), bytes)).toBe(0);
      expect(back.subarray(0, 0xfe00).every((byte) => byte === 0)).toBe(true);
      expect(back.subarray(0x2fe00).every((byte) => byte === 0)).toBe(true);
      store.close();
      store.close();
    });

    it('refuses what is not whole sectors inside it, as our bug', () => {
      const store = open();
      expect(() => store.read(1, new Uint8Array(512))).toThrow(BugError);
      expect(() => store.read(0, new Uint8Array(100))).toThrow(BugError);
      expect(() => store.write(SIZE, new Uint8Array(512))).toThrow(BugError);
      store.close();
    });
  });
}

describe('createScratchStore', () => {
  it('a large disk → takes space only for what was written, and leaves no file behind', () => {
    const store = createScratchStore(2 ** 34, folder);
    store.write(2 ** 33, new Uint8Array(512).fill(7));
    expect(openFile().size).toBe(2 ** 34);
    expect(openFile().blocks * 512).toBeLessThan(2 ** 20);
    expect(readdirSync(folder)).toEqual([]);
    const back = new Uint8Array(1024);
    store.read(2 ** 33, back);
    expect(back[511]).toBe(7);
    expect(back[512]).toBe(0);
    store.close();
  });

  it('zeros where there were zeros → take no space; zeros over data → are written', () => {
    const store = createScratchStore(2 ** 24, folder);
    store.write(0, new Uint8Array(2 ** 24));
    expect(openFile().blocks).toBe(0);
    store.write(512, new Uint8Array(512).fill(3));
    store.write(0, new Uint8Array(1024));
    const back = new Uint8Array(1024).fill(1);
    store.read(0, back);
    expect(back.every((byte) => byte === 0)).toBe(true);
    store.close();
  });

  it('a part with and without data → read in runs; what was never written is known as zeros, and not read', () => {
    const store = createScratchStore(8 * 65536, folder);
    for (const chunk of [1, 2, 5]) store.write(chunk * 65536 + 512, new Uint8Array(512).fill(chunk));
    const back = new Uint8Array(7 * 65536).fill(9);
    store.read(512, back);
    expect(back.filter((byte) => byte !== 0).length).toBe(3 * 512);
    for (const chunk of [1, 2, 5]) expect(back.indexOf(chunk)).toBe(chunk * 65536);
    expect(store.isUnwritten(0, 65536)).toBe(true);
    expect(store.isUnwritten(65024, 1024)).toBe(false);
    expect(store.isUnwritten(3 * 65536, 2 * 65536)).toBe(true);
    expect(store.isUnwritten(0, 8 * 65536)).toBe(false);
    store.empty();
    expect(store.isUnwritten(0, 8 * 65536)).toBe(true);
    store.close();
  });

  it('what was written is taken once, in runs of whole chunks, and again when it is written again', () => {
    const store = createScratchStore(8 * 65536 + 512, folder);
    const taken = (most = 2 ** 20): [number, number, number][] =>
      store.takeWritten(most).map(({ offset, bytes }) => [offset / 65536, bytes.length, bytes[512] ?? 0]);
    expect(taken()).toEqual([]);
    store.write(3 * 65536, new Uint8Array(65536));
    for (const chunk of [1, 2, 5]) store.write(chunk * 65536 + 512, new Uint8Array(512).fill(chunk));
    store.write(8 * 65536, new Uint8Array(512).fill(8));
    expect(store.writtenBytes).toBe(4 * 65536);
    expect(taken(65536)).toEqual([[1, 65536, 1]]);
    expect(taken()).toEqual([
      [2, 65536, 2],
      [5, 65536, 5],
      [8, 512, 0],
    ]);
    expect([store.writtenBytes, ...taken()]).toEqual([0]);
    for (const chunk of [1, 2]) store.write(chunk * 65536 + 512, new Uint8Array(512).fill(9));
    store.write(5 * 65536, new Uint8Array(65536));
    expect(taken()).toEqual([
      [1, 2 * 65536, 9],
      [5, 65536, 0],
    ]);
    store.write(0, new Uint8Array(512).fill(1));
    store.empty();
    expect([store.writtenBytes, ...taken()]).toEqual([0]);
    store.close();
  });

  it('emptied → zeros, and takes writes again', () => {
    const store = createScratchStore(2 ** 20, folder);
    store.write(65536, new Uint8Array(512).fill(9));
    store.empty();
    expect(openFile().blocks).toBe(0);
    const back = new Uint8Array(512).fill(1);
    store.read(65536, back);
    expect(back[0]).toBe(0);
    store.write(65536, back.fill(4));
    store.read(65536, back);
    expect(back[511]).toBe(4);
    store.close();
  });
});

describe('createScratchStore with a quota', () => {
  const CHUNK = 0x1_0000;
  function quota(most: number) {
    let used = 0;
    return {
      take: () => used < most && ++used > 0,
      give: (chunks: number) => {
        used -= chunks;
      },
      used: () => used,
    };
  }

  it('what is written counts, once a chunk and no zeros; beyond it → EDQUOT, and what was there is kept', () => {
    const limit = quota(2);
    const store = createScratchStore(2 ** 24, folder, limit);
    store.write(0, new Uint8Array(2 ** 20));
    expect(limit.used()).toBe(0);
    store.write(512, new Uint8Array(512).fill(1));
    store.write(1024, new Uint8Array(512).fill(2));
    store.write(CHUNK, new Uint8Array(512).fill(3));
    expect(limit.used()).toBe(2);
    expect(() => store.write(5 * CHUNK, new Uint8Array(512).fill(4))).toThrow(
      expect.objectContaining({ code: 'EDQUOT' }),
    );
    const back = new Uint8Array(512);
    store.read(CHUNK, back);
    expect(back[0]).toBe(3);
    store.read(5 * CHUNK, back);
    expect(back[0]).toBe(0);
    store.close();
  });

  it('emptied, and closed → given back, once', () => {
    const limit = quota(9);
    const store = createScratchStore(2 ** 24, folder, limit);
    store.write(0, new Uint8Array(4 * CHUNK).fill(1));
    expect(limit.used()).toBe(4);
    store.empty();
    expect(limit.used()).toBe(0);
    store.write(0, new Uint8Array(CHUNK).fill(1));
    store.close();
    store.close();
    expect(limit.used()).toBe(0);
  });
});

describe('openFileStore', () => {
  it('a file that is cut short while it is a disk → EIO there, and no zeros in the place of data', () => {
    const path = join(folder, 'shrinks');
    writeFileSync(path, new Uint8Array(4096).fill(5));
    const store = openFileStore(path, { readOnly: true });
    truncateSync(path, 1024);
    const back = new Uint8Array(1024);
    store.read(0, back);
    expect(back[1023]).toBe(5);
    for (const offset of [512, 1024, 3072])
      expect(() => store.read(offset, back)).toThrow(expect.objectContaining({ code: 'EIO' }));
    store.close();
  });

  it('a file that loses its name while it is a disk → is read on', () => {
    const path = join(folder, 'vanishes');
    writeFileSync(path, new Uint8Array(1024).fill(5));
    const store = openFileStore(path, { readOnly: true });
    rmSync(path);
    const back = new Uint8Array(1024);
    store.read(0, back);
    expect(back[1023]).toBe(5);
    store.close();
  });

  it('a file that is not whole sectors → rounded up, zeros past its end, and left as it was', () => {
    const path = join(folder, 'odd');
    writeFileSync(path, new Uint8Array(700).fill(5));
    const store = openFileStore(path, { readOnly: true });
    expect(store.bytes).toBe(1024);
    const back = new Uint8Array(1024).fill(1);
    store.read(0, back);
    expect(back[699]).toBe(5);
    expect(back[700]).toBe(0);
    expect(() => store.write(0, new Uint8Array(512))).toThrow(BugError);
    store.close();
    expect(readFileSync(path)).toHaveLength(700);
  });

  it('a file that is not there → the file system’s error', () => {
    expect(() => openFileStore(join(folder, 'none'), { readOnly: true })).toThrow(/ENOENT/);
  });
});
