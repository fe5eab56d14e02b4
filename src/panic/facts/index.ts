/** Reads facts from a guest's memory: which image is loaded, which kernel runs, which crash it was. */

export { claimFacts } from './claim-facts.ts';
export { isCompiledIn } from './compiled-in.ts';
export { dataSymbols } from './data-symbols.ts';
export { readEntryFacts } from './entry-facts.ts';
export { describeImageApart, readAtEntryFactsApart } from './image-apart.ts';
export { withKernelFile } from './kernel-file.ts';
export type { KexecImage, KexecLoad, PlacedSegment } from './kexec-image.ts';
export {
  describeImage,
  isCrashLoad,
  isLoadable,
  KEXEC_FILE_LOAD_CALL,
  KEXEC_LOAD_CALL,
  LOAD_CALLS,
  loadFlags,
  parseKexecLoad,
  RUN_AT_LOAD_OFFSET,
} from './kexec-image.ts';
export { LoadLog } from './load-log.ts';
export { readLoaded, withLoaded } from './loaded-by-file.ts';
export { onlineCpus } from './online-cpus.ts';
export { runningFacts } from './running-facts.ts';
export { treeFacts } from './tree-facts.ts';
