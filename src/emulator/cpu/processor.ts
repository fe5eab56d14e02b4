/** What processors differ in, by processor version register: POWER8 (Power ISA 2.07) and POWER9 (3.0B). */

import type { Isa } from '../isa/index.ts';

export type ProcessorModel = {
  readonly isa: Isa;
  /** Width of the decrementer; beyond 32 it is sign-extended where it is read. */
  readonly decrementerBits: number;
  /** Special purpose registers that the processor lacks although others have them, or of which it lacks a part. */
  readonly withoutSprs: ReadonlySet<number>;
  /** The bits of XER that exist. */
  readonly xerMask: number;
};

/** Processor version register values: POWER8 DD2.0; POWER9 DD2.0 as QEMU's default has it. */
export const PROCESSOR_VERSION = { power8: 0x4d0200, power9: 0x4e1200 } as const;

/** ASDR came with ISA 3.0. XER lacks OV32 and CA32 before it: the host reads and writes it. */
const ASDR = 816;
const XER = 1;
/** Of POWER8 alone: supervisor performance monitoring. */
const MMCRS = 894;

/** XER without OV32 and CA32, which ISA 3.0 added. */
const XER_2_07 = 0xfff3ffff | 0;

const POWER8: ProcessorModel = {
  isa: '2.07',
  decrementerBits: 32,
  withoutSprs: new Set([ASDR, XER]),
  xerMask: XER_2_07,
};
const POWER9: ProcessorModel = {
  isa: '3.0',
  decrementerBits: 56,
  withoutSprs: new Set([MMCRS]),
  xerMask: -1,
};
/** Upper halves of the version register: POWER8E, POWER8NVL, POWER8. */
const POWER8_VERSIONS: ReadonlySet<number> = new Set([0x4b, 0x4c, 0x4d]);

export function processorModel(version: number): ProcessorModel {
  return POWER8_VERSIONS.has(version >>> 16) ? POWER8 : POWER9;
}
