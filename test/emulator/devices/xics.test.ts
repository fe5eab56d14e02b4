import { beforeEach, describe, expect, it } from 'vitest';
import { LEAST_FAVOURED, XISR_IPI, Xics } from '../../../src/emulator/devices/index.ts';

const CPU0 = 0;
const CPU1 = 8;
let input: Map<number, boolean>;
let xics: Xics;

beforeEach(() => {
  input = new Map();
  xics = new Xics(
    [CPU0, CPU1].map((hardwareId) => ({
      hardwareId,
      setExternalInterrupt: (asserted: boolean) => void input.set(hardwareId, asserted),
    })),
  );
});

/** XIRR as two numbers. */
function accepted(hardwareId: number): { cppr: number; xisr: number } {
  const xirr = xics.accept(hardwareId);
  return { cppr: xirr >>> 24, xisr: xirr & 0xff_ffff };
}

/** A source at priority 5 for CPU0, which is open to everything. */
function open(kind: 'level' | 'msi', priority = 5) {
  const source = xics.allocate(kind);
  xics.route(source.number, CPU0, priority);
  xics.setCppr(CPU0, LEAST_FAVOURED);
  return source;
}

describe('Xics sources', () => {
  it('allocate: each kind → its own range, lowest free first; a given start is used', () => {
    expect(xics.allocate('level').number).toBe(0x1200);
    expect(xics.allocate('msi').number).toBe(0x1300);
    expect(xics.allocate('msi').number).toBe(0x1301);
    expect(xics.allocate('msi', 0x1100).number).toBe(0x1100);
    xics.release(0x1300);
    expect(xics.source(0x1300)).toBeUndefined();
    expect(xics.allocate('msi').number).toBe(0x1300);
  });

  it('a new source → masked, for server 0', () => {
    const { number } = xics.allocate('level');
    expect(xics.source(number)).toEqual({
      number,
      kind: 'level',
      server: 0,
      priority: LEAST_FAVOURED,
      asserted: false,
      pending: false,
    });
  });

  it('msi pulsed while masked → kept, delivered when routed', () => {
    const { number, line } = xics.allocate('msi');
    xics.setCppr(CPU1, LEAST_FAVOURED);
    line.pulse();
    expect(xics.source(number)?.pending).toBe(true);
    expect(input.get(CPU1)).toBeUndefined();
    xics.route(number, CPU1, 5);
    expect(input.get(CPU1)).toBe(true);
    expect(accepted(CPU1)).toEqual({ cppr: LEAST_FAVOURED, xisr: number });
  });

  it('mask and unmask → the priority comes back; masking twice does not lose it', () => {
    const { number, line } = open('msi');
    xics.mask(number);
    xics.mask(number);
    line.pulse();
    expect(input.get(CPU0)).toBeUndefined();
    xics.unmask(number);
    expect(xics.source(number)?.priority).toBe(5);
    expect(input.get(CPU0)).toBe(true);
  });

  it('route, mask, unmask: no such source or server → false', () => {
    const { number } = xics.allocate('msi');
    expect(xics.route(0x1fff, CPU0, 5)).toBe(false);
    expect(xics.route(number, 3, 5)).toBe(false);
    expect(xics.mask(0x1fff)).toBe(false);
    expect(xics.unmask(0x1fff)).toBe(false);
  });
});

