/** The first page: the fleet, the chosen partition with its console and panic button, and the captures. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { api, type LeavePath, newKey, type PartitionView } from '../api.ts';
import { formatBytes, formatCount } from '../format.ts';
import { captureLink, operationLink } from '../router.ts';
import {
  chosenPartition,
  images,
  latestOperation,
  messageOf,
  missing,
  noteOperation,
  partitions,
  refreshImages,
  refreshPartitions,
  selected,
} from '../state.ts';
import { CaptureList } from './capture-list.tsx';
import { Loaded, PhaseSteps, StateChip } from './common.tsx';
import { ConsolePanel } from './console-panel.tsx';
import { NewPartition } from './new-partition.tsx';
import { PanicForm } from './panic-form.tsx';

export function FleetPage(): JSX.Element {
  return (
    <>
      <h1 class="hidden">Fleet</h1>
      <div class="fleet-page">
        <section class="fleet" aria-labelledby="fleet-title">
          <div class="section-head">
            <h2 id="fleet-title">Fleet</h2>
            <NewPartition />
          </div>
          <Missing />
          <Loaded load={partitions.value} lines={4} retry={() => void refreshPartitions()}>
            {(all) => (all.length === 0 ? <EmptyFleet /> : <Cards all={all} />)}
          </Loaded>
        </section>
        <PartitionPanel />
      </div>
      <CaptureList />
    </>
  );
}

/** Partitions that the daemon was to have and could not make. One that failed has a card that says so. */
function Missing(): JSX.Element | null {
  if (missing.value.length === 0) return null;
  return (
    <div class="notice notice-warn" role="status">
      <p>
        <strong>The fleet is not complete.</strong>
      </p>
      <ul class="missing">
        {missing.value.map(({ name, image, reason }) => (
          <li key={name}>
            <b>{name}</b> ({image}) could not be made: {reason}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Cards({ all }: { readonly all: readonly PartitionView[] }): JSX.Element {
  return (
    <ul class="cards">
      {all.map((partition) => (
        <Card key={partition.id} partition={partition} />
      ))}
    </ul>
  );
}

function Card({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const current = selected.value?.id === partition.id;
  return (
    <li>
      <button
        type="button"
        class={`card${current ? ' current' : ''}`}
        aria-pressed={current}
        onClick={() => {
          chosenPartition.value = partition.id;
        }}
      >
        <span class="card-head">
          <strong>{partition.name}</strong>
          <StateChip state={partition.state} />
        </span>
        <span class="card-facts">
          <span>{partition.image}</span>
          <span>
            {partition.processor.toUpperCase()} {partition.mmu}
          </span>
          <span>
            {partition.cpus} CPU{partition.cpus === 1 ? '' : 's'}
          </span>
          <span>{formatBytes(partition.memoryBytes)}</span>
        </span>
        <span class="card-numbers">
          <span>
            <b>{formatCount(partition.instructions)}</b> instructions
          </span>
          <span>
            <b>{partition.crashes}</b> crash{partition.crashes === 1 ? '' : 'es'}
          </span>
        </span>
        {partition.state === 'failed' && partition.reason !== undefined ? (
          <span class="card-reason">{partition.reason}</span>
        ) : null}
      </button>
    </li>
  );
}

function EmptyFleet(): JSX.Element {
  const error = useSignal('');
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
      <button type="button" class="primary" onClick={() => void begin()}>
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

function PartitionPanel(): JSX.Element {
  const partition = selected.value;
  if (partition === null) {
    return (
      <section class="panel partition-panel" aria-label="Partition">
        <p class="empty faint">The console of a partition appears here.</p>
      </section>
    );
  }
  const crash = latestOperation(partition.id, 'panic');
  return (
    <section class="panel partition-panel" aria-labelledby="partition-title">
      <div class="panel-head">
        <h2 id="partition-title">{partition.name}</h2>
        <StateChip state={partition.state} />
        <span class="grow" />
        <LifeCycle partition={partition} />
      </div>
      {partition.reason === undefined ? null : <p class="notice notice-warn">{partition.reason}</p>}
      <PanicForm key={partition.id} partition={partition} />
      {crash === null ? null : (
        <div class="crash-progress" aria-live="polite">
          <PhaseSteps phase={crash.phase} failed={crash.state === 'failed'} />
          {crash.state === 'failed' ? (
            <p class="notice notice-error">
              The crash was not captured: {crash.error?.message ?? 'no reason given'}.{' '}
              {crash.captureId === undefined ? null : (
                <a href={captureLink(crash.captureId)}>See how far it came</a>
              )}
            </p>
          ) : null}
          {crash.state === 'succeeded' && crash.captureId !== undefined ? (
            <p class="notice notice-good">
              Captured. <a href={captureLink(crash.captureId)}>Open the capture</a>
            </p>
          ) : null}
        </div>
      )}
      <LeaveProgress partition={partition} />
      <ConsolePanel key={`console ${partition.id}`} partition={partition} />
    </section>
  );
}

/** The last kexec or restart, where it is newer than the last crash. */
function LeaveProgress({ partition }: { readonly partition: PartitionView }): JSX.Element | null {
  const [last] = (['panic', 'kexec', 'restart'] as const)
    .flatMap((kind) => latestOperation(partition.id, kind) ?? [])
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  if (last === undefined || (last.kind !== 'kexec' && last.kind !== 'restart')) return null;
  const link = last.traced === true ? <a href={operationLink(last.id)}>See how it went</a> : null;
  return (
    <div class="crash-progress" aria-live="polite">
      <PhaseSteps phase={last.phase} failed={last.state === 'failed'} path={last.kind} />
      {last.state === 'failed' ? (
        <p class="notice notice-error">
          {last.kind === 'kexec' ? 'The kexec' : 'The restart'} failed:{' '}
          {last.error?.message ?? 'no reason given'}. {link}
        </p>
      ) : null}
      {last.state === 'succeeded' ? (
        <p class="notice notice-good">
          {last.kind === 'kexec' ? 'The new kernel is up.' : 'The guest has restarted.'} {link}
        </p>
      ) : null}
    </div>
  );
}

function LifeCycle({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const error = useSignal('');
  const act = async (action: 'start' | 'stop' | 'reset'): Promise<void> => {
    error.value = '';
    try {
      noteOperation(await api.act(partition.id, action));
      await refreshPartitions();
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  const leave = async (path: LeavePath): Promise<void> => {
    error.value = '';
    try {
      noteOperation(await api.leave(partition.id, path, newKey()));
      await refreshPartitions();
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  const ready = partition.state === 'ready';
  const off = partition.state === 'stopped' || partition.state === 'failed';
  return (
    <>
      {error.value === '' ? null : (
        <span class="inline-error" role="alert">
          {error.value}
        </span>
      )}
      {off ? (
        <button type="button" onClick={() => void act('start')}>
          Start
        </button>
      ) : (
        <>
          <button
            type="button"
            disabled={!ready}
            title="The guest loads the next kernel and executes it"
            onClick={() => void leave('kexec')}
          >
            Kexec
          </button>
          <button
            type="button"
            disabled={!ready}
            title="The guest restarts through the firmware"
            onClick={() => void leave('restart')}
          >
            Restart
          </button>
          <button type="button" title="Powers off and on" onClick={() => void act('reset')}>
            Reset
          </button>
          <button type="button" onClick={() => void act('stop')}>
            Stop
          </button>
        </>
      )}
    </>
  );
}
