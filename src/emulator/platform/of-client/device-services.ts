/**
 * The services that use devices: open, close, read, write, and methods called on what is open.
 *
 * Source: IEEE 1275-1994 §6.3.2.3 (open answers 0 where it fails; read -2 where nothing waits) and §6.3.2.2
 * (call-method: a catch result, then the method's results); LoPAR, "Root Node Methods" (ibm,client-architecture-support) and "RTAS
 * Instantiation" (instantiate-rtas). Left out: seek, methods of other packages: undefined words, as firmware says of
 * what it lacks.
 */

import { hex64 } from '../../../base/hex.ts';
import type { FirmwareMachine } from '../contract/contract.ts';
import { type ArchitectureRequest, readArchitectureRequest } from './architecture-support.ts';
import type { ConsoleDevice, Instances } from './instances.ts';
import { argument, type ClientServices, clientText, FAILED, TRUE } from './services.ts';
import type { ClientTree } from './tree.ts';

/** Nothing to read yet. */
const NOTHING_WAITS = 0xffff_fffe;
/** What call-method's catch result says of a word that is not there. */
const UNDEFINED_WORD = 0xffff_ffeb;
const ROOT_PATH = '/';
const RTAS_PATH = '/rtas';

export type Methods = {
  /** @returns whether the platform agrees; if so, the tree is another one. */
  readonly agree: (request: ArchitectureRequest) => boolean;
  /** Puts RTAS at a real address. @returns its entry, or undefined where it cannot lie. */
  readonly instantiateRtas: (base: number) => number | undefined;
};

/** One call prints no more; the client learns how much, and calls again (IEEE 1275-1994 §6.3.2.3). */
const MOST_WRITTEN = 4096;

export function deviceServices(
  machine: FirmwareMachine,
  tree: ClientTree,
  instances: Instances,
  terminal: ConsoleDevice,
  methods: Methods,
): ClientServices {
  const { memory } = machine;
  const isConsole = (ihandle: number): boolean => {
    const instance = instances.get(ihandle);
    return instance !== undefined && terminal.is(tree.node(instance.phandle));
  };
  const callMethod = (
    name: string,
    path: string,
    args: readonly number[],
    where: bigint,
  ): readonly number[] => {
    if (path === ROOT_PATH && name === 'ibm,client-architecture-support') {
      const request = readArchitectureRequest(memory, argument(args, 0));
      return [0, request !== undefined && methods.agree(request) ? 0 : TRUE];
    }
    if (path === RTAS_PATH && name === 'instantiate-rtas') {
      return [0, methods.instantiateRtas(argument(args, 0)) ?? 0];
    }
    machine.unsupported({
      kind: 'hcall',
      key: `of-client call-method ${name}`,
      where: hex64(where),
      detail: path,
    });
    return [UNDEFINED_WORD];
  };
  return new Map([
    [
      'open',
      {
        nargs: 1,
        handler: (args) => {
          const specifier = clientText(memory, argument(args, 0));
          const device = specifier === undefined ? undefined : tree.find(specifier);
          return [device === undefined ? 0 : instances.open(device)];
        },
      },
    ],
    [
      'close',
      {
        nargs: 1,
        handler: (args) => {
          instances.close(argument(args, 0));
          return [];
        },
      },
    ],
    [
      'write',
      {
        nargs: 3,
        handler: (args) => {
          if (!isConsole(argument(args, 0))) return [FAILED];
          const [raddr, length] = [argument(args, 1), argument(args, 2)];
          if (!memory.isRam(raddr, length)) return [FAILED];
          return [terminal.write(memory.read(raddr, Math.min(length, MOST_WRITTEN)))];
        },
      },
    ],
    [
      'read',
      {
        nargs: 3,
        handler: (args) => {
          if (!isConsole(argument(args, 0)) || !memory.isRam(argument(args, 1), argument(args, 2))) {
            return [FAILED];
          }
          const typed = terminal.read(argument(args, 2));
          memory.write(argument(args, 1), typed);
          return [typed.length === 0 ? NOTHING_WAITS : typed.length];
        },
      },
    ],
    [
      'call-method',
      {
        nargs: 2,
        more: true,
        handler: (args, vcpu) => {
          const name = clientText(memory, argument(args, 0));
          const instance = instances.get(argument(args, 1));
          const node = instance === undefined ? undefined : tree.node(instance.phandle);
          if (name === undefined || node === undefined) return [FAILED];
          // Every method that there is takes one argument.
          return callMethod(name, tree.pathOf(node), [args[2] ?? 0], vcpu.nia);
        },
      },
    ],
  ]);
}
