/**
 * Recognises packages of kernels by their names, and chooses one kernel among several.
 * Source: Debian's linux source package, debian/templates: linux-image-RELEASE, split in 7.2 into linux-binary-, linux-modules-
 * and linux-base-RELEASE; Ubuntu has linux-modules-extra- and linux-image-unsigned-RELEASE besides. RPM packages have the release
 * in their version: Fedora's kernel-core, kernel-modules-core and kernel-modules, SUSE's kernel-default.
 */

import { ImportError } from './errors.ts';
import type { PackageRecord } from './image-record.ts';

/** What a package says of a kernel: packages of one kernel have the same key. */
export type KernelOfPackage = { readonly key: string; readonly isDebug: boolean };

const DEBIAN = /^linux-(?:image|binary|modules|base)(?:-[a-z]+)*-([0-9][^ ]*?)(-dbg)?$/;
const RPM =
  /^kernel(?!-(?:headers|devel|doc|tools|srpm|source|macros|abi|cross))(?:-[a-z0-9]+)*?(-debuginfo)?$/;
const RPM_ARCHITECTURE = 'ppc64le';
/** The flavour of Debian for 64-bit PowerPC with 4K pages, the one that is taken where nothing else is said. */
export const DEFAULT_FLAVOUR = 'powerpc64le';

/** Undefined for a package that is no kernel's. */
export function kernelOf({
  name,
  version,
  architecture,
}: Pick<PackageRecord, 'name' | 'version' | 'architecture'>): KernelOfPackage | undefined {
  if (architecture === RPM_ARCHITECTURE) {
    const rpm = RPM.exec(name);
    return rpm === null ? undefined : { key: `${version}.${architecture}`, isDebug: rpm[1] !== undefined };
  }
  const key = releaseOf(name);
  return key === undefined ? undefined : { key, isDebug: DEBIAN.exec(name)?.[2] !== undefined };
}

/** The release in the name of a package of Debian's kernels. */
export function releaseOf(name: string): string | undefined {
  return DEBIAN.exec(name)?.[1];
}

/**
 * Whether the kernel `key` is meant by `wanted`: its whole release, the beginning of it up to a separator (`6.12`), or its flavour
 * (`powerpc64le-64k`).
 */
export function isMeant(key: string, wanted: string): boolean {
  return (
    key === wanted ||
    key.endsWith(`-${wanted}`) ||
    (key.startsWith(wanted) && /^[^0-9A-Za-z]/.test(key.slice(wanted.length)))
  );
}

/** The kernel among `keys`. @throws ImportError where there is none or more than one */
export function pickKernel(keys: ReadonlySet<string>, wanted: string | undefined): string {
  const all = [...keys].sort();
  const meant = wanted === undefined ? all : all.filter((key) => isMeant(key, wanted));
  const [first, second] = keys.has(wanted ?? '') ? [wanted] : meant;
  if (first === undefined) {
    const there = all.length === 0 ? '' : `: there are ${all.join(', ')}`;
    throw new ImportError(
      'import/package-missing',
      `there is no package of ${wanted === undefined ? 'a kernel' : `the kernel ${wanted}`} for ppc64el${there}`,
    );
  }
  if (second !== undefined)
    throw new ImportError(
      'import/ambiguous-package',
      `there are several kernels, ${meant.join(', ')}: say which`,
    );
  return first;
}
