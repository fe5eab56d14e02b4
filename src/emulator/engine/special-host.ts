/** A special handler (specials.ts), and what it works on. */

import type { Vcpu } from '../cpu/vcpu.ts';
import type { Arena } from '../memory/arena.ts';
import type { Ram } from '../memory/ram.ts';
import type { EngineHost } from './engine-host.ts';
import type { StorageAccess } from './translation.ts';

/** Takes the instruction word; returns 0 (continue with the next instruction) or an exit code. */
export type Special = (word: number) => number;

/** What special handlers work on. `now` is in nanoseconds, at the instruction being executed. */
export type SpecialHost = {
  readonly host: EngineHost;
  readonly storage: StorageAccess;
  readonly arena: Arena;
  readonly ram: Ram;
  readonly vcpu: () => Vcpu;
  readonly now: () => number;
  readonly requestStop: () => void;
};
