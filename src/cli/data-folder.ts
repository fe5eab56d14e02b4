/** Names the files of the data folder, by default `data` in the current folder. */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export type DataFolder = {
  readonly root: string;
  readonly images: string;
  readonly metadata: string;
  readonly chunks: string;
};

export const DEFAULT_DATA = 'data';

/** Makes what is missing. @throws the file system's error when it cannot be made. */
export function openDataFolder(path: string): DataFolder {
  const root = resolve(path);
  const images = join(root, 'images');
  mkdirSync(images, { recursive: true });
  return { root, images, metadata: join(root, 'metadata.db'), chunks: join(root, 'chunks.db') };
}
