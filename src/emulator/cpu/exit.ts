/** Why compiled code returned to TypeScript, by name. */
type ExitName =
  | 'budget'
  | 'fetch'
  | 'fault'
  | 'illegal'
  | 'privileged'
  | 'trap'
  | 'fpUnavailable'
  | 'vectorUnavailable'
  | 'vsxUnavailable'
  | 'special'
  | 'attn'
  | 'alignment'
  | 'fpEnabled';
type ExitCodes = Readonly<Record<ExitName, number>>;

/** Why compiled code returned to TypeScript. */
export const EXIT: ExitCodes = {
  /** The slice is used up; NIA is the next instruction. */
  budget: 1,
  /** No translated code for NIA. */
  fetch: 2,
  /** The access of the instruction at NIA could not be made; StorageAccess.fault says why. */
  fault: 3,
  illegal: 4,
  privileged: 5,
  trap: 6,
  fpUnavailable: 7,
  vectorUnavailable: 8,
  vsxUnavailable: 9,
  /** A special handler has completed the instruction and has set NIA or MSR itself. */
  special: 10,
  attn: 12,
  alignment: 13,
  /** An enabled floating-point exception: the instruction is complete except that it may have kept its target. */
  fpEnabled: 14,
};
