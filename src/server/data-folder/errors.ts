/** Defines why a data folder cannot be used. */

/** One sentence for the operator: what is wrong with the folder, and what to do. */
export class DataFolderError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DataFolderError';
  }
}
