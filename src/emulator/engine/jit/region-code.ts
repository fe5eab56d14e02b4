/**
 * Makes a region's function. `run(tlb, leftBase, entry)` starts at the entry of that number and answers how it left (leaving.ts);
 * REGION_RECORD says at which record, LEFT_BASE what is left. Instructions are counted as the interpreter counts them: where
 * straight-line runs end.
 *
 * Blocks stand in the order of their addresses. A branch forward goes to the end of a block of WebAssembly; a loop that is
 * entered at its head alone is one of WebAssembly; any other branch sets the number of its target, which the outermost loop's
 * br_table takes.
 */

import { assert } from '../../../base/errors.ts';
import * as layout from '../../cpu/layout.ts';
import type { Mode } from '../../cpu/mode.ts';
import { helperFunction, helperSignature } from '../../semantics/helpers/compiled/index.ts';
import {
  call,
  FunctionBody,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i32c,
  i64,
  i64c,
  type Local,
  load,
  localGet,
  ModuleBuilder,
} from '../../wasm/index.ts';
import { emitInstruction, type Switch } from '../interpreter/instruction-code.ts';
import { LEAVING } from '../interpreter/leaving.ts';
import { RECORD_SHIFT, RECORD_SIZE } from '../interpreter/record.ts';
import { JitOps, type RegionFrame, RegisterLocals } from './jit-ops.ts';
import { type Loop, loopsOf } from './loops.ts';
import type { Block, Region, RegionInstruction } from './region.ts';

const THREE = { parameters: ['i32', 'i32', 'i32'], results: ['i32'] } as const;
/** Of the code of most regions; more makes it grow. */
const EXPECTED_BYTES = 8192;

/** @param slot arena address of the page's records */
export function buildRegion(region: Region, slot: number, mode: Mode): Uint8Array<ArrayBuffer> {
  assert(mode.mode64, 'regions are for 64-bit mode');
  const module = new ModuleBuilder('region');
  // The code comes first: it imports the helpers that it calls.
  const { body } = new RegionCode(region, slot, mode, module);
  module.define(module.declare('run', THREE, true), body);
  return module.encode(1);
}

class RegionCode implements RegionFrame {
  readonly body = new FunctionBody(THREE.parameters.length, EXPECTED_BYTES);
  readonly #slot: number;
  readonly #blocks: readonly Block[];
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #loops: ReadonlyMap<number, Loop>;
  readonly registers: RegisterLocals = new RegisterLocals(this.body);
  readonly tlb: I32 = localGet('i32', 0);
  readonly #ops: JitOps;
  readonly #module: ModuleBuilder;
  readonly #helpers = new Map<string, FunctionRef>();
  readonly #leftBase: Local<'i32'> = { type: 'i32', index: 1 };
  readonly #state: Local<'i32'> = { type: 'i32', index: 2 };
  readonly #code: Local<'i32'>;
  /** Offset of the instruction whose code is made. */
  #here = 0;
  /** Facilities that the block has found switched on: MSR does not change in a region. */
  readonly #on = new Set<Switch>();
  readonly #record: Local<'i32'>;
  /** Labels that a branch may go to: loops around the code, and the ends of blocks in front of what follows. */
  readonly #scope = new Map<number, string[]>();
  /** Blocks that the br_table leads to: the entries, and the targets of branches that nothing else leads to. */
  readonly #dispatched: number[];

  constructor(region: Region, slot: number, mode: Mode, module: ModuleBuilder) {
    this.#slot = slot;
    this.#blocks = region.blocks;
    this.#module = module;
    this.#numbers = new Map(region.blocks.map(({ start }, i) => [start, i]));
    this.#loops = loopsOf(region);
    this.#code = this.body.lasting('i32');
    this.#record = this.body.lasting('i32');
    this.#dispatched = region.entries.map((offset) => this.#numberOf(offset));
    const first = region.blocks[0]?.instructions[0];
    assert(first !== undefined, 'a region has an instruction');
    this.#ops = new JitOps(mode, first, this);
    this.#emit();
  }

