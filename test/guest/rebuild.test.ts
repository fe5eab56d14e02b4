/** guest/prebuilt holds what guest/build.sh makes of the sources, byte for byte, wherever it is built. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { needsProgram } from '../support/programs.ts';

const GUEST = fileURLToPath(new URL('../../guest/', import.meta.url));

describe('guest/build.sh', () => {
  it('a copy of the sources elsewhere → the bytes of guest/prebuilt', () => {
    needsProgram('powerpc64-linux-gnu-gcc');
    const folder = mkdtempSync(join(tmpdir(), 'kdumpd-rebuild-'));
    try {
      for (const part of ['build.sh', 'kernel', 'purgatory']) {
        cpSync(join(GUEST, part), join(folder, part), { recursive: true });
      }
      const build = spawnSync(join(folder, 'build.sh'), [join(folder, 'out')], { encoding: 'utf8' });
      expect(build.stderr).toBe('');
      expect(build.status).toBe(0);
      for (const image of ['kernel.elf', 'purgatory.elf']) {
        const built = readFileSync(join(folder, 'out', image));
        expect(built.equals(readFileSync(join(GUEST, 'prebuilt', image))), image).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
