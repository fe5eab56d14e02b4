import { describe, expect, it } from 'vitest';
import { RTAS } from '../../../src/emulator/platform/contract/status.ts';
import { rtasStub } from '../../../src/emulator/platform/rtas/stub.ts';
import { assignTokens } from '../../../src/emulator/platform/rtas/tokens.ts';
import { FakeMachine } from '../../synth/firmware-machine.ts';
import { BUFFER, bench, cell, only, UNWRITTEN } from './platform-under-test.ts';

const END_OF_RAM = 0x40_0000;
const SUCCESS = [RTAS.success];
const PARAMETER = cell(RTAS.parameterError);

describe('the stub', () => {
  it('rtasStub → mr r4,r3; lis r3,0; ori r3,r3,0xf000; sc 1; blr, big-endian', () => {
    expect(Buffer.from(rtasStub()).toString('hex')).toBe('7c641b783c6000006063f000440000224e800020');
  });
});

describe('the argument buffer', () => {
  it('an unknown token → status -1, reported', () => {
    const { machine, hcall } = bench();
    [0x2fff, 0, 1, UNWRITTEN].forEach((value, i) => {
      machine.memory.writeU32(BUFFER + 4 * i, value, false);
    });
    expect(hcall('H_RTAS', BUFFER)).toEqual(only(0));
    expect(machine.memory.readU32(BUFFER + 12, false)).toBe(0xffff_ffff);
    expect(machine.reports).toEqual([
      { kind: 'rtas', key: '0x00002fff', where: '0x0000000000100000', detail: 'argument buffer' },
    ]);
  });

  it.each([
    ['outside RAM', BigInt(END_OF_RAM)],
    ['header across the end of RAM', BigInt(END_OF_RAM - 8)],
    ['not on a word', BigInt(BUFFER + 2)],
  ])('%s → H_PARAMETER', (_what, address) => {
    expect(bench().hcall('H_RTAS', address)).toEqual(only(-4));
  });

  it.each([
    [0xffff_ffff, 1],
    [0, 0xffff_ffff],
    [0x8000_0000, 0x8000_0000],
    [17, 0],
  ])('%d arguments and %d returns → H_PARAMETER, nothing written', (nargs, nrets) => {
    const { machine, hcall, platform } = bench();
    [platform.rtasTokens.get('event-scan') ?? 0, nargs, nrets, UNWRITTEN].forEach((value, i) => {
      machine.memory.writeU32(BUFFER + 4 * i, value, false);
    });
    expect(hcall('H_RTAS', BUFFER)).toEqual(only(-4));
    expect(machine.memory.readU32(BUFFER + 12, false)).toBe(UNWRITTEN);
  });

  it('arguments past the end of RAM → H_PARAMETER', () => {
    const { machine, hcall, platform } = bench();
    const at = END_OF_RAM - 16;
    [platform.rtasTokens.get('event-scan') ?? 0, 4, 1].forEach((value, i) => {
      machine.memory.writeU32(at + 4 * i, value, false);
    });
    expect(hcall('H_RTAS', at)).toEqual(only(-4));
  });

  it('the upper half of r4 → ignored: RTAS is 32-bit', () => {
    const { machine, hcall } = bench();
    machine.memory.writeU32(BUFFER, 0x2fff, false);
    expect(hcall('H_RTAS', 0xc000_0000_0000_0000n + BigInt(BUFFER))).toEqual(only(0));
    expect(machine.reports).toHaveLength(1);
  });

  it('every service with too few, too many arguments or returns → -3 and nothing done', () => {
    const it_ = bench();
    const arities: Readonly<Record<string, readonly [number, number]>> = {
      'get-time-of-day': [0, 8],
      'set-time-of-day': [7, 1],
      'display-character': [1, 1],
      'power-off': [2, 1],
      'system-reboot': [0, 1],
      'ibm,os-term': [1, 1],
      'ibm,nmi-register': [2, 1],
      'ibm,nmi-interlock': [0, 1],
      'start-cpu': [3, 1],
      'stop-self': [0, 1],
      'query-cpu-stopped-state': [1, 2],
      'check-exception': [6, 1],
      'event-scan': [4, 1],
      'nvram-fetch': [3, 2],
      'nvram-store': [3, 2],
      'ibm,get-system-parameter': [3, 1],
      'ibm,set-system-parameter': [2, 1],
      'ibm,set-xive': [3, 1],
      'ibm,get-xive': [1, 3],
      'ibm,int-on': [1, 1],
      'ibm,int-off': [1, 1],
    };
    expect([...it_.platform.rtasTokens.keys()].sort()).toEqual(Object.keys(arities).sort());
    for (const [name, [nargs, nrets]] of Object.entries(arities)) {
      const zeros = (count: number) => new Array<number>(count).fill(0);
      if (nargs > 0) expect(it_.rtas(name, zeros(nargs - 1), nrets)).toContain(PARAMETER);
      expect(it_.rtas(name, zeros(nargs + 2), nrets)).toContain(PARAMETER);
      expect(it_.rtas(name, zeros(nargs), nrets + 1)).toContain(PARAMETER);
      if (nrets > 1) expect(it_.rtas(name, zeros(nargs), nrets - 1)).toContain(PARAMETER);
    }
    expect(it_.machine.log).toEqual([]);
    expect(it_.printed).toEqual([]);
    for (const vcpu of it_.machine.vcpus) expect(vcpu.log).toEqual([]);
  });

  it.each([0, 1, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff, END_OF_RAM - 1])(
    'every service with every argument %s → answers, no exception',
    (value) => {
      const it_ = bench();
      for (const name of it_.platform.rtasTokens.keys()) {
        for (let nargs = 0; nargs <= 7; nargs++) {
          for (const nrets of [0, 1, 2, 3, 8]) {
            const answer = it_.rtas(name, new Array<number>(nargs).fill(value), nrets);
            expect(answer === 'none' || answer.length === nrets).toBe(true);
          }
        }
      }
    },
  );

  it('onRtas → called for each call that reaches its service', () => {
    const calls: string[] = [];
    const it_ = bench(new FakeMachine(), {
      onRtas: (vcpu, name, args) => void calls.push(`${vcpu.index} ${name} ${args}`),
    });
    it_.rtasBy(1, 'display-character', [0x41], 1);
    it_.rtasBy(1, 'display-character', [], 1);
    expect(calls).toEqual(['1 display-character 65']);
  });
});

