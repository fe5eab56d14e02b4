/** What processors differ in, by processor version register: POWER8 (Power ISA 2.07) and POWER9 (3.0B). */

import type { Isa } from '../isa/index.ts';
import { hasSpr, SPR, SPR_ROWS } from './spr.ts';

export type ProcessorModel = {
  readonly isa: Isa;
  /** Width of the decrementer; beyond 32 it is sign-extended where it is read. */
  readonly decrementerBits: number;
  /**
   * Special purpose registers that no handler of their own may serve, but mfspr's and mtspr's special handlers: those that
   * the processor lacks, and XER where it lacks a part of it.
   */
  readonly withoutSprs: ReadonlySet<number>;
  /** The bits of XER that exist. */
  readonly xerMask: number;
};

/** Processor version register values: POWER8 DD2.0; POWER9 DD2.0 as QEMU's default has it. */
export const PROCESSOR_VERSION = { power8: 0x4d0200, power9: 0x4e1200 } as const;

/** XER without OV32 and CA32, which ISA 3.0 added. */
const XER_2_07 = 0xfff3ffff | 0;

const POWER8: ProcessorModel = {
  isa: '2.07',
  decrementerBits: 32,
  withoutSprs: new Set([...absentSprs('2.07'), SPR.XER]),
  xerMask: XER_2_07,
};
const POWER9: ProcessorModel = {
  isa: '3.0',
  decrementerBits: 56,
  withoutSprs: new Set(absentSprs('3.0')),
  xerMask: -1,
};
/** Upper halves of the version register: POWER8E, POWER8NVL, POWER8. */
const POWER8_VERSIONS: ReadonlySet<number> = new Set([0x4b, 0x4c, 0x4d]);

export function processorModel(version: number): ProcessorModel {
  return POWER8_VERSIONS.has(version >>> 16) ? POWER8 : POWER9;
}

function absentSprs(isa: Isa): number[] {
  return SPR_ROWS.filter((row) => !hasSpr(row, isa)).map(({ number }) => number);
}
