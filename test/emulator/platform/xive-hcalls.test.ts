import { describe, expect, it } from 'vitest';
import { asU32, cells, findNode, parseFdt } from '../../../src/base/fdt/index.ts';
import { managementPage, triggerPage, Xive } from '../../../src/emulator/devices/xive/index.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { bench, only } from './platform-under-test.ts';

const [PARAMETER, FUNCTION, P2, P3, P4, P5] = [-4, -2, -55, -56, -57, -58];
const MASKED = 0xffn;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

function machine() {
  const fake = new FakeMachine();
  const xive = new Xive(fake.memory, fake.vcpus);
  return { xive, ...bench(fake, { xive }) };
}

const ok = (...returns: bigint[]) => ({ status: 0, returns });

describe('sources', () => {
  it('a message source → its pages; a level source → by hypercall', () => {
    const { xive, hcall } = machine();
    const { number } = xive.allocate('level');
    expect(hcall('H_INT_GET_SOURCE_INFO', 0, 1)).toEqual(
      ok(0n, BigInt(managementPage(1)), BigInt(triggerPage(1)), 16n),
    );
    expect(hcall('H_INT_GET_SOURCE_INFO', 0, number)).toEqual(ok(12n, NO_PAGE, NO_PAGE, 16n));
    expect(hcall('H_INT_GET_SOURCE_INFO', 1, 1)).toEqual(only(PARAMETER));
    expect(hcall('H_INT_GET_SOURCE_INFO', 0, 0x1fff)).toEqual(only(P2));
  });

  it('configured, read back; the number that events carry stays where it is not set', () => {
    const { hcall } = machine();
    expect(hcall('H_INT_GET_SOURCE_CONFIG', 0, 1)).toEqual(ok(0n, MASKED, 0n));
    expect(hcall('H_INT_SET_SOURCE_CONFIG', 2, 1, 8, 6, 0x77)).toEqual(only(0));
    expect(hcall('H_INT_GET_SOURCE_CONFIG', 0, 1)).toEqual(ok(8n, 6n, 0x77n));
    expect(hcall('H_INT_SET_SOURCE_CONFIG', 0, 1, 1, 5, 0x99)).toEqual(only(0));
    expect(hcall('H_INT_GET_SOURCE_CONFIG', 0, 1)).toEqual(ok(1n, 5n, 0x77n));
    expect(hcall('H_INT_SET_SOURCE_CONFIG', 0, 1, 0, 0xff)).toEqual(only(0));
    expect(hcall('H_INT_GET_SOURCE_CONFIG', 0, 1)).toEqual(ok(1n, MASKED, 0x77n));
  });

  it.each([
    ['flags', [4, 1, 8, 6], PARAMETER],
    ['source', [0, 0x1fff, 8, 6], P2],
    ['target', [0, 1, 2, 6], P3],
    ['priority of the hypervisor', [0, 1, 8, 7], P4],
  ])('%s that there is not → refused', (_what, args, status) => {
    expect(machine().hcall('H_INT_SET_SOURCE_CONFIG', ...args)).toEqual(only(status));
  });

  it('H_INT_ESB → the state bits; a store triggers', () => {
    const { xive, hcall } = machine();
    expect(hcall('H_INT_ESB', 0, 1, 0xc00)).toEqual(ok(1n));
    expect(hcall('H_INT_ESB', 1, 1, 0, 0)).toEqual(ok(NO_PAGE));
    expect(hcall('H_INT_ESB', 0, 1, 0x800)).toEqual(ok(2n));
    expect(hcall('H_INT_ESB', 0, 1, 0x400)).toEqual(only(P3));
    expect(hcall('H_INT_ESB', 0, 1, 0x1000)).toEqual(only(P3));
    expect(hcall('H_INT_ESB', 0, 0x1fff, 0)).toEqual(only(P2));
    expect(hcall('H_INT_SYNC', 0, 1)).toEqual(only(0));
    expect(hcall('H_INT_RESET', 0)).toEqual(only(0));
    expect(xive.manage(1, 0x800)).toBe(1);
  });
});

describe('queues', () => {
  it('set, read back, taken away', () => {
    const { hcall } = machine();
    expect(hcall('H_INT_GET_QUEUE_INFO', 0, 8, 6)).toEqual(ok(NO_PAGE, 0n));
    expect(hcall('H_INT_SET_QUEUE_CONFIG', 1, 8, 6, 0x1_0000, 16)).toEqual(only(0));
    expect(hcall('H_INT_GET_QUEUE_CONFIG', 1, 8, 6)).toEqual(ok(1n, 0x1_0000n, 16n, 1n << 62n));
    expect(hcall('H_INT_SET_QUEUE_CONFIG', 0, 8, 6, 0, 0)).toEqual(only(0));
    expect(hcall('H_INT_GET_QUEUE_CONFIG', 0, 8, 6)).toEqual(ok(0n, 0n, 0n, 0n));
  });

  it.each([
    ['flags', [2, 8, 6, 0x1_0000, 16], PARAMETER],
    ['a target', [0, 2, 6, 0x1_0000, 16], P2],
    ['a priority', [0, 8, 7, 0x1_0000, 16], P3],
    ['a page off its size', [0, 8, 6, 0x1000, 16], P4],
    ['a page that is not RAM', [0, 8, 6, 0x40_0000, 16], P4],
    ['a size', [0, 8, 6, 0x1_0000, 13], P5],
  ])('%s that there is not → refused', (_what, args, status) => {
    expect(machine().hcall('H_INT_SET_QUEUE_CONFIG', ...args)).toEqual(only(status));
  });
});

describe('a partition with XIVE', () => {
  it('has no XICS, in hypercalls or RTAS; one with XICS no XIVE', () => {
    const { hcall, platform } = machine();
    expect(hcall('H_XIRR')).toEqual(only(FUNCTION));
    expect(platform.rtasTokens.has('ibm,set-xive')).toBe(false);
    expect(bench().hcall('H_INT_RESET', 0)).toEqual(only(FUNCTION));
  });

  it('says so in its tree', () => {
    const boot = { bootHardwareId: 0, rma: 0x10_0000, bootargs: '', rtasBase: 0xf_0000 };
    const { root } = parseFdt(machine().platform.flatTree(boot, 0xc_0000));
    const controller = root.children.find(({ name }) => name.startsWith('interrupt-controller@'));
    expect(cells(controller?.properties.get('ibm,xive-lisn-ranges') ?? new Uint8Array(0))).toEqual([0, 3]);
    expect(asU32(controller?.properties.get('phandle') ?? new Uint8Array(0))).toBe(0x1111);
    expect(cells(root.properties.get('ibm,plat-res-int-priorities') ?? new Uint8Array(0))).toEqual([7, 0xf8]);
    const chosen = findNode(root, '/chosen')?.properties;
    expect(chosen?.get('ibm,architecture-vec-5')?.[23]).toBe(0x40);
    expect([...(chosen?.get('ibm,arch-vec-5-platform-support')?.slice(0, 2) ?? [])]).toEqual([23, 0x40]);
  });
});
