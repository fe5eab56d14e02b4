/**
 * SRP's information units as a target answers them: responses, login, sense data.
 * Source: SRP-r16a §6.2 (login), §6.9 (SRP_RSP: residual counts and their flags), LoPAR, "Virtual SCSI".
 */

import { getU16, getU32, putU16, putU32 } from '../../../base/bytes.ts';
import {
  BUFFER_FORMATS,
  FLAG,
  IU_BYTES,
  LOGIN,
  LOGIN_REJECT,
  LOGIN_RESPONSE,
  REJECT_FORMATS,
  REJECT_LENGTH,
  RESPONSE,
  SRP,
  TAG,
} from './layout.ts';
import { type Sense, senseData } from './scsi-pages.ts';

/** SCSI status. */
const GOOD = 0;
const CHECK_CONDITION = 2;
const SOLICITED_ON_SUCCESS = 0x02;
const SOLICITED_ON_FAILURE = 0x04;

/** Bytes that a buffer had too many (`under`) or too few (`over`) for its data. */
export type Residual = { readonly under: number; readonly over: number };

const NO_RESIDUAL: Residual = { under: 0, over: 0 };

/** What moving `data` bytes through a buffer of `room` leaves. */
export function residual(data: number, room: number): Residual {
  return { under: Math.max(0, room - data), over: Math.max(0, data - room) };
}

/** The answer to a command. @param request Its unit. */
export function commandResponse(
  request: Uint8Array,
  result: { readonly sense?: Sense; readonly in?: Residual; readonly out?: Residual },
): Uint8Array {
  const sense = result.sense === undefined ? new Uint8Array(0) : senseData(result.sense);
  const failed = result.sense !== undefined;
  const bytes = response(request, failed, RESPONSE.bytes + sense.length);
  bytes[RESPONSE.status] = failed ? CHECK_CONDITION : GOOD;
  const input = result.in ?? NO_RESIDUAL;
  const output = result.out ?? NO_RESIDUAL;
  bytes[RESPONSE.flags] =
    (failed ? FLAG.senseValid : 0) |
    (output.over > 0 ? FLAG.outOver : output.under > 0 ? FLAG.outUnder : 0) |
    (input.over > 0 ? FLAG.inOver : input.under > 0 ? FLAG.inUnder : 0);
  putU32(bytes, RESPONSE.outResidual, Math.max(output.over, output.under), 'big');
  putU32(bytes, RESPONSE.inResidual, Math.max(input.over, input.under), 'big');
  putU32(bytes, RESPONSE.senseLength, sense.length, 'big');
  bytes.set(sense, RESPONSE.bytes);
  return bytes;
}

/** The answer to a task management request. */
export function taskResponse(request: Uint8Array, code: number): Uint8Array {
  const bytes = response(request, code !== 0, RESPONSE.bytes + 4);
  bytes[RESPONSE.flags] = FLAG.responseValid;
  putU32(bytes, RESPONSE.dataLength, 4, 'big');
  putU32(bytes, RESPONSE.bytes, code, 'big');
  return bytes;
}

/** The answer to a login: so many requests at once, or why not. */
export function loginResponse(request: Uint8Array, limit: number): Uint8Array {
  const wanted = getU16(request, LOGIN.requestFormats, 'big');
  const formats = BUFFER_FORMATS.direct | BUFFER_FORMATS.indirect;
  const tooLong = getU32(request, LOGIN.requestBytes, 'big') > IU_BYTES;
  if (tooLong || (wanted & ~formats) !== 0) {
    const bytes = tagged(request, SRP.loginReject, LOGIN_REJECT.bytes);
    putU32(bytes, LOGIN_REJECT.reason, tooLong ? REJECT_LENGTH : REJECT_FORMATS, 'big');
    putU16(bytes, LOGIN_REJECT.formats, formats, 'big');
    return bytes;
  }
  const bytes = tagged(request, SRP.loginResponse, LOGIN_RESPONSE.bytes);
  putU32(bytes, LOGIN_RESPONSE.limit, limit, 'big');
  putU32(bytes, LOGIN_RESPONSE.toTarget, IU_BYTES, 'big');
  putU32(bytes, LOGIN_RESPONSE.toInitiator, IU_BYTES, 'big');
  putU16(bytes, LOGIN_RESPONSE.formats, formats, 'big');
  return bytes;
}

function response(request: Uint8Array, failed: boolean, length: number): Uint8Array {
  const bytes = tagged(request, SRP.response, length);
  // The request that is answered may be followed by another.
  putU32(bytes, RESPONSE.limit, 1, 'big');
  const asked = (request[1] ?? 0) & (failed ? SOLICITED_ON_FAILURE : SOLICITED_ON_SUCCESS);
  bytes[1] = asked === 0 ? 0 : 1;
  return bytes;
}

function tagged(request: Uint8Array, code: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = code;
  bytes.set(request.subarray(TAG, TAG + 8), TAG);
  return bytes;
}
