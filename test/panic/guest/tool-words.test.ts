import { expect, it } from 'vitest';
import { SaidByTools } from '../../../src/panic/guest/tool-words.ts';

it('SaidByTools: a guest that prints without end → the last lines, each of some length', () => {
  const said = new SaidByTools();
  for (let i = 0; i < 1000; i++) said.add({ tool: 'makedumpfile', text: `${i} ${'x'.repeat(10_000)}` });
  said.add({ tool: 'kexec', text: 'last' });
  const [first, second] = said.words;
  expect(first?.lines).toHaveLength(127);
  expect(first?.lines[0]).toMatch(/^873 x+$/);
  expect(first?.lines[0]).toHaveLength(400);
  expect(second).toEqual({ tool: 'kexec', lines: ['last'] });
});
