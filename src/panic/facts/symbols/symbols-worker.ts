/** Reads a kernel's symbols in a thread of its own: a guest's memory may hold anything in their place (reading/). */

import { serveReadings } from '../../reading/index.ts';
import { readKernelSymbols } from './kernel-symbols.ts';
import type { KernelToRead, PackedKernel } from './symbols-apart.ts';

serveReadings(async (machine, { base, vmlinux, size }: KernelToRead): Promise<PackedKernel> => {
  const { source, table } = await readKernelSymbols(machine.readMemory, base, vmlinux, size);
  return { source, ...table.pack() };
});
