/** Opens the data folder for its one owner. */

export {
  type DataPaths,
  dataPaths,
  type HeldFolder,
  type Holding,
  holdDataFolder,
  inSentence,
  sentenceOf,
  takeDataFolder,
} from './data-folder.ts';
export { DataFolderError } from './errors.ts';
export { describeHolder, type Holder } from './holder.ts';
export { commandScratch, daemonScratch } from './scratch.ts';
