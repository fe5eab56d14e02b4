/** Adds a partition: a dialog with what most need, the rest is in the API. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { api, type PartitionRequest } from '../api.ts';
import { chosenPartition, images, messageOf, noteOperation, refreshPartitions } from '../state.ts';

export function NewPartition(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const error = useSignal('');
  const ready =
    images.value.kind === 'ready' ? images.value.value.filter((image) => image.state === 'ready') : [];
  if (ready.length === 0) return null;

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => String(form.get(name) ?? '').trim();
    const request: PartitionRequest = {
      image: text('image'),
      cpus: Number(text('cpus')),
      memory: text('memory'),
      ...(text('name') === '' ? {} : { name: text('name') }),
    };
    error.value = '';
    try {
      const made = await api.createPartition(request);
      chosenPartition.value = made.id;
      noteOperation(await api.act(made.id, 'start'));
      dialog.current?.close();
    } catch (e) {
      error.value = messageOf(e);
    } finally {
      await refreshPartitions();
    }
  };

  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        New partition
      </button>
      <dialog ref={dialog} aria-labelledby="new-title">
        <form method="dialog" class="dialog-form" onSubmit={(event) => void submit(event)}>
          <h2 id="new-title">New partition</h2>
          <label class="field">
            <span>Name</span>
            <input
              name="name"
              maxLength={64}
              pattern="[A-Za-z0-9][A-Za-z0-9._+\-]*"
              placeholder="chosen for you"
            />
          </label>
          <label class="field">
            <span>Image</span>
            <select name="image">
              {ready.map((image) => (
                <option key={image.name} value={image.name}>
                  {image.name}
                  {image.kernelRelease === undefined ? '' : ` (${image.kernelRelease})`}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>CPUs</span>
            <input name="cpus" type="number" min={1} max={64} value={2} required />
          </label>
          <label class="field">
            <span>Memory</span>
            <input name="memory" value="1G" required pattern="[0-9][0-9A-Fa-fxKMG,@]*" />
          </label>
          {error.value === '' ? null : (
            <p class="notice notice-error" role="alert">
              {error.value}
            </p>
          )}
          <div class="dialog-actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary">
              Add and start
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
