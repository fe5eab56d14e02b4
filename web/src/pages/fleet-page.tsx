/** Draws the first page: the fleet, the chosen partition with its console and panic button, and the captures. */

import type { JSX } from 'preact';
import type { PartitionView } from '../model/api.ts';
import { formatBytes, formatCount } from '../model/format.ts';
import { chosenPartition, missing, partitions, refreshPartitions, selected } from '../model/state.ts';
import { CaptureList } from '../parts/capture-list.tsx';
import { Loaded, StateChip } from '../parts/common.tsx';
import { EmptyFleet } from '../parts/empty-fleet.tsx';
import { LeaveList } from '../parts/leave-list.tsx';
import { NewPartition } from '../parts/new-partition.tsx';
import { PartitionPanel } from '../parts/partition-panel.tsx';

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
      <LeaveList />
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
