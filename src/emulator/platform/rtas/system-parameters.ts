/**
 * ibm,get-system-parameter and ibm,set-system-parameter.
 * Source: QEMU 7.2 hw/ppc/spapr_rtas.c and include/hw/ppc/spapr.h. The buffer gets a 16-bit big-endian length, then the
 * value, cut to the buffer's length. All parameters are read-only here.
 */

import { concatBytes, latin1Bytes } from '../../../base/bytes.ts';
import type { FirmwareMachine, RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

const SPLPAR_CHARACTERISTICS = 20;
const DIAGNOSTICS_RUN_MODE = 42;
const UUID = 48;
/** Diagnostics: disabled. */
const RUN_MODE_DISABLED = 0;
const MIB = 0x10_0000;

/** @param uuid The partition's UUID, 16 bytes. */
export function systemParameterServices(machine: FirmwareMachine, uuid: Uint8Array): RtasFamily {
  const values: ReadonlyMap<number, () => Uint8Array> = new Map([
    [SPLPAR_CHARACTERISTICS, () => latin1Bytes(`${splparCharacteristics(machine)}\0`)],
    [DIAGNOSTICS_RUN_MODE, () => Uint8Array.of(RUN_MODE_DISABLED)],
    [UUID, () => uuid],
  ]);
  return new Map([
    [
      'ibm,get-system-parameter',
      service(3, 1, (_vcpu, args) => {
        const value = values.get(cellArg(args, 0))?.();
        const raddr = cellArg(args, 1);
        const length = cellArg(args, 2);
        if (value === undefined) return [RTAS.notSupported];
        if (length < 2) return [RTAS.systemParameterError];
        const answer = concatBytes([Uint8Array.of(value.length >> 8, value.length & 0xff), value]);
        const written = answer.subarray(0, length);
        if (!machine.memory.isRam(raddr, written.length)) return [RTAS.systemParameterError];
        machine.memory.write(raddr, written);
        return [RTAS.success];
      }),
    ],
    [
      'ibm,set-system-parameter',
      service(2, 1, (_vcpu, args) => [values.has(cellArg(args, 0)) ? RTAS.notAuthorized : RTAS.notSupported]),
    ],
  ]);
}

function splparCharacteristics(machine: FirmwareMachine): string {
  const processors = machine.vcpus.length;
  const bytes = machine.memory.ranges.reduce((sum, range) => sum + range.size, 0);
  return `MaxEntCap=${processors},DesMem=${bytes / MIB},DesProcs=${processors},MaxPlatProcs=${processors}`;
}