  #numberOf(offset: number): number {
    const number = this.#numbers.get(offset);
    assert(number !== undefined, 'an entry is the start of a block');
    return number;
  }

  #emit(): void {
    const { body } = this;
    body.block('exit');
    body.loop('again');
    const items = this.#items(0, this.#blocks.length - 1, undefined);
    for (const item of [...items].reverse()) this.#open(item);
    for (const branch of this.#farBack())
      if (!this.#dispatched.includes(branch)) this.#dispatched.push(branch);
    const labels = this.#dispatched.map((block) => labelOf(block));
    body.brTable(body.get(this.#state), labels, labels[0] as string);
    this.#sequence(items);
    body.unreachable();
    body.end('again');
    body.end('exit');
    this.registers.storeSet();
    body.store32(i32c(layout.LEFT_BASE), body.get(this.#leftBase));
    body.store32(i32c(layout.REGION_RECORD), body.get(this.#record));
    body.effect(body.get(this.#code));
    body.prepend(() => this.registers.loadAll());
  }

  /** Targets of branches backward that are no loop's. */
  #farBack(): readonly number[] {
    return this.#blocks.flatMap(({ instructions }, from) => {
      const target = instructions.at(-1)?.target;
      const to = target === undefined ? undefined : this.#numbers.get(target);
      if (to === undefined || to > from) return [];
      const loop = this.#loops.get(to);
      return loop !== undefined && from <= loop.last ? [] : [to];
    });
  }

  /** What stands side by side from one block to another: blocks, and loops that are not `around`. */
  #items(first: number, last: number, around: Loop | undefined): readonly number[] {
    const items: number[] = [];
    for (let at = first; at <= last; ) {
      items.push(at);
      const loop = this.#loops.get(at);
      at = loop === undefined || loop === around ? at + 1 : loop.last + 1;
    }
    return items;
  }

  /** Opens the block whose end stands in front of an item. */
  #open(item: number): void {
    this.body.block(labelOf(item));
    this.#push(item, labelOf(item));
  }

  /** The items' code, each behind the end of the block that {@link #open} opened for it. */
  #sequence(items: readonly number[], isHead = false): void {
    for (const [i, item] of items.entries()) {
      if (!(isHead && i === 0)) {
        this.body.end(labelOf(item));
        this.#pop(item);
      }
      const loop = this.#loops.get(item);
      if (loop === undefined || (isHead && i === 0)) this.#block(item);
      else this.#loop(loop);
    }
  }

  #loop(loop: Loop): void {
    const label = `loop ${loop.first}`;
    this.body.loop(label);
    this.#push(loop.first, label);
    const items = this.#items(loop.first, loop.last, loop);
    for (const item of items.slice(1).reverse()) this.#open(item);
    this.#sequence(items, true);
    this.#pop(loop.first);
    this.body.end(label);
  }

  #block(number: number): void {
    const { instructions, next } = this.#blocks[number] as Block;
    this.#on.clear();
    for (const instruction of instructions)
      this.body.releaseTemporaries(() => this.#instruction(instruction));
    if (next === undefined || this.#blocks[number + 1]?.start === next) return;
    this.#continue(next);
  }

  #instruction(instruction: RegionInstruction): void {
    this.#here = instruction.offset;
    if (instruction.left) {
      this.leave();
      return;
    }
    this.#ops.at(instruction);
    emitInstruction(this.#ops, instruction.row, () => this.leave(), this.#on);
  }

  helper(name: string, args: readonly I32[]): I32 {
    let ref = this.#helpers.get(name);
    if (ref === undefined) {
      ref = this.#module.import(helperFunction(name), helperSignature(name));
      this.#helpers.set(name, ref);
    }
    return call('i32', ref, args);
  }

  cia(): I64 {
    const distance = this.#recordOf(this.#here) / (RECORD_SIZE / 4);
    return i64.add(load.i64(i32c(layout.CIA_BASE)), i64c(distance));
  }

  left(): I32 {
    return i32.sub(this.body.get(this.#leftBase), i32c(this.#recordNumber(this.#here)));
  }

  leave(): void {
    this.#leave(LEAVING.plain, this.#here);
  }

  exit(code: number): void {
    this.#leave(code, this.#here);
  }

  jumpNear(target: number): void {
    const { body } = this;
    const [here, there] = [this.#recordNumber(this.#here), this.#recordNumber(target)];
    // A branch is the last instruction of a straight-line run.
    body.set(this.#leftBase, i32.add(body.get(this.#leftBase), i32c(there - here - 1)));
    body.if(i32.leS(body.get(this.#leftBase), i32c(there)), () => this.#leave(LEAVING.refill, target));
    this.#continue(target);
  }

  jumpFar(target: I64): void {
    this.body.store64(i32c(layout.NIA), target);
    this.body.store32(i32c(layout.LEFT), i32.sub(this.left(), i32c(1)));
    this.#leave(LEAVING.far, this.#here);
  }

  /** Continues at an offset: in a block, or outside of the region. */
  #continue(offset: number): void {
    const { body } = this;
    const number = this.#numbers.get(offset);
    if (number === undefined) {
      this.#leave(LEAVING.near, offset);
      return;
    }
    const label = this.#scope.get(number)?.at(-1);
    if (label !== undefined) {
      body.br(label);
      return;
    }
    const place = this.#dispatched.indexOf(number);
    assert(place >= 0, 'a branch leads to its block, to a loop around it, or through the table');
    body.set(this.#state, i32c(place));
    body.br('again');
  }

  #leave(code: number, offset: number): void {
    const { body } = this;
    body.set(this.#code, i32c(code));
    body.set(this.#record, i32c(this.#recordOf(offset)));
    body.br('exit');
  }

  /** Arena address of a record, as an unsigned number. */
  #recordOf(offset: number): number {
    return (this.#slot >>> 0) + offset * (RECORD_SIZE / 4);
  }
  #recordNumber(offset: number): number {
    return this.#recordOf(offset) >>> RECORD_SHIFT;
  }

  #push(block: number, label: string): void {
    const labels = this.#scope.get(block) ?? [];
    labels.push(label);
    this.#scope.set(block, labels);
  }
  #pop(block: number): void {
    this.#scope.get(block)?.pop();
  }
}

function labelOf(block: number): string {
  return `block ${block}`;
}
