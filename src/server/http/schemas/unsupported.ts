/** What a guest used that the machine lacks. */

import { type TUnsafe, Type } from 'typebox';
import type { UnsupportedUse } from '../../../panic/contract/index.ts';
import { exactly } from './exact.ts';
import { closed } from './scalars.ts';

export const Unsupported: TUnsafe<UnsupportedUse> = exactly<UnsupportedUse>()(
  Type.Object(
    {
      kind: Type.String({
        description: '`instruction`, `spr`, `hcall`, `rtas`, `mmio`, `config`, `device`, or `others`',
      }),
      key: Type.String({ description: 'The word or mnemonic, the number, the token, the offset' }),
      where: Type.Optional(Type.String({ description: 'The address at which it was used first' })),
      detail: Type.Optional(Type.String()),
      count: Type.Integer({ minimum: 1, description: 'How often, since power-on' }),
    },
    closed,
  ),
);
