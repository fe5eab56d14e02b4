/** The store as a whole: how much it holds, and what of it is damaged. */

import { type TUnsafe, Type } from 'typebox';
import type { StoreView } from '../../../panic/contract/index.ts';
import { exactly } from './exact.ts';
import { closed, count, when } from './scalars.ts';

const damage = Type.Object(
  {
    database: Type.Enum(['chunks.db', 'metadata.db']),
    kind: Type.Enum([
      'database',
      'schema',
      'manifest',
      'vmcore',
      'chunk',
      'misnamed',
      'unnamed',
      'quarantine',
      'record',
      'capture',
    ]),
    id: Type.Optional(Type.String({ description: 'Of the chunk, the vmcore or the record' })),
    problem: Type.String(),
    captures: Type.Array(Type.String(), { description: 'The captures that it affects' }),
    advice: Type.String({ description: 'What to do' }),
  },
  closed,
);

const report = Type.Object(
  {
    verifiedAt: when,
    durationMs: count,
    vmcores: count,
    chunks: count,
    bytes: Type.Integer({ minimum: 0, description: 'Of content, as read' }),
    records: count,
    damage: Type.Array(damage),
    repaired: Type.Optional(Type.Array(Type.String(), { description: 'What a repair did' })),
  },
  closed,
);

export const Store: TUnsafe<StoreView> = exactly<StoreView>()(
  Type.Object(
    {
      vmcores: count,
      vmcoreBytes: Type.Integer({ minimum: 0, description: 'What several vmcores share counts for each' }),
      chunks: count,
      chunkBytes: Type.Integer({ minimum: 0, description: 'What several vmcores share counts once' }),
      quarantined: Type.Integer({ minimum: 0, description: 'Chunks that are known to be damaged' }),
      damagedRecords: Type.Array(Type.String(), { description: 'A table and an id each' }),
      damagedCaptures: Type.Array(Type.Object({ id: Type.String(), reason: Type.String() }, closed)),
      last: Type.Optional(report),
    },
    closed,
  ),
);
