/** Draws the page of one capture: the result of the crash, the handoff, the console, and how to open the vmcore. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Fidelity } from '../handoff/fidelity.tsx';
import { Handoff } from '../handoff/handoff.tsx';
import { ApiError, api, type Capture, perfettoUrl, type Trace, traceUrl, vmcoreUrl } from '../model/api.ts';
import { formatAge, formatBytes, formatCount, formatExact, plainConsole } from '../model/format.ts';
import { lacking, lackingRemoval } from '../model/session.ts';
import { type Load, messageOf, now, refreshCaptures } from '../model/state.ts';
import { Fact, Loaded, OutcomeChip, PartitionFact, PhaseSteps, RuleCounts } from '../parts/common.tsx';
import { OpenIt } from '../parts/open-it.tsx';
import { Lacks, Made, Words } from '../parts/record.tsx';

type Found = { readonly capture: Capture; readonly trace: Trace | null };

export function CapturePage({ id }: { readonly id: string }): JSX.Element {
  const found = useSignal<Load<Found>>({ kind: 'loading' });
  const load = async (): Promise<void> => {
    found.value = { kind: 'loading' };
    try {
      const [capture, trace] = await Promise.all([api.capture(id), traceOrNull(id)]);
      found.value = { kind: 'ready', value: { capture, trace } };
    } catch (e) {
      found.value = { kind: 'failed', message: messageOf(e) };
    }
  };
  useEffect(() => void load(), [id]);
  return (
    <>
      <nav class="crumbs" aria-label="Where you are">
        <a href="#/">Fleet</a> <span aria-hidden="true">/</span> <span class="mono">{id}</span>
      </nav>
      <Loaded load={found.value} lines={6} retry={() => void load()}>
        {({ capture, trace }) => (
          <>
            <Summary capture={capture} trace={trace} />
            {trace === null ? (
              <section class="panel">
                <p class="empty faint">This crash ended before its trace began.</p>
              </section>
            ) : (
              <Handoff trace={trace} />
            )}
            {trace?.fidelity === undefined ? null : <Fidelity report={trace.fidelity} />}
            <Lacks uses={capture.unsupported} />
            <Words words={capture.words} />
            <Made made={capture.made} kind="captures" id={capture.id} />
            <div class="capture-rest">
              <OpenIt capture={capture} />
              <ConsoleText id={id} />
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

/** A capture without a trace is one that ended early. */
async function traceOrNull(id: string): Promise<Trace | null> {
  try {
    return await api.trace(id);
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return null;
    throw e;
  }
}

