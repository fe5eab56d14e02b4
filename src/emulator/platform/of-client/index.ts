/** The client interface of Open Firmware. */

export { OpenFirmware } from './client.ts';
export { CLIENT_STACK, FIRMWARE_BASE, FIRMWARE_BYTES } from './stub.ts';