describe('tokens', () => {
  it('assignTokens: known names → their numbers; others → from 0x2100 in order', () => {
    const tokens = assignTokens(['x,new', 'stop-self', 'y,new']);
    expect([...tokens]).toEqual([
      ['x,new', 0x2100],
      ['stop-self', 0x2007],
      ['y,new', 0x2101],
    ]);
  });

  it('a service in two families → refused', () => {
    const again = new Map([['power-off', { nargs: 2, nrets: 1, handler: () => [0] }]]);
    expect(() => bench(new FakeMachine(), { rtas: [again] })).toThrow(/power-off/);
  });
});

describe('clock services', () => {
  it('get-time-of-day and set-time-of-day → the date, running with the partition’s clock', () => {
    const { rtas, machine } = bench(new FakeMachine(), { startDateMs: Date.UTC(2026, 10, 21, 1, 2, 3) });
    machine.clock.ns = 1_500_000_000;
    expect(rtas('get-time-of-day', [], 8)).toEqual([0, 2026, 11, 21, 1, 2, 4, 500_000_000]);
    expect(rtas('set-time-of-day', [2000, 2, 29, 12, 0, 0, 9], 1)).toEqual(SUCCESS);
    expect(rtas('get-time-of-day', [], 8)).toEqual([0, 2000, 2, 29, 12, 0, 0, 9]);
    expect(rtas('set-time-of-day', [2001, 2, 29, 12, 0, 0, 9], 1)).toEqual([PARAMETER]);
  });
});

describe('power services', () => {
  it('power-off, system-reboot → the machine’s end; the call does not return', () => {
    const { rtas, machine } = bench();
    expect(rtas('power-off', [0xffff_ffff, 0xffff_ffff], 1)).toBe('none');
    expect(rtas('system-reboot', [], 1)).toBe('none');
    expect(machine.log).toEqual(['power-off', 'reboot']);
  });

  it('ibm,os-term → the text up to its zero; the call returns', () => {
    const { rtas, machine } = bench();
    machine.memory.write(0x5000, new TextEncoder().encode('OS panic: sysrq\0rest'));
    expect(rtas('ibm,os-term', [0x5000], 1)).toEqual(SUCCESS);
    expect(machine.log).toEqual(['os-term OS panic: sysrq']);
  });

  it('ibm,os-term: no zero → cut at 512 or the end of RAM; outside RAM → -3', () => {
    const { rtas, machine } = bench();
    machine.memory.fill(0x5000, 600, 0x41);
    rtas('ibm,os-term', [0x5000], 1);
    machine.memory.fill(END_OF_RAM - 3, 3, 0x42);
    rtas('ibm,os-term', [END_OF_RAM - 3], 1);
    expect(machine.log).toEqual([`os-term ${'A'.repeat(512)}`, 'os-term BBB']);
    expect(rtas('ibm,os-term', [END_OF_RAM], 1)).toEqual([PARAMETER]);
    expect(machine.log).toHaveLength(2);
  });

  it('display-character → one byte on the console', () => {
    const { rtas, printed } = bench();
    expect(rtas('display-character', [0x141], 1)).toEqual(SUCCESS);
    expect(printed).toEqual([{ vty: 0, text: 'A' }]);
  });
});

