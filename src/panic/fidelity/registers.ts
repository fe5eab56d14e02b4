/**
 * Compares the registers in the dump with those that the emulator saw (docs/handoff.md, `registers-saved`). A secondary saves
 * the registers of the code that its stop interrupted. The master saves the frame of its fault (after a system reset from
 * outside, the frame with which it entered __crash_kexec) or, where nothing faulted, its registers at the save.
 *
 * Source: Linux 6.1 arch/powerpc/kernel/ppc_save_regs.S (what is saved there: nip is the caller's, r3 was the buffer),
 * arch/powerpc/include/asm/kexec.h (crash_setup_regs copies a frame that there is), arch/powerpc/kernel/irq.c (an interrupt that came while it was not
 * wanted is replayed with registers saved in the same way), arch/powerpc/kernel/exceptions-64s.S (soft_nmi_common: a decrementer
 * interrupt that comes while it is not wanted starts at the top of the emergency stack, also where the CPU runs on it).
 */

import { type Endian, getU32 } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import { hex64 } from '../../base/hex.ts';
import { VECTOR } from '../../base/power.ts';
import type {
  InstantRecord,
  MarkId,
  PartitionHandle,
  RegisterFrame,
  RegisterSet,
  SavePoint,
} from '../../emulator/host/index.ts';
import {
  NT_PRSTATUS,
  PRSTATUS,
  type Prstatus,
  parsePrstatus,
  parseRegisters,
} from '../../vmcore/format/index.ts';
import { PAGE_OFFSET, realOf } from '../facts/symbols/index.ts';
import type { FunctionName, RegisterFact } from '../trace/index.ts';
import { idOfMark } from '../watch/index.ts';

const production = (name: FunctionName): MarkId => idOfMark({ at: 'function', name, in: 'production' });
const SAVE = production('crash_save_cpu');
const SAVE_NOW = production('ppc_save_regs');
/** Where the master copies the registers that its dump gets (crash_setup_regs): interrupts after it are not among them. */
const CRASH = production('__crash_kexec');
/** Interrupts by which one CPU reaches another. */
const IPIS: ReadonlySet<number> = new Set([
  VECTOR.external,
  VECTOR.directedPrivilegedDoorbell,
  VECTOR.directedHypervisorDoorbell,
  VECTOR.hypervisorVirtualization,
]);
/** ELF note: name size, descriptor size, type; then `CORE` in 8 bytes. */
const NOTE_HEADER = 20;
const STACK = 0x10000n;

type Source = Exclude<RegisterFact['source'], 'missing' | 'unseen'>;
type Candidate = { readonly source: Source; readonly differing: readonly string[] };

export type RegistersInput = {
  readonly handle: Pick<PartitionHandle, 'readInstant'> & {
    readonly config: { readonly memory: PartitionHandle['config']['memory'] };
  };
  /** Where each CPU's registers go, by logical index. */
  readonly notes: readonly number[];
  /** As the dump has them. */
  readonly saved: readonly Prstatus[];
  readonly endian: Endian;
  readonly t0: InstantRecord | undefined;
  readonly t1: InstantRecord;
  /** CPUs that were online when the trigger came. */
  readonly online: readonly number[];
};

export async function compareRegisters(input: RegistersInput): Promise<readonly RegisterFact[]> {
  const { online, saved, t1 } = input;
  const facts: RegisterFact[] = [];
  // The dump has the notes of those that saved, in order of their CPUs.
  let next = 0;
  for (const cpu of online) {
    const note = await readNote(input, cpu);
    const dumped = note === undefined ? undefined : saved[next++];
    if (note === undefined || dumped === undefined) {
      facts.push({ cpu, source: 'missing', differing: [] });
      continue;
    }
    const candidates = candidatesOf(input, cpu, dumped);
    const [best] = [...candidates].sort((a, b) => a.differing.length - b.differing.length);
    const altered = differing(dumped, fromNote(note), []).map((text) => `since the save: ${text}`);
    if (best === undefined) facts.push({ cpu, source: 'unseen', differing: altered });
    else {
      const why = best.differing.length > 0 ? await overwriterOf(input, cpu, note) : [];
      facts.push({ cpu, source: best.source, differing: [...why, ...best.differing, ...altered] });
    }
  }
  if (t1.cpu >= 0 && !online.includes(t1.cpu)) facts.push({ cpu: t1.cpu, source: 'unseen', differing: [] });
  return facts;
}

