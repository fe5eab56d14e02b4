/**
 * Rule `page-tables-cleared`: with a hash table, no valid entry is left at T1 but the hypervisor's own (docs/handoff.md;
 * Linux 6.1 arch/powerpc/platforms/pseries/lpar.c pseries_lpar_hptab_clear).
 */

import { hypercalls } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { verdict } from '../shared/verdict.ts';

export function pageTablesCleared(input: RuleInput): Judgement {
  const { instants, records, machine, events } = input;
  if (machine.mmu !== 'hash') return verdict('not-applicable', 'radix: there is no hash page table');
  if (instants.t1 === undefined) return verdict('not-reached', 'the image was not entered', [instants.t0]);
  const table = records?.t1?.hashTable;
  if (table === undefined)
    return verdict('not-evaluated', 'the hash page table was not counted at T1', [instants.t1]);
  const left = table.valid - table.hypervisor;
  const calls = events.filter((event) => hypercalls(event, 'H_CLEAR_HPT'));
  if (left > 0) {
    const sample = table.sample.length === 0 ? '' : `: ${table.sample.join('; ')}`;
    return verdict('broken', `${left} entries are valid at T1${sample}`, [instants.t1, ...calls]);
  }
  const how = calls.length === 0 ? '' : `, after ${calls.length} H_CLEAR_HPT`;
  const own = table.hypervisor === 0 ? '' : ` but ${table.hypervisor} of the hypervisor's`;
  return verdict('held', `no entry is valid${own}${how}`, [...calls, instants.t1]);
}
