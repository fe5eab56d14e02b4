/** Which accesses of a guest end an interrupt: the controllers say so once for each that was pending. */

import { describe, expect, it } from 'vitest';
import { LEAST_FAVOURED, XISR_IPI, Xics } from '../../../src/emulator/devices/index.ts';
import { Xive } from '../../../src/emulator/devices/xive/index.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';

const CPU = 0;
/** Offsets in a source's management page: load to end; load to set PQ to 00, and to 01. */
const [END, SET_READY, SET_OFF, LOOK] = [0, 0xc00, 0xd00, 0x800];

describe('Xics', () => {
  function machine() {
    const ended: (readonly [number, number])[] = [];
    const servers = [CPU, 8].map((hardwareId) => ({ hardwareId, setExternalInterrupt: () => undefined }));
    const xics = new Xics(servers, (...end) => ended.push(end));
    xics.setCppr(CPU, LEAST_FAVOURED);
    return { xics, ended };
  }

  it('an IPI and a source, each accepted → ended by its own EOI, with the CPPR that it restores', () => {
    const { xics, ended } = machine();
    const { number, line } = xics.allocate('msi');
    xics.route(number, CPU, 5);
    line.pulse();
    const first = xics.accept(CPU);
    xics.setMfrr(CPU, 4);
    const second = xics.accept(CPU);
    xics.setMfrr(CPU, 0xff);
    expect(ended).toEqual([]);
    xics.endOfInterrupt(CPU, second);
    xics.endOfInterrupt(CPU, first);
    expect(ended).toEqual([
      [XISR_IPI, 5],
      [number, LEAST_FAVOURED],
    ]);
  });

  it('nothing accepted, another number, another CPU, ended before → no end', () => {
    const { xics, ended } = machine();
    xics.endOfInterrupt(CPU, XISR_IPI);
    xics.setCppr(CPU, LEAST_FAVOURED);
    xics.setMfrr(CPU, 4);
    // Presented, and not accepted.
    xics.endOfInterrupt(CPU, (LEAST_FAVOURED << 24) | XISR_IPI);
    const xirr = xics.accept(CPU);
    xics.endOfInterrupt(CPU, 0x1300);
    xics.endOfInterrupt(8, xirr);
    expect(ended).toEqual([]);
    xics.endOfInterrupt(CPU, xirr);
    xics.endOfInterrupt(CPU, xirr);
    expect(ended).toHaveLength(1);
  });
});

describe('Xive', () => {
  function machine() {
    const fake = new FakeMachine();
    const ended: number[] = [];
    const xive = new Xive(fake.memory, fake.vcpus, (number) => ended.push(number));
    const source = (number: number): void => {
      xive.setRoute(number, { target: 0, priority: 6, data: number });
      xive.manage(number, SET_READY);
    };
    return { xive, ended, source };
  }

  it('a load that ends → one end where an event was sent, none where none was', () => {
    const { xive, ended, source } = machine();
    source(1);
    xive.manage(1, END);
    expect(ended).toEqual([]);
    xive.trigger(1);
    xive.manage(1, LOOK);
    expect(ended).toEqual([]);
    xive.manage(1, END);
    xive.manage(1, END);
    expect(ended).toEqual([1]);
  });

  it('PQ set to 00, as Linux ends message interrupts → the same; to another value → none', () => {
    const { xive, ended, source } = machine();
    source(0);
    xive.trigger(0);
    xive.trigger(0);
    xive.manage(0, SET_READY);
    xive.manage(0, SET_READY);
    expect(ended).toEqual([0]);
    xive.trigger(0);
    xive.manage(0, SET_OFF);
    xive.manage(0, SET_READY);
    expect(ended).toEqual([0]);
  });

  it('an event that came meanwhile is sent again → an end for each', () => {
    const { xive, ended, source } = machine();
    source(1);
    xive.trigger(1);
    xive.trigger(1);
    expect([xive.manage(1, END), xive.manage(1, END), xive.manage(1, END)]).toEqual([1, 0, 0]);
    expect(ended).toEqual([1, 1]);
  });

  it('a level source that is still asserted → an end, and sent again', () => {
    const { xive, ended } = machine();
    const { number, line } = xive.allocate('level');
    xive.setRoute(number, { target: 0, priority: 6, data: 0 });
    xive.manage(number, SET_READY);
    line.set(true);
    expect(xive.manage(number, END)).toBe(1);
    line.set(false);
    expect(xive.manage(number, END)).toBe(0);
    expect(ended).toEqual([number, number]);
  });

  it('a source that is off, a number that is none → none', () => {
    const { xive, ended } = machine();
    expect(xive.manage(1, END)).toBe(0);
    expect(xive.manage(0x1fff, END)).toBeUndefined();
    expect(ended).toEqual([]);
  });
});
