/** The pseries platform: hypercalls, RTAS, device tree. */

export type {
  FirmwareMachine,
  FirmwareVcpu,
  HcallFamily,
  HcallHandler,
  HcallResult,
  HcallStatus,
  RtasFamily,
  RtasHandler,
  VcpuRunState,
} from './contract/contract.ts';
export { H, RTAS } from './contract/status.ts';
export { buildDeviceTree, flattenDeviceTree } from './device-tree.ts';
export { crqHcalls } from './hcall/crq.ts';
export type { HcallDispatch } from './hcall/table.ts';
export type { VpaState, VpaTable } from './hcall/vpa.ts';
export type { BootDescription, Platform, PlatformOptions } from './platform.ts';
export {
  createPlatform,
  FIRST_VIO_SOURCE,
  NVRAM_UNIT,
  VSCSI_UNIT,
  VTY_UNITS,
  XICS_PHANDLE,
} from './platform.ts';
export { RTAS_BYTES, rtasStub } from './rtas/stub.ts';
export type { ByteRange, TreeDescription, TreeVty } from './tree/description.ts';
export type { FeatureName } from './tree/features.ts';
export { POWER9_FEATURES } from './tree/features.ts';
