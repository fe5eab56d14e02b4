/**
 * Open Firmware as far as a booted client sees it: the client interface and what it acts on.
 *
 * Source: IEEE 1275-1994 §6.3 (client interface), its PowerPC processor binding 2.1 §10, LoPAR's extensions; Linux 6.1
 * arch/powerpc/kernel/prom_init.c is the client it was written for. The argument array is 32-bit big-endian cells: the
 * service's name, the number of arguments, the number of returns, arguments, returns. The tree is the one that a
 * flattened boot gives, less what the client itself writes there. Left out, and refused as absent: interpret, boot, chain,
 * callbacks, start-cpu (RTAS starts CPUs), the user interface to which `exit` would return: it ends the power cycle.
 */

import { latin1Bytes } from '../../../base/bytes.ts';
import { type FdtNode, u32 } from '../../../base/fdt/index.ts';
import { hex64 } from '../../../base/hex.ts';
import type { Vty } from '../../devices/index.ts';
import { OutsideMemory } from '../../memory/contract.ts';
import type { FirmwareMachine, FirmwareVcpu } from '../contract/contract.ts';
import { agreedVector5, runsOn } from './architecture-support.ts';
import { Claims } from './claims.ts';
import { deviceServices } from './device-services.ts';
import { ConsoleDevice, Instances } from './instances.ts';
import { memoryServices } from './memory-services.ts';
import { argument, type ClientService, type ClientServices, clientText, FAILED } from './services.ts';
import { CLIENT_ENTRY, clientStub, FIRMWARE_BASE, FIRMWARE_BYTES } from './stub.ts';
import { ClientTree } from './tree.ts';
import { treeServices } from './tree-services.ts';

export type OpenFirmwareOptions = {
  readonly machine: FirmwareMachine;
  /** Terminal 0. */
  readonly console: Vty;
  /** The device specifier of terminal 0, for /chosen. */
  readonly consolePath: string;
  /**
   * The tree as a flattened boot would give it.
   * @param vector5 The property ibm,architecture-vec-5 that was agreed upon; absent: everything that there is.
   */
  readonly tree: (vector5?: Uint8Array) => FdtNode;
  /** Processor versions that the machine runs as, raw and architected. */
  readonly processorVersions: readonly number[];
  readonly rtasBlob: Uint8Array;
  /** Called when the client has had RTAS put at a real address. */
  readonly onRtasPlaced?: (base: number) => void;
  /** The end of what real mode addresses. */
  readonly rma: number;
  /** What was loaded before the client starts: kernel and initramfs. */
  readonly loaded: readonly { readonly start: number; readonly end: number }[];
};

const CELL = 4;
/** An address is one cell. */
const HIGHEST_CLAIM = 2 ** 32;
const HEADER_CELLS = 3;
/** The standard sets no limit; no service comes near it. */
const MOST_CELLS = 32;
const VECTOR_5 = 'ibm,architecture-vec-5';
const PLATFORM_SUPPORT = 'ibm,arch-vec-5-platform-support';
/** What a flattened tree states in place of a client; here the client itself does. */
const CLIENT_SAYS: Readonly<Record<string, readonly string[]>> = {
  chosen: ['linux,initrd-start', 'linux,initrd-end', 'linux,stdout-path'],
  rtas: ['linux,rtas-base', 'linux,rtas-entry'],
};

export class OpenFirmware {
  readonly #options: OpenFirmwareOptions;
  readonly #tree: ClientTree;
  readonly #claims: Claims;
  readonly #instances = new Instances();
  readonly #services: ClientServices;
  /** Handles that /chosen names, over every tree. */
  readonly #handles: ReadonlyMap<string, Uint8Array>;

