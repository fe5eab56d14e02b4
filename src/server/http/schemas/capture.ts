/** Captures: what one crash left. */

import { type TUnsafe, Type } from 'typebox';
import type { Capture as Named, ToolWords } from '../../../panic/contract/index.ts';
import { CAPTURE_PHASES } from '../../../panic/contract/index.ts';
import { ActorRef } from './access.ts';
import { exactly } from './exact.ts';
import { Made } from './made.ts';
import { closed, count, sha256, when } from './scalars.ts';
import { Unsupported } from './unsupported.ts';

const vmcore = Type.Object(
  {
    bytes: count,
    format: Type.Enum(['elf', 'kdump-compressed', 'flattened']),
    sha256,
    incomplete: Type.Optional(Type.Boolean({ description: 'The dump ends early' })),
  },
  closed,
);

export const ToolWordsSchema: TUnsafe<ToolWords> = exactly<ToolWords>()(
  Type.Object(
    {
      tool: Type.String({ description: '`kexec`, `makedumpfile`' }),
      lines: Type.Array(Type.String()),
    },
    closed,
  ),
);

export const Capture: TUnsafe<Named> = exactly<Named>()(
  Type.Object(
    {
      id: Type.String(),
      partitionId: Type.String(),
      image: Type.String(),
      outcome: Type.Enum(['captured', 'failed']),
      requested: Type.Optional(
        Type.Boolean({
          description:
            'Whether somebody asked for the crash; otherwise the guest crashed by itself. Absent in captures of earlier releases',
        }),
      ),
      phase: Type.Enum(CAPTURE_PHASES),
      reason: Type.Optional(Type.String()),
      signature: Type.Optional(
        Type.String({ description: 'The same for the same crash: a hash of `cause`' }),
      ),
      cause: Type.Optional(
        Type.Object(
          {
            reason: Type.String({ description: 'What was given to panic() or die(); numbers are `#`' }),
            backtrace: Type.Array(Type.String(), { description: 'Functions, innermost first' }),
          },
          closed,
        ),
      ),
      vmcore: Type.Union([vmcore, Type.Null()]),
      rules: Type.Object(
        {
          held: count,
          broken: count,
          notReached: count,
          notApplicable: count,
          notEvaluated: Type.Optional(
            Type.Integer({
              description: 'What they need was not seen; absent: an earlier release did not count',
            }),
          ),
        },
        closed,
      ),
      unsupported: Type.Optional(
        Type.Array(Unsupported, {
          description: 'What the guest used since power-on that the machine lacks; absent: nothing',
        }),
      ),
      words: Type.Optional(
        Type.Array(ToolWordsSchema, {
          description:
            'What kexec-tools and makedumpfile printed, in order, also where all went well; the last lines',
        }),
      ),
      made: Type.Optional(Made),
      createdAt: when,
      createdBy: Type.Optional(ActorRef),
      damaged: Type.Optional(
        Type.Literal(true, { description: 'Bytes of its vmcore are lost in the store' }),
      ),
      damage: Type.Optional(Type.String({ description: 'What of it is lost' })),
    },
    closed,
  ),
);
