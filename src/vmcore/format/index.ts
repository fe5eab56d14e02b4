/** The formats of dumps, as data: no input or output, nothing native. */

export type { CoreRange, CoreSpec } from './elf-core.ts';
export { buildElfCore, coreLoads, DUMP_ELF_INCOMPLETE, PAGE_OFFSET } from './elf-core.ts';
export type { VmcoreErrorCode } from './errors.ts';
export { VMCORE_ERRORS, vmcoreError } from './errors.ts';
export type { FlatEnd, FlatRecord } from './flattened.ts';
export {
  buildFlattened,
  FLAT_DATA_HEADER,
  FLAT_HEADER,
  FLAT_HEADER_AREA,
  flatRecords,
  readFlatHeader,
  startsWithFlatSignature,
} from './flattened.ts';
export type { KdumpArea, KdumpHeader, KdumpPageDesc } from './kdump.ts';
export { bitOf, parseKdumpHeader, parsePageDesc, startsWithKdumpSignature } from './kdump.ts';
export type { KdumpPage, KdumpSpec } from './kdump-build.ts';
export { buildKdump } from './kdump-build.ts';
export * from './kdump-layout.ts';
export type { PrRegister, Prstatus } from './prstatus.ts';
export {
  buildPrstatus,
  CORE_NOTE_NAME,
  NT_PRSTATUS,
  PR_REGISTERS,
  PRSTATUS,
  parsePrstatus,
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