describe('CPU services', () => {
  it('start-cpu → entered; started already → -1; no such CPU, entry not code → -3', () => {
    const { rtas, cpu } = bench();
    expect(rtas('query-cpu-stopped-state', [8], 2)).toEqual([0, 0]);
    expect(rtas('start-cpu', [8, 0x60, 8], 1)).toEqual(SUCCESS);
    expect(cpu(2).log).toEqual(['start 0x60 r3=8']);
    expect(rtas('query-cpu-stopped-state', [8], 2)).toEqual([0, 2]);
    expect(rtas('start-cpu', [8, 0x60, 8], 1)).toEqual([cell(RTAS.hardwareError)]);
    expect(rtas('start-cpu', [2, 0x60, 8], 1)).toEqual([PARAMETER]);
    expect(rtas('start-cpu', [1, 0x62, 8], 1)).toEqual([PARAMETER]);
    expect(rtas('start-cpu', [1, END_OF_RAM, 8], 1)).toEqual([PARAMETER]);
    expect(cpu(1).log).toEqual([]);
  });

  it('stop-self → the caller, which does not return, and may be started again', () => {
    const { rtas, rtasBy, cpu } = bench();
    rtas('start-cpu', [1, 0x60, 1], 1);
    expect(rtasBy(1, 'stop-self', [], 1)).toBe('none');
    expect(cpu(1).runState).toBe('stopped');
    expect(rtas('start-cpu', [1, 0x100, 0xffff_ffff], 1)).toEqual(SUCCESS);
    expect(cpu(1).log).toEqual(['start 0x60 r3=1', 'stop', 'start 0x100 r3=4294967295']);
  });

  it('query-cpu-stopped-state: no such CPU → -3', () => {
    expect(bench().rtas('query-cpu-stopped-state', [2], 2)).toEqual([PARAMETER, UNWRITTEN]);
  });
});

describe('NVRAM services', () => {
  it('nvram-store, nvram-fetch → bytes there and back, with the count', () => {
    const { rtas, machine, platform } = bench();
    machine.memory.write(0x5000, Uint8Array.of(1, 2, 3));
    expect(rtas('nvram-store', [0xfffd, 0x5000, 3], 2)).toEqual([0, 3]);
    expect([...platform.nvram.read(0xfffd, 3)]).toEqual([1, 2, 3]);
    expect(rtas('nvram-fetch', [0xfffc, 0x6000, 4], 2)).toEqual([0, 4]);
    expect([...machine.memory.read(0x6000, 4)]).toEqual([0, 1, 2, 3]);
  });

  it.each([
    [0xfffd, 0x5000, 4],
    [0xffff_ffff, 0x5000, 1],
    [1, 0x5000, 0xffff_ffff],
    [0, END_OF_RAM - 2, 3],
  ])('offset %d, buffer %d, length %d → -3, nothing moved', (offset, buffer, length) => {
    const { rtas, platform } = bench();
    const before = platform.nvram.read(0, platform.nvram.bytes);
    expect(rtas('nvram-store', [offset, buffer, length], 2)).toEqual([PARAMETER, 0]);
    expect(rtas('nvram-fetch', [offset, buffer, length], 2)).toEqual([PARAMETER, 0]);
    expect(platform.nvram.read(0, platform.nvram.bytes)).toEqual(before);
  });
});

describe('events', () => {
  it('event-scan, check-exception of 6 and 7 arguments → nothing found', () => {
    const { rtas } = bench();
    expect(rtas('event-scan', [0xffff_ffff, 0, 0x5000, 2048], 1)).toEqual([1]);
    expect(rtas('check-exception', [0x500, 0, 0, 0, 0x5000, 2048], 1)).toEqual([1]);
    expect(rtas('check-exception', [0x500, 0, 0, 0, 0x5000, 2048, 0], 1)).toEqual([1]);
    expect(rtas('event-scan', [0xffff_ffff, 0, END_OF_RAM, 2048], 1)).toEqual([PARAMETER]);
  });
});

