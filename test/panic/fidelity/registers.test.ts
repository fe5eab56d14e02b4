/** Saved registers against their sources: the right one is found, and what differs is named. */

import { describe, expect, it } from 'vitest';
import { putU32 } from '../../../src/base/bytes.ts';
import { hex64 } from '../../../src/base/hex.ts';
import type { InstantRecord, RegisterFrame, RegisterSet } from '../../../src/emulator/host/index.ts';
import { compareRegisters } from '../../../src/panic/fidelity/registers.ts';
import type { FunctionName } from '../../../src/panic/trace/index.ts';
import { idOfMark } from '../../../src/panic/watch/index.ts';
import { buildPrstatus, PRSTATUS, type Prstatus } from '../../../src/vmcore/format/index.ts';

const NOTE_BYTES = 0x1000;
/** Where the frame of a fault lies, and behind it the notes. */
const FRAME = 0xf000;
const NOTE = FRAME + NOTE_BYTES;
const { offset: PR_REG, size: PR_REG_BYTES } = PRSTATUS.fields.pr_reg;

const regs = (seed: bigint): RegisterSet => ({
  gpr: Array.from({ length: 32 }, (_, n) => seed * 0x100n + BigInt(n)),
  nia: seed + 1n,
  msr: seed + 2n,
  lr: seed + 3n,
  ctr: seed + 4n,
  cr: Number(seed) + 5,
  xer: Number(seed) + 6,
});
const at = (name: FunctionName, insn: number, seed: bigint): RegisterFrame => ({
  at: { kind: 'probe', mark: idOfMark({ at: 'function', name, in: 'production' }) },
  insn,
  regs: regs(seed),
});
const taken = (vector: number, insn: number, seed: bigint): RegisterFrame => ({
  at: { kind: 'interrupt', vector },
  insn,
  regs: regs(seed),
});

const noteOf = ({ gpr, nia, msr, lr, ctr, cr, xer }: RegisterSet): Prstatus => ({
  pid: 1,
  signal: 0,
  gpr,
  nip: nia,
  msr,
  origGpr3: 0n,
  ctr,
  link: lr,
  xer: BigInt(xer),
  ccr: BigInt(cr),
  softe: 0n,
  trap: 0n,
  dar: 0n,
  dsisr: 0n,
  result: 0n,
});

const instant = (insn: number, rest: Partial<InstantRecord>): InstantRecord => ({
  name: 't1',
  by: { kind: 'fetch', mark: idOfMark({ at: 'entry' }) },
  cpu: 0,
  insn,
  tb: 0n,
  vcpus: [],
  interrupts: [],
  areas: [],
  queues: [],
  crqs: 0,
  tces: 0,
  inFlight: 0,
  saves: [],
  taken: [],
  ...rest,
});

/** @param notes by CPU; undefined: it saved none. `dumped`: what the dump has, where that is something else */
async function compare(
  t1: Partial<InstantRecord>,
  notes: readonly (Prstatus | undefined)[],
  dumped: readonly Prstatus[] = notes.filter((note) => note !== undefined),
  t0: Partial<InstantRecord> = {},
  frame?: Prstatus,
) {
  const memory = new Uint8Array((notes.length + 1) * NOTE_BYTES);
  if (frame !== undefined) memory.set(buildPrstatus(frame, 'big').subarray(PR_REG, PR_REG + PR_REG_BYTES));
  for (const [cpu, note] of notes.entries()) {
    if (note === undefined) continue;
    const own = memory.subarray(NOTE - FRAME + cpu * NOTE_BYTES);
    putU32(own, 0, 5, 'big');
    putU32(own, 4, 0x1f8, 'big');
    putU32(own, 8, 1, 'big');
    own.set(Buffer.from('CORE'), 12);
    own.set(buildPrstatus(note, 'big'), 20);
  }
  return await compareRegisters({
    handle: {
      readInstant: async (_name, raddr, length) => memory.slice(raddr - FRAME, raddr - FRAME + length),
      config: { memory: [{ base: FRAME, size: memory.length }] },
    },
    notes: notes.map((_, cpu) => NOTE + cpu * NOTE_BYTES),
    saved: dumped,
    endian: 'big',
    t0: instant(100, { name: 't0', ...t0 }),
    t1: instant(200, t1),
    online: notes.map((_, cpu) => cpu),
  });
}

const save = (cpu: number, ...interrupts: RegisterFrame[]) => ({
  ...at('crash_save_cpu', 150, 99n),
  cpu,
  interrupts,
});
/** ppc_save_regs gives the caller's address, and the buffer's in r3. */
const savedNow = (seed: bigint): Prstatus => {
  const note = noteOf({ ...regs(seed), nia: regs(seed).lr, lr: 0x7777n });
  return { ...note, gpr: note.gpr.map((value, n) => (n === 3 ? 0x8888n : value)) };
};

