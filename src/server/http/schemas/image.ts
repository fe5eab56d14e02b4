/** Images: what is shown of one, and what one is imported from. */

import { type TUnsafe, Type } from 'typebox';
import type { ImageImport, ImageView } from '../shared/ports.ts';
import { exactly } from './exact.ts';
import { closed, count, hostTimeout, IdText, sha256 } from './scalars.ts';

export const Image: TUnsafe<ImageView> = exactly<ImageView>()(
  Type.Object(
    {
      name: Type.String(),
      kind: Type.Enum(['debian', 'rpm', 'files', 'built-in']),
      state: Type.Enum(['importing', 'ready', 'failed']),
      detail: Type.Optional(Type.String()),
      kernelRelease: Type.Optional(Type.String()),
      append: Type.Optional(Type.String()),
      files: Type.Array(Type.Object({ role: Type.String(), bytes: count, sha256 }, closed)),
    },
    closed,
  ),
);

export const ImageImportSchema: TUnsafe<ImageImport> = exactly<ImageImport>()(
  Type.Object(
    {
      kind: Type.Enum(['debian']),
      name: Type.Optional(IdText),
      kernel: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z][A-Za-z0-9.+~-]{0,63}$' })),
      hostTimeoutSeconds: Type.Optional(hostTimeout),
    },
    closed,
  ),
);
