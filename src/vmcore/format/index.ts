/** Defines the formats of dumps as data: without input and output, without native code. */

export { buildElfCore, coreLoads, DUMP_ELF_INCOMPLETE } from './elf-core.ts';

export { vmcoreError } from './errors.ts';
export type { FlatEnd, FlatRecord } from './flattened.ts';
export {
  buildFlattened,
  FLAT_DATA_HEADER,
  FLAT_HEADER,
  flatRecords,
  startsWithFlatSignature,
} from './flattened.ts';
export type { KdumpArea, KdumpHeader, KdumpPageDesc } from './kdump.ts';
export { bitOf, parseKdumpHeader, parsePageDesc, startsWithKdumpSignature } from './kdump.ts';
export type { KdumpPage, KdumpSpec } from './kdump-build.ts';
export { buildKdump } from './kdump-build.ts';
export * from './kdump-layout.ts';
export type { Prstatus } from './prstatus.ts';
export {
  buildPrstatus,
  CORE_NOTE_NAME,
  NT_PRSTATUS,
  PRSTATUS,
  parsePrstatus,
  parseRegisters,
} from './prstatus.ts';
export type { Vmcoreinfo } from './vmcoreinfo.ts';
export {
  buildVmcoreinfo,
  parseVmcoreinfo,
  VMCOREINFO_NOTE_NAME,
  vmcoreinfoNumber,
  vmcoreinfoPageSize,
  vmcoreinfoSymbol,
} from './vmcoreinfo.ts';
