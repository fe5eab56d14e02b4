/**
 * Reads Debian binary packages: an ar archive of `debian-binary`, `control.tar` and `data.tar`.
 * Source: deb(5), deb-control(5). Packages are untrusted: nothing is written to disk under a name that they give.
 * Left out: signatures inside packages; the importer checks a package against its index.
 */

import { latin1 } from '../base/bytes.ts';
import { readAr } from './ar.ts';
import type { ArchiveEntry } from './archive-entry.ts';
import { decompress } from './decompress.ts';
import { imageError } from './errors.ts';
import { readTar } from './tar-read.ts';

/** The fields of a package's control file that we use. */
export type DebControl = { readonly name: string; readonly version: string; readonly architecture: string };

const MAX_CONTROL_BYTES = 16 * 1024 * 1024;
/** The largest package that we read, linux-image, unpacks to 300 MB. */
const MAX_DATA_BYTES = 8 * 1024 * 1024 * 1024;

/** The name, version and architecture of the package in `bytes`. @throws FormatError */
export async function readDebControl(bytes: Uint8Array, what: string): Promise<DebControl> {
  const archive = member(bytes, 'control.tar', what);
  for await (const entry of readTar(decompress(archive, what, MAX_CONTROL_BYTES), what)) {
    if (entry.path === 'control' && entry.kind === 'file') {
      return parseControl(Buffer.from(await entry.data()).toString('utf8'), what);
    }
  }
  throw imageError('image/bad-control', `${what} has no control file`, { what });
}

/** The files of the package, in its order. @throws FormatError */
export function readDebData(bytes: Uint8Array, what: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  return readTar(decompress(member(bytes, 'data.tar', what), what, MAX_DATA_BYTES), what);
}

function member(bytes: Uint8Array, stem: 'control.tar' | 'data.tar', what: string): Uint8Array {
  const members = readAr(bytes, what);
  const first = members[0];
  if (first?.name !== 'debian-binary' || !/^2\.[0-9]+\n/.test(latin1(first.data.subarray(0, 16)))) {
    throw imageError('image/not-deb', `${what} is not a Debian package of format 2`, { what });
  }
  const found = members.find((m) => m.name === stem || m.name.startsWith(`${stem}.`));
  if (found === undefined) throw imageError('image/not-deb', `${what} has no ${stem}`, { what });
  return found.data;
}

function parseControl(text: string, what: string): DebControl {
  const field = (name: string): string => {
    const match = new RegExp(`^${name}:[ \\t]*(\\S+)[ \\t]*$`, 'm').exec(text);
    if (match?.[1] === undefined) {
      throw imageError('image/bad-control', `${what}: the control file has no ${name}`, { what });
    }
    return match[1];
  };
  return { name: field('Package'), version: field('Version'), architecture: field('Architecture') };
}
