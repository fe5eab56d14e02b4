import { describe, expect, it } from 'vitest';
import { crqHcalls } from '../../../src/emulator/platform/hcall/crq.ts';
import { GuestClient } from '../devices/vscsi/guest-client.ts';
import { bench, only } from './platform-under-test.ts';

const UNIT = 7;
const TERMINAL = 8;
const RESOURCE = -16;
const PARAMETER = -4;
const CLOSED = 2;
const DROPPED = -12;

function machine() {
  const client = new GuestClient();
  client.adapter.close();
  return { client, ...bench(undefined, { hcalls: [crqHcalls([client.adapter], [TERMINAL])] }) };
}

describe('command queues', () => {
  // QEMU 7.2 hw/ppc/spapr_vio.c, h_vio_signal: what a device's mask of signals lacks is H_PARAMETER.
  it('H_VIO_SIGNAL of a device without signals, of none → off alone, H_PARAMETER', () => {
    const { hcall } = machine();
    expect(hcall('H_VIO_SIGNAL', TERMINAL, 0)).toEqual(only(0));
    expect(hcall('H_VIO_SIGNAL', TERMINAL, 1)).toEqual(only(PARAMETER));
    expect(hcall('H_VIO_SIGNAL', 9, 0)).toEqual(only(PARAMETER));
  });

  it('registered, registered again, freed → success, H_RESOURCE, success', () => {
    const { hcall } = machine();
    expect(hcall('H_REG_CRQ', UNIT, 0, 0x1000)).toEqual(only(0));
    expect(hcall('H_REG_CRQ', UNIT, 0, 0x1000)).toEqual(only(RESOURCE));
    expect(hcall('H_FREE_CRQ', UNIT)).toEqual(only(0));
    expect(hcall('H_REG_CRQ', UNIT, 0x2000, 0x2000)).toEqual(only(0));
  });

  it.each([
    ['no such unit', 8, 0, 0x1000],
    ['too small', UNIT, 0, 0x800],
    ['not whole pages', UNIT, 0, 0x1800],
    ['too large', UNIT, 0, 0x2000_0000],
    ['not on a page', UNIT, 0x10, 0x1000],
  ])('%s → H_PARAMETER', (_what, unit, ioba, bytes) => {
    expect(machine().hcall('H_REG_CRQ', unit, ioba, bytes)).toEqual(only(PARAMETER));
  });

  it('a message before there is a queue → H_CLOSED; then it arrives in its byte order', () => {
    const { hcall, client } = machine();
    const init = 0xc001_0000_0000_0000n;
    expect(hcall('H_SEND_CRQ', UNIT, init, 0)).toEqual(only(CLOSED));
    hcall('H_REG_CRQ', UNIT, 0, 0x1000);
    expect(hcall('H_VIO_SIGNAL', UNIT, 1)).toEqual(only(0));
    expect(hcall('H_SEND_CRQ', UNIT, init, 0)).toEqual(only(0));
    expect(client.take()).toMatchObject({ valid: 0xc0, format: 2 });
    expect(client.pulses).toBe(1);
  });

  it('more messages than any client has under way → H_DROPPED', () => {
    const { hcall } = machine();
    hcall('H_REG_CRQ', UNIT, 0, 0x1000);
    const command = 0x8001_0000_0000_0040n;
    for (let i = 0; i < 256; i++) expect(hcall('H_SEND_CRQ', UNIT, command, 0x2000)).toEqual(only(0));
    expect(hcall('H_SEND_CRQ', UNIT, command, 0x2000)).toEqual(only(DROPPED));
  });

  it('signals that there are not → H_PARAMETER', () => {
    const { hcall } = machine();
    expect(hcall('H_VIO_SIGNAL', UNIT, 2)).toEqual(only(PARAMETER));
    expect(hcall('H_ENABLE_CRQ', UNIT)).toEqual(only(0));
  });
});
