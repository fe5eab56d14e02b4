/** Debian packages, and the ar and tar archives in them, good and hostile: nothing here checks what it is given. */

import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { concatBytes, latin1Bytes } from '../../src/base/bytes.ts';
import { storedXz } from './xz.ts';

export type SynthEntry = {
  readonly path: string;
  /** Default `0`, a file. */
  readonly type?: string;
  readonly data?: Uint8Array | string;
  readonly link?: string;
  readonly mode?: number;
  /** What the header says, where that is not the length of the data. */
  readonly size?: number;
};

/** A tar archive, ended by two blocks of zeros. */
export function synthTar(entries: readonly SynthEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    const data = typeof entry.data === 'string' ? latin1Bytes(entry.data) : (entry.data ?? new Uint8Array(0));
    return [tarHeader(entry, data.length), data, new Uint8Array(-data.length & 511)];
  });
  return concatBytes([...parts, new Uint8Array(1024)]);
}

function tarHeader(entry: SynthEntry, length: number): Uint8Array {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  block.write(entry.path, 0, 100);
  block.write(`${octal(entry.mode ?? 0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  block.write(`${octal(entry.size ?? length, 11)}\0${octal(0, 11)}\0`, 124);
  block.write('        ', 148);
  block.write(entry.type ?? '0', 156);
  block.write(entry.link ?? '', 157, 100);
  block.write('ustar\x0000', 257);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return new Uint8Array(block);
}

/** An ar archive. */
export function synthAr(
  members: readonly { readonly name: string; readonly data: Uint8Array }[],
): Uint8Array {
  const parts = members.flatMap(({ name, data }) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
    const end = `${String(data.length).padEnd(10)}\`\n`;
    return [latin1Bytes(header + end), data, latin1Bytes(data.length % 2 === 1 ? '\n' : '')];
  });
  return concatBytes([latin1Bytes('!<arch>\n'), ...parts]);
}

export type SynthCompression = 'none' | 'gz' | 'zst' | 'xz';

/** Compressed. xz only stores: what is tested is the container and its checks. */
export function compressed(bytes: Uint8Array, kind: SynthCompression): Uint8Array {
  switch (kind) {
    case 'none':
      return bytes;
    case 'gz':
      return new Uint8Array(gzipSync(bytes));
    case 'zst':
      // With a checksum, as the zstd program writes it.
      return new Uint8Array(zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
    case 'xz':
      return storedXz(bytes);
  }
}

export type SynthDeb = {
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  readonly entries: readonly SynthEntry[];
  readonly compression?: SynthCompression;
};

/** A package. */
export function synthDeb(deb: SynthDeb): Uint8Array {
  const control = `Package: ${deb.name}\nVersion: ${deb.version ?? '1.0-1'}\nArchitecture: ${deb.architecture ?? 'ppc64el'}\nDescription: made for a test\n`;
  const kind = deb.compression ?? 'gz';
  const suffix = kind === 'none' ? '' : `.${kind}`;
  return synthAr([
    { name: 'debian-binary', data: latin1Bytes('2.0\n') },
    { name: 'control.tar.gz', data: compressed(synthTar([{ path: './control', data: control }]), 'gz') },
    { name: `data.tar${suffix}`, data: compressed(synthTar(deb.entries), kind) },
  ]);
}
