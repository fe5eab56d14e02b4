/** Crashing partitions, and what comes of it. */

export type { AgentLine } from './agent-line.ts';
export { dumpMode } from './agent-line.ts';
export type { CrashOptions, CrashResult } from './crash-run.ts';
export { crash, DEFAULT_TIMEOUT_SECONDS } from './crash-run.ts';
export type { FoundDump } from './dump-location.ts';
export type { PanicErrorCode } from './errors.ts';
export { PANIC_ERRORS } from './errors.ts';
export { FAULT_SYNTAX, parseFault } from './faults/index.ts';
export type { FleetOptions, OwnedFleet } from './fleet.ts';
export { openFleet } from './fleet.ts';
export type { BootImage, BootLoading, BootOptions, ImageSource, Loader } from './image.ts';
export type { LeaveResult } from './kexec-run.ts';
export { DEFAULT_LEAVE_SECONDS, leave } from './kexec-run.ts';
export type { MachineVariant } from './machine.ts';
export { defaultMmu } from './machine.ts';
export type { RuleInput } from './rules/index.ts';
export { judgeRules, RULE_NAMES } from './rules/index.ts';
export type { CrashCommand, CrashReport } from './run-crash.ts';
export { exitCodeOf, runCrash } from './run-crash.ts';
export { exitCodeOfKexec, runKexec } from './run-kexec.ts';
export type { TraceBound } from './trace/index.ts';
export { formatTrace, queryTrace, TRACE_FORMATS } from './trace/index.ts';