function Summary({
  capture,
  trace,
}: {
  readonly capture: Capture;
  readonly trace: Trace | null;
}): JSX.Element {
  const error = useSignal('');
  const { vmcore } = capture;
  const refused = lacking('download');
  const notRemovable = lackingRemoval(capture);
  const remove = async (): Promise<void> => {
    if (!confirm(`Delete capture ${capture.id} and its vmcore?`)) return;
    try {
      await api.removeCapture(capture.id);
      await refreshCaptures();
      location.hash = '#/';
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  return (
    <section class="panel summary" aria-labelledby="capture-title">
      <div class="panel-head">
        <h1 id="capture-title" class="mono">
          {capture.id}
        </h1>
        <OutcomeChip capture={capture} />
        <RuleCounts rules={capture.rules} />
        <span class="grow" />
        {vmcore === null ? null : refused !== undefined ? (
          <button type="button" disabled title={refused}>
            Download vmcore
          </button>
        ) : (
          <a class="button primary" href={vmcoreUrl(capture.id)} download>
            Download vmcore
          </a>
        )}
        <a class="button" href={traceUrl(capture.id)} download={`${capture.id}-trace.json`}>
          Trace
        </a>
        {trace === null ? null : (
          <a
            class="button"
            href={perfettoUrl(traceUrl(capture.id))}
            download={`${capture.id}-perfetto.json`}
            title="The trace in the Trace Event Format, for ui.perfetto.dev"
          >
            Perfetto
          </a>
        )}
        <button
          type="button"
          disabled={notRemovable !== undefined}
          title={notRemovable}
          onClick={() => void remove()}
        >
          Delete
        </button>
      </div>
      {error.value === '' ? null : (
        <p class="notice notice-error" role="alert">
          {error.value}
        </p>
      )}
      {capture.reason === undefined ? null : (
        <p class="notice notice-error">
          <strong>Not captured.</strong> Last phase: {capture.phase.replace('-', ' ')}; {capture.reason}
        </p>
      )}
      <PhaseSteps phase={capture.phase} failed={capture.outcome === 'failed'} />
      <dl class="facts">
        <PartitionFact id={capture.partitionId} />
        <Fact name="image">{capture.image}</Fact>
        {trace === null ? null : (
          <Fact name="machine">
            {trace.machine.processor.toUpperCase()} {trace.machine.mmu}, {trace.machine.cpus.length} CPU
            {trace.machine.cpus.length === 1 ? '' : 's'}
          </Fact>
        )}
        {capture.signature === undefined ? null : <Fact name="signature">{capture.signature}</Fact>}
        {capture.cause === undefined ? null : <Fact name="crash">{capture.cause.reason}</Fact>}
        {capture.requested === false ? <Fact name="asked for">no, the guest crashed by itself</Fact> : null}
        <Fact name="when">
          <time dateTime={capture.createdAt} title={capture.createdAt}>
            {formatAge(capture.createdAt, now.value)}
          </time>
        </Fact>
        {vmcore === null ? null : (
          <Fact name="vmcore">
            <span title={`${formatExact(vmcore.bytes)} bytes`}>{formatBytes(vmcore.bytes)}</span>,{' '}
            {vmcore.format}
            {vmcore.incomplete === true ? ', incomplete' : ''}
          </Fact>
        )}
        {trace === null ? null : <Spans trace={trace} />}
      </dl>
      {capture.cause === undefined ? null : <Backtrace functions={capture.cause.backtrace} />}
    </section>
  );
}

function Backtrace({ functions }: { readonly functions: readonly string[] }): JSX.Element | null {
  if (functions.length === 0) return null;
  return (
    <div class="backtrace">
      <h2 class="faint">backtrace, innermost first</h2>
      <ol class="mono">
        {functions.map((name, depth) => (
          <li key={`${depth} ${name}`}>{name}</li>
        ))}
      </ol>
    </div>
  );
}

function Spans({ trace }: { readonly trace: Trace }): JSX.Element | null {
  const { t0, t1, t4 } = trace.instants;
  return (
    <>
      {t0 === undefined || t1 === undefined ? null : (
        <Fact name="T0 → T1">{formatCount(t1.insn - t0.insn)} instructions</Fact>
      )}
      {t1 === undefined || t4 === undefined ? null : (
        <Fact name="T1 → T4">{formatCount(t4.insn - t1.insn)} instructions</Fact>
      )}
    </>
  );
}

function ConsoleText({ id }: { readonly id: string }): JSX.Element {
  const text = useSignal<Load<string>>({ kind: 'loading' });
  useEffect(() => {
    api.captureConsole(id).then(
      (value) => {
        text.value = { kind: 'ready', value: plainConsole(value) };
      },
      (e: unknown) => {
        text.value =
          e instanceof ApiError && e.status === 404
            ? { kind: 'ready', value: '' }
            : { kind: 'failed', message: messageOf(e) };
      },
    );
  }, [id]);
  return (
    <section class="panel" aria-labelledby="console-title">
      <div class="panel-head">
        <h2 id="console-title">Console</h2>
      </div>
      <Loaded load={text.value}>
        {(value) =>
          value === '' ? (
            <p class="empty faint">This crash left no console.</p>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keys
            <pre class="console-text" tabIndex={0}>
              {value}
            </pre>
          )
        }
      </Loaded>
    </section>
  );
}
