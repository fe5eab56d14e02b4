/**
 * Changes a data folder: as its owner for as long as that takes, or, where a daemon holds it, through the daemon. Nothing is
 * changed behind a daemon's back.
 */

import { Refusal } from '../panic/contract/index.ts';
import { dataPaths, describeHolder, takeDataFolder } from '../server/data-folder/index.ts';
import { type DaemonClient, type DaemonOptions, daemonAt } from './daemon-client.ts';

export type FolderChange<T> = {
  /** No process holds the folder: this one does meanwhile. */
  readonly alone: (imageRoot: string) => Promise<T>;
  /** A daemon holds it. */
  readonly beside: (daemon: DaemonClient, imageRoot: string) => Promise<T>;
};

/** @throws Refusal where the holder is no daemon, or does not answer */
export async function changeFolder<T>(
  options: DaemonOptions & { readonly data: string },
  { alone, beside }: FolderChange<T>,
): Promise<T> {
  const holding = takeDataFolder(options.data);
  if (holding.kind === 'ours') {
    try {
      return await alone(holding.folder.images);
    } finally {
      holding.folder.release();
    }
  }
  const { root, images } = dataPaths(options.data);
  const address = holding.holder?.address;
  if (address === undefined)
    throw new Refusal(
      'conflict',
      `the data folder ${root} is in use by ${describeHolder(holding.holder)}: try again when it is done`,
    );
  return await beside(daemonAt(address, options), images);
}
