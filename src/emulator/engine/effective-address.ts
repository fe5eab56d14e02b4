/** The storage operand of an instruction, computed from its row, for code that inspects single instructions. */

import type { Vcpu } from '../cpu/vcpu.ts';
import type { Row } from '../isa/index.ts';

/** The effective address that a load, store or cache operation names, before it is executed. */
export function effectiveAddress(vcpu: Vcpu, row: Row, word: number): bigint {
  let ea = 0n;
  for (const operand of row.operands) {
    const value = operand.extract(word);
    if (operand.name === 'RA0') ea += value === 0 ? 0n : vcpu.gpr(Number(value));
    else if (operand.name === 'RA' || operand.name === 'RB') ea += vcpu.gpr(Number(value));
    else if (operand.name === 'D' || operand.name === 'DS' || operand.name === 'DQ') ea += BigInt(value);
  }
  return vcpu.effective(ea);
}
