/** Draws the buttons that start, stop and reset a partition, or have its guest do a kexec or a restart. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { api, type LeavePath, newKey, type Operation, type PartitionView } from '../model/api.ts';
import { lacking } from '../model/session.ts';
import { messageOf, noteOperation, refreshPartitions } from '../model/state.ts';

export function LifeCycle({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const error = useSignal('');
  const submit = async (request: Promise<Operation>): Promise<void> => {
    error.value = '';
    try {
      noteOperation(await request);
      await refreshPartitions();
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  const act = (action: 'start' | 'stop' | 'reset'): Promise<void> => submit(api.act(partition.id, action));
  const leave = (path: LeavePath): Promise<void> => submit(api.leave(partition.id, path, newKey()));
  const ready = partition.state === 'ready';
  const refused = lacking('panic');
  const off = partition.state === 'stopped' || partition.state === 'failed';
  return (
    <>
      {error.value === '' ? null : (
        <span class="inline-error" role="alert">
          {error.value}
        </span>
      )}
      {off ? (
        <button
          type="button"
          disabled={refused !== undefined}
          title={refused}
          onClick={() => void act('start')}
        >
          Start
        </button>
      ) : (
        <>
          <button
            type="button"
            disabled={!ready || refused !== undefined}
            title={refused ?? 'The guest loads the next kernel and executes it'}
            onClick={() => void leave('kexec')}
          >
            Kexec
          </button>
          <button
            type="button"
            disabled={!ready || refused !== undefined}
            title={refused ?? 'The guest restarts through the firmware'}
            onClick={() => void leave('restart')}
          >
            Restart
          </button>
          <button
            type="button"
            disabled={refused !== undefined}
            title={refused ?? 'Powers off and on'}
            onClick={() => void act('reset')}
          >
            Reset
          </button>
          <button
            type="button"
            disabled={refused !== undefined}
            title={refused}
            onClick={() => void act('stop')}
          >
            Stop
          </button>
        </>
      )}
    </>
  );
}
