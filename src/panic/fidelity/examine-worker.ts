/** Examines a machine in a thread of its own: its dump and the tables of its kernel may say anything (reading/). */

import { serveReadings } from '../reading/index.ts';
import { type Examination, examine } from './examine.ts';
import type { ToExamine } from './examine-apart.ts';

serveReadings(
  (machine, input: ToExamine): Promise<Examination> =>
    examine({ ...input, handle: machine, nameOf: (nia, insn) => machine.nameAt(nia, insn) }),
);
