/** Draws the fields for the machine of a new partition. Impossible combinations are not offered. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import {
  DISK_BUSES,
  FIRMWARES,
  MACHINE_DEFAULTS,
  OS_TERM_POLICIES,
  type PartitionView,
  PROCESSOR_TRAITS,
  PROCESSORS,
} from '../../../src/panic/contract/index.ts';

type Choice = readonly (readonly [value: string, text: string])[];

const TITLES: Readonly<Record<string, string>> = {
  radix: 'radix tree',
  hash: 'hash table',
  flat: 'flattened tree',
  'open-firmware': 'Open Firmware',
  xics: 'XICS',
  xive: 'XIVE',
  virtio: 'virtio-blk',
  vscsi: 'virtual SCSI',
  return: 'returns',
  end: 'ends the power cycle',
};

const LOADERS: Choice = [
  ['', 'as the image says'],
  ['stock', 'kexec-tools in the guest'],
  ['own', 'the service'],
];

/** The default comes first. */
const DEFAULT_FIRST = [...PROCESSORS].sort((a) => (a === MACHINE_DEFAULTS.processor ? -1 : 1));

/** @param builtIn the built-in guest has drivers for one machine alone, the default one */
export function MachineFields({ builtIn }: { readonly builtIn: boolean }): JSX.Element {
  const processor = useSignal<PartitionView['processor']>(MACHINE_DEFAULTS.processor);
  const { mmus, interrupts, threads } = PROCESSOR_TRAITS[processor.value];
  const ofGuest = (choices: readonly string[]): Choice =>
    (builtIn ? choices.slice(0, 1) : choices).map((value) => [value, TITLES[value] ?? value]);
  return (
    <>
      <label class="field">
        <span>Processor</span>
        <select
          name="processor"
          value={processor.value}
          onChange={(event) => {
            const { value } = event.currentTarget;
            processor.value = PROCESSORS.find((each) => each === value) ?? MACHINE_DEFAULTS.processor;
          }}
        >
          <Options of={DEFAULT_FIRST.map((each) => [each, PROCESSOR_TRAITS[each].title])} />
        </select>
      </label>
      <Select
        name="threads"
        label="Threads a core"
        of={[['', 'two'], ...threads.map((each): [string, string] => [`${each}`, `${each}: whole cores`])]}
      />
      <Select name="mmu" label="Translation" of={mmus.map((value) => [value, TITLES[value] ?? value])} />
      <Select name="firmware" label="Firmware" of={ofGuest(FIRMWARES)} />
      <Select name="interrupts" label="Interrupts" of={ofGuest(interrupts)} />
      <Select name="diskBus" label="Disks" of={ofGuest(DISK_BUSES)} />
      <Select name="loader" label="Crash load planned by" of={builtIn ? LOADERS.slice(0, 1) : LOADERS} />
      <Select
        name="osTerm"
        label="ibm,os-term"
        of={OS_TERM_POLICIES.map((value) => [value, TITLES[value] ?? value])}
      />
      <SizeField name="rma" label="Real-mode area" />
      <SizeField name="dumpDevice" label="Dump device" />
      <label class="field">
        <span>Seed</span>
        <input
          name="seed"
          type="number"
          min={0}
          max={Number.MAX_SAFE_INTEGER}
          placeholder={String(MACHINE_DEFAULTS.seed)}
        />
      </label>
    </>
  );
}

type SelectProps = { readonly name: string; readonly label: string; readonly of: Choice };

function Select({ name, label, of }: SelectProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      {/* When the choices change, the first is chosen again. */}
      <select key={of.length} name={name}>
        <Options of={of} />
      </select>
    </label>
  );
}

function SizeField({ name, label }: Pick<SelectProps, 'name' | 'label'>): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        name={name}
        placeholder="by memory"
        pattern="(0x[0-9A-Fa-f]+|[0-9]+)[KMG]?"
        title="A size with K, M or G: 256M"
      />
    </label>
  );
}

function Options({ of }: { readonly of: Choice }): JSX.Element {
  return (
    <>
      {of.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </>
  );
}
