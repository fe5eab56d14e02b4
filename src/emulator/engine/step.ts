/**
 * Executes exactly one instruction. The interpreter checks its budget where straight-line runs end; to stop earlier, the
 * record after the current one is replaced by an `attn` while it runs. Memory is not touched, so the guest cannot see it,
 * except that a store to the very next instruction removes the stop: then that one is executed as well.
 */

import { assert } from '../../base/errors.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { decode } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';
import { highHalf, lowHalf } from '../mmu/contract.ts';
import type { Engine, RunEnd } from './engine.ts';
import { HANDLER_DECODE, handlerFor } from './interpreter/handlers.ts';
import { RECORD_SIZE } from './interpreter/record.ts';

const ATTN = 0x00000200;

/**
 * Executes the instruction at NIA of the active vCPU. An interrupt that it raises counts as nothing executed; the caller
 * must ask the engine to stop when one is taken, or the first instruction of its handler is executed too.
 */
export function step(
  engine: Engine,
  arena: Arena,
  vcpu: Vcpu,
): { readonly end: RunEnd; readonly executed: number } {
  // Brings the engine's view of MSR up to date without executing anything.
  engine.run(vcpu, 0);
  const nia = vcpu.nia;
  const offset = Number(nia & 0xfffn);
  const address = engine.storage.resolveCode(lowHalf(nia), highHalf(nia));
  if (address < 0 || offset === 0xffc) {
    engine.storage.fault.kind = 'none';
    engine.mayEnterRegions = false;
    const stepped = engine.run(vcpu, 1);
    engine.mayEnterRegions = true;
    return stepped;
  }
  const row = decode(ATTN);
  assert(row !== undefined, 'attn is in the tables');
  const slot = engine.code.slotFor((address - (address % 4096)) | 0, vcpu.littleEndian);
  const next = slot + ((offset >>> 2) + 1) * RECORD_SIZE;
  arena.view.setUint16(next, handlerFor(row, ATTN, 0).id, true);
  engine.mayEnterRegions = false;
  const { end, executed } = engine.run(vcpu, 1);
  engine.mayEnterRegions = true;
  arena.view.setUint16(next, HANDLER_DECODE, true);
  return end === 'attn' && executed > 0 ? { end: 'budget', executed } : { end, executed };
}
