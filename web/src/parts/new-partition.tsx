/** Draws the dialog that adds a partition, with all fields of POST /partitions. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { MACHINE_DEFAULTS, MAXIMUM_CPUS } from '../../../src/panic/contract/index.ts';
import { api, type ImageView, type PartitionRequest } from '../model/api.ts';
import { lacking } from '../model/session.ts';
import { chosenPartition, images, messageOf, noteOperation, refreshPartitions } from '../model/state.ts';
import { MachineFields } from './machine-fields.tsx';

export function NewPartition(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const ready =
    images.value.kind === 'ready' ? images.value.value.filter((image) => image.state === 'ready') : [];
  if (ready.length === 0) return null;
  const refused = lacking('panic');
  return (
    <>
      <button
        type="button"
        disabled={refused !== undefined}
        title={refused}
        onClick={() => dialog.current?.showModal()}
      >
        New partition
      </button>
      <dialog ref={dialog} aria-labelledby="new-title">
        <NewPartitionForm images={ready} close={() => dialog.current?.close()} />
      </dialog>
    </>
  );
}

type FormProps = { readonly images: readonly ImageView[]; readonly close: () => void };

function NewPartitionForm({ images, close }: FormProps): JSX.Element {
  const error = useSignal('');
  const imageName = useSignal(images[0]?.name ?? '');
  const builtIn = images.find(({ name }) => name === imageName.value)?.kind === 'built-in';

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    error.value = '';
    try {
      const made = await api.createPartition(requestOf(new FormData(event.currentTarget as HTMLFormElement)));
      chosenPartition.value = made.id;
      noteOperation(await api.act(made.id, 'start'));
      close();
    } catch (e) {
      error.value = messageOf(e);
    } finally {
      await refreshPartitions();
    }
  };

  return (
    <form method="dialog" class="dialog-form" onSubmit={(event) => void submit(event)}>
      <h2 id="new-title">New partition</h2>
      <div class="field-grid">
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
          <select
            name="image"
            value={imageName.value}
            onChange={(event) => {
              imageName.value = event.currentTarget.value;
            }}
          >
            {images.map((image) => (
              <option key={image.name} value={image.name}>
                {image.name}
                {image.kernelRelease === undefined ? '' : ` (${image.kernelRelease})`}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>CPUs</span>
          <input name="cpus" type="number" min={1} max={MAXIMUM_CPUS} value={2} required />
        </label>
        <label class="field">
          <span>Memory</span>
          <input
            key={builtIn ? 'small' : 'large'}
            name="memory"
            defaultValue={builtIn ? '128M' : MACHINE_DEFAULTS.memory}
            required
            pattern="[0-9][0-9A-Fa-fxKMG,@]*"
            title="Sizes with K, M or G, and ranges with @: 1G, or 64M,16M@4G"
          />
        </label>
        <MachineFields builtIn={builtIn} />
      </div>
      <label class="field">
        <span>Added to the kernel's command line</span>
        <input name="append" maxLength={2048} spellcheck={false} class="mono" />
      </label>
      <label class="field">
        <span>Added to the crash kernel's</span>
        <input name="crashAppend" maxLength={2048} spellcheck={false} class="mono" />
      </label>
      <label class="check">
        <input type="checkbox" name="refuseSysReset" />
        <span>Without H_SIGNAL_SYS_RESET: CPUs are stopped by interrupts</span>
      </label>
      {error.value === '' ? null : (
        <p class="notice notice-error" role="alert">
          {error.value}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="primary">
          Add and start
        </button>
      </div>
    </form>
  );
}

/** Leaves out empty fields: the service chooses their defaults. */
function requestOf(form: FormData): PartitionRequest {
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  const chosen = [
    'name',
    'processor',
    'mmu',
    'firmware',
    'interrupts',
    'diskBus',
    'loader',
    'osTerm',
    'rma',
    'dumpDevice',
    'append',
    'crashAppend',
  ]
    .map((name) => [name, text(name)] as const)
    .filter(([, value]) => value !== '');
  return {
    image: text('image'),
    cpus: Number(text('cpus')),
    memory: text('memory'),
    ...(text('threads') === '' ? {} : { threads: Number(text('threads')) }),
    ...(text('seed') === '' ? {} : { seed: Number(text('seed')) }),
    ...(form.has('refuseSysReset') ? { refuseSysReset: true } : {}),
    ...Object.fromEntries(chosen),
  };
}