describe('compareRegisters', () => {
  it('a master that saves itself, a secondary stopped by a system reset, one by an interrupt', async () => {
    const facts = await compare(
      {
        saves: [
          save(0),
          { ...at('ppc_save_regs', 140, 1n), cpu: 0, interrupts: [] },
          save(1, taken(0x100, 130, 2n), taken(0x500, 20, 7n)),
          save(2, taken(0x500, 130, 3n)),
        ],
      },
      [savedNow(1n), noteOf(regs(2n)), noteOf(regs(3n))],
    );
    expect(facts).toEqual([
      { cpu: 0, source: 'save', differing: [] },
      { cpu: 1, source: 'system-reset', differing: [] },
      { cpu: 2, source: 'ipi', differing: [] },
    ]);
  });

  it("a master's fault came before T0; an old interrupt of a secondary is no source", async () => {
    const facts = await compare(
      {
        saves: [save(0, taken(0x300, 90, 4n)), save(1, taken(0x100, 90, 2n))],
      },
      [noteOf(regs(4n)), noteOf(regs(2n))],
    );
    expect(facts).toEqual([
      { cpu: 0, source: 'fault', differing: [] },
      { cpu: 1, source: 'unseen', differing: [] },
    ]);
  });

  describe('a master that was reset twice', () => {
    const first = taken(0x100, 110, 2n);
    const second = taken(0x100, 140, 3n);
    const crash = { ...at('__crash_kexec', 120, 98n), cpu: 0, interrupts: [first] };
    const saves = [crash, save(0, second)];

    it('saved the frame of the first, which led to the crash', async () => {
      expect(await compare({ saves }, [noteOf(regs(2n))])).toEqual([
        { cpu: 0, source: 'system-reset', differing: [] },
      ]);
    });

    it('saved the frame of the second → every register is wrong', async () => {
      const [fact] = await compare({ saves }, [noteOf(regs(3n))]);
      expect(fact?.source).toBe('system-reset');
      expect(fact?.differing).toHaveLength(38);
    });

    it('saved what it had while saving → wrong: it has a frame', async () => {
      const [fact] = await compare({ saves }, [noteOf(regs(99n))]);
      expect(fact?.source).toBe('system-reset');
      expect(fact?.differing).toHaveLength(38);
    });

    it('stood below the copy of its frame when reset again → a wrong register is told with the reason', async () => {
      const copy = save(0, second).regs.gpr[3] ?? 0n;
      const gpr = second.regs.gpr.map((value, n) => (n === 1 ? copy - 0x100n : value));
      const nested = { ...second, regs: { ...second.regs, gpr } };
      const [fact] = await compare({ saves: [crash, save(0, nested)] }, [{ ...noteOf(regs(2n)), nip: 0n }]);
      expect(fact?.differing).toEqual([
        `reset again on the stack that its copy is on: nip: dump ${hex64(0n)} seen ${hex64(3n)}`,
      ]);
    });
  });

  it('one register differs → it is named, with both values', async () => {
    const note = { ...noteOf(regs(2n)), ctr: 0xbadn };
    const [fact] = await compare({ cpu: 1, saves: [save(0, taken(0x100, 130, 2n))] }, [note]);
    expect(fact).toEqual({
      cpu: 0,
      source: 'system-reset',
      differing: [`ctr: dump ${hex64(0xbadn)} seen ${hex64(6n)}`],
    });
  });

  it('saved, and different in the dump → named as changed since', async () => {
    const note = noteOf(regs(2n));
    const t1 = { cpu: 1, saves: [save(0, taken(0x100, 130, 2n))] };
    const [fact] = await compare(t1, [note], [{ ...note, link: 1n }]);
    expect(fact?.differing).toEqual([
      `link: dump ${hex64(1n)} seen ${hex64(5n)}`,
      `since the save: link: dump ${hex64(1n)} seen ${hex64(5n)}`,
    ]);
  });

  it('the master faulted again after its fault, as where the kernel reads what may not be there → the fault before T0', async () => {
    const t1 = { saves: [save(0, taken(0x300, 140, 7n))] };
    const t0 = { taken: [{ cpu: 0, interrupts: [taken(0x300, 90, 2n)] }] };
    expect(await compare(t1, [noteOf(regs(2n))], undefined, t0)).toEqual([
      { cpu: 0, source: 'fault', differing: [] },
    ]);
    const [other] = await compare({ ...t1, cpu: 1 }, [noteOf(regs(2n))], undefined, t0);
    expect(other?.source).not.toBe('fault');
  });

  describe('a master that faulted, and whose frame holds something else when it is copied', () => {
    const crash = at('__crash_kexec', 120, 98n);
    const gpr = crash.regs.gpr.map((value, n) => (n === 3 ? 0xc000000000000000n + BigInt(FRAME) : value));
    const fault = taken(0x700, 90, 2n);
    const now = { ...at('ppc_save_regs', 140, 5n), cpu: 0, interrupts: [] };
    const saves = [
      { ...crash, regs: { ...crash.regs, gpr }, cpu: 0, interrupts: [fault] },
      now,
      save(0, fault),
    ];
    const later = { ...noteOf(regs(3n)), trap: 0x900n };

    it('is reported with the interrupt that stored there, and what its registers were', async () => {
      const [fact] = await compare({ saves }, [later], undefined, {}, later);
      expect(fact?.source).toBe('fault');
      expect(fact?.differing[0]).toBe(
        'its frame at 0xc00000000000f000 held those of a later interrupt (0x900) when it was copied',
      );
      expect(fact?.differing).toHaveLength(39);
    });

    it('holds what it held → the copy is wrong, and no reason is given', async () => {
      const [fact] = await compare({ saves }, [later], undefined, {}, noteOf(regs(2n)));
      expect(fact?.differing).toHaveLength(38);
    });

    it('what another call of ppc_save_regs saved is no source', async () => {
      const [fact] = await compare({ saves }, [savedNow(5n)], undefined, {}, noteOf(regs(2n)));
      expect(fact?.source).toBe('fault');
    });
  });

  it('no note, or none in the dump → missing; without probes the last interrupt counts', async () => {
    const last = [0, 1, 2].map((cpu) => ({ cpu, interrupts: [taken(0x100, 130, 2n)] }));
    const notes = [undefined, noteOf(regs(2n)), noteOf(regs(2n))];
    expect(await compare({ taken: last }, notes, [noteOf(regs(2n))])).toEqual([
      { cpu: 0, source: 'missing', differing: [] },
      { cpu: 1, source: 'system-reset', differing: [] },
      { cpu: 2, source: 'missing', differing: [] },
    ]);
  });
});
