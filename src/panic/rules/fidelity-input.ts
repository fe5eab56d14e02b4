/** What rules about memory, registers and the machine at T1 have in common: words for who wrote, and for what is lacking. */

import type { ChangeFact, FidelityReport, WriterFact } from '../fidelity/index.ts';
import { type Judgement, type RuleInput, verdict } from './input.ts';

const NAMED = 4;

/** The report, or why there is none. */
export function fidelityOf(input: RuleInput): FidelityReport | Judgement {
  const { fidelity, instants } = input;
  if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
  return fidelity ?? verdict('not-evaluated', 'nothing was kept of the machine at T1', [instants.t1]);
}

export function isJudgement(value: object): value is Judgement {
  return 'verdict' in value;
}

/** `3 bytes at 0x… by CPU 0 at 0x… (memset+0x10), instruction 77`. */
export function describeChange({ raddr, bytes, writer }: ChangeFact): string {
  const what = `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${raddr}`;
  return writer === undefined ? `${what}, by nobody after T1` : `${what} by ${describeWriter(writer)}`;
}

export function describeWriter({ by, cpu, nia, symbol, insn }: WriterFact): string {
  const when = `instruction ${insn}`;
  const code = `CPU ${cpu} at ${nia}${symbol === undefined ? '' : ` (${symbol})`}`;
  switch (by) {
    case 'cpu':
      return `${code}, ${when}`;
    case 'fault':
      return `a fault that was asked for, ${when}`;
    default:
      return cpu < 0 ? `a ${by}, ${when}` : `a ${by} for ${code}, ${when}`;
  }
}

/** The first few, and how many more. */
export function listChanges(changes: readonly ChangeFact[], all: number = changes.length): string {
  const named = changes.slice(0, NAMED).map(describeChange).join('; ');
  return all > NAMED ? `${named}; and ${all - NAMED} more` : named;
}
