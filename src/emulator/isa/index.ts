/** Instruction tables: encodings and operands, nothing of what instructions do. */
export { ALL_ROWS, decode } from './decode.ts';
export { bits, mask64, type Operand, type OperandKind, operandTable } from './operands.ts';
export { type Facility, form, type Row, type RowOptions, rows } from './row.ts';
export type { Effect, Isa, Traits } from './traits.ts';
