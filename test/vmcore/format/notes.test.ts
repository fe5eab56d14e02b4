import { describe, expect, it } from 'vitest';
import { latin1Bytes } from '../../../src/base/bytes.ts';
import {
  buildPrstatus,
  buildVmcoreinfo,
  parsePrstatus,
  parseVmcoreinfo,
  vmcoreinfoNumber,
  vmcoreinfoPageSize,
  vmcoreinfoSymbol,
} from '../../../src/vmcore/format/index.ts';
import { codeOf } from '../../synth/mutate.ts';
import { prstatus } from '../../synth/vmcore.ts';

describe('parsePrstatus', () => {
  it.each(['big', 'little'] as const)('parsePrstatus: built, %s-endian → the state', (endian) => {
    const desc = buildPrstatus(prstatus(1), endian);
    expect(desc).toHaveLength(0x1f8);
    expect(parsePrstatus(desc, endian)).toEqual(prstatus(1));
  });

  it('parsePrstatus: register places → as in the kernel structure', () => {
    const view = new DataView(buildPrstatus(prstatus(0), 'big').buffer);
    expect(view.getInt32(32)).toBe(100);
    expect(view.getBigUint64(112 + 8)).toBe(prstatus(0).gpr[1]);
    expect(view.getBigUint64(112 + 32 * 8)).toBe(prstatus(0).nip);
    expect(view.getBigUint64(112 + 40 * 8)).toBe(0x700n);
  });

  it('parsePrstatus: another length → vmcore/bad-prstatus', () => {
    expect(codeOf(() => parsePrstatus(new Uint8Array(0x1f4), 'big'))).toBe('vmcore/bad-prstatus');
  });
});

describe('parseVmcoreinfo', () => {
  const text =
    'OSRELEASE=6.1.0\nPAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000001100000\nOFFSET(page.flags)=0\nNUMBER(x)=-19\nEMPTY=\n';

  it('parseVmcoreinfo: lines, zero padding → key and value; built back the same', () => {
    const info = parseVmcoreinfo(latin1Bytes(`${text}\0\0`));
    expect(info.get('OSRELEASE')).toBe('6.1.0');
    expect(info.get('EMPTY')).toBe('');
    expect(vmcoreinfoPageSize(info)).toBe(65536);
    expect(vmcoreinfoSymbol(info, 'swapper_pg_dir')).toBe(0xc000000001100000n);
    expect(vmcoreinfoNumber(info, 'NUMBER', 'x')).toBe(-19n);
    expect(vmcoreinfoNumber(info, 'SIZE', 'absent')).toBeUndefined();
    expect(buildVmcoreinfo(info)).toEqual(latin1Bytes(text));
  });

  it.each([
    ['a line without =', 'OSRELEASE\n'],
    ['a line without a key', '=5\n'],
  ])('parseVmcoreinfo: %s → vmcore/bad-vmcoreinfo', (_, bad) => {
    expect(codeOf(() => parseVmcoreinfo(latin1Bytes(bad)))).toBe('vmcore/bad-vmcoreinfo');
  });

  it.each(['12', '12x', '3000', '99999999999999999999'])(
    'vmcoreinfoPageSize: %s → vmcore/bad-vmcoreinfo',
    (value) => {
      expect(codeOf(() => vmcoreinfoPageSize(new Map([['PAGESIZE', value]])))).toBe('vmcore/bad-vmcoreinfo');
    },
  );
});
