/** Standard input of a bare kernel. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { EXIT_NOT_DONE } from '../../src/cli/arguments.ts';
import { emulateKernel } from '../../src/cli/emulate-kernel.ts';
import { bareKernelFile } from '../synth/bare-kernel.ts';
import { b, li, SC1 } from '../synth/power-words.ts';

const H_CEDE = 0xe0;

it('input without end, and a guest that waits and never reads → little is taken, and the run ends with the reason', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-kernel-'));
  const kernel = join(folder, 'kernel');
  writeFileSync(kernel, bareKernelFile([li(3, H_CEDE), SC1, b(-8)]));
  let taken = 0;
  const input = new Readable({
    read() {
      taken += 2 ** 16;
      this.push(Buffer.alloc(2 ** 16));
    },
  });
  let said = '';
  const listener = new Writable({
    write(bytes: Buffer, _encoding, done) {
      said += bytes.toString();
      done();
    },
  });
  try {
    const code = await emulateKernel(
      {
        processor: 'power9',
        mmu: 'radix',
        cpus: 1,
        memory: [{ base: 0, size: 2 ** 26 }],
        kernel,
        append: '',
        seed: 1,
        disks: [],
      },
      { input, output: listener, messages: listener },
    );
    expect([code, said]).toEqual([
      EXIT_NOT_DONE,
      'kdumpd: the guest waits, and does not read its terminal, which is full\n',
    ]);
    expect(taken).toBeLessThan(2 ** 20);
  } finally {
    input.destroy();
    rmSync(folder, { recursive: true });
  }
});
