/** The client interface of Open Firmware. */

export type { OpenFirmwareOptions } from './client.ts';
export { OpenFirmware } from './client.ts';
export { CLIENT_ENTRY, CLIENT_STACK, FIRMWARE_BASE, FIRMWARE_BYTES } from './stub.ts';
