/**
 * Rule `hooks-paired`: machine_kexec_prepare runs when an image is loaded; machine_kexec_cleanup runs when one is dropped
 * that was not executed (docs/handoff.md; Linux 6.1 kernel/kexec.c, kernel/kexec_core.c kimage_free). Only the functions
 * show a hook. An image is dropped by a call without segments, or because another one takes its place.
 */

import type { LoadCall } from '../../trace/index.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { verdict } from '../shared/verdict.ts';

export function hooksPaired({ image }: RuleInput): Judgement {
  const loads = image.loads ?? [];
  if (loads.length === 0) return verdict('not-reached', 'nothing was loaded');
  const watched = loads.filter(({ hooks }) => hooks !== undefined);
  if (watched.length === 0)
    return verdict('not-applicable', "the guest's symbols do not name both hooks, or they were not watched");
  const faults: string[] = [];
  const there = { crash: false, next: false };
  let dropped = 0;
  for (const call of loads) {
    const place = call.crash ? 'crash' : 'next';
    const loading = call.segments.length > 0;
    const accepted = call.result === 'ok';
    if (loading && accepted && call.hooks?.prepare === 0)
      faults.push(`${nameCall(call)} was accepted, but machine_kexec_prepare did not run`);
    if (accepted && there[place]) {
      dropped++;
      if (call.hooks?.cleanup === 0)
        faults.push(`${nameCall(call)} dropped the image before it, but machine_kexec_cleanup did not run`);
    }
    if (accepted) there[place] = loading;
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '));
  const accepted = watched.filter(({ result, segments }) => result === 'ok' && segments.length > 0);
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

function nameCall({ crash, insn, segments }: LoadCall): string {
  const what = segments.length === 0 ? 'unload' : 'load';
  return `the ${what} of ${crash ? 'a crash image' : 'an ordinary image'} at instruction ${insn}`;
}
