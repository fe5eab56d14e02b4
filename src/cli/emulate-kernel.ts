/**
 * Runs `kdumpd emulate --kernel`: a bare kernel in this process, its first terminal on standard input and output.
 * Ends with 0 when the guest powers off, 5 when it calls ibm,os-term, 3 at the limit of instructions, 2 when nothing more can
 * happen.
 */

import type { PartitionConfig } from '../emulator/host/index.ts';
import { Partition } from '../emulator/partition/index.ts';
import { EXIT_DONE, EXIT_LIMIT, EXIT_NOT_DONE, EXIT_OS_TERM } from './arguments.ts';
import { oneLine } from './one-line.ts';

/** Instructions between two polls of standard input. */
const TURN = 5_000_000;

export type Streams = {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly messages: NodeJS.WritableStream;
};

export type KernelOptions = {
  /** Instructions of all vCPUs and power cycles together, waiting included; the slice that reaches it is finished. Default: no limit. */
  readonly maxInstructions?: number;
};

/** Runs until the guest ends. @returns the exit code. @throws FormatError for a kernel that cannot be loaded. */
export async function emulateKernel(
  config: PartitionConfig,
  streams: Streams,
  { maxInstructions = Number.POSITIVE_INFINITY }: KernelOptions = {},
): Promise<number> {
  let left = maxInstructions;
  let wake: (() => void) | undefined;
  let inputEnded = false;
  const typed: Uint8Array[] = [];
  const partition = new Partition(config, [], {
    console: (vty, bytes) => {
      if (vty === 0) streams.output.write(bytes);
    },
    event: () => undefined,
    unsupported: (what, count) => {
      if (count > 1) return;
      streams.messages.write(
        `kdumpd: not implemented: ${what.kind} ${what.key} at ${what.where ?? 'no address'}\n`,
      );
    },
  });
  streams.input.on('data', (bytes: Uint8Array) => {
    typed.push(bytes);
    wake?.();
  });
  streams.input.on('end', () => {
    inputEnded = true;
    wake?.();
  });
  partition.powerOn();
  for (;;) {
    for (const bytes of typed.splice(0)) partition.input(0, bytes);
    const before = partition.instructions;
    const outcome = partition.run(Math.min(TURN, left));
    left -= partition.instructions - before;
    const end = partition.ended;
    if (outcome === 'ended' && end !== undefined) {
      if (end.kind === 'reboot') {
        partition.powerOn();
        continue;
      }
      if (end.kind === 'power-off') return EXIT_DONE;
      streams.messages.write(`kdumpd: ${end.kind}${'message' in end ? `: ${oneLine(end.message)}` : ''}\n`);
      return end.kind === 'os-term' ? EXIT_OS_TERM : EXIT_NOT_DONE;
    }
    if (left <= 0) {
      streams.messages.write(`kdumpd: stopped after ${maxInstructions - left} instructions\n`);
      return EXIT_LIMIT;
    }
    if (outcome === 'resting' && typed.length === 0) {
      if (inputEnded) {
        streams.messages.write('kdumpd: the guest waits for input and there is none\n');
        return EXIT_NOT_DONE;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    } else await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
