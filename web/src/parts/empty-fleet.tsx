/** Draws a fleet without partitions, and the next step to get one. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { api } from '../model/api.ts';
import { lacking } from '../model/session.ts';
import { images, messageOf, noteOperation, refreshImages } from '../model/state.ts';

export function EmptyFleet(): JSX.Element {
  const error = useSignal('');
  const refused = lacking('admin');
  const all = images.value.kind === 'ready' ? images.value.value : [];
  const importing = all.find((image) => image.state === 'importing');
  const failed = all.find((image) => image.state === 'failed');
  const begin = async (): Promise<void> => {
    try {
      noteOperation(await api.importDebian());
      await refreshImages();
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  if (importing !== undefined) {
    return (
      <div class="empty">
        <p>
          <strong>Importing {importing.name}</strong>
        </p>
        <p class="faint">{importing.detail ?? 'This takes a few minutes.'}</p>
        <div class="progress" role="progressbar" aria-label="Import" />
      </div>
    );
  }
  if (all.some((image) => image.state === 'ready')) {
    return (
      <div class="empty">
        <p>
          <strong>No partition yet</strong>
        </p>
        <p class="faint">Add one: it boots an image, and can then be crashed.</p>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>
        <strong>No image yet</strong>
      </p>
      <p class="faint">
        A partition boots an image: a kernel, an initramfs and a loaded crash kernel. Debian's is made from
        its own packages.
      </p>
      {failed === undefined ? null : (
        <p class="notice notice-error">{failed.detail ?? 'The last import failed.'}</p>
      )}
      {refused === undefined ? null : <p class="faint">{refused}.</p>}
      <button
        type="button"
        class="primary"
        disabled={refused !== undefined}
        title={refused}
        onClick={() => void begin()}
      >
        Import Debian
      </button>
      {error.value === '' ? null : (
        <p class="notice notice-error" role="alert">
          {error.value}
        </p>
      )}
    </div>
  );
}
