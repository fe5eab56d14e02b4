import { describe, expect, it } from 'vitest';
import { node } from '../../../../src/base/fdt/index.ts';
import { BUFFER, client, FAILED } from './client-under-test.ts';

const NOWHERE = 0x7000_0000;

describe('finddevice', () => {
  it('paths with, without and instead of names → the same node; none → -1', () => {
    const { find } = client();
    const console_ = find('/vdevice/vty@71000000');
    expect(console_).not.toBe(FAILED);
    expect(find('/vdevice/vty')).toBe(console_);
    expect(find('/vdevice/@71000000')).toBe(console_);
    expect(find('/vdevice/vty@071000000:9600')).toBe(console_);
    expect(find('/vdevice/vty@71000001')).not.toBe(console_);
    expect(find('/vdevice/vty@7100')).toBe(FAILED);
    expect(find('vdevice')).toBe(FAILED);
  });

  it('an alias → what it stands for', () => {
    const { find } = client([node('aliases', { hvterm: '/vdevice/vty@71000001' })]);
    expect(find('hvterm')).toBe(find('/vdevice/vty@71000001'));
  });

  it('a path without an end → -1', () => {
    const { machine, one } = client();
    machine.memory.fill(BUFFER, 0x2000, 0x61);
    expect(one('finddevice', BUFFER)).toBe(FAILED);
    expect(one('finddevice', NOWHERE)).toBe(FAILED);
  });
});

describe('walking', () => {
  it('peer of 0, child, peer, parent → every node once, and back', () => {
    const { one, find } = client();
    const seen: number[] = [];
    const walk = (phandle: number): void => {
      seen.push(phandle);
      for (let at = one('child', phandle); at !== 0; at = one('peer', at)) {
        expect(one('parent', at)).toBe(phandle);
        walk(at);
      }
    };
    const root = one('peer', 0);
    walk(root);
    expect(root).toBe(find('/'));
    expect(one('parent', root)).toBe(0);
    expect(new Set(seen).size).toBe(seen.length);
    for (const path of ['/chosen', '/cpus/PowerPC,POWER9@8', '/rtas', '/memory@0', '/interrupt-controller']) {
      expect(seen).toContain(find(path));
    }
  });

  it('a node that gives its phandle → keeps it', () => {
    const { one, find } = client();
    expect(find('/interrupt-controller')).toBe(0x1111);
    expect(one('child', 0x6666_6666)).toBe(0);
  });
});

describe('properties', () => {
  it('nextprop from the empty name → all of getproplen’s, name first; then 0; after a stranger -1', () => {
    const { one, find, text } = client();
    const cpu = find('/cpus/PowerPC,POWER9@0');
    const names: string[] = [];
    for (let last = ''; one('nextprop', cpu, last, BUFFER) === 1; names.push(last)) last = text();
    expect(names[0]).toBe('name');
    expect(names).toContain('ibm,ppc-interrupt-server#s');
    for (const name of names) expect(one('getproplen', cpu, name)).not.toBe(FAILED);
    expect(one('nextprop', cpu, names[names.length - 1] ?? '', BUFFER)).toBe(0);
    expect(one('nextprop', cpu, 'nonsense', BUFFER)).toBe(FAILED);
  });

  it('name → without the unit address', () => {
    expect(Buffer.from(client().property('/vdevice/vty@71000000', 'name') ?? []).toString()).toBe('vty\0');
  });

  it('getprop into a small buffer → the whole length, no byte too many', () => {
    const { machine, one, find } = client();
    machine.memory.fill(BUFFER, 16, 0xee);
    expect(one('getprop', find('/'), 'compatible', BUFFER, 4)).toBe('qemu,pseries\0'.length);
    expect(Buffer.from(machine.memory.read(BUFFER, 8)).toString('latin1')).toBe('qemu\xee\xee\xee\xee');
  });

  it('getprop to where there is no RAM, of what is not there → -1', () => {
    const { one, find } = client();
    expect(one('getprop', find('/'), 'compatible', NOWHERE, 64)).toBe(FAILED);
    expect(one('getprop', find('/'), 'phandles', BUFFER, 64)).toBe(FAILED);
    expect(one('getprop', 0, 'compatible', BUFFER, 64)).toBe(FAILED);
  });

  it('setprop → read back; of no length → an empty one', () => {
    const { machine, one, find, property } = client();
    machine.memory.write(BUFFER, Uint8Array.of(1, 2, 3, 4));
    expect(one('setprop', find('/rtas'), 'linux,rtas-base', BUFFER, 4)).toBe(4);
    expect([...(property('/rtas', 'linux,rtas-base') ?? [])]).toEqual([1, 2, 3, 4]);
    expect(one('setprop', find('/chosen'), 'linux,iommu-off', 0, 0)).toBe(0);
    expect(property('/chosen', 'linux,iommu-off')).toHaveLength(0);
    expect(one('setprop', find('/chosen'), 'big', BUFFER, 0x8000_0000)).toBe(FAILED);
  });

  it('what the client has to say → not there before', () => {
    const { property } = client();
    expect(property('/rtas', 'linux,rtas-entry')).toBeUndefined();
    expect(property('/chosen', 'linux,stdout-path')).toBeUndefined();
    expect(property('/chosen', 'ibm,architecture-vec-5')).toBeUndefined();
    expect(property('/rtas', 'rtas-size')).toBeDefined();
    expect(property('/chosen', 'ibm,arch-vec-5-platform-support')).toBeDefined();
  });
});

describe('paths', () => {
  it('package-to-path → the length without its zero; a short buffer gets what it holds', () => {
    const { machine, one, find, text } = client();
    const path = '/vdevice/vty@71000000';
    expect(one('package-to-path', find(path), BUFFER, 64)).toBe(path.length);
    expect(text()).toBe(path);
    machine.memory.fill(BUFFER, 64, 0);
    expect(one('package-to-path', find(path), BUFFER, 8)).toBe(path.length);
    expect(text()).toBe('/vdevice');
    expect(one('package-to-path', 0x6666_6666, BUFFER, 64)).toBe(FAILED);
  });

  it('canon → the full path, arguments kept', () => {
    const { one, text } = client();
    expect(one('canon', '/vdevice/vty:9600', BUFFER, 64)).toBe('/vdevice/vty@71000000:9600'.length);
    expect(text()).toBe('/vdevice/vty@71000000:9600');
  });
});
