/** The built-in guest on a partition, driven from outside: its agent's lines, plans on its read-only disk, its dump. */

import { readFileSync } from 'node:fs';
import {
  buildPlanDisk,
  type GuestFacts,
  type LoadPlan,
  type LoadRequest,
  planLoad,
  probeImage,
  readPurgatory,
} from '../../src/crashkernel/index.ts';
import { createMemoryStore } from '../../src/emulator/devices/virtio/stores.ts';
import type { MachineEvent, PartitionConfig } from '../../src/emulator/host/index.ts';
import { Partition } from '../../src/emulator/partition/index.ts';
import { parseFacts } from '../../src/panic/loading/facts.ts';
import { runPausing } from './pausing.ts';

export const MIB: number = 2 ** 20;
export const GUEST_KERNEL: string = process.env.KDUMPD_GUEST_KERNEL ?? 'guest/prebuilt/kernel.elf';
const PURGATORY = process.env.KDUMPD_GUEST_PURGATORY ?? 'guest/prebuilt/purgatory.elf';
/** Instructions between two looks. */
const PIECE = 1_000_000;

export type GuestOptions = Partial<
  Pick<PartitionConfig, 'processor' | 'mmu' | 'cpus' | 'memory' | 'rma' | 'refuseSysReset' | 'systemCalls'>
> & {
  readonly append?: string;
  readonly dumpBytes?: number;
  /** Pauses every slice as often as it can be. */
  readonly pauses?: boolean;
};

export class BuiltInGuest {
  readonly partition: Partition;
  /** The agent's lines, over all kernels of this power cycle. */
  readonly lines: string[] = [];
  readonly events: MachineEvent[] = [];
  readonly unsupported: string[] = [];
  console = '';
  readonly plans: ReturnType<typeof createMemoryStore> = createMemoryStore(8 * MIB, { readOnly: true });
  readonly dump: ReturnType<typeof createMemoryStore>;
  readonly #pauses: boolean;
  #rest = '';

  constructor(options: GuestOptions = {}) {
    const { append = '', dumpBytes = 160 * MIB, pauses = false, ...machine } = options;
    this.#pauses = pauses;
    this.dump = createMemoryStore(dumpBytes);
    this.partition = new Partition(
      {
        processor: 'power9',
        mmu: 'radix',
        cpus: 2,
        memory: [{ base: 0, size: 128 * MIB }],
        ...machine,
        kernel: GUEST_KERNEL,
        append: `crashkernel=32M@24M ${append}`,
        seed: 1,
        disks: [],
      },
      [this.plans, this.dump],
      {
        console: (vty, bytes) => this.#said(vty, Buffer.from(bytes).toString('latin1')),
        unsupported: ({ kind, key, where = '', detail = '' }) =>
          this.unsupported.push(`${kind} ${key} ${where} ${detail}`),
        event: (event) => this.events.push(event),
      },
    );
    this.partition.powerOn();
  }

  /** Runs until a line is one of `wanted`'s. @throws Error when the guest ends, rests or takes too long before */
  until(wanted: RegExp, instructions: number = 400_000_000): string {
    const seen = this.lines.length;
    for (let done = 0; done < instructions; done += PIECE) {
      const outcome = this.#run();
      const line = this.lines.slice(seen).find((each) => wanted.test(each));
      if (line !== undefined) return line;
      if (outcome !== 'ran') throw this.#lost(outcome, wanted);
    }
    throw this.#lost('too many instructions', wanted);
  }

  ready(): GuestFacts {
    this.until(/^kdumpd-agent ready/);
    return this.facts();
  }

  facts(): GuestFacts {
    const line = this.lines.findLast((each) => each.startsWith('kdumpd-agent facts '));
    if (line === undefined) throw new Error('no facts');
    return parseFacts(line.slice('kdumpd-agent facts '.length));
  }

  command(line: string): string {
    this.type(1, `${line}\n`);
    const [word = ''] = line.split(' ');
    return this.until(new RegExp(`^(ok|error) ${word}`));
  }

  type(vty: 0 | 1, text: string): void {
    this.partition.input(vty, Buffer.from(text));
  }

  /** A plan for this guest's own image. */
  plan(more: Partial<LoadRequest> & { readonly crash: boolean }): LoadPlan {
    return planLoad({
      image: probeImage(new Uint8Array(readFileSync(GUEST_KERNEL))),
      purgatory: readPurgatory(new Uint8Array(readFileSync(PURGATORY))),
      commandLine: 'kdumpd.dump=raw',
      tree: this.partition.machineTree() ?? new Uint8Array(0),
      guest: this.facts(),
      ...more,
    });
  }

  /** Writes the plans to the guest's read-only disk. */
  put(plans: Readonly<Record<string, LoadPlan>>): void {
    const named = Object.entries(plans).map(([name, plan]) => ({ ...plan, name }));
    for (const { offset, bytes } of buildPlanDisk(named)) this.plans.write(offset, bytes);
  }

  /** Runs until this power cycle has ended. */
  end(instructions: number = 400_000_000): string {
    for (let done = 0; done < instructions; done += PIECE)
      if (this.#run() === 'ended') return this.partition.ended?.kind ?? 'nothing';
    throw this.#lost('too many instructions', /the end/);
  }

  /** About so many instructions, to the end of a slice. */
  #run(): ReturnType<Partition['run']> {
    return this.#pauses ? runPausing(this.partition, PIECE) : this.partition.run(PIECE);
  }

  #said(vty: 0 | 1, text: string): void {
    if (vty === 0) {
      this.console += text;
      return;
    }
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines.push(...lines.map((line) => line.replace(/\r$/, '')));
  }

  #lost(what: string, wanted: RegExp): Error {
    const cpus = this.partition.vcpus.map((vcpu) => `${vcpu.state} ${vcpu.nia.toString(16)}`);
    return new Error(
      `${what}: no line ${wanted}\n${this.lines.join('\n')}\n${this.console.slice(-2000)}\n${cpus.join(', ')}`,
    );
  }
}
