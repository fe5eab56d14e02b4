/**
 * Chooses how a machine translates. A processor that has both ways offers both, and the kernel asks for one of them before it is entered
 * for good (ibm,client-architecture-support, option vector 5): for the tree, or, with `disable_radix` on its command line, for the hash
 * table. A kernel that is entered with a flattened tree is past that question, and one that is entered by Open Firmware puts it to a
 * machine that is built already: so the command line is read here as the kernel will read it.
 *
 * Source: Linux 6.1 arch/powerpc/kernel/prom_init.c, early_cmdline_parse and prom_strtobool; QEMU 7.2 offers both and gives what is asked
 * for (hw/ppc/spapr_hcall.c, do_client_architecture_support). A kernel that is built without radix by default (its configuration is not
 * read), or that has its command line built in, needs `mmu`.
 */

import { panicError } from '../contract/errors.ts';
import type { PartitionView } from '../contract/index.ts';

type Mmu = PartitionView['mmu'];

const OPTION = 'disable_radix';
/** What follows `=` and means no, or nothing that is known; prom_strtobool looks at one letter, or two of `on` and `off`. */
const YES = /^(?:[yY1]|[oO][nN])/;

/** Whether a kernel with this command line asks for the hash table. The first place counts, also inside of a longer word. */
export function asksForHash(append: string): boolean {
  const at = append.indexOf(OPTION);
  if (at < 0) return false;
  const rest = append.slice(at + OPTION.length);
  return !rest.startsWith('=') || YES.test(rest.slice(1));
}

/**
 * @param choices what the processor has, the default first
 * @throws FormatError `panic/unsupported-machine` where the command line asks for what the request rules out
 */
export function translationOf(
  choices: readonly Mmu[],
  requested: Mmu | undefined,
  append: string | undefined,
): Mmu | undefined {
  if (append === undefined || !asksForHash(append)) return requested ?? choices[0];
  if (requested === 'radix')
    throw panicError(
      'panic/unsupported-machine',
      `the command line asks for hash translation (${OPTION}) of a machine that has radix alone: leave out the one or the other`,
      { expected: 'hash', actual: requested },
    );
  return requested ?? choices.find((each) => each === 'hash');
}
