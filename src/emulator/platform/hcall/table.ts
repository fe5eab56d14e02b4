/**
 * The dispatch table of hypercalls: families merged, arguments passed on, everything else answered H_FUNCTION.
 * Source: QEMU 7.2 hw/ppc/spapr.c and spapr_hcall.c (H_PRIVILEGE from problem state, H_FUNCTION for what there is not).
 */

import { assert } from '../../../base/errors.ts';
import { hex64 } from '../../../base/hex.ts';
import { MSR } from '../../../base/power.ts';
import type { ReportUnsupported } from '../../devices/contract.ts';
import { OutsideMemory } from '../../memory/contract.ts';
import type { FirmwareVcpu, HcallFamily, HcallHandler, HcallResult } from '../contract/contract.ts';
import { type HcallName, OPCODE } from '../contract/opcodes.ts';
import { H, status } from '../contract/status.ts';

/** One hypercall by a vCPU: `args` are r4 to r12, unsigned. */
export type HcallDispatch = (vcpu: FirmwareVcpu, opcode: number, args: readonly bigint[]) => HcallResult;

/** A family from handlers by name. */
export function family(handlers: Partial<Readonly<Record<HcallName, HcallHandler>>>): HcallFamily {
  const map = new Map<number, { readonly name: string; readonly handler: HcallHandler }>();
  for (const [name, handler] of Object.entries(handlers)) {
    map.set(OPCODE[name as HcallName], { name, handler });
  }
  return map;
}

/** All families as one. An opcode in two is a bug. */
export function mergeHcalls(families: readonly HcallFamily[]): HcallFamily {
  const all = new Map<number, { readonly name: string; readonly handler: HcallHandler }>();
  for (const part of families) {
    for (const [opcode, entry] of part) {
      assert(!all.has(opcode), `hypercall 0x${opcode.toString(16)} (${entry.name}) is in two families`);
      all.set(opcode, entry);
    }
  }
  return all;
}

/** The dispatcher over a merged table. Guest arguments that lead outside memory answer H_PARAMETER. */
export function hcallDispatcher(table: HcallFamily, unsupported: ReportUnsupported): HcallDispatch {
  return (vcpu, opcode, args) => {
    if ((vcpu.msr & MSR.PR) !== 0n) return status(H.privilege);
    const entry = table.get(opcode);
    if (entry === undefined) {
      unsupported({ kind: 'hcall', key: `0x${opcode.toString(16)}`, where: hex64(vcpu.nia) });
      return status(H.function);
    }
    try {
      return entry.handler(vcpu, args);
    } catch (error) {
      if (error instanceof OutsideMemory) return status(H.parameter);
      throw error;
    }
  };
}

/** Argument `n`, counted from r4. */
export function arg(args: readonly bigint[], n: number): bigint {
  const value = args[n];
  assert(value !== undefined, 'a hypercall is given r4 to r12');
  return value;
}
