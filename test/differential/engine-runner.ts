/** Runs a differential program (qemu-user.ts) in our engine, on a bare machine that is kept from one program to the next. */

import { MSR } from '../../src/base/power.ts';
import { SPR } from '../../src/emulator/cpu/spr.ts';
import { BareMachine, type BareMachineOptions } from '../../src/emulator/partition/bare-machine.ts';
import { bareCode, CODE_BASE, DATA_BASE, type Endian, type Image, type Runner } from './qemu-user.ts';

const MEMORY = 16 * 1024 * 1024;
const PVR_POWER9 = 0x4e1200;
/** Far more than any program here executes. */
const LIMIT = 50_000_000;

/** Instructions of the cases that each image executed, the stub's left out. */
export const executedInstructions: WeakMap<Image, number> = new WeakMap();

/** Interprets. @throws Error when the program does not come to its end: the message names the place. */
export const engineRunner: Runner = runnerOf({});
/** Compiles each place that it jumps to, before it is executed. @throws as {@link engineRunner} */
export const compilingRunner: Runner = runnerOf({ jit: { threshold: 1, portion: 1, unexecuted: true } });

function runnerOf(options: Pick<BareMachineOptions, 'jit'>): Runner {
  const machines = new Map<Endian, BareMachine>();
  return async (image) => {
    const { endian } = image;
    const machine =
      machines.get(endian) ??
      new BareMachine({ memory: MEMORY, endian, processorVersion: PVR_POWER9, ...options });
    machines.set(endian, machine);
    return run(machine, image);
  };
}

function run(machine: BareMachine, image: Image): Uint8Array {
  machine.reset();
  machine.ram.write(CODE_BASE, bareCode(image));
  machine.ram.write(DATA_BASE, image.data);
  machine.vcpu.msr |= MSR.FP | MSR.VEC | MSR.VSX;
  machine.vcpu.nia = BigInt(image.entry);
  const stop = machine.run(LIMIT);
  const { nia } = machine.vcpu;
  if (stop !== 'attn' || nia !== BigInt(CODE_BASE + image.finalOffset)) {
    const detail = `SRR0 ${machine.vcpu.spr(SPR.SRR0).toString(16)} SRR1 ${machine.vcpu.spr(SPR.SRR1).toString(16)}`;
    throw new Error(`the program ended by ${stop} at ${nia.toString(16)}; ${detail}`);
  }
  executedInstructions.set(image, machine.instructions - image.stubInstructions);
  return machine.ram.read(DATA_BASE, image.data.length);
}
