import { describe, expect, it } from 'vitest';
import { explainNoCrashKernel } from '../../../src/panic/guest/no-crash-kernel.ts';

const AGENT = 'no memory is reserved for a crash kernel: the command line needs crashkernel=';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Lines of Debian's 6.1. */
const CONSOLE = [
  '[    0.000000] Reserving 8192MB of memory at 128MB for crashkernel (System RAM: 1024MB)',
  '[    0.000000] Failed to reserve memory for crashkernel!',
  '[    0.000000] Kernel command line: crashkernel=8G',
  'kdumpd: no crash kernel: no memory is reserved',
].join('\r\n');

describe('explainNoCrashKernel', () => {
  it.each([
    ['console=hvc0', '', 'no memory is reserved for a crash kernel: the command line has no crashkernel='],
    [
      'crashkernel=256M crashkernel=8G quiet',
      CONSOLE,
      'the kernel reserved no memory for crashkernel=8G: “Failed to reserve memory for crashkernel!”',
    ],
    [
      'crashkernel=banana',
      '[    0.000000] crashkernel: memory value expected\n',
      'the kernel reserved no memory for crashkernel=banana: “crashkernel: memory value expected”',
    ],
    [
      'crashkernel=0',
      '[    0.1] booting\n',
      'the kernel reserved no memory for crashkernel=0, and its console does not say why',
    ],
  ])('%s → the option and the kernel’s own line', (append, console, expected) => {
    expect(explainNoCrashKernel(AGENT, append, bytes(console))).toBe(expected);
  });

  it('another reason → as the agent gave it', () => {
    expect(explainNoCrashKernel('kexec ended with 1: no', 'crashkernel=8G', bytes(CONSOLE))).toBe(
      'kexec ended with 1: no',
    );
  });
});
