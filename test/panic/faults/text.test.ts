import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/base/errors.ts';
import type { Fault } from '../../../src/panic/contract/index.ts';
import { faultText, parseFault } from '../../../src/panic/faults/index.ts';

describe('parseFault', () => {
  it.each<[string, Fault]>([
    ['flip:0x8000000', { kind: 'flip', of: 'memory', offset: 0x8000000 }],
    ['flip:kernel+0x1000', { kind: 'flip', of: 'kernel', offset: 0x1000 }],
    ['flip:initrd+16@t0', { kind: 'flip', of: 'initrd', offset: 16, at: 't0' }],
    ['wedge:1', { kind: 'wedge', cpu: 1 }],
    ['wedge:3@t2', { kind: 'wedge', cpu: 3, at: 't2' }],
  ])('%s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
    // What is written back says the instant always.
    expect(parseFault(faultText(fault))).toEqual({ at: 'trigger', ...fault });
  });

  it.each([
    '',
    'flip',
    'flip:',
    'flip:-1',
    'flip:nothing+1',
    'flip:kernel+',
    'flip:1@t9',
    'flip:1@t0@t1',
    'flip:99999999999999999999',
    'wedge:one',
    'stop:1',
  ])('%j → panic/bad-fault', (text) => {
    expect(() => parseFault(text)).toThrow(FormatError);
    expect(() => parseFault(text)).toThrow(expect.objectContaining({ code: 'panic/bad-fault' }));
  });
});
