/** Draws the chosen partition: its machine, the panic form, the last crash or kexec, and its console. */

import type { JSX } from 'preact';
import type { PartitionView } from '../model/api.ts';
import { formatBytes } from '../model/format.ts';
import { captureLink, operationLink } from '../model/router.ts';
import { latestOperation, selected } from '../model/state.ts';
import { Fact, PhaseSteps, StateChip, Waits } from './common.tsx';
import { ConsolePanel } from './console-panel.tsx';
import { LifeCycle } from './life-cycle.tsx';
import { PanicForm } from './panic-form.tsx';

const FIRMWARE_TEXT = { flat: 'flattened tree', 'open-firmware': 'Open Firmware' } as const;
const BUS_TEXT = { virtio: 'virtio-blk', vscsi: 'virtual SCSI' } as const;

export function PartitionPanel(): JSX.Element {
  const partition = selected.value;
  if (partition === null) {
    return (
      <section class="panel partition-panel" aria-label="Partition">
        <p class="empty faint">The console of a partition appears here.</p>
      </section>
    );
  }
  return (
    <section class="panel partition-panel" aria-labelledby="partition-title">
      <div class="panel-head">
        <h2 id="partition-title">{partition.name}</h2>
        <StateChip state={partition.state} />
        <span class="grow" />
        <LifeCycle partition={partition} />
      </div>
      {partition.reason === undefined ? null : <p class="notice notice-warn">{partition.reason}</p>}
      <PartitionFacts partition={partition} />
      <PanicForm key={partition.id} partition={partition} />
      <CrashProgress partition={partition} />
      <LeaveProgress partition={partition} />
      <Waits operation={latestOperation(partition.id)} />
      <ConsolePanel key={`console ${partition.id}`} partition={partition} />
    </section>
  );
}

function PartitionFacts({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const { id, image, processor, mmu, cpus, threads, memoryBytes, firmware, interrupts, diskBus } = partition;
  const { unsupported } = partition;
  return (
    <dl class="facts">
      <Fact name="id">
        <span class="mono">{id}</span>
      </Fact>
      <Fact name="image">{image}</Fact>
      <Fact name="machine">
        {processor.toUpperCase()} {mmu}, {cpus} CPU{cpus === 1 ? '' : 's'}, {threads} a core
      </Fact>
      <Fact name="memory">{formatBytes(memoryBytes)}</Fact>
      <Fact name="firmware">{FIRMWARE_TEXT[firmware]}</Fact>
      <Fact name="interrupts">{interrupts.toUpperCase()}</Fact>
      <Fact name="disks">{BUS_TEXT[diskBus]}</Fact>
      {unsupported === undefined ? null : (
        <Fact name="the machine lacks">
          <span title={unsupported.map(({ kind, key, count }) => `${kind} ${key}: ${count}`).join('\n')}>
            {unsupported.length} thing{unsupported.length === 1 ? '' : 's'} that the guest used
          </span>
        </Fact>
      )}
    </dl>
  );
}

/** The last crash. */
function CrashProgress({ partition }: { readonly partition: PartitionView }): JSX.Element | null {
  const crash = latestOperation(partition.id, 'panic');
  if (crash === null) return null;
  const { state, phase, captureId, error } = crash;
  return (
    <div class="crash-progress" aria-live="polite">
      <PhaseSteps phase={phase} failed={state === 'failed'} />
      {state === 'failed' ? (
        <p class="notice notice-error">
          The crash was not captured: {error?.message ?? 'no reason given'}.{' '}
          {captureId === undefined ? null : <a href={captureLink(captureId)}>See how far it came</a>}
        </p>
      ) : null}
      {state === 'succeeded' && captureId !== undefined ? (
        <p class="notice notice-good">
          Captured. <a href={captureLink(captureId)}>Open the capture</a>
        </p>
      ) : null}
    </div>
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
