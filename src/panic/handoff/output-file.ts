/**
 * Writes the files that a command names: that they can be made, and room, are checked before, and a disk that fills is one
 * sentence with the file's name.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DISK_ERRORS, DiskError, diskErrorOf } from '../../base/disk-error.ts';
import { hostFile } from '../../base/failure-text.ts';
import { freeRoom, sizeText } from '../../base/free-room.ts';

/** @throws HostFileError where a file that is not there cannot be made, or one that is there cannot be written */
export function requireWritable(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined)
    hostFile(path, () => accessSync(path, constants.W_OK));
  else hostFile(`the folder of ${path}`, () => accessSync(dirname(resolve(path)), constants.W_OK));
}

/** @throws DiskError where less than `bytes` are free beside `path`, or its folder cannot be used */
export function requireRoomFor(path: string, bytes: number): void {
  // A pipe or a device takes what it takes.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return;
  const free = inFile(path, () => freeRoom(dirname(resolve(path))));
  if (free < bytes)
    throw new DiskError(
      'disk-full',
      `${path} may become ${sizeText(bytes)}, and ${sizeText(free)} are free there: make room, or write it elsewhere`,
    );
}

/** Runs `work`, which writes `path`. @throws DiskError */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ofFile(path, error);
  }
}

function inFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ofFile(path, error);
  }
}

function ofFile(path: string, error: unknown): unknown {
  const disk = diskErrorOf(error);
  return disk === undefined
    ? error
    : new DiskError(disk.code, `${path} could not be written: ${DISK_ERRORS[disk.code]}`, error);
}
