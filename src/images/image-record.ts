/**
 * Reads and writes image.json, the record of an image's parts. It is written last, into a folder that then gets its name, so
 * that an image either is complete or does not exist. docs/images.md describes every field.
 * Left out: times; the same packages give the same image, byte for byte.
 */

import { defined } from '../base/defined.ts';
import type { Loader } from '../panic/index.ts';
import { imageError } from './errors.ts';

/** A file of the image: its name in the image's folder. SHA-256 in hex. */
export type ImageFile = { readonly file: string; readonly bytes: number; readonly sha256: string };

/** What each file is for. `kernel` is always there. */
export const IMAGE_ROLES = ['kernel', 'initrd', 'disk', 'vmlinux', 'symbols', 'debuginfo'] as const;
export type ImageRole = (typeof IMAGE_ROLES)[number];

/** A package that went into the image. SHA-256 of the package file; `indexed`: equal to the package index's. */
export type PackageRecord = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly indexed: boolean;
};

export type ImageRecord = {
  readonly version: 1;
  readonly name: string;
  /** `built-in`: comes with the program; no image.json says so. */
  readonly kind: 'debian' | 'rpm' | 'files' | 'built-in';
  readonly kernelRelease?: string;
  readonly files: { readonly kernel: ImageFile } & { readonly [role in ImageRole]?: ImageFile };
  /** Kernel command line of the production kernel and of the crash kernel. */
  readonly append: string;
  readonly crashAppend: string;
  /** Options for `kexec -p`, such as `-i`. */
  readonly kexecOptions: string;
  /** The second vty speaks the agent protocol. */
  readonly agent: boolean;
  /** Who plans loads unless a crash says otherwise; absent: `stock`. `own` needs an agent that loads by plan. */
  readonly loader?: Loader;
  readonly packages: readonly PackageRecord[];
};

export const IMAGE_RECORD_FILE = 'image.json';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Whether an image may have this name: it is a folder's name, too. */
export function isImageName(name: string): boolean {
  return NAME.test(name);
}

/** The text of an image.json. */
export function formatImageRecord(record: ImageRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** @throws FormatError `image/bad-catalogue` where `text` is not what {@link formatImageRecord} writes */
export function parseImageRecord(text: string, what: string): ImageRecord {
  const check = new Checker(what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw imageError('image/bad-catalogue', `${what} is not JSON`, { what, cause });
  }
  const root = check.object(value, 'the record');
  if (root.version !== 1) throw check.fail('version', '1', root.version);
  const name = check.text(root.name, 'name', NAME);
  const files = check.object(root.files, 'files');
  const roles = Object.keys(files).map((role): [ImageRole, ImageFile] => {
    const known = IMAGE_ROLES.find((candidate) => candidate === role);
    if (known === undefined) throw check.fail('files', IMAGE_ROLES.join(', '), role);
    return [known, check.file(files[role], `files.${role}`)];
  });
  const kernel = roles.find(([role]) => role === 'kernel')?.[1];
  if (kernel === undefined) throw check.fail('files.kernel', 'a file', undefined);
  if (root.kind !== 'debian' && root.kind !== 'rpm' && root.kind !== 'files')
    throw check.fail('kind', 'debian, rpm or files', root.kind);
  if (typeof root.agent !== 'boolean') throw check.fail('agent', 'a boolean', root.agent);
  const { loader } = root;
  if (loader !== undefined && loader !== 'stock' && loader !== 'own')
    throw check.fail('loader', 'stock or own', loader);
  if (!Array.isArray(root.packages)) throw check.fail('packages', 'a list', root.packages);
  const release =
    root.kernelRelease === undefined ? undefined : check.text(root.kernelRelease, 'kernelRelease');
  return {
    version: 1,
    name,
    kind: root.kind,
    ...defined({ kernelRelease: release }),
    files: { ...Object.fromEntries(roles), kernel },
    append: check.text(root.append, 'append'),
    crashAppend: check.text(root.crashAppend, 'crashAppend'),
    kexecOptions: check.text(root.kexecOptions, 'kexecOptions'),
    agent: root.agent,
    ...defined({ loader }),
    packages: root.packages.map((item, i) => check.package(item, `packages[${i}]`)),
  };
}

class Checker {
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  fail(field: string, expected: string, actual: unknown): Error {
    return imageError('image/bad-catalogue', `${this.#what}: ${field} is not ${expected}`, {
      what: this.#what,
      expected,
      actual: (JSON.stringify(actual) ?? 'nothing').slice(0, 100),
    });
  }

  object(value: unknown, field: string): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.fail(field, 'an object', value);
    }
    return { ...value };
  }

  text(value: unknown, field: string, pattern: RegExp = /^[\x20-\x7e]*$/): string {
    if (typeof value !== 'string' || !pattern.test(value))
      throw this.fail(field, `text like ${pattern}`, value);
    return value;
  }

  bytes(value: unknown, field: string): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.fail(field, 'a size in bytes', value);
    }
    return value;
  }

  file(value: unknown, field: string): ImageFile {
    const object = this.object(value, field);
    return {
      // The same form as a name: no file is outside of the image's folder.
      file: this.text(object.file, `${field}.file`, NAME),
      bytes: this.bytes(object.bytes, `${field}.bytes`),
      sha256: this.text(object.sha256, `${field}.sha256`, /^[0-9a-f]{64}$/),
    };
  }

  package(value: unknown, field: string): PackageRecord {
    const object = this.object(value, field);
    if (typeof object.indexed !== 'boolean') throw this.fail(`${field}.indexed`, 'a boolean', object.indexed);
    return {
      name: this.text(object.name, `${field}.name`),
      version: this.text(object.version, `${field}.version`),
      architecture: this.text(object.architecture, `${field}.architecture`),
      bytes: this.bytes(object.bytes, `${field}.bytes`),
      sha256: this.text(object.sha256, `${field}.sha256`, /^[0-9a-f]{64}$/),
      indexed: object.indexed,
    };
  }
}
