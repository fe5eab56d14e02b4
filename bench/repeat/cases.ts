/** Lists the crashes, kexecs and restarts that are made by a daemon and repeated without it: other triggers, CPUs, dumps, machines and seeds, some typed by a user. */

import type { PanicRequest, PartitionRequest } from '../../src/panic/contract/index.ts';

/** What a user types, `atOnce` without waiting until the guest rests; `eachKey`: in a request each, as a terminal sends it. */
export type Typing = {
  readonly text: string;
  readonly eachKey?: true;
};

export type Case = {
  readonly partition: Omit<PartitionRequest, 'name'>;
  /** Typed before it is asked for, or instead of a crash. */
  readonly typed?: readonly Typing[];
  /** Absent: what is typed crashes the guest, or its boot does. */
  readonly asked?: PanicRequest;
  /** An ordinary kexec or a restart in the place of a crash. */
  readonly leaves?: 'kexec' | 'restart';
};

const BREAK_C = '\x0fc';
const ECHO_C = 'echo c >/proc/sysrq-trigger\r';

const built = (change: Partial<PartitionRequest> = {}): Case['partition'] => ({
  image: 'built-in',
  memory: '128M',
  ...change,
});
const debian = (change: Partial<PartitionRequest> = {}): Case['partition'] => ({
  image: 'debian',
  memory: '1G',
  ...change,
});

export const CASES: readonly Case[] = [
  { partition: built(), asked: { trigger: 'sysrq', dump: 'raw' } },
  { partition: built({ cpus: 4 }), asked: { trigger: 'panic', onCpu: 3, dump: 'raw' } },
  { partition: debian({ cpus: 2 }), asked: { trigger: 'panic', onCpu: 1, dump: '-l -d 31' } },
  { partition: built({ cpus: 2, processor: 'power8' }), asked: { trigger: 'nmi', onCpu: 1, dump: 'raw' } },
  { partition: built({ cpus: 2, mmu: 'hash', seed: 7 }), asked: { trigger: 'echo', dump: 'raw' } },
  { partition: built(), typed: [{ text: BREAK_C }] },
  { partition: debian({ seed: 3 }), typed: [{ text: 'uname -a\r' }, { text: ECHO_C }] },
  {
    partition: built({ cpus: 2 }),
    asked: {
      trigger: 'sysrq',
      dump: 'raw',
      faults: [{ kind: 'flip', of: 'kernel', offset: 4096, at: 't0' }],
    },
  },
  { partition: built({ cpus: 3, seed: 99 }), typed: [{ text: 'hello' }, { text: BREAK_C, eachKey: true }] },
  { partition: built({ cpus: 8 }), asked: { trigger: 'sysrq', onCpu: 5, dump: 'raw' } },
  {
    partition: debian({ cpus: 2, processor: 'power8', diskBus: 'vscsi' }),
    typed: [{ text: 'ls /\r' }],
    asked: { trigger: 'sysrq', onCpu: 1, dump: '-c -d 31' },
  },
  {
    partition: built({ cpus: 2, refuseSysReset: true }),
    asked: { trigger: 'panic', dump: 'raw', timeoutSeconds: 600 },
  },
  { partition: built({ memory: '64M,64M@4G' }), asked: { trigger: 'sysrq', dump: 'raw' } },
  {
    partition: built({ cpus: 2 }),
    asked: { trigger: 'nmi', dump: 'raw', faults: [{ kind: 'wedge', cpu: 1 }] },
  },
  { partition: debian(), typed: [{ text: ECHO_C, eachKey: true }] },
  { partition: built({ append: 'crashkernel=16M@16M' }), asked: { trigger: 'sysrq', dump: 'raw' } },
  { partition: built({ cpus: 4, seed: 12345 }), typed: [{ text: BREAK_C }] },
  { partition: built({ limits: { consoleBytes: 2 ** 20 } }), asked: { trigger: 'panic', dump: 'raw' } },
  { partition: debian({ mmu: 'hash', interrupts: 'xive' }), asked: { trigger: 'nmi', dump: 'raw' } },
  { partition: built({ cpus: 6, mmu: 'hash' }), asked: { trigger: 'echo', onCpu: 5, dump: 'raw' } },
  { partition: built({ cpus: 2 }), leaves: 'kexec' },
  { partition: built({ cpus: 4, mmu: 'hash' }), typed: [{ text: 'hello' }], leaves: 'restart' },
  { partition: debian({ cpus: 2 }), typed: [{ text: 'uname -a\r' }], leaves: 'kexec' },
];
