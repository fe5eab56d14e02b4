/** Instruction tables: encodings and operands, nothing of what instructions do. */
export { ALL_ROWS, decode } from './decode.ts';
export { isAmong } from './invalid-forms.ts';
export { bits, mask64, type Operand, type OperandKind } from './operands.ts';
export type { Row } from './row.ts';
export type { Effect, Isa } from './traits.ts';
