/** Converts the faults of a crash request to faults of the machine: segments become addresses, instants become events. */

import type { EventMatch, MachineFault } from '../../emulator/host/index.ts';
import { panicError } from '../contract/errors.ts';
import type { Fault, FaultInstant } from '../contract/index.ts';
import type { KexecImage } from '../facts/index.ts';
import { matchesOf } from '../watch/index.ts';
import { faultText, instantOf } from './text.ts';

/** What faults may be about. */
export type FaultGround = {
  /** The loaded crash image, where there is one. */
  readonly image?: Pick<KexecImage, 'segments'>;
  readonly cpus: number;
};

/** The events that mark an instant of a crash; undefined: at once. */
function eventsOf(instant: FaultInstant): readonly EventMatch[] | undefined {
  return instant === 'trigger' ? undefined : matchesOf(instant, 'crash');
}

/** @throws FormatError `panic/bad-fault` for a segment, an offset or a CPU that is not there */
export function resolveFault(fault: Fault, { image, cpus }: FaultGround): MachineFault {
  const at = eventsOf(instantOf(fault));
  const common = { name: faultText(fault), ...(at === undefined ? {} : { at }) };
  switch (fault.kind) {
    case 'flip':
      return { ...common, damage: { kind: 'flip', raddr: addressOf(fault, image) } };
    case 'wedge':
      if (fault.cpu >= cpus)
        throw panicError('panic/bad-fault', `${faultText(fault)}: there is no CPU ${fault.cpu}`, {
          expected: `0 to ${cpus - 1}`,
          actual: String(fault.cpu),
        });
      return { ...common, damage: { kind: 'wedge', cpu: fault.cpu } };
  }
}

function addressOf(fault: Fault & { readonly kind: 'flip' }, image: FaultGround['image']): number {
  if (fault.of === 'memory') return fault.offset;
  const segment = image?.segments.find(({ role }) => role === fault.of);
  if (segment === undefined)
    throw panicError('panic/bad-fault', `${faultText(fault)}: the loaded image has no such segment`, {
      expected: image?.segments.map(({ role }) => role).join(', ') ?? 'a loaded crash image',
      actual: fault.of,
    });
  if (fault.offset >= segment.memsz)
    throw panicError('panic/bad-fault', `${faultText(fault)}: the offset is beyond the end of the segment`, {
      expected: `less than ${segment.memsz}`,
      actual: String(fault.offset),
    });
  return segment.mem + fault.offset;
}
