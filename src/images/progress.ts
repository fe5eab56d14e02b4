/** Defines the progress of an import. */

/** `done` and `total` are bytes for download and unpack, counts otherwise. Steps come in this order. */
export type ImportProgress = {
  readonly step: 'index' | 'download' | 'unpack' | 'build' | 'store';
  readonly done: number;
  readonly total: number;
  /** What is being worked on: a package or a file. */
  readonly detail?: string;
};

export type ReportProgress = (progress: ImportProgress) => void;

/** For callers that do not ask. */
export const noProgress: ReportProgress = () => undefined;
