/** Draws the panic button and the options of the crash. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Trigger } from '../../../src/panic/contract/index.ts';
import { api, newKey, type PartitionView } from '../model/api.ts';
import { lacking } from '../model/session.ts';
import { isBuiltIn, messageOf, noteOperation, refreshPartitions } from '../model/state.ts';
import { STATE_TEXT } from './common.tsx';

const TRIGGERS: readonly { readonly trigger: Trigger; readonly text: string; readonly help: string }[] = [
  {
    trigger: 'sysrq',
    text: 'SysRq c',
    help: 'typed on the console; the CPU that serves it panics unless one is named',
  },
  { trigger: 'nmi', text: 'NMI', help: 'a system reset interrupt on one CPU' },
  { trigger: 'panic', text: 'panic()', help: 'asked of the agent inside' },
  { trigger: 'echo', text: 'echo c', help: 'written to sysrq-trigger by a task on one CPU' },
];

const DUMPS = [
  ['raw', 'raw ELF, everything'],
  ['-l -d 31', 'makedumpfile -l -d 31'],
  ['-c -d 31', 'makedumpfile -c -d 31'],
  ['-E -d 31', 'makedumpfile -E -d 31'],
  ['-F -c -d 31', 'makedumpfile -F -c -d 31'],
] as const;

export function PanicForm({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const trigger = useSignal<Trigger>('sysrq');
  const onCpu = useSignal('');
  const dump = useSignal('raw');
  const error = useSignal('');
  const sending = useSignal(false);
  const ready = partition.state === 'ready';
  const refused = lacking('panic');
  // The built-in guest has no makedumpfile.
  const dumps = isBuiltIn(partition.image) ? DUMPS.slice(0, 1) : DUMPS;

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    sending.value = true;
    error.value = '';
    try {
      const cpu = onCpu.value === '' ? {} : { onCpu: Number(onCpu.value) };
      noteOperation(
        await api.panic(partition.id, { trigger: trigger.value, ...cpu, dump: dump.value }, newKey()),
      );
      await refreshPartitions();
    } catch (e) {
      error.value = messageOf(e);
    } finally {
      sending.value = false;
    }
  };

  const help = TRIGGERS.find((t) => t.trigger === trigger.value)?.help;
  return (
    <form class="panic-form" onSubmit={(event) => void submit(event)} aria-label={`Crash ${partition.name}`}>
      <fieldset class="segmented">
        <legend>Trigger</legend>
        {TRIGGERS.map((t) => (
          <label key={t.trigger} title={t.help}>
            <input
              type="radio"
              name="trigger"
              value={t.trigger}
              checked={trigger.value === t.trigger}
              onChange={() => {
                trigger.value = t.trigger;
              }}
            />
            <span>{t.text}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>On</span>
        <select
          value={onCpu.value}
          onChange={(event) => {
            onCpu.value = event.currentTarget.value;
          }}
        >
          <option value="">any CPU</option>
          {Array.from({ length: partition.cpus }, (_, cpu) => (
            <option key={cpu} value={String(cpu)}>
              CPU {cpu}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Dump</span>
        <select
          value={dump.value}
          onChange={(event) => {
            dump.value = event.currentTarget.value;
          }}
        >
          {dumps.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <button
        type="submit"
        class="danger"
        disabled={!ready || sending.value || refused !== undefined}
        title={refused ?? (ready ? undefined : 'The partition must be ready')}
      >
        Panic
      </button>
      <p class="form-help">
        {error.value === '' ? (
          <span class="faint">
            {refused !== undefined
              ? `${refused}.`
              : ready
                ? help
                : `It is ${STATE_TEXT[partition.state]}: only a ready partition can be crashed.`}
          </span>
        ) : (
          <span class="inline-error" role="alert">
            {error.value}
          </span>
        )}
      </p>
    </form>
  );
}
