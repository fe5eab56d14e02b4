/** Draws small parts that several pages share. */

import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type {
  Capture,
  CapturePhase,
  LeavePhase,
  Operation,
  PartitionState,
} from '../../../src/panic/contract/index.ts';
import { CAPTURE_PHASES, LEAVE_PHASES } from '../../../src/panic/contract/index.ts';
import type { HandoffPath } from '../../../src/panic/trace/index.ts';
import { type Load, partitionName } from '../model/state.ts';

export const STATE_TEXT: Readonly<Record<PartitionState, string>> = {
  stopped: 'stopped',
  starting: 'starting',
  ready: 'ready',
  busy: 'busy',
  crashed: 'crashed',
  failed: 'failed',
};

export function StateChip({ state }: { readonly state: PartitionState }): JSX.Element {
  return (
    <span class={`chip state-${state}`}>
      <span class="dot" aria-hidden="true" /> {STATE_TEXT[state]}
    </span>
  );
}

export function OutcomeChip({ capture }: { readonly capture: Capture }): JSX.Element {
  if (capture.outcome === 'failed') return <span class="chip verdict-broken">✕ not captured</span>;
  if (capture.vmcore?.incomplete === true) return <span class="chip verdict-not-reached">incomplete</span>;
  return <span class="chip verdict-held">✓ captured</span>;
}

const OPERATION_VERDICT: Readonly<Record<Operation['state'], string>> = {
  queued: 'not-reached',
  running: 'not-reached',
  succeeded: 'held',
  failed: 'broken',
  cancelled: 'not-applicable',
};

export function OperationChip({ operation }: { readonly operation: Operation }): JSX.Element {
  const { kind, state } = operation;
  return (
    <span class={`chip verdict-${OPERATION_VERDICT[state]}`}>
      {kind} {state}
    </span>
  );
}

export function RuleCounts({ rules }: { readonly rules: Capture['rules'] }): JSX.Element {
  return (
    <span class="rule-counts">
      <span class="count-held">{rules.held} held</span>
      {rules.broken > 0 ? <span class="count-broken">{rules.broken} broken</span> : null}
      {rules.notReached > 0 ? <span class="faint">{rules.notReached} not reached</span> : null}
      {(rules.notEvaluated ?? 0) > 0 ? <span class="faint">{rules.notEvaluated} not evaluated</span> : null}
    </span>
  );
}

/** The phases of a crash worth a step, in order. */
const CRASH_STEPS: readonly CapturePhase[] = CAPTURE_PHASES.slice(CAPTURE_PHASES.indexOf('triggered'));
const KEXEC_STEPS: readonly LeavePhase[] = LEAVE_PHASES.slice(LEAVE_PHASES.indexOf('loading')).filter(
  (phase) => phase !== 'restarted',
);
const RESTART_STEPS: readonly LeavePhase[] = ['triggered', 'shutdown', 'restarted'];
const STEPS: Readonly<Record<HandoffPath, readonly string[]>> = {
  crash: CRASH_STEPS,
  kexec: KEXEC_STEPS,
  restart: RESTART_STEPS,
};

/** Shows the phase that a crash, a kexec or a restart has reached. */
export function PhaseSteps({
  phase,
  failed,
  path = 'crash',
}: {
  readonly phase: string;
  readonly failed?: boolean;
  readonly path?: HandoffPath;
}): JSX.Element {
  const steps = STEPS[path];
  const at = steps.indexOf(phase);
  return (
    <ol class="steps" aria-label={`Phase: ${phase}`}>
      {steps.map((step, i) => {
        const past = i < at || (i === at && i === steps.length - 1);
        const state = past ? 'past' : i === at ? (failed === true ? 'failed' : 'here') : 'ahead';
        return (
          <li key={step} class={`step ${state}`} aria-current={i === at ? 'step' : undefined}>
            {step.replace('-', ' ')}
          </li>
        );
      })}
    </ol>
  );
}

/** Says what an operation waits for; draws nothing for one that has ended. */
export function Waits({ operation }: { readonly operation: Operation | null }): JSX.Element | null {
  const waitsFor = operation?.waitsFor;
  return waitsFor === undefined ? null : <p class="waits faint">Waits for {waitsFor}.</p>;
}

export function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Shows a partition by name and id. */
export function PartitionFact({ id }: { readonly id: string }): JSX.Element {
  const name = partitionName(id);
  return (
    <Fact name="partition">
      {name}
      {name === id ? null : <span class="faint mono"> {id}</span>}
    </Fact>
  );
}

/** Shows a value once it is loaded, a skeleton before that, and the reason where loading failed. */
export function Loaded<T>(props: {
  readonly load: Load<T>;
  readonly lines?: number;
  readonly retry?: () => void;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  const { load } = props;
  if (load.kind === 'loading') {
    return (
      <div class="skeleton" role="status" aria-label="Loading">
        {Array.from({ length: props.lines ?? 3 }, (_, i) => (
          <div key={i} class="skeleton-line" style={{ width: `${92 - i * 14}%` }} />
        ))}
      </div>
    );
  }
  if (load.kind === 'failed') {
    return (
      <div class="notice notice-error" role="alert">
        <p>{load.message}</p>
        {props.retry === undefined ? null : (
          <button type="button" onClick={props.retry}>
            Try again
          </button>
        )}
      </div>
    );
  }
  return <>{props.children(load.value)}</>;
}

/** A text and a button that copies it. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    // The clipboard exists on secure pages only; elsewhere the user can select the text.
    if (navigator.clipboard === undefined) return;
    await navigator.clipboard.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1500);
  };
  return (
    <span class="copyable">
      <code>{text}</code>
      <button type="button" class="tool wide" aria-label={`Copy ${label}`} onClick={() => void copy()}>
        {copied.value ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
}
