/** The pseries platform: hypercalls, RTAS, device tree. */

export { crqHcalls } from './hcall/crq.ts';

export type { BootDescription, Platform } from './platform.ts';
export {
  createPlatform,
  FIRST_VIO_SOURCE,
  NVRAM_UNIT,
  VSCSI_UNIT,
  VTY_UNITS,
  XICS_PHANDLE,
} from './platform.ts';
export type { OnRtas } from './rtas/call.ts';
export { RTAS_BYTES, rtasStub } from './rtas/stub.ts';
