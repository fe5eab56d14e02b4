/** The fidelity report of a capture over REST. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { hex64 } from '../../src/base/hex.ts';
import type { FidelityReport } from '../../src/panic/trace/index.ts';
import { synthTrace } from '../synth/handoff-trace.ts';
import { buildTestService, type TestService } from '../synth/service.ts';

let service: TestService;
beforeEach(async () => {
  service = await buildTestService();
});
afterEach(() => service.app.close());
const get = (id: string) => service.app.inject(`/api/v1/captures/${id}/fidelity`);

const writer = { by: 'cpu', cpu: 1, nia: hex64(0xc000), symbol: 'wild+0x0', insn: 12 } as const;
const change = { raddr: hex64(0x9000), bytes: 3, owner: 'unexplained', writer } as const;
const REPORT: FidelityReport = {
  pages: {
    total: 4,
    equal: 1,
    fromBackup: 1,
    reservation: 0,
    filtered: { zero: 1, cache: 0, private: 0, user: 0, free: 0, poisoned: 0, unknown: 0 },
    kindsKnown: true,
    differingPages: 1,
    differing: [change],
    missing: 0,
    missingRanges: [],
  },
  registers: [{ cpu: 0, source: 'save', differing: [] }],
  changedBeforeT1: [],
  changedPagesBeforeT1: 0,
  changedAfterT1: [change],
  changedPagesAfterT1: { reservation: 0, 'low-64k': 0, rtas: 0, hypervisor: 0, unexplained: 1 },
  problems: [],
};

test('GET /captures/:id/fidelity: a report in the trace → as stored', async () => {
  service.world.addCapture({ id: 'c1' }, { trace: { ...synthTrace(), fidelity: REPORT } });
  const answer = await get('c1');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual(REPORT);
});

test('GET /captures/:id/fidelity: a trace without, no trace, no capture → 404', async () => {
  service.world.addCapture({ id: 'early' }, { trace: synthTrace({ ends: 't0' }), bytes: null });
  service.world.addCapture({ id: 'none', outcome: 'failed' }, { trace: null, bytes: null });
  for (const id of ['early', 'none']) {
    const answer = await get(id);
    expect(answer.statusCode).toBe(404);
    expect(answer.json().detail).toBe('This crash did not get as far as to be compared.');
  }
  expect((await get('nowhere')).statusCode).toBe(404);
});
