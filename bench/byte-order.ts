/**
 * Part `byte-order`: code that goes to the other byte order and comes back, as a little-endian kernel does for every call of
 * RTAS, beside the same instructions in one order. A bare machine, both in one run, in turns.
 */

import { MSR } from '../src/base/power.ts';
import { SPR } from '../src/emulator/cpu/spr.ts';
import { BareMachine } from '../src/emulator/partition/bare-machine.ts';
import { type Section, table } from './lib/report.ts';
import { median, spread } from './lib/statistics.ts';

const PVR_POWER9 = 0x4e1200;
const HERE = 0x1000;
/** On the same page, as the place where Linux comes back from RTAS is on a page of its own code. */
const THERE = 0x1800;
const RFID = 0x4c000024;
/** Instructions on each side between two changes: addi r3,r3,1. */
const WORK = 100;
const ADDI = 0x38630001;

const spr = (n: number, xo: number, r: number): number =>
  ((31 << 26) | (r << 21) | ((n & 31) << 16) | ((n >>> 5) << 11) | (xo << 1)) >>> 0;
const mtspr = (n: number, r: number): number => spr(n, 467, r);

/** Two places that return to each other for ever, r10 and r11 with the other's address and MSR. */
function machineOf(crosses: boolean): BareMachine {
  const machine = new BareMachine({ memory: 0x10000, endian: 'little', processorVersion: PVR_POWER9 });
  const side = (at: number, littleEndian: boolean, address: number, msr: number): void => {
    const words = [
      ...new Array<number>(WORK).fill(ADDI),
      mtspr(SPR.SRR0, address),
      mtspr(SPR.SRR1, msr),
      RFID,
    ];
    for (const [i, word] of words.entries()) machine.ram.writeU32(at + 4 * i, word, littleEndian);
  };
  side(HERE, true, 10, 11);
  side(THERE, !crosses, 12, 13);
  const { vcpu } = machine;
  vcpu.setGpr(10, BigInt(THERE));
  vcpu.setGpr(11, crosses ? MSR.SF : MSR.SF | MSR.LE);
  vcpu.setGpr(12, BigInt(HERE));
  vcpu.setGpr(13, MSR.SF | MSR.LE);
  vcpu.nia = BigInt(HERE);
  return machine;
}

/** Million instructions a second. */
function rate(machine: BareMachine, instructions: number): number {
  const before = performance.now();
  machine.run(instructions);
  return instructions / (performance.now() - before) / 1000;
}

export function benchByteOrder(options: {
  readonly runs: number;
  readonly scale: number;
  readonly log: (text: string) => void;
}): Section {
  const instructions = Math.round(50e6 * options.scale);
  const [one, both] = [machineOf(false), machineOf(true)];
  for (const machine of [one, both]) rate(machine, instructions / 10);
  const rates: { readonly one: number; readonly both: number }[] = [];
  for (let run = 0; run < options.runs; run++) {
    const measured = { one: rate(one, instructions), both: rate(both, instructions) };
    options.log(`one order ${measured.one.toFixed(0)}, both ${measured.both.toFixed(0)} million a second`);
    rates.push(measured);
  }
  const ratios = rates.map((each) => each.both / each.one);
  return {
    name: 'byte-order',
    title: 'Calls into the other byte order',
    text: [
      `Two pieces of code, ${WORK} instructions each, that return to each other by rfid: in one byte order, and in both, as a little-endian kernel does that calls RTAS. Medians of ${options.runs} runs in turns. Ratio of both to one: **${median(ratios).toFixed(2)}** ± ${spread(ratios)}.`,
      table(
        ['', 'million instructions a second'],
        [
          ['one order', median(rates.map((each) => each.one)).toFixed(0)],
          ['both orders', median(rates.map((each) => each.both)).toFixed(0)],
        ],
      ),
    ],
  };
}
