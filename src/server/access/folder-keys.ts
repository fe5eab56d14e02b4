/** Works on the keys of a data folder that no daemon has, and records who did. */

import { userInfo } from 'node:os';
import type { ApiKey } from '../../panic/contract/index.ts';
import { randomId } from '../../panic/index.ts';
import { type MetadataStore, openMetadataStore } from '../../panic/store/index.ts';
import { type HeldFolder, sentenceOf } from '../data-folder/index.ts';
import { type AuditEvent, AuditLog } from './audit-log.ts';
import { type KeyRequest, Keys, type MintedKey } from './keys.ts';

/** Keys, wherever they are. */
export type KeyBook = {
  create(request: KeyRequest): Promise<MintedKey>;
  list(): Promise<readonly ApiKey[]>;
  revoke(id: string): Promise<ApiKey>;
};

/** Opens the keys of `folder` for `work`, then lets the folder go. @throws DataFolderError, and what `work` throws */
export async function withKeysOf<T>(folder: HeldFolder, work: (keys: KeyBook) => Promise<T>): Promise<T> {
  try {
    const metadata = open(folder);
    try {
      return await work(recorded(metadata));
    } finally {
      await metadata.close();
    }
  } finally {
    folder.release();
  }
}

function open({ root, metadata, tighten }: HeldFolder): MetadataStore {
  try {
    const store = openMetadataStore(metadata);
    tighten();
    return store;
  } catch (error) {
    throw sentenceOf(root, error);
  }
}

function recorded(metadata: MetadataStore): KeyBook {
  const raise = (error: unknown): never => {
    throw error;
  };
  const keys = new Keys({ store: metadata.keys, newId: randomId, onError: raise });
  // A key without its entry would be one without a maker: where it cannot be recorded, the command fails.
  const audit = new AuditLog({
    store: metadata.audit,
    newId: randomId,
    onLost: (_entry, error) => raise(error),
  });
  const record = (event: Pick<AuditEvent, 'action' | 'target' | 'result'>): Promise<void> =>
    audit.record({ actor: { kind: 'command-line', user: userName() }, outcome: 'done', ...event });
  return {
    list: () => keys.list(),
    create: async (request) => {
      const made = await keys.create(request);
      await record({ action: 'key.create', target: request.name, result: made.key.id });
      return made;
    },
    revoke: async (id) => {
      const revoked = await keys.revoke(id);
      await record({ action: 'key.revoke', target: id });
      return revoked;
    },
  };
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
