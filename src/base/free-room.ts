/** Asks how much room a file system has, and writes sizes for people. */

import { statfsSync } from 'node:fs';

/** Bytes that an ordinary user may still write below `folder`. @throws the system's error */
export function freeRoom(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** As `1.5 GiB`. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