  /** Takes its memory and puts its entry there. Memory that was loaded is claimed for the client. */
  constructor(options: OpenFirmwareOptions) {
    this.#options = options;
    const { machine } = options;
    this.#tree = new ClientTree(beforeNegotiation(options.tree()));
    this.#claims = new Claims(Math.min(options.rma, HIGHEST_CLAIM));
    this.#claims.keep(FIRMWARE_BASE, FIRMWARE_BYTES);
    for (const { start, end } of options.loaded) this.#claims.claim(start, end - start, 0);
    const terminal = new ConsoleDevice(options.console);
    this.#services = new Map<string, ClientService>([
      ...treeServices(machine.memory, this.#tree, this.#instances),
      ...deviceServices(machine, this.#tree, this.#instances, terminal, {
        agree: (request) => {
          const whole = options.tree();
          const vector5 = runsOn(request, options.processorVersions)
            ? agreedVector5(request, chosen(whole, VECTOR_5), chosen(whole, PLATFORM_SUPPORT))
            : 'the client does not run on this processor';
          if (typeof vector5 === 'string') {
            terminal.write(latin1Bytes(`ibm,client-architecture-support is refused: ${vector5}.\r\n`));
            return false;
          }
          this.#show(withoutClientsOwn(options.tree(vector5)));
          return true;
        },
        instantiateRtas: (base) => this.#instantiateRtas(base),
      }),
      ...memoryServices(this.#claims, () => this.#showAvailable()),
      ...this.#controlServices(),
    ]);
    this.#handles = this.#openStandardDevices();
    this.#show(undefined);
    machine.memory.write(FIRMWARE_BASE + CLIENT_ENTRY, clientStub());
  }

  /** Where the client calls. */
  get entry(): number {
    return FIRMWARE_BASE + CLIENT_ENTRY;
  }

  /**
   * One call: the argument array is at the real address `array`.
   * @returns whether it could be read and answered; a service that fails says so in its returns.
   */
  call(vcpu: FirmwareVcpu, array: number): boolean {
    const { memory, unsupported } = this.#options.machine;
    if (array % CELL !== 0 || !memory.isRam(array, HEADER_CELLS * CELL)) return false;
    const cell = (n: number): number => memory.readU32(array + n * CELL, false);
    const [nargs, nrets] = [cell(1), cell(2)];
    if (nargs + nrets > MOST_CELLS || !memory.isRam(array, (HEADER_CELLS + nargs + nrets) * CELL))
      return false;
    const name = clientText(memory, cell(0));
    if (name === undefined) return false;
    const args = Array.from({ length: nargs }, (_, i) => cell(HEADER_CELLS + i));
    const service = this.#services.get(name);
    let returns: readonly number[] = [FAILED];
    if (service === undefined) {
      unsupported({ kind: 'hcall', key: `of-client ${name}`, where: hex64(vcpu.nia) });
    } else if (nargs === service.nargs || (service.more === true && nargs > service.nargs)) {
      returns = answered(service, args, vcpu);
    }
    for (let i = 0; i < nrets; i++) {
      memory.writeU32(array + (HEADER_CELLS + nargs + i) * CELL, (returns[i] ?? 0) >>> 0, false);
    }
    return true;
  }

  #controlServices(): ClientServices {
    const { machine } = this.#options;
    const leave = (how: string) => () => {
      machine.cannotGoOn(`the client program gave control back to firmware (${how})`);
      return [];
    };
    return new Map<string, ClientService>([
      [
        'test',
        {
          nargs: 1,
          handler: (args) => {
            const name = clientText(machine.memory, argument(args, 0));
            return [name !== undefined && this.#services.has(name) ? 0 : FAILED];
          },
        },
      ],
      ['milliseconds', { nargs: 0, handler: () => [Math.floor(machine.clock.now() / 1e6) % 2 ** 32] }],
      // Nothing of firmware's is under way that would have to be stopped: its console does no DMA.
      ['quiesce', { nargs: 0, handler: () => [] }],
      ['enter', { nargs: 0, handler: leave('enter') }],
      ['exit', { nargs: 0, handler: leave('exit') }],
    ]);
  }

  #openStandardDevices(): ReadonlyMap<string, Uint8Array> {
    const { consolePath, machine } = this.#options;
    const boot = machine.vcpus[0]?.hardwareId ?? 0;
    const cpu = this.#tree
      .find('/cpus')
      ?.node.children.find((each) => each.name.endsWith(`@${boot.toString(16)}`));
    const handles = new Map<string, Uint8Array>();
    const add = (name: string, specifier: string): void => {
      const device = this.#tree.find(specifier);
      if (device !== undefined) handles.set(name, u32(this.#instances.open(device)));
    };
    add('stdin', consolePath);
    add('stdout', consolePath);
    if (cpu !== undefined) add('cpu', this.#tree.pathOf(cpu));
    add('memory', '/memory@0');
    return handles;
  }

  /** Gives the client a tree, or completes the one it has, with what only firmware knows. */
  #show(tree: FdtNode | undefined): void {
    if (tree !== undefined) this.#tree.replace(tree);
    const node = this.#tree.find('/chosen')?.node;
    for (const [name, handle] of this.#handles) node?.properties.set(name, handle);
    this.#showAvailable();
  }

  #showAvailable(): void {
    const value = this.#claims.free().flatMap(({ start, end }) => [0, start, 0, end - start]);
    const bytes = new Uint8Array(value.length * CELL);
    for (const [i, part] of value.entries()) bytes.set(u32(part), i * CELL);
    this.#tree.find('/memory@0')?.node.properties.set('available', bytes);
  }

  #instantiateRtas(base: number): number | undefined {
    const { machine, rtasBlob } = this.#options;
    if (base % CELL !== 0 || !machine.memory.isRam(base, rtasBlob.length)) return undefined;
    machine.memory.write(base, rtasBlob);
    this.#options.onRtasPlaced?.(base);
    return base;
  }
}

/** A guest's pointer that leads outside memory makes a service fail. */
function answered(service: ClientService, args: readonly number[], vcpu: FirmwareVcpu): readonly number[] {
  try {
    return service.handler(args, vcpu);
  } catch (error) {
    if (error instanceof OutsideMemory) return [FAILED];
    throw error;
  }
}

function beforeNegotiation(tree: FdtNode): FdtNode {
  const root = withoutClientsOwn(tree);
  root.children.find((each) => each.name === 'chosen')?.properties.delete(VECTOR_5);
  return root;
}

function withoutClientsOwn(root: FdtNode): FdtNode {
  for (const child of root.children)
    for (const name of CLIENT_SAYS[child.name] ?? []) child.properties.delete(name);
  return root;
}

function chosen(root: FdtNode, name: string): Uint8Array {
  const node = root.children.find((each) => each.name === 'chosen');
  return node?.properties.get(name) ?? new Uint8Array(0);
}
