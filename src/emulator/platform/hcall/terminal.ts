/**
 * H_GET_TERM_CHAR and H_PUT_TERM_CHAR.
 * Source: QEMU 7.2 and Linux 6.1 arch/powerpc/platforms/pseries/hvconsole.c. Characters travel in r5 and r6 (get) or r6 and r7 (put), the first in the most significant
 * byte. Terminal 0 means the first one, as QEMU and the purgatory of kexec-tools have it. A terminal whose buffer is full
 * answers H_Busy and takes nothing (LoPAR, H_PUT_TERM_CHAR); Linux and the built-in guest then print again.
 */

import { getU64, putU64 } from '../../../base/bytes.ts';
import { VTY_TRANSFER_BYTES, type Vty } from '../../devices/index.ts';
import type { HcallFamily } from '../contract/contract.ts';
import { H, status, success } from '../contract/status.ts';
import { arg, family } from './table.ts';

export function terminalHcalls(vtys: readonly Vty[]): HcallFamily {
  const find = (unit: bigint): Vty | undefined =>
    unit === 0n ? vtys[0] : vtys.find((vty) => BigInt(vty.unit) === unit);
  return family({
    H_GET_TERM_CHAR: (_vcpu, args) => {
      const vty = find(arg(args, 0));
      if (vty === undefined) return status(H.parameter);
      const characters = vty.take();
      const words = new Uint8Array(VTY_TRANSFER_BYTES);
      words.set(characters);
      return success(BigInt(characters.length), getU64(words, 0, 'big'), getU64(words, 8, 'big'));
    },
    H_PUT_TERM_CHAR: (_vcpu, args) => {
      const vty = find(arg(args, 0));
      const length = arg(args, 1);
      if (vty === undefined || length > BigInt(VTY_TRANSFER_BYTES)) return status(H.parameter);
      const words = new Uint8Array(VTY_TRANSFER_BYTES);
      putU64(words, 0, arg(args, 2), 'big');
      putU64(words, 8, arg(args, 3), 'big');
      return status(vty.put(words.slice(0, Number(length))) ? H.success : H.busy);
    },
  });
}
