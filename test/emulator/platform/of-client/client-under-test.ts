/** A platform that was started by Open Firmware, and a client that calls it as prom_init does. */

import type { FdtNode } from '../../../../src/base/fdt/index.ts';
import { node } from '../../../../src/base/fdt/index.ts';
import { FakeMachine } from '../../../synth/firmware-machine.ts';
import { type Bench, bench, UNWRITTEN } from '../platform-under-test.ts';

/** Where the client keeps its argument array, its strings and its buffer. */
const ARRAY = 0x20_0000;
const TEXTS = 0x20_1000;
export const BUFFER = 0x21_0000;

export const RMA = 0x30_0000;
export const KERNEL = { start: 0x10_0000, end: 0x18_0000 };
export const FAILED = 0xffff_ffff;

export type Client = Bench & {
  /** A service's return cells; strings among the arguments are put into memory and their addresses passed. */
  call(service: string, args: readonly (number | string)[], nrets: number): number[];
  /** The first return cell. */
  one(service: string, ...args: (number | string)[]): number;
  /** The status of H_OF_CLIENT itself. */
  raw(cells: readonly number[], at?: number): number;
  find(path: string): number;
  property(path: string, name: string): Uint8Array | undefined;
  /** The text in the buffer. */
  text(): string;
};

export function client(nodes: readonly FdtNode[] = [], hardwareIds: readonly number[] = [0, 1, 8]): Client {
  const under = bench(new FakeMachine(hardwareIds, [{ base: 0, size: 0x40_0000 }]));
  const { memory } = under.machine;
  under.platform.startOpenFirmware(
    {
      bootHardwareId: 0,
      rma: RMA,
      bootargs: 'console=hvc0',
      rtasBase: 0,
      nodes: [node('pci@800000020000000', { device_type: 'pci' }), ...nodes],
    },
    [KERNEL],
  );
  const put = (texts: readonly string[]): number[] => {
    let at = TEXTS;
    return texts.map((text) => {
      const here = at;
      memory.write(here, Buffer.from(`${text}\0`, 'latin1'));
      at += text.length + 1;
      return here;
    });
  };
  const raw: Client['raw'] = (cells, at = ARRAY) => {
    for (const [i, value] of cells.entries()) memory.writeU32(at + 4 * i, value >>> 0, false);
    const answer = under.hcall('H_OF_CLIENT', at);
    if (answer === 'none') throw new Error('the client interface returns');
    return answer.status;
  };
  const call: Client['call'] = (service, args, nrets) => {
    const texts = [service, ...args.filter((each) => typeof each === 'string')];
    const [name = 0, ...pointers] = put(texts);
    const cells = args.map((each) => (typeof each === 'string' ? (pointers.shift() ?? 0) : each));
    const status = raw([name, cells.length, nrets, ...cells, ...new Array<number>(nrets).fill(UNWRITTEN)]);
    if (status !== 0) throw new Error(`${service}: status ${status}`);
    return Array.from({ length: nrets }, (_, i) => memory.readU32(ARRAY + 4 * (3 + cells.length + i), false));
  };
  const one: Client['one'] = (service, ...args) => call(service, args, 1)[0] ?? FAILED;
  const text = (): string => Buffer.from(memory.read(BUFFER, 256)).toString('latin1').replace(/\0.*$/s, '');
  const find = (path: string): number => one('finddevice', path);
  return {
    ...under,
    call,
    one,
    raw,
    find,
    text,
    property: (path, name) => {
      const length = one('getprop', find(path), name, BUFFER, 0x1000);
      return length === FAILED ? undefined : memory.read(BUFFER, length);
    },
  };
}
