/** What the interpreter's module imports: the arena's memory, the helpers, and TypeScript functions under the names of interpreter.ts. */

import { assert } from '../../base/errors.ts';
import { EXIT } from '../cpu/exit.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { Arena } from '../memory/arena.ts';
import { highHalf, lowHalf } from '../mmu/contract.ts';
import { TLB_EXECUTE, TLB_INDEX_MASK } from '../mmu/tlb.ts';
import { SPECIAL_NAMES } from '../semantics/system/specials.ts';
import type { CodeCache } from './code-cache.ts';
import { HANDLER_DECODE } from './interpreter/handlers.ts';
import type { HelperFunctions } from './interpreter/helper-functions.ts';
import type { Jit } from './jit/jit.ts';
import type { Pauses } from './pauses.ts';
import type { SpecialHost } from './special-host.ts';
import { specialTable } from './specials.ts';

export function interpreterImports(
  parts: SpecialHost & {
    readonly code: CodeCache;
    readonly pauses: Pauses;
    readonly helpers: HelperFunctions;
    readonly jit: Jit | undefined;
  },
): Record<string, unknown> {
  const { arena, code, helpers, host, jit, pauses, storage, vcpu } = parts;
  const table = specialTable(parts);
  const specials = SPECIAL_NAMES.map((name) => {
    const run = table.get(name);
    assert(run !== undefined, `special ${name} is implemented`);
    return run;
  });
  return {
    ...helpers,
    memory: arena.memory,
    // Each of these may leave before it has begun: the instruction is executed when the run is resumed.
    decode: (record: number) =>
      !pauses.before(record >>> 0) && code.decodeRecord(record >>> 0) ? 0 : EXIT.fetch,
    probe: (record: number) => {
      if (pauses.looksNext) return HANDLER_DECODE;
      const { handler, word } = code.probed(record >>> 0);
      host.probed?.(vcpu(), word);
      return handler;
    },
    special: (id: number, record: number) => {
      const exit = (specials[id] as (word: number) => number)(code.wordAt(record >>> 0));
      if (exit !== 0 || !pauses.afterSpecial()) return exit;
      // This one is complete.
      vcpu().nia = vcpu().effective(vcpu().cia + 4n);
      return EXIT.special;
    },
    refill: (record: number, left: number, inRegion: number) => {
      const answer = pauses.refill(record >>> 0, left);
      // What a region executes is compiled already.
      if (answer === 0 && jit !== undefined && inRegion === 0) {
        const at = record === 0 ? recordAtNia(vcpu(), storage.state.codeSet, arena) : record >>> 0;
        if (at !== undefined) jit.sample(at);
      }
      return answer;
    },
    plain: (record: number) => jit?.plain(record >>> 0) ?? HANDLER_DECODE,
    regions: jit?.table ?? new WebAssembly.Table({ element: 'anyfunc', initial: 0 }),
    resolveRead: (lo: number, hi: number, bytes: number) =>
      pauses.beforeAccess() ? -1 : storage.resolveRead(lo, hi, bytes) | 0,
    resolveWrite: (lo: number, hi: number, bytes: number) =>
      pauses.beforeAccess() ? -1 : storage.resolveWrite(lo, hi, bytes) | 0,
    commitWrite: () => storage.commitWrite(),
  };
}

/** The record of the instruction at NIA, where the TLB has its page. */
function recordAtNia(vcpu: Vcpu, codeSet: number, { words }: Arena): number | undefined {
  const nia = vcpu.nia;
  const [lo, hi] = [lowHalf(nia), highHalf(nia)];
  const at = (vcpu.tlb.set(codeSet) + TLB_EXECUTE + ((lo >>> 8) & TLB_INDEX_MASK)) >>> 2;
  if (words[at] !== (lo & ~0xfff) || words[at + 1] !== hi) return undefined;
  return ((words[at + 2] as number) >>> 0) + ((lo & 0xffc) << 2);
}
