/**
 * Injects faults into a crash on purpose (docs/faults.md). A new kind needs a member of `Fault` (panic/contract/fault.ts), its
 * syntax in text.ts, its meaning to the machine in resolve.ts, and a row in docs/faults.md.
 */

export { resolveFault } from './resolve.ts';
export { FAULT_SYNTAX, faultText, parseFault } from './text.ts';
