import { describe, expect, it } from 'vitest';
import { getU32 } from '../../../../src/base/bytes.ts';
import { rtasStub } from '../../../../src/emulator/platform/rtas/stub.ts';
import { bench, only } from '../platform-under-test.ts';
import { BUFFER, client, FAILED, KERNEL, RMA } from './client-under-test.ts';

const FIRMWARE_END = 0x1_0000;

describe('the call', () => {
  it('the entry → mr r4,r3; lis r3,0; ori r3,r3,0xf005; sc 1; blr', () => {
    const { machine } = client();
    expect(Buffer.from(machine.memory.read(0x100, 20)).toString('hex')).toBe(
      '7c641b783c6000006063f005440000224e800020',
    );
  });

  it('without Open Firmware → H_FUNCTION', () => {
    expect(bench().hcall('H_OF_CLIENT', 0x1000)).toEqual(only(-2));
  });

  it.each([
    ['an array outside RAM', [], 0x40_0000],
    ['an array off its cells', [], 0x20_0002],
    ['a name outside RAM', [0x50_0000, 0, 1, 0], 0x20_0000],
    ['more cells than any service has', [0x20_1000, 40, 1], 0x20_0000],
    ['a count that wraps', [0x20_1000, 0xffff_ffff, 1], 0x20_0000],
  ])('%s → H_PARAMETER', (_what, cells, at) => {
    const { machine, raw } = client();
    if (at < 0x40_0000) machine.memory.write(0x20_1000, Buffer.from('quiesce\0'));
    expect(raw(at < 0x40_0000 ? cells : [], at)).toBe(-4);
  });

  it('a service that there is not → -1, reported', () => {
    const { machine, one } = client();
    for (const name of ['interpret', 'boot', 'chain', 'set-callback', 'start-cpu'])
      expect(one(name)).toBe(FAILED);
    expect(machine.reports.map(({ key }) => key)).toEqual(
      ['interpret', 'boot', 'chain', 'set-callback', 'start-cpu'].map((name) => `of-client ${name}`),
    );
  });

  it('too few or too many arguments → -1', () => {
    const { one, machine } = client();
    expect(one('peer')).toBe(FAILED);
    expect(one('peer', 0, 0)).toBe(FAILED);
    expect(machine.reports).toEqual([]);
  });

  it('test → 0 for a service, -1 for none', () => {
    const { one } = client();
    expect(one('test', 'claim')).toBe(0);
    expect(one('test', 'interpret')).toBe(FAILED);
  });

  it('exit → the power cycle ends', () => {
    const { machine, call } = client();
    call('exit', [], 0);
    expect(machine.log).toEqual([expect.stringMatching(/^cannot go on: .*exit/)]);
  });
});

describe('claim and release', () => {
  it('firmware’s memory, what is loaded, what is beyond real mode → -1', () => {
    const { one } = client();
    expect(one('claim', 0, 0x1000, 0)).toBe(FAILED);
    expect(one('claim', FIRMWARE_END - 1, 2, 0)).toBe(FAILED);
    expect(one('claim', KERNEL.end - 1, 0x1000, 0)).toBe(FAILED);
    expect(one('claim', RMA - 0x1000, 0x2000, 0)).toBe(FAILED);
    expect(one('claim', FIRMWARE_END, 0, 0)).toBe(FAILED);
  });

  it('claimed once → not again until released, in parts', () => {
    const { one, call } = client();
    expect(one('claim', 0x20_0000, 0x3000, 0)).toBe(0x20_0000);
    expect(one('claim', 0x20_2000, 0x1000, 0)).toBe(FAILED);
    call('release', [0x20_1000, 0x1000], 0);
    expect(one('claim', 0x20_1000, 0x1000, 0)).toBe(0x20_1000);
    expect(one('claim', 0x20_2000, 0x1000, 0)).toBe(FAILED);
  });

  it('aligned → the lowest that fits', () => {
    const { one } = client();
    expect(one('claim', 0xdead_beef, 0x8_0000, 0x8_0000)).toBe(0x8_0000);
    expect(one('claim', 0, 0x8_0000, 0x8_0000)).toBe(0x18_0000);
    expect(one('claim', 0, 0x1000, 0x1_0000)).toBe(FIRMWARE_END);
  });

  it('release of firmware’s own, or of what was not claimed → nothing', () => {
    const { one, call } = client();
    call('release', [0, FIRMWARE_END], 0);
    call('release', [0x20_0000, 0x1000], 0);
    expect(one('claim', 0, 0x1000, 0)).toBe(FAILED);
    expect(one('claim', 0x20_0000, 0x1000, 0)).toBe(0x20_0000);
  });

  it('available → what is left', () => {
    const { one, property } = client();
    one('claim', KERNEL.end, 0x1000, 0);
    const available = property('/memory@0', 'available') ?? new Uint8Array(0);
    const cells = Array.from({ length: available.length / 4 }, (_, i) => getU32(available, 4 * i, 'big'));
    expect(cells).toEqual([
      ...[0, FIRMWARE_END, 0, KERNEL.start - FIRMWARE_END],
      ...[0, KERNEL.end + 0x1000, 0, RMA - KERNEL.end - 0x1000],
    ]);
  });
});

