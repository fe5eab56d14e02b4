/** What sort of machine a new partition is. What cannot be chosen together is not offered together. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';

type Choice = readonly (readonly [value: string, text: string])[];

const PROCESSORS: Choice = [
  ['power9', 'POWER9'],
  ['power8', 'POWER8'],
];
const MMUS: Choice = [
  ['radix', 'radix tree'],
  ['hash', 'hash table'],
];
const FIRMWARES: Choice = [
  ['flat', 'flattened tree'],
  ['open-firmware', 'Open Firmware'],
];
const CONTROLLERS: Choice = [
  ['xics', 'XICS'],
  ['xive', 'XIVE'],
];
const BUSES: Choice = [
  ['virtio', 'virtio-blk'],
  ['vscsi', 'virtual SCSI'],
];

const LOADERS: Choice = [
  ['', 'as the image says'],
  ['stock', 'kexec-tools in the guest'],
  ['own', 'the service'],
];

/** @param builtIn the built-in guest has drivers for one machine alone */
export function MachineFields({ builtIn }: { readonly builtIn: boolean }): JSX.Element {
  const processor = useSignal('power9');
  const power8 = processor.value === 'power8';
  return (
    <>
      <label class="field">
        <span>Processor</span>
        <select
          name="processor"
          value={processor.value}
          onChange={(event) => {
            processor.value = event.currentTarget.value;
          }}
        >
          <Options of={PROCESSORS} />
        </select>
      </label>
      <Select name="mmu" label="Translation" of={power8 ? MMUS.slice(1) : MMUS} />
      <Select name="firmware" label="Firmware" of={builtIn ? FIRMWARES.slice(0, 1) : FIRMWARES} />
      <Select
        name="interrupts"
        label="Interrupts"
        of={builtIn || power8 ? CONTROLLERS.slice(0, 1) : CONTROLLERS}
      />
      <Select name="diskBus" label="Disks" of={builtIn ? BUSES.slice(0, 1) : BUSES} />
      <Select name="loader" label="Crash load planned by" of={builtIn ? LOADERS.slice(0, 1) : LOADERS} />
      <label class="field">
        <span>Seed</span>
        <input name="seed" type="number" min={0} max={Number.MAX_SAFE_INTEGER} placeholder="1" />
      </label>
    </>
  );
}

type SelectProps = { readonly name: string; readonly label: string; readonly of: Choice };

function Select({ name, label, of }: SelectProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      {/* Where the choices change, the first is chosen anew. */}
      <select key={of.length} name={name}>
        <Options of={of} />
      </select>
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