describe('system parameters', () => {
  const parameter = (it_: ReturnType<typeof bench>, token: number, length: number) => {
    it_.machine.memory.fill(0x5000, 256, 0xee);
    const status = it_.rtas('ibm,get-system-parameter', [token, 0x5000, length], 1);
    const bytes = it_.machine.memory.read(0x5000, 256);
    return { status, length: ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), value: bytes.subarray(2) };
  };

  it('SPLPAR characteristics → text with its length', () => {
    const { status, length, value } = parameter(bench(), 20, 256);
    const text = 'MaxEntCap=3,DesMem=4,DesProcs=3,MaxPlatProcs=3\0';
    expect(status).toEqual(SUCCESS);
    expect(length).toBe(text.length);
    expect(Buffer.from(value.subarray(0, length)).toString('latin1')).toBe(text);
    expect(value[length]).toBe(0xee);
  });

  it('a buffer shorter than the value → the whole length, the value cut', () => {
    const { status, length, value } = parameter(bench(), 20, 6);
    expect(status).toEqual(SUCCESS);
    expect(length).toBe(47);
    expect(Buffer.from(value.subarray(0, 5)).toString('latin1')).toBe('MaxE\xee');
  });

  it('diagnostics run mode, UUID → one byte, and the tree’s sixteen', () => {
    const it_ = bench();
    expect(parameter(it_, 42, 64)).toMatchObject({ status: SUCCESS, length: 1 });
    const { length, value } = parameter(it_, 48, 64);
    const { uuid } = it_.platform.describe({ bootHardwareId: 0, rma: END_OF_RAM, bootargs: '', rtasBase: 0 });
    expect(value.subarray(0, length)).toEqual(uuid);
  });

  it('unknown → -3; no room for a length, or outside RAM → -9999; set → not authorised', () => {
    const { rtas } = bench();
    expect(rtas('ibm,get-system-parameter', [99, 0x5000, 64], 1)).toEqual([PARAMETER]);
    expect(rtas('ibm,get-system-parameter', [20, 0x5000, 1], 1)).toEqual([cell(RTAS.systemParameterError)]);
    expect(rtas('ibm,get-system-parameter', [20, END_OF_RAM - 4, 64], 1)).toEqual([
      cell(RTAS.systemParameterError),
    ]);
    expect(rtas('ibm,set-system-parameter', [20, 0x5000], 1)).toEqual([cell(RTAS.notAuthorized)]);
    expect(rtas('ibm,set-system-parameter', [99, 0x5000], 1)).toEqual([PARAMETER]);
  });
});

describe('interrupt services', () => {
  it('ibm,set-xive, get-xive, int-off, int-on → server and priority as set', () => {
    const { rtas, platform } = bench();
    const { number } = platform.xics.allocate('level');
    expect(rtas('ibm,get-xive', [number], 3)).toEqual([0, 0, 0xff]);
    expect(rtas('ibm,set-xive', [number, 8, 5], 1)).toEqual(SUCCESS);
    expect(rtas('ibm,get-xive', [number], 3)).toEqual([0, 8, 5]);
    expect(rtas('ibm,int-off', [number], 1)).toEqual(SUCCESS);
    expect(rtas('ibm,get-xive', [number], 3)).toEqual([0, 8, 0xff]);
    expect(rtas('ibm,int-on', [number], 1)).toEqual(SUCCESS);
    expect(rtas('ibm,get-xive', [number], 3)).toEqual([0, 8, 5]);
  });

  it('no such source or server, a priority past 0xff → -3', () => {
    const { rtas, platform } = bench();
    const { number } = platform.xics.allocate('level');
    expect(rtas('ibm,set-xive', [2, 0, 5], 1)).toEqual([PARAMETER]);
    expect(rtas('ibm,set-xive', [number, 2, 5], 1)).toEqual([PARAMETER]);
    expect(rtas('ibm,set-xive', [number, 0, 0x100], 1)).toEqual([PARAMETER]);
    expect(rtas('ibm,get-xive', [2], 3)).toEqual([PARAMETER, UNWRITTEN, UNWRITTEN]);
    expect(rtas('ibm,int-on', [2], 1)).toEqual([PARAMETER]);
    expect(rtas('ibm,int-off', [2], 1)).toEqual([PARAMETER]);
  });
});
