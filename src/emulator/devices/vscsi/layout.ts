/**
 * What travels between a client's and a server's virtual SCSI adapter: elements of the command/response queue, SRP's
 * information units, management datagrams (MADs). Everything is big-endian; offsets are in bytes.
 * Source: LoPAR, "Virtual SCSI" and "Command/Response Queue"; SRP-r16a (T10/1415-D) §6 and §7; names as QEMU 7.2
 * hw/scsi/viosrp.h and srp.h have them.
 */

/** An element: `valid`, `format`, reserved, `status`, 16-bit timeout, 16-bit IU length, 64-bit IU pointer or tag. */
export const CRQ = {
  bytes: 16,
  format: 1,
  status: 3,
  length: 6,
  pointer: 8,
} as const;

export const VALID = { empty: 0x00, command: 0x80, init: 0xc0, event: 0xff } as const;
export const INIT = { request: 1, complete: 2 } as const;
export const FORMAT = { srp: 1, mad: 2 } as const;
export const CRQ_STATUS = { ok: 0, adapterFail: 0x10 } as const;

/** As much of an information unit as is taken. */
export const IU_BYTES = 256;
/** In every unit and datagram. */
export const TAG = 8;

export const SRP = {
  loginRequest: 0x00,
  taskManagement: 0x01,
  command: 0x02,
  loginResponse: 0xc0,
  response: 0xc1,
  loginReject: 0xc2,
} as const;

export const BUFFER_FORMATS = { direct: 2, indirect: 4 } as const;

export const LOGIN = { requestBytes: 16, requestFormats: 24 } as const;
export const LOGIN_RESPONSE = { bytes: 52, limit: 4, toTarget: 16, toInitiator: 20, formats: 24 } as const;
export const LOGIN_REJECT = { bytes: 32, reason: 4, formats: 24 } as const;
export const REJECT_FORMATS = 0x0001_0004;
export const REJECT_LENGTH = 0x0001_0002;

export const COMMAND = {
  formats: 5,
  outCount: 6,
  inCount: 7,
  lun: 20,
  additionalCdb: 31,
  cdb: 32,
  cdbBytes: 16,
  data: 48,
} as const;

export const RESPONSE = {
  bytes: 36,
  limit: 4,
  flags: 18,
  status: 19,
  outResidual: 20,
  inResidual: 24,
  senseLength: 28,
  dataLength: 32,
} as const;

export const FLAG = {
  responseValid: 1,
  senseValid: 2,
  outOver: 4,
  outUnder: 8,
  inOver: 16,
  inUnder: 32,
} as const;

export const TASK = { function: 30 } as const;
export const TASK_FUNCTION = { abortTask: 1, abortTaskSet: 2, clearTaskSet: 4, lunReset: 8 } as const;
export const TASK_DONE = 0;
export const TASK_NOT_SUPPORTED = 4;

/** A MAD begins with a 32-bit type, 16-bit status, 16-bit length of what it is about, tag, and a 64-bit buffer. */
export const MAD = { status: 4, length: 6, buffer: 16, bytes: 24 } as const;
export const MAD_TYPE = { adapterInfo: 3, capabilities: 5 } as const;
export const MAD_STATUS = { success: 0, notSupported: 0xf1, failed: 0xf7 } as const;

export const ADAPTER_INFO = {
  bytes: 148,
  version: 0,
  name: 8,
  partition: 104,
  madVersion: 108,
  system: 112,
  largestTransfer: 116,
} as const;

/** Flags, two texts of 32 bytes, then migration and reservation: type, length, server's support, a value. */
export const CAPABILITIES = {
  bytes: 92,
  flags: 0,
  migrationSupport: 74,
  migrationValue: 76,
  reserveSupport: 86,
  reserveValue: 88,
} as const;
