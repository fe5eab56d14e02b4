/**
 * Rule `hooks-paired`: machine_kexec_prepare runs when an image is loaded; machine_kexec_cleanup runs when one is dropped
 * that was not executed (docs/handoff.md; Linux 6.1 kernel/kexec.c, kernel/kexec_core.c kimage_free). Only the functions
 * show a hook. An image is dropped by a call without segments, or because another one takes its place. A call in which hooks
 * were not watched, or ran after so many that their reports ended, shows nothing.
 */

import { calls, LOAD_HOOKS, type LoadCall } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { loadsImage } from '../shared/loads.ts';
import { verdict } from '../shared/verdict.ts';

export function hooksPaired(input: RuleInput): Judgement {
  const { image } = input;
  const loads = image.loads ?? [];
  if (loads.length === 0) return verdict('not-reached', 'nothing was loaded');
  const names = Object.values(LOAD_HOOKS);
  const watched = loads.filter((call, i) => call.hooks !== undefined && isReported(input, loads[i + 1]));
  if (watched.length === 0)
    return names.every((name) => image.probes.includes(name))
      ? verdict('not-evaluated', 'the hooks were not watched while images were loaded')
      : verdict('not-applicable', "the guest's symbols do not name both hooks");
  const faults: string[] = [];
  const there = { crash: false, next: false };
  let dropped = 0;
  for (const call of loads) {
    const place = call.crash ? 'crash' : 'next';
    const loading = loadsImage(call);
    const accepted = call.result === 'ok';
    const hooks = watched.includes(call) ? call.hooks : undefined;
    if (loading && accepted && hooks?.prepare === 0)
      faults.push(`${nameCall(call)} was accepted, but machine_kexec_prepare did not run`);
    if (accepted && there[place]) {
      dropped++;
      if (hooks?.cleanup === 0)
        faults.push(`${nameCall(call)} dropped the image before it, but machine_kexec_cleanup did not run`);
    }
    if (accepted) there[place] = loading;
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '));
  const unwatched = loads.filter((call) => call.result === 'ok' && !watched.includes(call)).length;
  if (unwatched > 0)
    return verdict(
      'not-evaluated',
      `in ${unwatched} of ${loads.length} calls of kexec_load the hooks were not watched`,
    );
  const accepted = watched.filter((call) => call.result === 'ok' && loadsImage(call));
  if (accepted.length === 0) return verdict('not-reached', 'no load was seen to be accepted');
  return verdict(
    'held',
    `machine_kexec_prepare ran in ${accepted.length === 1 ? 'the load' : `each of ${accepted.length} loads`}, ${
      dropped === 0
        ? 'and no image was dropped unexecuted'
        : `machine_kexec_cleanup each time one was dropped (${dropped})`
    }`,
  );
}

/** Whether each run of a hook in a call was reported. @param next the call after it */
function isReported({ more }: RuleInput, next: LoadCall | undefined): boolean {
  return !(more ?? []).some(
    (each) =>
      calls(each, Object.values(LOAD_HOOKS)) &&
      (next === undefined || each.since === undefined || each.since < next.insn),
  );
}

function nameCall(call: LoadCall): string {
  const { crash, insn } = call;
  const what = loadsImage(call) ? 'load' : 'unload';
  return `the ${what} of ${crash ? 'a crash image' : 'an ordinary image'} at instruction ${insn}`;
}
