import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasProgram, needsProgram } from './programs.ts';

describe('needsProgram', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('needsProgram: a name that is not listed → an error, never a skip', () => {
    expect(() => needsProgram('no-such-program')).toThrow('not listed in scripts/lib/programs.json');
  });

  it('needsProgram: program missing and CI=true → an error that names the Debian package', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('CI', 'true');
    vi.resetModules();
    const fresh = await import('./programs.ts');
    expect(fresh.hasProgram('makedumpfile')).toBe(false);
    expect(() => fresh.needsProgram('makedumpfile')).toThrow('Debian package makedumpfile');
  });

  it('needsProgram: program missing elsewhere → the test is skipped with the reason', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('CI', 'false');
    vi.resetModules();
    const { TestRunner } = await import('vitest');
    const skip = vi
      .spyOn(TestRunner.getCurrentTest()!.context, 'skip')
      .mockImplementation((() => {}) as never);
    const fresh = await import('./programs.ts');
    fresh.needsProgram('cpio', 'dtc');
    expect(skip).toHaveBeenCalledWith(
      'needs cpio (Debian package cpio), dtc (Debian package device-tree-compiler)',
    );
    skip.mockRestore();
  });

  it('hasProgram: a name that is not listed → an error', () => {
    expect(() => hasProgram('no-such-program')).toThrow('not listed');
  });
});