describe('Xics presentation', () => {
  it('accept → CPPR of before with XISR, then CPPR is the interrupt’s priority and the input falls', () => {
    const { number, line } = open('msi');
    line.pulse();
    expect(accepted(CPU0)).toEqual({ cppr: 0xff, xisr: number });
    expect(input.get(CPU0)).toBe(false);
    expect(xics.presentation(CPU0)).toMatchObject({ cppr: 5, xisr: 0, inService: [number] });
  });

  it('accept with nothing presented → XISR 0 and CPPR unchanged', () => {
    xics.setCppr(CPU0, 7);
    expect(accepted(CPU0)).toEqual({ cppr: 7, xisr: 0 });
    expect(xics.presentation(CPU0)).toMatchObject({ cppr: 7, inService: [] });
  });

  it('an interrupt not more favoured than CPPR → waits until CPPR lets it pass', () => {
    const { number, line } = open('msi');
    xics.setCppr(CPU0, 5);
    line.pulse();
    expect(input.get(CPU0)).toBeUndefined();
    xics.setCppr(CPU0, 6);
    expect(accepted(CPU0).xisr).toBe(number);
  });

  it('a more favoured interrupt → displaces the one presented, which comes after it', () => {
    const low = open('msi', 6);
    const high = open('msi', 4);
    low.line.pulse();
    high.line.pulse();
    expect(accepted(CPU0).xisr).toBe(high.number);
    expect(input.get(CPU0)).toBe(false);
    xics.endOfInterrupt(CPU0, (0xff << 24) | high.number);
    expect(accepted(CPU0).xisr).toBe(low.number);
  });

  it('CPPR made more favoured while an interrupt is presented → rejected, presented again later', () => {
    const { number, line } = open('msi');
    line.pulse();
    expect(input.get(CPU0)).toBe(true);
    xics.setCppr(CPU0, 0);
    expect(input.get(CPU0)).toBe(false);
    expect(xics.presentation(CPU0).xisr).toBe(0);
    xics.setCppr(CPU0, 0xff);
    expect(accepted(CPU0).xisr).toBe(number);
  });

  it('level: asserted still at EOI → presented again; lowered → not', () => {
    const { number, line } = open('level');
    line.set(true);
    accepted(CPU0);
    xics.endOfInterrupt(CPU0, (0xff << 24) | number);
    expect(input.get(CPU0)).toBe(true);
    accepted(CPU0);
    line.set(false);
    xics.endOfInterrupt(CPU0, (0xff << 24) | number);
    expect(input.get(CPU0)).toBe(false);
  });

  it('level in service → not presented twice', () => {
    const { line } = open('level');
    line.set(true);
    accepted(CPU0);
    xics.setCppr(CPU0, 0xff);
    line.set(true);
    expect(input.get(CPU0)).toBe(false);
  });

  it('msi pulsed while in service → again after EOI', () => {
    const { number, line } = open('msi');
    line.pulse();
    accepted(CPU0);
    line.pulse();
    expect(input.get(CPU0)).toBe(false);
    xics.endOfInterrupt(CPU0, (0xff << 24) | number);
    expect(accepted(CPU0).xisr).toBe(number);
  });

  it('EOI of a level source without raising CPPR → offered at once where it still passes', () => {
    const { number, line } = open('level', 5);
    line.set(true);
    accepted(CPU0);
    xics.setCppr(CPU0, 0xff);
    xics.endOfInterrupt(CPU0, (0x80 << 24) | number);
    expect(input.get(CPU0)).toBe(true);
  });
});

describe('Xics MFRR', () => {
  it('setMfrr more favoured than CPPR → IPI with XISR 2 at that priority', () => {
    xics.setCppr(CPU1, 0xff);
    expect(xics.setMfrr(CPU1, 4)).toBe(true);
    expect(input.get(CPU1)).toBe(true);
    expect(xics.poll(CPU1)).toEqual({ xirr: 0xff00_0002, mfrr: 4 });
    expect(accepted(CPU1)).toEqual({ cppr: 0xff, xisr: XISR_IPI });
    expect(xics.presentation(CPU1).cppr).toBe(4);
  });

  it('MFRR left set at EOI → the IPI comes again; cleared → not', () => {
    xics.setCppr(CPU1, 0xff);
    xics.setMfrr(CPU1, 4);
    accepted(CPU1);
    xics.endOfInterrupt(CPU1, (0xff << 24) | XISR_IPI);
    expect(accepted(CPU1).xisr).toBe(XISR_IPI);
    xics.setMfrr(CPU1, 0xff);
    xics.endOfInterrupt(CPU1, (0xff << 24) | XISR_IPI);
    expect(input.get(CPU1)).toBe(false);
    expect(xics.presentation(CPU1).inService).toEqual([]);
  });

  it('MFRR set while CPPR masks → presented when CPPR rises', () => {
    xics.setMfrr(CPU1, 4);
    expect(input.get(CPU1)).toBeUndefined();
    xics.setCppr(CPU1, 5);
    expect(accepted(CPU1).xisr).toBe(XISR_IPI);
  });

  it('an IPI displaced by a more favoured source → presented after it', () => {
    const { number, line } = open('msi', 3);
    xics.setMfrr(CPU0, 4);
    line.pulse();
    expect(accepted(CPU0).xisr).toBe(number);
    xics.endOfInterrupt(CPU0, (0xff << 24) | number);
    expect(accepted(CPU0).xisr).toBe(XISR_IPI);
  });

  it('setMfrr: no such server → false', () => {
    expect(xics.setMfrr(3, 4)).toBe(false);
  });

  it('kexec’s way out (CPPR 0, MFRR 0xff, EOI of the IPI) → nothing presented, nothing in service', () => {
    xics.setCppr(CPU1, 0xff);
    xics.setMfrr(CPU1, 4);
    accepted(CPU1);
    xics.setCppr(CPU1, 0);
    xics.setMfrr(CPU1, 0xff);
    xics.endOfInterrupt(CPU1, XISR_IPI);
    expect(xics.presentation(CPU1)).toEqual({
      hardwareId: CPU1,
      cppr: 0,
      xisr: 0,
      mfrr: 0xff,
      inService: [],
    });
  });
});
