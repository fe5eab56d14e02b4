/**
 * How a guest ends its power cycle: power-off, system-reboot, ibm,os-term; and display-character, which it prints with.
 * Source: QEMU 7.2 hw/ppc/spapr_rtas.c, and spapr.c for ibm,os-term: the tree has ibm,extended-os-term, which
 * promises that the call returns.
 */

import { latin1 } from '../../../base/bytes.ts';
import type { Vty } from '../../devices/index.ts';
import type { FirmwareMachine, RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

/** As much of ibm,os-term's message as is read. */
const MESSAGE_BYTES = 512;

export function powerServices(machine: FirmwareMachine, console_: Vty): RtasFamily {
  return new Map([
    [
      'display-character',
      service(1, 1, (_vcpu, args) => [
        console_.put(Uint8Array.of(cellArg(args, 0) & 0xff)) ? RTAS.success : RTAS.busy,
      ]),
    ],
    [
      // The two arguments are masks of events that may power it on again: there are none here.
      'power-off',
      service(2, 1, () => {
        machine.powerOff();
        return 'none';
      }),
    ],
    [
      'system-reboot',
      service(0, 1, () => {
        machine.reboot();
        return 'none';
      }),
    ],
    [
      'ibm,os-term',
      {
        ...service(1, 1, (_vcpu, args) => {
          const text = message(machine, cellArg(args, 0));
          if (text === undefined) return [RTAS.parameterError];
          machine.osTerm(text);
          return [RTAS.success];
        }),
        textOf: (args) => message(machine, cellArg(args, 0)),
      },
    ],
  ]);
}

/** The text at `raddr` up to its zero, the end of RAM or {@link MESSAGE_BYTES}; undefined outside RAM. */
function message(machine: FirmwareMachine, raddr: number): string | undefined {
  const { memory } = machine;
  if (!memory.isRam(raddr, 1)) return undefined;
  let length = 0;
  while (length < MESSAGE_BYTES && memory.isRam(raddr + length, 1) && memory.readU8(raddr + length) !== 0)
    length++;
  return latin1(memory.read(raddr, length));
}
