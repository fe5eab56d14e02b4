/** Crashing partitions, and what comes of it. */

export type { PanicErrorCode } from './contract/errors.ts';
export { PANIC_ERRORS } from './contract/errors.ts';
export { FAULT_SYNTAX, parseFault } from './faults/index.ts';
export type { FleetOptions, OwnedFleet } from './fleet/fleet.ts';
export { openFleet } from './fleet/fleet.ts';
export { randomId } from './fleet/requests.ts';
export type { AgentLine } from './guest/agent-line.ts';
export { dumpMode } from './guest/agent-line.ts';
export type { BootImage, BootLoading, BootOptions, ImageSource, Loader } from './guest/boot-image.ts';
export type { FoundDump } from './guest/dump-device.ts';
export type { MachineOptions, MachineSpec } from './guest/machine-spec.ts';
export { resolveMachine } from './guest/machine-spec.ts';
export type { CrashOptions, CrashResult } from './handoff/crash.ts';
export { crash, DEFAULT_TIMEOUT_SECONDS } from './handoff/crash.ts';
export type { LeaveResult } from './handoff/kexec.ts';
export { DEFAULT_LEAVE_SECONDS, leave } from './handoff/kexec.ts';
export type { CrashCommand, CrashReport } from './handoff/run-crash.ts';
export { runCrash } from './handoff/run-crash.ts';
export { runKexec } from './handoff/run-kexec.ts';
export { exitCodeOf } from './handoff/run-once.ts';
export type { Chapter, Rule, RuleInput, RuleName } from './rules/index.ts';
export { CHAPTERS, judgeRules, RULE_NAMES, RULES } from './rules/index.ts';
export type { TraceBound } from './trace/index.ts';
export { formatTrace, queryTrace, TRACE_FORMATS } from './trace/index.ts';
