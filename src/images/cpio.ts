/**
 * Writes cpio archives in the "newc" format, which Linux unpacks as an initramfs. The bytes depend on nothing but
 * the entries: sorted by path, inode numbers in that order, every time 0, owner root.
 * Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst; cpio(5).
 * Left out: hard links, checksums (newcx).
 */

import { alignUp, latin1Bytes } from '../base/bytes.ts';
import { assert } from '../base/errors.ts';

export type CpioNode =
  | { readonly kind: 'directory'; readonly mode?: number }
  | { readonly kind: 'file'; readonly data: Uint8Array; readonly mode?: number }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'char'; readonly major: number; readonly minor: number; readonly mode?: number };

const S_IFMT = { directory: 0o040000, file: 0o100000, symlink: 0o120000, char: 0o020000 } as const;

/** An archive of `nodes` (path → node, relative paths); parents of every path must be among them. */
export function buildCpio(nodes: ReadonlyMap<string, CpioNode>): Uint8Array {
  const paths = [...nodes.keys()].sort();
  const parts: Uint8Array[] = [];
  let at = 0;
  const push = (bytes: Uint8Array): void => {
    const pad = alignUp(bytes.length, 4) - bytes.length;
    parts.push(bytes, new Uint8Array(pad));
    at += bytes.length + pad;
  };
  paths.forEach((path, i) => {
    const node = nodes.get(path) as CpioNode;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    assert(parent === '' || nodes.get(parent)?.kind === 'directory', `buildCpio: ${path} has its directory`);
    const data =
      node.kind === 'file' ? node.data : node.kind === 'symlink' ? latin1Bytes(node.target) : NOTHING;
    push(header(path, i + 1, node, data.length));
    push(data);
  });
  push(header('TRAILER!!!', 0, undefined, 0));
  const out = new Uint8Array(alignUp(at, 512));
  at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const NOTHING = new Uint8Array(0);

/** The 13 fields of 8 hex digits, then the name and its zero byte. Padding of name and data is the caller's. */
function header(path: string, inode: number, node: CpioNode | undefined, size: number): Uint8Array {
  const device = node?.kind === 'char' ? node : { major: 0, minor: 0 };
  const fields = [
    inode,
    node === undefined ? 0 : S_IFMT[node.kind] | modeOf(node),
    0, // uid
    0, // gid
    node?.kind === 'directory' ? 2 : 1, // nlink
    0, // mtime
    size,
    0, // major and minor of the device that holds the file
    0,
    device.major,
    device.minor,
    path.length + 1,
    0, // check
  ];
  return latin1Bytes(`070701${fields.map((f) => f.toString(16).padStart(8, '0')).join('')}${path}\0`);
}

function modeOf(node: CpioNode): number {
  switch (node.kind) {
    case 'directory':
      return node.mode ?? 0o755;
    case 'file':
      return node.mode ?? 0o644;
    case 'symlink':
      return 0o777;
    case 'char':
      return node.mode ?? 0o600;
  }
}