/** The registers that the CPU had saved by T1; undefined: none. Where the note's address is unknown, only the dump is read. */
async function readNote(
  { handle, notes, endian, saved, online }: RegistersInput,
  cpu: number,
): Promise<Prstatus | undefined> {
  const at = notes[cpu];
  if (at === undefined) return saved[online.indexOf(cpu)];
  const bytes = await handle.readInstant('t1', at, NOTE_HEADER + PRSTATUS.size);
  if (getU32(bytes, 0, endian) !== 5 || getU32(bytes, 8, endian) !== NT_PRSTATUS) return undefined;
  try {
    return parsePrstatus(bytes.subarray(NOTE_HEADER, NOTE_HEADER + getU32(bytes, 4, endian)), endian);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function candidatesOf({ t0, t1 }: RegistersInput, cpu: number, note: Prstatus): readonly Candidate[] {
  const from = t0?.insn ?? 0;
  const own = t1.saves.filter((each) => each.cpu === cpu);
  const save = own.find((each) => isAt(each, SAVE));
  const now = own.find((each) => isAt(each, SAVE_NOW));
  const master = cpu === t1.cpu;
  // A master that waits for its secondaries can be reset again (by the operator, by a watchdog) before it saves.
  const crash = master ? own.find((each) => isAt(each, CRASH)) : undefined;
  const until = crash ?? save;
  const lost = isResetOnCopy(crash, save) ? 'reset again on the stack that its copy is on: ' : '';
  const interrupts = until?.interrupts ?? t1.taken.find((each) => each.cpu === cpu)?.interrupts ?? [];
  const out: Candidate[] = [];
  const add = (source: Source, frame: RegisterFrame): void => {
    out.push({ source, differing: differing(note, frame.regs, []) });
  };
  for (const frame of interrupts) {
    const vector = vectorOf(frame);
    if (vector === VECTOR.systemReset && frame.insn >= from)
      out.push({
        source: 'system-reset',
        differing: differing(note, frame.regs, []).map((text) => `${lost}${text}`),
      });
    else if (IPIS.has(vector) && frame.insn >= from) add('ipi', frame);
    // The interrupt of a fault precedes the panic that it causes.
    else if (master && isFault(frame)) add('fault', frame);
  }
  // What the kernel does after its fault may fault, too, and be made good: the last interrupt is then another one.
  if (master)
    for (const frame of t0?.taken.find((each) => each.cpu === cpu)?.interrupts ?? [])
      if (isFault(frame)) add('fault', frame);
  // crash_setup_regs copies a frame that there is, and only where there is none saves what the CPU has.
  if (crash !== undefined && crash.regs.gpr[3] !== 0n) return out;
  if (now !== undefined && now.insn >= from)
    out.push({
      source: 'save',
      differing: differing(note, { ...now.regs, nia: now.regs.lr }, ['r3', 'link']),
    });
  // A master that was reset must have saved the reset's frame.
  else if (save !== undefined && master && !out.some(({ source }) => source === 'system-reset'))
    out.push({ source: 'save', differing: nearSave(note, save.regs) });
  return out;
}

/**
 * Whether a master was reset once more between the copy of its frame and the save, while it ran on the stack that holds
 * the copy. Linux starts at the top of its one system reset stack each time (6.1 exceptions-64s.S,
 * system_reset_common), and so overwrites the copy: the dump then has other registers than the CPU had.
 */
function isResetOnCopy(crash: RegisterFrame | undefined, save: SavePoint | undefined): boolean {
  if (crash === undefined || save === undefined) return false;
  const copy = save.regs.gpr[3] ?? 0n;
  return save.interrupts.some((frame) => {
    const stack = frame.regs.gpr[1] ?? 0n;
    const reset = vectorOf(frame) === VECTOR.systemReset && frame.insn > crash.insn;
    return reset && stack <= copy && copy - stack < STACK;
  });
}

/**
 * Why a master's saved registers are not those of its fault: the frame with which it entered __crash_kexec holds, at T1, what
 * was saved. The kernel copied it rightly, and the frame had been stored to before.
 */
async function overwriterOf(
  { handle, endian, t1 }: RegistersInput,
  cpu: number,
  note: Prstatus,
): Promise<readonly string[]> {
  const crash = cpu === t1.cpu ? t1.saves.find((each) => each.cpu === cpu && isAt(each, CRASH)) : undefined;
  const frame = crash?.regs.gpr[3] ?? 0n;
  const at = realOf(frame);
  const { size } = PRSTATUS.fields.pr_reg;
  const isMemory = handle.config.memory.some((each) => at >= each.base && at + size <= each.base + each.size);
  if (frame < PAGE_OFFSET || !isMemory) return [];
  const held = parseRegisters(await handle.readInstant('t1', at, size), endian);
  if (differing(note, fromNote({ ...note, ...held }), []).length > 0) return [];
  return [
    `its frame at ${hex64(frame)} held those of a later interrupt (0x${held.trap.toString(16)}) when it was copied`,
  ];
}

function isAt({ at }: RegisterFrame, mark: MarkId): boolean {
  return at.kind === 'probe' && at.mark === mark;
}

/** Whether the CPU's own instruction raised it. */
function isFault(frame: RegisterFrame): boolean {
  const vector = vectorOf(frame);
  return vector !== VECTOR.systemReset && !IPIS.has(vector);
}

/** The vector of an interrupt's frame; -1 for a probe's. */
function vectorOf({ at }: RegisterFrame): number {
  return at.kind === 'interrupt' ? at.vector : -1;
}

/** Compares a master that saved its current registers: only those that cannot change before the save are compared. */
function nearSave(note: Prstatus, seen: RegisterSet): readonly string[] {
  const stack = note.gpr[1] ?? 0n;
  const own = seen.gpr[1] ?? 0n;
  return [
    ...pair('r2', note.gpr[2], seen.gpr[2]),
    ...pair('r13', note.gpr[13], seen.gpr[13]),
    ...(stack >= own && stack < own + STACK ? [] : pair('r1', stack, own)),
  ];
}

function fromNote(note: Prstatus): RegisterSet {
  const { gpr, nip, msr, link, ctr, ccr, xer } = note;
  return { gpr, nia: nip, msr, lr: link, ctr, cr: Number(ccr & 0xffffffffn), xer: Number(xer & 0xffffffffn) };
}

function differing(note: Prstatus, seen: RegisterSet, except: readonly string[]): readonly string[] {
  const all: [string, bigint | undefined, bigint | undefined][] = [
    ...note.gpr.map((value, n): [string, bigint, bigint | undefined] => [`r${n}`, value, seen.gpr[n]]),
    ['nip', note.nip, seen.nia],
    ['msr', note.msr, seen.msr],
    ['ctr', note.ctr, seen.ctr],
    ['link', note.link, seen.lr],
    ['xer', note.xer & 0xffffffffn, BigInt(seen.xer >>> 0)],
    ['ccr', note.ccr & 0xffffffffn, BigInt(seen.cr >>> 0)],
  ];
  return all.flatMap(([name, is, was]) => (except.includes(name) ? [] : pair(name, is, was)));
}

function pair(name: string, is: bigint | undefined, was: bigint | undefined): readonly string[] {
  return is === was ? [] : [`${name}: dump ${hex64(is ?? 0n)} seen ${hex64(was ?? 0n)}`];
}
