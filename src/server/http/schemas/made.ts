/** How a capture or an operation came to be. */

import { type TUnsafe, Type } from 'typebox';
import type { Made as Named } from '../../../panic/contract/index.ts';
import { exactly } from './exact.ts';
import { PanicRequestSchema } from './panic-request.ts';
import { PartitionRequestSchema } from './partition.ts';
import { closed, count, sha256 } from './scalars.ts';

const typed = Type.Object(
  {
    insn: count,
    slice: Type.Integer({ minimum: 0, description: 'Slices of the machine that were over' }),
    vty: Type.Union([Type.Literal(0), Type.Literal(1)]),
    text: Type.String({ description: 'A character a byte' }),
    resting: Type.Optional(Type.Literal(true, { description: 'The guest rested' })),
  },
  closed,
);

export const Made: TUnsafe<Named> = exactly<Named>()(
  Type.Object(
    {
      version: Type.String({ description: 'Of kdumpd' }),
      partition: Type.String({ description: 'The name of the partition' }),
      machine: PartitionRequestSchema,
      image: Type.Object(
        {
          name: Type.String(),
          kernelRelease: Type.Optional(Type.String()),
          files: Type.Array(Type.Object({ role: Type.String(), bytes: count, sha256 }, closed)),
          packages: Type.Array(Type.Object({ name: Type.String(), version: Type.String() }, closed)),
        },
        closed,
      ),
      append: Type.String({ description: "The production kernel's whole command line" }),
      nextAppend: Type.Optional(
        Type.String({ description: 'The command line of the kernel that was loaded' }),
      ),
      asked: Type.Optional(PanicRequestSchema),
      input: Type.Optional(Type.Array(typed, { description: 'What users typed since power-on' })),
      line: Type.Optional(
        Type.String({
          description: 'Makes the same vmcore and trace without the daemon; `FILE` is the capture as JSON',
        }),
      ),
      noLine: Type.Optional(Type.Array(Type.String(), { description: 'Why a crash has no such line' })),
    },
    closed,
  ),
);
