/**
 * The services that walk and change the device tree.
 * Source: IEEE 1275-1994 §6.3.2.2 (peer, child, parent, getproplen, getprop, nextprop, setprop, canon, finddevice,
 * instance-to-package, instance-to-path, package-to-path). A buffer that is not RAM makes the service fail.
 */

import type { GuestMemory } from '../../memory/contract.ts';
import type { Instances } from './instances.ts';
import {
  argument,
  type ClientServices,
  clientText,
  FAILED,
  putPath,
  type ServiceHandler,
} from './services.ts';
import { type ClientNode, type ClientTree, propertyAfter, propertyOf } from './tree.ts';

/** A property's name has 31 characters in the standard; PAPR has longer ones. */
const MOST_PROPERTY_BYTES = 0x1_0000;

export function treeServices(memory: GuestMemory, tree: ClientTree, instances: Instances): ClientServices {
  const onNode =
    (work: (node: ClientNode, args: readonly number[]) => number, none: number = FAILED): ServiceHandler =>
    (args) => {
      const node = tree.node(argument(args, 0));
      return [node === undefined ? none : work(node, args)];
    };
  const named =
    (work: (node: ClientNode, name: string, args: readonly number[]) => number): ServiceHandler =>
    (args) => {
      const node = tree.node(argument(args, 0));
      const name = clientText(memory, argument(args, 1));
      return [node === undefined || name === undefined ? FAILED : work(node, name, args)];
    };
  const found = (raddr: number) => {
    const specifier = clientText(memory, raddr);
    return specifier === undefined ? undefined : tree.find(specifier);
  };
  const handle = (node: ClientNode | undefined): number => node?.phandle ?? 0;
  return new Map([
    ['finddevice', { nargs: 1, handler: (args) => [found(argument(args, 0))?.node.phandle ?? FAILED] }],
    [
      'peer',
      {
        nargs: 1,
        handler: (args) => {
          if (argument(args, 0) === 0) return [tree.root.phandle];
          const node = tree.node(argument(args, 0));
          return [node === undefined ? 0 : handle(tree.peer(node))];
        },
      },
    ],
    ['child', { nargs: 1, handler: onNode((node) => handle(node.children[0]), 0) }],
    ['parent', { nargs: 1, handler: onNode((node) => handle(node.parent), 0) }],
    ['getproplen', { nargs: 2, handler: named((node, name) => propertyOf(node, name)?.length ?? FAILED) }],
    [
      'getprop',
      {
        nargs: 4,
        handler: named((node, name, args) => {
          const value = propertyOf(node, name);
          if (value === undefined) return FAILED;
          memory.write(argument(args, 2), value.slice(0, argument(args, 3)));
          return value.length;
        }),
      },
    ],
    [
      'nextprop',
      {
        nargs: 3,
        handler: named((node, previous, args) => {
          const next = propertyAfter(node, previous);
          if (next === 'no such property') return FAILED;
          if (next === undefined) return 0;
          putPath(memory, argument(args, 2), Number.POSITIVE_INFINITY, next);
          return 1;
        }),
      },
    ],
    [
      'setprop',
      {
        nargs: 4,
        handler: named((node, name, args) => {
          const length = argument(args, 3);
          if (length > MOST_PROPERTY_BYTES || name === '') return FAILED;
          const value = length === 0 ? new Uint8Array(0) : memory.read(argument(args, 2), length);
          return tree.write(node, name, value) ? length : FAILED;
        }),
      },
    ],
    [
      'canon',
      {
        nargs: 3,
        handler: (args) => {
          const device = found(argument(args, 0));
          if (device === undefined) return [FAILED];
          const path = withArgs(tree.pathOf(device.node), device.args);
          return [putPath(memory, argument(args, 1), argument(args, 2), path)];
        },
      },
    ],
    [
      'package-to-path',
      {
        nargs: 3,
        handler: onNode((node, args) =>
          putPath(memory, argument(args, 1), argument(args, 2), tree.pathOf(node)),
        ),
      },
    ],
    [
      'instance-to-path',
      {
        nargs: 3,
        handler: (args) => {
          const instance = instances.get(argument(args, 0));
          const node = instance === undefined ? undefined : tree.node(instance.phandle);
          if (instance === undefined || node === undefined) return [FAILED];
          const path = withArgs(tree.pathOf(node), instance.args);
          return [putPath(memory, argument(args, 1), argument(args, 2), path)];
        },
      },
    ],
    [
      'instance-to-package',
      { nargs: 1, handler: (args) => [instances.get(argument(args, 0))?.phandle ?? FAILED] },
    ],
  ]);
}

function withArgs(path: string, args: string | undefined): string {
  return args === undefined ? path : `${path}:${args}`;
}
