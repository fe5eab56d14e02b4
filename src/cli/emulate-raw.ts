/**
 * `kdumpd emulate --raw`: runs a bare program on a processor with nothing around it and prints its registers.
 * The contract is docs/cli.md's: `attn` ends the program and is not counted; exit 0 on attn, 3 on the limit, 4 otherwise.
 */

import { readFileSync } from 'node:fs';
import { defined } from '../base/defined.ts';
import { FormatError } from '../base/errors.ts';
import { hex64 } from '../base/hex.ts';
import { CTR, LR } from '../emulator/cpu/layout.ts';
import type { ReportUnsupported } from '../emulator/devices/contract.ts';
import { BareMachine, type BareStop } from '../emulator/partition/bare-machine.ts';

export type RawOptions = {
  /** The program: bytes that are placed as they are. */
  readonly file: string;
  /** Real address of the first byte; default 0. */
  readonly loadAt?: number;
  /** Default: where the program is loaded. */
  readonly entry?: number;
  readonly endian?: 'big' | 'little';
  readonly processor?: 'power8' | 'power9';
  /** Bytes of memory from address 0; default 16 MiB. */
  readonly memory?: number;
  /** Default: no limit. */
  readonly maxInstructions?: number;
  readonly seed?: number;
  /** Called for every instruction and register that is not implemented; for stderr. */
  readonly unsupported?: ReportUnsupported;
};

/** Registers at the end; every value 16 hex digits. */
export type RawRegisters = {
  readonly gpr: readonly string[];
  readonly cr: string;
  readonly lr: string;
  readonly ctr: string;
  readonly xer: string;
  readonly msr: string;
  readonly nia: string;
  /** Executed; the `attn` that ended the program is not among them. */
  readonly instructions: number;
  readonly stop: 'attn' | 'limit' | 'error';
};

export type RawResult = { readonly registers: RawRegisters; readonly exitCode: 0 | 3 | 4 };

const MEMORY = 16 * 1024 * 1024;
const PVR = { power8: 0x4d0200, power9: 0x4e1200 } as const;
/** Above this the arena (one WebAssembly memory) has no room. */
const MOST_MEMORY = 2 ** 31;

const STOPS: Readonly<Record<BareStop, readonly [RawRegisters['stop'], RawResult['exitCode']]>> = {
  attn: ['attn', 0],
  limit: ['limit', 3],
  stuck: ['error', 4],
};

/**
 * Runs the program to its end.
 * @throws FormatError when the file cannot be read, does not fit in memory, or an option is out of range.
 */
export function runRaw(options: RawOptions): RawResult {
  const memory = options.memory ?? MEMORY;
  const loadAt = options.loadAt ?? 0;
  const entry = options.entry ?? loadAt;
  if (!Number.isSafeInteger(memory) || memory <= 0 || memory > MOST_MEMORY) {
    throw new FormatError('emulate/memory', `memory is 1 byte to 2 GiB, not ${memory}`);
  }
  if (!Number.isSafeInteger(entry) || entry < 0 || entry % 4 !== 0) {
    throw new FormatError('emulate/entry', `the entry is an address and a multiple of 4, not ${entry}`);
  }
  const program = readProgram(options.file);
  if (!Number.isSafeInteger(loadAt) || loadAt < 0 || loadAt + program.length > memory) {
    throw new FormatError(
      'emulate/fit',
      `${program.length} bytes at ${hex64(loadAt)} do not fit in ${memory} bytes of memory`,
    );
  }
  const machine = new BareMachine({
    memory,
    endian: options.endian ?? 'big',
    processorVersion: PVR[options.processor ?? 'power9'],
    seed: options.seed ?? 0,
    ...defined({ unsupported: options.unsupported }),
  });
  machine.ram.write(loadAt, program);
  machine.vcpu.nia = BigInt(entry);
  const [stop, exitCode] = STOPS[machine.run(options.maxInstructions)];
  const { vcpu } = machine;
  return {
    exitCode,
    registers: {
      gpr: Array.from({ length: 32 }, (_, n) => hex64(vcpu.gpr(n))),
      cr: hex64(vcpu.cr),
      lr: hex64(vcpu.get64(LR)),
      ctr: hex64(vcpu.get64(CTR)),
      xer: hex64(vcpu.xer),
      msr: hex64(vcpu.msr),
      nia: hex64(vcpu.nia),
      instructions: machine.instructions,
      stop,
    },
  };
}

function readProgram(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new FormatError('emulate/file', `cannot read ${file}`, { what: file, cause });
  }
}
