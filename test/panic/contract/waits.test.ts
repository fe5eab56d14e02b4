import { describe, expect, it } from 'vitest';
import type { OperationKind } from '../../../src/panic/contract/index.ts';
import { CAPTURE_PHASES, LEAVE_PHASES, waitsFor } from '../../../src/panic/contract/index.ts';

const running = (kind: OperationKind, phase: string): string | undefined =>
  waitsFor({ kind, phase, state: 'running' });

describe('what an operation waits for', () => {
  it('is its turn while it is queued, and nothing once it has ended', () => {
    expect(waitsFor({ kind: 'panic', phase: 'queued', state: 'queued' })).toContain('its turn');
    for (const state of ['succeeded', 'failed', 'cancelled'] as const)
      expect(waitsFor({ kind: 'panic', phase: 'stored', state })).toBeUndefined();
  });

  it('is said in other words for each phase that a crash passes through', () => {
    const last = CAPTURE_PHASES.indexOf('stored');
    const said = CAPTURE_PHASES.slice(0, last).map((phase) => running('panic', phase));
    expect(new Set(said).size).toBe(last);
    expect(said).not.toContain(running('panic', 'no such phase'));
  });

  it('is said in other words for each phase that a kexec passes through', () => {
    const passed = LEAVE_PHASES.filter((phase) => !['ready', 'restarted', 'up'].includes(phase));
    const said = passed.map((phase) => running('kexec', phase));
    expect(new Set(said).size).toBe(passed.length);
    expect(said).not.toContain(running('kexec', 'no such phase'));
  });

  it.each([
    ['start', 'booting', 'its agent to say that it is ready'],
    ['import', 'download', 'packages'],
    ['verify', '3 of 9 manifests', 'compared with its digests'],
    ['stop', 'queued', 'switched off'],
  ] as const)('of %s in %s', (kind, phase, words) => {
    expect(running(kind, phase)).toContain(words);
  });
});
