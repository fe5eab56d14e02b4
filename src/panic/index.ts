/** Crashing partitions, and what comes of it. */

export { FAULT_SYNTAX, parseFault } from './faults/index.ts';
export type { FleetOptions, OwnedFleet } from './fleet/fleet.ts';
export { openFleet } from './fleet/fleet.ts';
export { MemoryBudget } from './fleet/memory-budget.ts';
export { randomId } from './fleet/requests.ts';

export { dumpMode } from './guest/agent-line.ts';
export type { BootImage, BootLoading, BootOptions, ImageSource, Loader } from './guest/boot-image.ts';
export type { MachineSpec } from './guest/machine-spec.ts';
export { memoryBytesOf, resolveMachine } from './guest/machine-spec.ts';
export { crash } from './handoff/crash.ts';
export type { CrashResult } from './handoff/crash-result.ts';
export type { LeaveResult } from './handoff/kexec.ts';
export { DEFAULT_LEAVE_SECONDS, leave } from './handoff/kexec.ts';
export { DEFAULT_TIMEOUT_SECONDS } from './handoff/limits.ts';
export { Lookout } from './handoff/lookout.ts';
export type { CrashCommand, CrashReport } from './handoff/run-crash.ts';
export { runCrash } from './handoff/run-crash.ts';
export { runKexec } from './handoff/run-kexec.ts';
export type { ReportedRule } from './handoff/run-once.ts';
export { exitCodeOf } from './handoff/run-once.ts';
export type { RuleName } from './rules/index.ts';
export { judgeRules, RULE_NAMES, RULES } from './rules/index.ts';

export { TRACE_FORMATS } from './trace/index.ts';
