import { describe, expect, it } from 'vitest';
import type { Unsupported } from '../../../../src/emulator/devices/contract.ts';
import {
  managementPage,
  TIMA_SYSTEM,
  triggerPage,
  Xive,
  xivePages,
} from '../../../../src/emulator/devices/xive/index.ts';
import { FakeMemory } from '../../../synth/firmware-machine.ts';

const QUEUE = 0x1_0000;
const PRIORITY = 6;
const GENERATION = 0x8000_0000;
const ACKNOWLEDGE = 0x810;
const CPPR = 0x11;
const [GET, SET_00, SET_01, SET_10] = [0x800, 0xc00, 0xd00, 0xe00];

function swap(value: bigint, size: number): bigint {
  return [...Array(size).keys()].reduce((out, i) => (out << 8n) | ((value >> BigInt(8 * i)) & 0xffn), 0n);
}

/** Two vCPUs, 0 and 8, each with a queue of 4 KiB for priority 6 and everything unmasked. */
function controller() {
  const memory = new FakeMemory([{ base: 0, size: 0x40_0000 }]);
  const lines = new Map<number, boolean>();
  const xive = new Xive(
    memory,
    [0, 8].map((hardwareId) => ({
      hardwareId,
      setExternalInterrupt: (on: boolean) => void lines.set(hardwareId, on),
    })),
  );
  const reports: Unsupported[] = [];
  let running = 0;
  const pages = xivePages(
    xive,
    () => running,
    (what) => void reports.push(what),
  );
  const find = (raddr: number) => {
    const page = pages.find(({ base, size }) => raddr >= base && raddr < base + size);
    if (page === undefined) throw new Error('no page there');
    return { page, offset: raddr - page.base };
  };
  const load = (raddr: number, size: 1 | 2 | 4 | 8): bigint => {
    const { page, offset } = find(raddr);
    return swap(page.read(offset, size), size);
  };
  const store = (raddr: number, size: 1 | 2 | 4 | 8, value: number): void => {
    const { page, offset } = find(raddr);
    page.write(offset, size, swap(BigInt(value), size));
  };
  const esb = (number: number, offset: number): number => Number(load(managementPage(number) + offset, 8));
  for (const [i, target] of [0, 8].entries()) {
    xive.setQueue(target, PRIORITY, { page: QUEUE + i * 0x1000, sizeLog2: 12, alwaysNotify: true });
    running = target;
    store(TIMA_SYSTEM + CPPR, 1, 0xff);
  }
  running = 0;
  return {
    xive,
    memory,
    lines,
    reports,
    esb,
    load,
    store,
    as: (hardwareId: number) => {
      running = hardwareId;
    },
    acknowledge: () => Number(load(TIMA_SYSTEM + ACKNOWLEDGE, 2)),
    entry: (i: number, queue = 0) => memory.readU32(QUEUE + queue * 0x1000 + 4 * i, false),
  };
}

describe('queues in memory', () => {
  it('each that is configured, until it or all are taken back', () => {
    const { xive } = controller();
    const [first, second] = [0, 8].map((target, i) => ({
      target,
      priority: PRIORITY,
      page: QUEUE + i * 0x1000,
      bytes: 0x1000,
    }));
    expect(xive.queues()).toEqual([first, second]);
    xive.setQueue(0, PRIORITY, undefined);
    expect(xive.queues()).toEqual([second]);
    xive.reset();
    expect(xive.queues()).toEqual([]);
  });
});

describe('a message source', () => {
  it('off, then on → events only once it is ready', () => {
    const { xive, entry, esb } = controller();
    const { number, line } = xive.allocate('msi');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 0x42 });
    line.pulse();
    expect(esb(number, GET)).toBe(1);
    expect(esb(number, SET_00)).toBe(1);
    line.pulse();
    expect(entry(0)).toBe((GENERATION | 0x42) >>> 0);
  });

  it('an event → queued, presented, acknowledged, ended', () => {
    const { xive, lines, acknowledge, esb, store } = controller();
    const { number, line } = xive.allocate('msi');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 0x42 });
    esb(number, SET_00);
    line.pulse();
    expect([lines.get(0), lines.get(8)]).toEqual([true, undefined]);
    expect(xive.presentation(0)).toMatchObject({ xisr: number, cppr: 0xff, inService: [number] });
    expect(acknowledge()).toBe(0x8000 | PRIORITY);
    expect(lines.get(0)).toBe(false);
    expect(acknowledge()).toBe(PRIORITY);
    expect(xive.presentation(0)).toMatchObject({ xisr: 0, cppr: PRIORITY, inService: [number] });
    expect(esb(number, SET_00)).toBe(2);
    store(TIMA_SYSTEM + CPPR, 1, 0xff);
    expect(lines.get(0)).toBe(false);
    expect(xive.presentation(0)).toMatchObject({ xisr: 0, cppr: 0xff, inService: [] });
  });

  it('a second event before the end → remembered once, sent when ended', () => {
    const { xive, entry, esb } = controller();
    const { number, line } = xive.allocate('msi');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 7 });
    esb(number, SET_00);
    for (let i = 0; i < 3; i++) line.pulse();
    expect([esb(number, GET), entry(0), entry(1)]).toEqual([3, (GENERATION | 7) >>> 0, 0]);
    expect(esb(number, 0)).toBe(1);
    expect([esb(number, GET), entry(1), entry(2)]).toEqual([2, (GENERATION | 7) >>> 0, 0]);
    expect(esb(number, 0)).toBe(0);
    expect(esb(number, GET)).toBe(0);
  });

  it('an acknowledged CPPR holds the next back until it is raised', () => {
    const { xive, lines, acknowledge, esb, store } = controller();
    const [one, two] = [xive.allocate('msi'), xive.allocate('msi')];
    for (const { number } of [one, two]) {
      xive.setRoute(number, { target: 0, priority: PRIORITY, data: number });
      esb(number, SET_00);
    }
    one.line.pulse();
    acknowledge();
    two.line.pulse();
    expect(lines.get(0)).toBe(false);
    store(TIMA_SYSTEM + CPPR, 1, 0xff);
    expect(lines.get(0)).toBe(true);
  });

  it('masked, or without a queue → pending, without a notification', () => {
    const { xive, lines, esb } = controller();
    const { number, line } = xive.allocate('msi');
    esb(number, SET_00);
    line.pulse();
    xive.setRoute(number, { target: 0, priority: 3, data: 1 });
    esb(number, SET_00);
    line.pulse();
    expect([esb(number, GET), lines.get(0)]).toEqual([2, undefined]);
  });
});

