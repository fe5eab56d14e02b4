/**
 * The private hypercall behind the RTAS stub: reads the argument buffer, runs the service, writes the return cells.
 *
 * Source: Linux 6.1 arch/powerpc/kernel/rtas.c, QEMU 7.2 hw/ppc/spapr_rtas.c. The buffer, at the real address in r4 (32 bits: RTAS is called with MSR[SF] = 0),
 * is 32-bit big-endian cells: token, number of arguments, number of returns, the arguments, the returns; the first
 * return is the status. The hypercall's own status is H_PARAMETER only when the buffer is not RAM.
 */

import { assert } from '../../../base/errors.ts';
import { hex32, hex64 } from '../../../base/hex.ts';
import type {
  FirmwareMachine,
  FirmwareVcpu,
  HcallFamily,
  HcallResult,
  RtasFamily,
  RtasHandler,
} from '../contract/contract.ts';
import { FIRMWARE_CALL_NS } from '../contract/cost.ts';
import { H, RTAS, status } from '../contract/status.ts';
import { family } from '../hcall/table.ts';
import { assignTokens } from './tokens.ts';

/** More than any service has; Linux's own buffer holds this many. */
const MAXIMUM_CELLS = 16;
const CELL = 4;
const HEADER_CELLS = 3;

/** A service, as {@link RtasFamily} has it; some take one more argument than they need. */
export type RtasService = {
  readonly nargs: number;
  readonly nrets: number;
  readonly minNrets?: number;
  readonly optionalArgs?: number;
  readonly handler: RtasHandler;
  readonly textOf?: (args: readonly number[]) => string | undefined;
};

/** Called before each RTAS call runs, for traces. `text`: what its arguments point to, where that is a text. */
export type OnRtas = (
  vcpu: FirmwareVcpu,
  name: string,
  args: readonly number[],
  text: string | undefined,
) => void;

/** All families as one. A service in two is a bug. */
export function mergeRtas(families: readonly RtasFamily[]): ReadonlyMap<string, RtasService> {
  const all = new Map<string, RtasService>();
  for (const part of families) {
    for (const [name, service] of part) {
      assert(!all.has(name), `RTAS service ${name} is in two families`);
      all.set(name, service);
    }
  }
  return all;
}

export type Rtas = {
  /** What /rtas says: service → token. */
  readonly tokens: ReadonlyMap<string, number>;
  readonly hcalls: HcallFamily;
};

export function createRtas(
  machine: FirmwareMachine,
  services: ReadonlyMap<string, RtasService>,
  onCall?: OnRtas,
): Rtas {
  const tokens = assignTokens(services.keys());
  const byToken = new Map([...tokens].map(([name, token]) => [token, name]));
  const call = (vcpu: FirmwareVcpu, buffer: number): HcallResult => {
    machine.spend(FIRMWARE_CALL_NS);
    const { memory } = machine;
    const cell = (n: number): number => memory.readU32(buffer + n * CELL, false);
    if (buffer % CELL !== 0 || !memory.isRam(buffer, HEADER_CELLS * CELL)) return status(H.parameter);
    const token = cell(0);
    const nargs = cell(1);
    const nrets = cell(2);
    const cells = HEADER_CELLS + nargs + nrets;
    if (nargs + nrets > MAXIMUM_CELLS || !memory.isRam(buffer, cells * CELL)) return status(H.parameter);
    const answer = (values: readonly number[]): HcallResult => {
      const at = buffer + (HEADER_CELLS + nargs) * CELL;
      values.slice(0, nrets).forEach((value, i) => {
        memory.writeU32(at + i * CELL, value >>> 0, false);
      });
      return status(H.success);
    };
    const name = byToken.get(token);
    const service = name === undefined ? undefined : services.get(name);
    if (name === undefined || service === undefined) {
      machine.unsupported({
        kind: 'rtas',
        key: hex32(token),
        where: hex64(buffer),
        detail: 'argument buffer',
      });
      return answer([RTAS.hardwareError]);
    }
    const takes = nargs >= service.nargs && nargs <= service.nargs + (service.optionalArgs ?? 0);
    const returns = nrets >= (service.minNrets ?? service.nrets) && nrets <= service.nrets;
    if (!takes || !returns) return answer([RTAS.parameterError]);
    const args = Array.from({ length: nargs }, (_, i) => cell(HEADER_CELLS + i));
    onCall?.(vcpu, name, args, service.textOf?.(args));
    const values = service.handler(vcpu, args);
    if (values === 'none') return { kind: 'none' };
    assert(values.length <= service.nrets, `RTAS service ${name} answers more cells than it has`);
    return answer(values);
  };
  return {
    tokens,
    hcalls: family({ H_RTAS: (vcpu, args) => call(vcpu, Number((args[0] ?? 0n) & 0xffff_ffffn)) }),
  };
}
