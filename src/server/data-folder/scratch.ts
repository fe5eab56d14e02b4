/**
 * The scratch disks of a daemon or of one command: in the data folder, so that they are on the disk that its owner chose, and
 * with its permissions. A daemon gives them a quota.
 */

import { freeRoom } from '../../base/free-room.ts';
import { ScratchSpace } from '../../emulator/host/index.ts';
import { inSentence } from './data-folder.ts';

/** Of what is free when the daemon starts. */
const SHARE = 0.5;

/**
 * @param quotaBytes default: half of what is free now
 * @throws DataFolderError where the folder cannot be used
 */
export function daemonScratch(root: string, folder: string, quotaBytes: number | undefined): ScratchSpace {
  return inSentence(root, () => {
    const space = new ScratchSpace({ folder, quotaBytes: quotaBytes ?? freeRoom(root) * SHARE });
    space.clearLeftovers();
    return space;
  });
}

/** For one command, which shares the room with no other. @throws DataFolderError */
export function commandScratch(folder: string): ScratchSpace {
  return inSentence(folder, () => new ScratchSpace({ folder }));
}
