/**
 * Runs `kdumpd emulate --kernel`: a bare kernel in this process, its first terminal on standard input and output.
 * Ends with 0 when the guest powers off, 5 when it calls ibm,os-term, 3 at the limit of instructions, 2 when nothing more can
 * happen. Input is read as fast as the guest reads its terminal.
 */

import { type PartitionConfig, VTY_INPUT_BYTES } from '../emulator/host/index.ts';
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
    for (let at = 0; at < bytes.length; at += VTY_INPUT_BYTES)
      typed.push(bytes.subarray(at, at + VTY_INPUT_BYTES));
    streams.input.pause();
    wake?.();
  });
  streams.input.on('end', () => {
    inputEnded = true;
    wake?.();
  });
  partition.powerOn();
  let isResting = false;
  for (;;) {
    for (let next = typed[0]; next !== undefined && partition.input(0, next); next = typed[0]) {
      typed.shift();
      isResting = false;
    }
    if (typed.length === 0) streams.input.resume();
    else if (isResting) {
      streams.messages.write('kdumpd: the guest waits, and does not read its terminal, which is full\n');
      return EXIT_NOT_DONE;
    }
    const before = partition.instructions;
    const outcome = partition.run(Math.min(TURN, left));
    isResting = outcome === 'resting';
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
    if (isResting && typed.length === 0) {
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
