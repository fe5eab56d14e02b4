/** What a hostile root does in its guest: text that is typed on its console. */

import type { ModuleName } from './modules.ts';

export type Attack = {
  readonly name: string;
  /** Modules that it needs as /NAME.ko. */
  readonly modules: readonly ModuleName[];
  /** Typed on the first terminal, a line each. */
  readonly lines: readonly string[];
};

const EVERY_CPU = 'for c in 0 1; do';

export const ATTACKS: readonly Attack[] = [
  {
    name: 'second terminal: lines like the agent’s, from a shell',
    modules: [],
    lines: ["(while :; do yes 'ok a' | head -c 100000000; done >/dev/hvc1) &"],
  },
  {
    name: 'second terminal: 16 bytes a hypercall, from a module',
    modules: ['hcall_term'],
    lines: ['insmod /hcall_term.ko &'],
  },
  {
    name: 'first terminal: escape sequences without end',
    modules: [],
    lines: ["(while :; do printf '\\033[2J\\033[31mflood \\007'; done >/dev/hvc0) &", 'yes'],
  },
  {
    name: 'both terminals, both CPUs',
    modules: ['hcall_term'],
    lines: ['taskset -c 1 insmod /hcall_term.ko &', 'taskset -c 0 yes'],
  },
  {
    name: 'unknown hypercalls, each a new one',
    modules: ['hcall_many'],
    lines: ['insmod /hcall_many.ko &'],
  },
  {
    name: 'dump disk written without end',
    modules: [],
    lines: [
      `${EVERY_CPU} (while :; do taskset -c $c dd if=/dev/zero bs=1M | tr '\\0' x | dd of=/dev/vdb bs=1M; done) >/dev/null 2>&1 & done`,
    ],
  },
  {
    name: 'disk read without end, past the page cache',
    modules: [],
    lines: [
      `${EVERY_CPU} (while :; do taskset -c $c dd if=/dev/vda of=/dev/null bs=1M iflag=direct; done) >/dev/null 2>&1 & done`,
    ],
  },
  {
    name: 'both CPUs spin in user mode',
    modules: [],
    lines: [`${EVERY_CPU} (taskset -c $c sh -c 'while :; do :; done') & done`],
  },
  {
    name: 'both CPUs spin in the kernel, interrupts off',
    modules: ['irqs_block'],
    lines: [
      'cp /irqs_block.ko /b.ko; (sleep 1; taskset -c 1 insmod /irqs_block.ko) & taskset -c 0 insmod /b.ko',
    ],
  },
  {
    name: 'all memory touched until the guest kills its programs',
    modules: [],
    lines: ['echo 0 >/proc/sys/vm/panic_on_oom', '(while :; do tail /dev/zero; done) >/dev/null 2>&1 &'],
  },
];
