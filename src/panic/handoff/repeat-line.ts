/**
 * Writes the line that repeats without the service what it did: `kdumpd crash`, or `kdumpd kexec`. Every option of a partition is in the
 * table: one that is added there and not here does not compile.
 */

import type { LeaveRequest, PanicRequest, PartitionRequest } from '../contract/index.ts';
import { faultText } from '../faults/index.ts';
import { BOOT_DUMP_MODE } from '../guest/agent-line.ts';
import type { LeavePath } from '../trace/index.ts';

type Words = readonly string[];
type Options = {
  readonly [Key in keyof PartitionRequest]-?: (value: NonNullable<PartitionRequest[Key]>) => Words;
};

const OPTIONS: Options = {
  image: (name) => ['--image', name],
  processor: (name) => ['--processor', name],
  mmu: (mode) => ['--mmu', mode],
  firmware: (kind) => ['--firmware', kind],
  interrupts: (kind) => ['--interrupts', kind],
  diskBus: (kind) => ['--disk-bus', kind],
  cpus: (count) => ['--cpus', `${count}`],
  threads: (count) => ['--threads', `${count}`],
  memory: (spec) => ['--memory', spec],
  seed: (seed) => ['--seed', `${seed}`],
  append: (text) => [`--append=${text}`],
  crashAppend: (text) => [`--crash-append=${text}`],
  rma: (size) => ['--rma', size],
  dumpDevice: (size) => ['--dump-device', size],
  osTerm: (policy) => ['--os-term', policy],
  refuseSysReset: (isRefused) => (isRefused ? ['--refuse-sys-reset'] : []),
  loader: (who) => ['--loader', who],
  limits: ({ consoleBytes, consoleBytesPerSecond, agentBytes }) => [
    ...given('--console-limit', consoleBytes),
    ...given('--console-rate', consoleBytesPerSecond),
    ...given('--agent-limit', agentBytes),
  ],
  name: () => [],
};

/** The data folder that a command uses where none is given. */
const DEFAULT_DATA = 'data';

export type LineParts = {
  readonly machine: PartitionRequest;
  /** As the daemon was given it. */
  readonly data?: string;
  /** Something was typed: it is read from a file. */
  readonly hasInput: boolean;
};

/** @param asked undefined: the crash was not requested */
export function crashLine(parts: LineParts, asked: PanicRequest | undefined): string {
  return lineOf('crash', parts, asked === undefined ? ['--trigger', 'none'] : askedWords(asked));
}

export function leaveLine(parts: LineParts, path: LeavePath, { timeoutSeconds }: LeaveRequest): string {
  return lineOf('kexec', parts, [
    ...(path === 'restart' ? ['--restart'] : []),
    ...given('--timeout', timeoutSeconds),
  ]);
}

function lineOf(
  command: 'crash' | 'kexec',
  { machine, data = DEFAULT_DATA, hasInput }: LineParts,
  own: Words,
): string {
  const options = (Object.keys(OPTIONS) as (keyof PartitionRequest)[]).flatMap((key) =>
    wordsOf(key, machine),
  );
  const words = [
    ...['npx', 'kdumpd', command],
    ...(data === DEFAULT_DATA ? [] : ['--data', data]),
    ...options,
    ...own,
    ...(hasInput ? ['--input', 'FILE'] : []),
  ];
  return words.map(quoted).join(' ');
}

function wordsOf(key: keyof PartitionRequest, machine: PartitionRequest): Words {
  const value = machine[key];
  // The table has for each key a function of its own values; the compiler does not follow that through a variable key.
  const write = OPTIONS[key] as (value: unknown) => Words;
  return value === undefined ? [] : write(value);
}

function askedWords({ trigger, onCpu, dump, timeoutSeconds, faults = [] }: PanicRequest): Words {
  return [
    ...['--trigger', trigger],
    ...given('--on-cpu', onCpu),
    ...[`--dump=${dump}`, '--boot-dump', BOOT_DUMP_MODE],
    ...given('--timeout', timeoutSeconds),
    ...faults.flatMap((fault) => ['--fault', faultText(fault)]),
  ];
}

function given(option: string, value: number | undefined): Words {
  return value === undefined ? [] : [option, `${value}`];
}

/** A word of a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
