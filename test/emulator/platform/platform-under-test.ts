/** A platform over a machine that is not there, and the calls that its tests make. */

import { Xics } from '../../../src/emulator/devices/xics.ts';
import type { HcallResult } from '../../../src/emulator/platform/contract/contract.ts';
import { type HcallName, OPCODE } from '../../../src/emulator/platform/contract/opcodes.ts';
import {
  createPlatform,
  type Platform,
  type PlatformOptions,
} from '../../../src/emulator/platform/platform.ts';
import { FakeMachine, type FakeVcpu } from '../../synth/firmware-machine.ts';

/** Where {@link Bench.rtas} puts its argument buffer. */
export const BUFFER = 0x10_0000;

export type Bench = {
  readonly machine: FakeMachine;
  readonly platform: Platform;
  readonly printed: { readonly vty: number; readonly text: string }[];
  cpu(index: number): FakeVcpu;
  hcall(name: HcallName, ...args: (bigint | number)[]): Answer;
  hcallBy(index: number, name: HcallName, ...args: (bigint | number)[]): Answer;
  /** The return cells, read back from the buffer; 'none' when the call does not return. */
  rtas(service: string, args: readonly number[], nrets: number): readonly number[] | 'none';
  rtasBy(index: number, service: string, args: readonly number[], nrets: number): readonly number[] | 'none';
};

export type Answer = { readonly status: number; readonly returns: readonly bigint[] } | 'none';

/** A value that no service writes, so that an unwritten return cell shows. */
export const UNWRITTEN = 0x5555_5555;

export function bench(machine: FakeMachine = new FakeMachine(), extra: Partial<PlatformOptions> = {}): Bench {
  const printed: { vty: number; text: string }[] = [];
  const platform = createPlatform({
    machine,
    xics: new Xics(machine.vcpus),
    output: (vty, bytes) => void printed.push({ vty, text: Buffer.from(bytes).toString('latin1') }),
    ...extra,
  });
  const cpu = (index: number): FakeVcpu => {
    const vcpu = machine.vcpus[index];
    if (vcpu === undefined) throw new Error(`no vCPU ${index}`);
    return vcpu;
  };
  const hcallBy: Bench['hcallBy'] = (index, name, ...args) => {
    const registers = Array.from({ length: 9 }, (_, i) => BigInt.asUintN(64, BigInt(args[i] ?? 0)));
    return answered(platform.hcall(cpu(index), OPCODE[name], registers));
  };
  const rtasBy: Bench['rtasBy'] = (index, service, args, nrets) => {
    const token = platform.rtasTokens.get(service);
    if (token === undefined) throw new Error(`no RTAS service ${service}`);
    const cells = [token, args.length, nrets, ...args, ...new Array<number>(nrets).fill(UNWRITTEN)];
    for (const [i, value] of cells.entries()) machine.memory.writeU32(BUFFER + 4 * i, value, false);
    if (hcallBy(index, 'H_RTAS', BUFFER) === 'none') return 'none';
    return Array.from({ length: nrets }, (_, i) =>
      machine.memory.readU32(BUFFER + 4 * (3 + args.length + i), false),
    );
  };
  return {
    machine,
    platform,
    printed,
    cpu,
    hcallBy,
    rtasBy,
    hcall: (name, ...args) => hcallBy(0, name, ...args),
    rtas: (service, args, nrets) => rtasBy(0, service, args, nrets),
  };
}

function answered(result: HcallResult): Answer {
  return result.kind === 'none' ? 'none' : { status: result.status, returns: result.returns ?? [] };
}

/** A status with nothing returned. */
export function only(status: number): Answer {
  return { status, returns: [] };
}

/** An RTAS status as the unsigned cell that holds it. */
export function cell(status: number): number {
  return status >>> 0;
}
