/** Draws the page of one operation that left a kernel by an ordinary kexec or a restart, with its handoff. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Handoff } from '../handoff/handoff.tsx';
import { Handover } from '../handoff/handover.tsx';
import { ApiError, api, type Operation, operationTraceUrl, perfettoUrl, type Trace } from '../model/api.ts';
import { formatAge, formatCount } from '../model/format.ts';
import { type Load, messageOf, now, operations } from '../model/state.ts';
import { Fact, Loaded, OperationChip, PartitionFact, PhaseSteps, Waits } from '../parts/common.tsx';
import { Lacks, Made, Words } from '../parts/record.tsx';

type Found = { readonly operation: Operation; readonly trace: Trace | null };

export function OperationPage({ id }: { readonly id: string }): JSX.Element {
  const found = useSignal<Load<Found>>({ kind: 'loading' });
  const load = async (): Promise<void> => {
    try {
      const [operation, trace] = await Promise.all([api.operation(id), traceOrNull(id)]);
      found.value = { kind: 'ready', value: { operation, trace } };
    } catch (e) {
      if (found.value.kind !== 'ready') found.value = { kind: 'failed', message: messageOf(e) };
    }
  };
  const retry = (): void => {
    found.value = { kind: 'loading' };
    void load();
  };
  // The page of an operation that still runs follows it to its end.
  const state = operations.value.get(id)?.state;
  useEffect(() => void load(), [id, state]);
  return (
    <>
      <nav class="crumbs" aria-label="Where you are">
        <a href="#/">Fleet</a> <span aria-hidden="true">/</span> <span class="mono">{id}</span>
      </nav>
      <Loaded load={found.value} lines={6} retry={retry}>
        {({ operation, trace }) => (
          <>
            <Summary operation={operation} trace={trace} />
            {trace === null ? (
              <section class="panel">
                <p class="empty faint">This operation left no trace.</p>
              </section>
            ) : (
              <Handoff trace={trace} />
            )}
            {trace?.handover === undefined ? null : <Handover report={trace.handover} />}
            <Lacks uses={operation.unsupported} />
            <Words words={operation.words} />
            <Made
              made={operation.made}
              kind={operation.captureId === undefined ? 'operations' : 'captures'}
              id={operation.captureId ?? operation.id}
            />
          </>
        )}
      </Loaded>
    </>
  );
}

async function traceOrNull(id: string): Promise<Trace | null> {
  try {
    return await api.operationTrace(id);
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return null;
    throw e;
  }
}

function Summary({ operation, trace }: Found): JSX.Element {
  const { id, kind, state, phase, partitionId, error, updatedAt } = operation;
  const path = kind === 'kexec' || kind === 'restart' ? kind : undefined;
  return (
    <section class="panel summary" aria-labelledby="operation-title">
      <div class="panel-head">
        <h1 id="operation-title" class="mono">
          {id}
        </h1>
        <OperationChip operation={operation} />
        <span class="grow" />
        {trace === null ? null : (
          <>
            <a class="button" href={operationTraceUrl(id)} download={`${id}-trace.json`}>
              Trace
            </a>
            <a
              class="button"
              href={perfettoUrl(operationTraceUrl(id))}
              download={`${id}-perfetto.json`}
              title="The trace in the Trace Event Format, for ui.perfetto.dev"
            >
              Perfetto
            </a>
          </>
        )}
      </div>
      {error === undefined ? null : <p class="notice notice-error">{error.message}</p>}
      {path === undefined ? null : <PhaseSteps phase={phase} failed={state === 'failed'} path={path} />}
      <Waits operation={operation} />
      <dl class="facts">
        {partitionId === undefined ? null : <PartitionFact id={partitionId} />}
        {trace === null ? null : (
          <>
            <Fact name="image">{String(trace.image.name)}</Fact>
            <Fact name="machine">
              {trace.machine.processor.toUpperCase()} {trace.machine.mmu}, {trace.machine.cpus.length} CPU
              {trace.machine.cpus.length === 1 ? '' : 's'}
            </Fact>
            <Spans trace={trace} />
          </>
        )}
        <Fact name="when">
          <time dateTime={updatedAt} title={updatedAt}>
            {formatAge(updatedAt, now.value)}
          </time>
        </Fact>
      </dl>
    </section>
  );
}

function Spans({ trace }: { readonly trace: Trace }): JSX.Element | null {
  const { t0, t1, t2 } = trace.instants;
  return (
    <>
      {t0 === undefined || t1 === undefined ? null : (
        <Fact name="T0 → T1">{formatCount(t1.insn - t0.insn)} instructions</Fact>
      )}
      {t1 === undefined || t2 === undefined ? null : (
        <Fact name="T1 → T2">{formatCount(t2.insn - t1.insn)} instructions</Fact>
      )}
    </>
  );
}
