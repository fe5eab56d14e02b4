import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { PartitionRequest } from '../../../src/panic/contract/index.ts';
import { crashLine, leaveLine } from '../../../src/panic/handoff/repeat-line.ts';

const MACHINE: PartitionRequest = {
  name: 'one',
  image: 'debian',
  cpus: 2,
  memory: '64M,16M@4G',
  append: "-v it's a $HOME",
  refuseSysReset: true,
  limits: { consoleBytes: 4096, agentBytes: 8192 },
};

it('crashLine: every option, as a shell reads it', () => {
  const line = crashLine(
    { machine: MACHINE, data: 'my data', hasInput: false },
    {
      trigger: 'nmi',
      onCpu: 1,
      dump: '-l -d 31',
      timeoutSeconds: 600,
      faults: [{ kind: 'wedge', cpu: 1 }],
    },
  );
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
  expect(words.trimEnd().split('\n')).toEqual([
    ...['npx', 'kdumpd', 'crash', '--data', 'my data', '--image', 'debian', '--cpus', '2'],
    ...['--memory', '64M,16M@4G', "--append=-v it's a $HOME", '--refuse-sys-reset'],
    ...['--console-limit', '4096', '--agent-limit', '8192', '--trigger', 'nmi', '--on-cpu', '1'],
    ...['--dump=-l -d 31', '--boot-dump', 'raw', '--timeout', '600', '--fault', 'wedge:1@trigger'],
  ]);
});

it('crashLine: nobody asked, and something was typed', () => {
  expect(crashLine({ machine: { image: 'built-in' }, hasInput: true }, undefined)).toBe(
    'npx kdumpd crash --image built-in --trigger none --input FILE',
  );
});

it.each([
  ['kexec', {}, 'npx kdumpd kexec --image built-in'],
  ['restart', { timeoutSeconds: 60 }, 'npx kdumpd kexec --image built-in --restart --timeout 60'],
] as const)('leaveLine: a %s', (path, asked, line) => {
  expect(leaveLine({ machine: { image: 'built-in' }, hasInput: false }, path, asked)).toBe(line);
});