describe('devices', () => {
  const handle = (property: Uint8Array | undefined): number =>
    getU32(property ?? new Uint8Array(4), 0, 'big');

  it('/chosen/stdout → an instance of the console; what is written there is printed', () => {
    const { machine, one, find, property, printed, text } = client();
    const stdout = handle(property('/chosen', 'stdout'));
    expect(one('instance-to-package', stdout)).toBe(find('/vdevice/vty@71000000'));
    one('instance-to-path', stdout, BUFFER, 64);
    expect(text()).toBe('/vdevice/vty@71000000');
    const line = 'Preparing to boot, at some length';
    machine.memory.write(BUFFER, Buffer.from(line));
    expect(one('write', stdout, BUFFER, line.length)).toBe(line.length);
    expect(printed.map((each) => each.text).join('')).toBe(line);
    expect(printed.every((each) => each.vty === 0)).toBe(true);
    expect(one('write', stdout, 0x50_0000, 4)).toBe(FAILED);
  });

  it('/chosen/stdin → what was typed; nothing: -2; no longer after close', () => {
    const { machine, one, call, property, platform } = client();
    const stdin = handle(property('/chosen', 'stdin'));
    expect(one('read', stdin, BUFFER, 16)).toBe(0xffff_fffe);
    platform.input(0, Buffer.from('ok'));
    expect(one('read', stdin, BUFFER, 16)).toBe(2);
    expect(Buffer.from(machine.memory.read(BUFFER, 2)).toString()).toBe('ok');
    call('close', [stdin], 0);
    expect(one('read', stdin, BUFFER, 16)).toBe(FAILED);
    expect(one('write', handle(property('/chosen', 'stdout')), BUFFER, 1)).toBe(1);
  });

  it('/chosen/cpu → the one that runs', () => {
    const { one, find, property } = client();
    expect(one('instance-to-package', handle(property('/chosen', 'cpu')))).toBe(
      find('/cpus/PowerPC,POWER9@0'),
    );
  });

  it('open of nothing → 0; write to what is no console → -1', () => {
    const { one } = client();
    expect(one('open', '/nowhere')).toBe(0);
    expect(one('write', one('open', '/rtas'), BUFFER, 1)).toBe(FAILED);
  });

  it('instantiate-rtas → RTAS lies there; its entry', () => {
    const { machine, one, call } = client();
    const rtas = one('open', '/rtas');
    expect(call('call-method', ['instantiate-rtas', rtas, 0x2f_0000], 2)).toEqual([0, 0x2f_0000]);
    expect(machine.memory.read(0x2f_0000, 20)).toEqual(rtasStub());
    expect(call('call-method', ['instantiate-rtas', rtas, 0x7000_0000], 2)).toEqual([0, 0]);
  });

  it('a method that there is not → a catch result, reported', () => {
    const { machine, one, call } = client();
    const [result] = call(
      'call-method',
      ['set-64-bit-addressing', one('open', '/pci@800000020000000'), 0],
      1,
    );
    expect(result).not.toBe(0);
    expect(machine.reports).toHaveLength(1);
  });
});
