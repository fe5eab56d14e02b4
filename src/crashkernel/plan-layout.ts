/** Defines the plan disk's structures (docs/formats/plan.md). All big-endian. */

export const DISK_HEADER = {
  name: 'plan_disk',
  size: 16,
  fields: {
    magic: { offset: 0, type: 'bytes', size: 8, source: 'ours: KDPLANS1' },
    count: { offset: 8, type: 'u32', source: 'ours: plans that follow' },
    zero: { offset: 12, type: 'u32', source: 'ours' },
  },
} as const;

export const PLAN_ENTRY = {
  name: 'plan_entry',
  size: 32,
  fields: {
    name: { offset: 0, type: 'bytes', size: 16, source: 'ours: crash or next, zero padded' },
    offset: { offset: 16, type: 'u64', source: "ours: of the plan, in bytes from the disk's start" },
    length: { offset: 24, type: 'u64', source: 'ours: of header and segment table' },
  },
} as const;

export const PLAN_HEADER = {
  name: 'plan',
  size: 32,
  fields: {
    magic: { offset: 0, type: 'bytes', size: 8, source: 'ours: KDPLAN01' },
    flags: { offset: 8, type: 'u32', source: 'ours: bit 0 is KEXEC_ON_CRASH' },
    segments: { offset: 12, type: 'u32', source: 'ours: at most 16' },
    entry: { offset: 16, type: 'u64', source: 'ours: real address' },
    zero: { offset: 24, type: 'u64', source: 'ours' },
  },
} as const;

export const PLAN_SEGMENT = {
  name: 'plan_segment',
  size: 32,
  fields: {
    offset: { offset: 0, type: 'u64', source: "ours: of the bytes, in bytes from the disk's start" },
    bufsz: { offset: 8, type: 'u64', source: 'ours: bytes that are there' },
    mem: { offset: 16, type: 'u64', source: 'ours: real address' },
    memsz: { offset: 24, type: 'u64', source: 'ours: bytes of memory; zeros behind bufsz' },
  },
} as const;
