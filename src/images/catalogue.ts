/**
 * Keeps the image catalogue: one folder for each image, with `ROOT/NAME/image.json` beside the files that it names. Folders
 * whose name begins with a dot are imports that still run.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../base/errors.ts';
import { freeRoom } from '../base/free-room.ts';
import { Room } from '../panic/captures/index.ts';
import { Refusal } from '../panic/contract/index.ts';
import { BUILT_IN, builtInImage, builtInKernel } from './built-in.ts';
import { imageError } from './errors.ts';
import {
  formatImageRecord,
  IMAGE_RECORD_FILE,
  type ImageFile,
  type ImageRecord,
  type ImageRole,
  isImageName,
  parseImageRecord,
} from './image-record.ts';
import { clearLeftovers, exists, folders, makeRoot, REPLACED, syncFolder, workName } from './work-folders.ts';

/** What is in a catalogue. A folder whose image.json cannot be read is listed as broken, and does no harm. */
export type ImageListing = {
  readonly images: readonly ImageRecord[];
  readonly broken: readonly { readonly name: string; readonly error: FormatError }[];
};

/** The built-in image and every image below `imageRoot`, by name. A root that does not exist holds none. */
export async function listImages(imageRoot: string): Promise<ImageListing> {
  const images: ImageRecord[] = [await builtInImage()];
  const broken: { name: string; error: FormatError }[] = [];
  for (const name of await folders(imageRoot)) {
    if (name.startsWith('.')) continue;
    try {
      images.push(await readRecord(imageRoot, name));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      broken.push({ name, error });
    }
  }
  return { images, broken };
}

/** One image. @throws Refusal `not-found`; FormatError `image/bad-catalogue` */
export async function getImage(imageRoot: string, name: string): Promise<ImageRecord> {
  if (name === BUILT_IN) return await builtInImage();
  await requireFolder(imageRoot, name);
  return await readRecord(imageRoot, name);
}

/** The path of an image's file, or undefined where the image has none in that role. */
export function imagePath(imageRoot: string, image: ImageRecord, role: ImageRole): string | undefined {
  const file = image.files[role];
  if (image.kind === 'built-in') return file === undefined ? undefined : builtInKernel();
  return file === undefined ? undefined : join(imageRoot, image.name, file.file);
}

/** Removes an image, broken or not. The caller makes sure that nothing uses it. @throws Refusal `not-found` */
export async function removeImage(imageRoot: string, name: string): Promise<void> {
  if (name === BUILT_IN) throw new Refusal('conflict', 'the built-in image is part of the program');
  await requireFolder(imageRoot, name);
  // Under another name first: an image that is half removed must not be there.
  const doomed = join(imageRoot, workName('remove', name));
  await rename(join(imageRoot, name), doomed);
  await syncFolder(imageRoot);
  await rm(doomed, { recursive: true, force: true });
}

/** Reads every file of an image again. @throws FormatError `image/checksum` for the first that differs or is missing */
export async function verifyImage(imageRoot: string, name: string): Promise<ImageRecord> {
  const image = await getImage(imageRoot, name);
  for (const [role, file] of Object.entries(image.files)) {
    const path = imagePath(imageRoot, image, role as ImageRole) as string;
    const sha256 = await hashFile(path);
    if (sha256 !== file.sha256) {
      throw imageError('image/checksum', `${role} of image ${name} is not what was imported`, {
        what: `${name}/${file.file}`,
        expected: file.sha256,
        actual: sha256 ?? 'no such file',
      });
    }
  }
  return image;
}

/** An image being built: add its files, then publish. */
export type ImageDraft = {
  /** A folder for the import's own use; gone afterwards. */
  readonly scratch: string;
  /** Called before so many bytes are written. @throws Refusal `no-room` where the disk has not so many */
  requireRoom(bytes: number): void;
  /** Writes a file of the image, in pieces. */
  add(file: string, pieces: readonly Uint8Array[]): Promise<ImageFile>;
};

/** Whether and how an import takes the place of an image of its name. */
export type Replace = boolean | (() => Promise<void>);

/**
 * Runs `build` with a draft and makes what it returns an image; a failure leaves nothing.
 * @param replace an image of that name is replaced; a function removes it first, at the end of the import; `false`: it is
 *   refused with Refusal `conflict`
 * @param free bytes that are free on the disk of `imageRoot`; default what its file system says
 */
export async function createImage(
  imageRoot: string,
  name: string,
  replace: Replace,
  build: (draft: ImageDraft) => Promise<ImageRecord>,
  free: () => number = () => freeRoom(imageRoot),
): Promise<ImageRecord> {
  if (!isImageName(name)) {
    throw new Refusal(
      'invalid',
      `an image's name is letters, digits, dot, dash and underscore: ${JSON.stringify(name)}`,
    );
  }
  if (name === BUILT_IN) throw new Refusal('conflict', `the name ${BUILT_IN} is taken`);
  await makeRoot(imageRoot);
  await clearLeftovers(imageRoot);
  const target = join(imageRoot, name);
  if (replace === false && (await exists(target)))
    throw new Refusal('conflict', `there is an image ${name} already`);
  const work = join(imageRoot, workName('import', name));
  const folder = join(work, 'image');
  const scratch = join(work, 'scratch');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(scratch, { mode: 0o700 });
    const record = await build({
      scratch,
      requireRoom: (bytes) => {
        new Room({ free, reserve: 0 }).take(bytes, `The import of ${name}`);
      },
      add: (file, pieces) => writeFileOf(folder, file, pieces),
    });
    await writeFileOf(folder, IMAGE_RECORD_FILE, [Buffer.from(formatImageRecord(record))]);
    await syncFolder(folder);
    const isThere = await exists(target);
    if (typeof replace === 'function' && isThere) await replace();
    const replaced = replace === true && isThere ? join(work, REPLACED) : undefined;
    if (replaced !== undefined) {
      // Its place is known before the old image is moved there: a power cut must not lose both.
      await syncFolder(work);
      await syncFolder(imageRoot);
      await rename(target, replaced);
    }
    try {
      await rename(folder, target);
    } catch (cause) {
      if (replaced !== undefined) await rename(replaced, target);
      else if (await exists(target)) throw new Refusal('conflict', `image ${name} was imported meanwhile`);
      throw cause;
    }
    await syncFolder(imageRoot);
    return record;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeFileOf(folder: string, file: string, pieces: readonly Uint8Array[]): Promise<ImageFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(join(folder, file), 'wx', 0o600);
  try {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.length;
      await handle.writeFile(piece);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { file, bytes, sha256: hash.digest('hex') };
}

async function readRecord(imageRoot: string, name: string): Promise<ImageRecord> {
  const what = `${name}/${IMAGE_RECORD_FILE}`;
  let text: string;
  try {
    text = await readFile(join(imageRoot, name, IMAGE_RECORD_FILE), 'utf8');
  } catch (cause) {
    throw imageError('image/bad-catalogue', `${what} cannot be read`, { what, cause });
  }
  const record = parseImageRecord(text, what);
  if (record.name !== name) {
    throw imageError('image/bad-catalogue', `${what} is of another image`, {
      what,
      expected: name,
      actual: record.name,
    });
  }
  return record;
}

async function requireFolder(imageRoot: string, name: string): Promise<void> {
  if (!isImageName(name) || !(await exists(join(imageRoot, name)))) {
    throw new Refusal('not-found', `there is no image ${JSON.stringify(name)}`);
  }
}

async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path)) hash.update(piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
  return hash.digest('hex');
}