describe('interprocessor interrupts', () => {
  it('a store to the trigger page of another vCPU’s number → it is presented there, once', () => {
    const { xive, lines, entry, esb, store, as, acknowledge } = controller();
    xive.setRoute(1, { target: 8, priority: PRIORITY, data: 0x10 });
    esb(1, SET_00);
    store(triggerPage(1), 8, 0);
    expect([lines.get(0), lines.get(8), entry(0, 1)]).toEqual([undefined, true, (GENERATION | 0x10) >>> 0]);
    expect(acknowledge()).toBe(0xff);
    as(8);
    expect(acknowledge()).toBe(0x8000 | PRIORITY);
  });

  it('numbers that are the guest’s own are not allocated', () => {
    const { xive } = controller();
    expect([xive.ipis, xive.allocate('msi', 0).number]).toEqual([2, 2]);
  });
});

describe('a level source', () => {
  it('still asserted when ended → sent again; lowered → not', () => {
    const { xive, entry } = controller();
    const { number, line } = xive.allocate('level');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 5 });
    xive.manage(number, SET_00);
    line.set(true);
    expect(xive.manage(number, 0)).toBe(1);
    line.set(false);
    expect(xive.manage(number, 0)).toBe(0);
    expect([entry(1), entry(2)]).toEqual([(GENERATION | 5) >>> 0, 0]);
  });
});

describe('queues', () => {
  it('round once → the generation bit turns over', () => {
    const { xive, entry, esb } = controller();
    const { number, line } = xive.allocate('msi');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 9 });
    for (let i = 0; i < 1025; i++) {
      esb(number, SET_00);
      line.pulse();
    }
    expect([entry(0), entry(1), entry(1023)]).toEqual([9, (GENERATION | 9) >>> 0, (GENERATION | 9) >>> 0]);
    expect(xive.queue(0, PRIORITY)?.position).toEqual({ index: 1, generation: 0 });
  });

  it('reset → every source off and unrouted, no queue: quiet', () => {
    const { xive, esb, lines } = controller();
    const { number, line } = xive.allocate('msi');
    xive.setRoute(number, { target: 0, priority: PRIORITY, data: 9 });
    esb(number, SET_10);
    expect(xive.presentation(0).inService).toEqual([number]);
    xive.reset();
    line.pulse();
    expect([esb(number, GET), xive.route(number)?.priority, lines.get(0)]).toEqual([1, 0xff, undefined]);
    expect(xive.queue(0, PRIORITY)).toBeUndefined();
    expect(xive.presentation(0).inService).toEqual([]);
  });
});

describe('the pages', () => {
  it('the ring → NSR, CPPR, IPB, PIPR; valid', () => {
    const { xive, esb, load } = controller();
    expect(load(TIMA_SYSTEM + 0x10, 8)).toBe(0x00ff_0000_0000_00ffn);
    expect(load(TIMA_SYSTEM + 0x18, 4)).toBe(0x8000_0000n);
    xive.setRoute(0, { target: 0, priority: PRIORITY, data: 1 });
    esb(0, SET_00);
    xive.trigger(0);
    expect(load(TIMA_SYSTEM + 0x10, 8)).toBe(0x80ff_0200_0000_0006n);
  });

  it('a CPPR beyond the priorities → none is held back', () => {
    const { load, store } = controller();
    store(TIMA_SYSTEM + CPPR, 1, 9);
    expect(load(TIMA_SYSTEM + CPPR, 1)).toBe(0xffn);
  });

  it('set a priority pending → presented', () => {
    const { lines, store } = controller();
    store(TIMA_SYSTEM + 0x812, 1, PRIORITY);
    expect(lines.get(0)).toBe(true);
  });

  it('what there is not → all ones, reported', () => {
    const { load, store, reports, esb } = controller();
    expect(load(TIMA_SYSTEM + 0x30, 4)).toBe(0xffff_ffffn);
    store(TIMA_SYSTEM + 0x10, 4, 0);
    expect(load(managementPage(0x1fff) + GET, 8)).toBe(0xffff_ffff_ffff_ffffn);
    store(managementPage(0) + 0x400, 8, 0);
    expect(esb(0, SET_01)).toBe(1);
    expect(reports.map(({ key }) => key)).toEqual([
      'xive tima load 0x30',
      'xive tima store 0x10',
      'xive source load 0x800',
      'xive source store 0x400',
    ]);
  });
});
