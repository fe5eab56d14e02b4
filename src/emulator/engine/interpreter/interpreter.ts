/**
 * Builds the interpreter: one WebAssembly function, a loop around a br_table over decoded records, and one function for
 * each handler that is too rare to be part of it. A module serves one mode (64- or 32-bit, big- or little-endian).
 *
 * `run(tlbData, tlbCode, budget, regions)` starts at NIA and answers an exit code (cpu/exit.ts). Instructions are counted where
 * straight-line runs end: from the distance between records, not one by one. A slice is given in portions: where one is
 * used up, `refill` gives the next without leaving the function, or asks to leave (engine.ts).
 */

import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import type { Mode } from '../../cpu/mode.ts';
import { TLB_INDEX_MASK } from '../../mmu/tlb.ts';
import { helperFunction, helperSignature } from '../../semantics/helpers/compiled/index.ts';
import { HELPERS } from '../../semantics/helpers/index.ts';
import { specialId } from '../../semantics/system/specials.ts';
import {
  call,
  callVoid,
  type Expr,
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
  low32,
  ModuleBuilder,
} from '../../wasm/index.ts';
import type { Callees, HandlerFrame } from './handler-frame.ts';
import {
  ENGINE_HANDLERS,
  HANDLER_DECODE,
  HANDLER_ILLEGAL,
  HANDLER_PAGE_END,
  HANDLER_PROBE,
  HANDLER_REGION,
  HANDLERS,
  type Handler,
} from './handlers.ts';
import { emitInstruction } from './instruction-code.ts';
import { InterpreterOps } from './interpreter-ops.ts';
import { LEAVING } from './leaving.ts';
import { isInline } from './placement.ts';
import { RECORD_SHIFT, RECORD_SIZE } from './record.ts';
import {
  REGION_ENTRIES,
  REGION_ENTRIES_SHIFT,
  REGION_ENTRY_MASK,
  REGION_ENTRY_SHIFT,
} from './region-table.ts';
import { publishBody, slowAccessBody, slowStoreBody } from './slow-paths.ts';

const I32_1 = { parameters: ['i32'], results: ['i32'] } as const;
const I32_2 = { parameters: ['i32', 'i32'], results: ['i32'] } as const;
const SLOW_ACCESS = { parameters: ['i64', 'i32', 'i32'], results: ['i32'] } as const;
const I32_3 = { parameters: ['i32', 'i32', 'i32'], results: ['i32'] } as const;

/** The module's bytes for one mode. */
export function buildInterpreter(mode: Mode): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(`interpreter-${mode.mode64 ? 64 : 32}-${mode.littleEndian ? 'le' : 'be'}`);
  const decode = module.import('decode', I32_1);
  const special = module.import('special', I32_2);
  const probe = module.import('probe', I32_1);
  const refill = module.import('refill', I32_3);
  const plain = module.import('plain', I32_1);
  const resolveRead = module.import('resolveRead', I32_3);
  const resolveWrite = module.import('resolveWrite', I32_3);
  const commitWrite = module.import('commitWrite', { parameters: [], results: ['i32'] });
  const helpers = new Map<string, FunctionRef>();
  for (const name of HELPERS.keys())
    helpers.set(name, module.import(helperFunction(name), helperSignature(name)));
  const publish = module.declare('publish', { parameters: ['i32'], results: [] });
  const slowRead = module.declare('slowRead', SLOW_ACCESS);
  const slowWrite = module.declare('slowWrite', SLOW_ACCESS);
  const slowStore = module.declare('slowStore', {
    parameters: ['i64', 'i64', 'i32', 'i32'],
    results: ['i32'],
  });
  const slowStoreVector = module.declare('slowStoreVector', {
    parameters: ['i64', 'v128', 'i32'],
    results: ['i32'],
  });
  const callees: Callees = {
    publish,
    slowRead,
    slowWrite,
    slowStore,
    slowStoreVector,
    special,
    specialId,
    helper: (name) => helpers.get(name) as FunctionRef,
  };
  module.define(publish, publishBody());
  module.define(slowRead, slowAccessBody(publish, resolveRead));
  module.define(slowWrite, slowAccessBody(publish, resolveWrite));
  module.define(slowStore, slowStoreBody(slowWrite, commitWrite, false));
  module.define(slowStoreVector, slowStoreBody(slowWrite, commitWrite, true));

  const outOfLine = new Map<Handler, FunctionRef>();
  for (const handler of HANDLERS) {
    if (!isInline(handler)) outOfLine.set(handler, module.declare(`handler_${handler.row.mnemonic}`, I32_2));
  }
  for (const [handler, ref] of outOfLine) {
    const body = new FunctionBody(2);
    const frame: HandlerFrame = {
      record: localGet('i32', 0),
      tlb: localGet('i32', 1),
      exit: (code) => body.return(code),
    };
    emit(mode, body, handler, frame, callees);
    body.effect(i32c(0));
    module.define(ref, body);
  }
  module.importTable('regions');
  const enterRegion = (index: I32, args: readonly I32[]): I32 =>
    module.callIndirect('i32', I32_3, index, args);
  const run = module.declare('run', { parameters: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] }, true);
  module.define(run, mainBody(mode, { decode, probe, refill, plain, enterRegion }, callees, outOfLine));
  return module.encode(1);
}

/** One handler's code. */
function emit(mode: Mode, body: FunctionBody, handler: Handler, frame: HandlerFrame, callees: Callees): void {
  const ops = new InterpreterOps(mode, body, handler, frame, callees);
  emitInstruction(ops, handler.row, (code) => frame.exit(i32c(code)));
}

/** What the main function calls beside handlers. */
type Host = Readonly<Record<'decode' | 'probe' | 'refill' | 'plain', FunctionRef>> & {
  /** The function of a region, by its index in the table. */
  readonly enterRegion: (index: I32, args: readonly I32[]) => I32;
};

function mainBody(
  mode: Mode,
  host: Host,
  callees: Callees,
  outOfLine: ReadonlyMap<Handler, FunctionRef>,
): FunctionBody {
  const body = new FunctionBody(4);
  const tlbData = localGet('i32', 0);
  const tlbCode = localGet('i32', 1);
  /** Arena address of the regions by their entries' records (engine/jit/jit.ts); 0: none is entered. */
  const regions = localGet('i32', 3);
  const record = body.local('i32');
  /** Instructions left before the record at arena address 0, if records went that far: one number for every place in a run. */
  const leftBase = body.local('i32');
  const left = body.local('i32');
  const code = body.local('i32');
  /** CIA of the record at arena address 0, likewise. */
  const ciaBase = body.local('i64');
  const target = body.local('i64');
  const scratch = body.local('i32');
  const get = <T extends 'i32' | 'i64'>(local: Local<T>): Expr<T> => body.get(local);

  const leftHere = (): I32 => i32.sub(get(leftBase), i32.shrU(get(record), i32c(RECORD_SHIFT)));
  const setLeftBase = (value: I32): void => {
    body.set(leftBase, value);
    body.store32(i32c(layout.LEFT_BASE), get(leftBase));
  };
  /** The portion is used up at the record, in a region or not. */
  const refillHere = (inRegion: boolean): void => {
    body.set(code, call('i32', host.refill, [get(record), leftHere(), i32c(inRegion ? 1 : 0)]));
    body.brIf('exit', get(code));
    setLeftBase(i32.add(load.i32(i32c(layout.LEFT)), i32.shrU(get(record), i32c(RECORD_SHIFT))));
    body.br('next');
  };
  const cia = (): I64 => i64.add(get(ciaBase), i64.extendU(i32.shrU(get(record), i32c(2))));
  const exit = (value: I32): void => {
    body.set(code, value);
    body.br('exit');
  };
  const frame: HandlerFrame = {
    record: get(record),
    tlb: tlbData,
    exit,
    main: {
      cia,
      left: leftHere,
      jumpNear: (distance) => {
        const records = body.let(distance);
        setLeftBase(i32.sub(i32.add(get(leftBase), i32.shrS(records, i32c(RECORD_SHIFT))), i32c(1)));
        body.set(record, i32.add(get(record), records));
        body.brIf('next', i32.gtS(leftHere(), i32c(0)));
        refillHere(false);
      },
      jumpFar: (to) => {
        body.set(left, i32.sub(leftHere(), i32c(1)));
        body.set(target, mode.mode64 ? to : low32(to));
        body.br('outer');
      },
    },
  };

  body.set(left, localGet('i32', 2));
  body.set(target, load.i64(i32c(layout.NIA)));
  body.block('exit');
  body.loop('outer');
  body.set(
    scratch,
    i32.add(tlbCode, i32.and(i32.shrU(i32.wrap(get(target)), i32c(8)), i32c(TLB_INDEX_MASK))),
  );
  const leaveAtTarget = (value: number): void => {
    body.store64(i32c(layout.NIA), get(target));
    body.store32(i32c(layout.LEFT), get(left));
    body.return(i32c(value));
  };
  body.if(i64.ne(load.i64(get(scratch)), i64.and(get(target), i64c(-4096n))), () =>
    leaveAtTarget(EXIT.fetch),
  );
  body.if(i32.leS(get(left), i32c(0)), () => {
    body.store64(i32c(layout.NIA), get(target));
    const ends = call('i32', host.refill, [i32c(0), get(left), i32c(0)]);
    body.if(ends, () => leaveAtTarget(EXIT.budget));
    body.set(left, load.i32(i32c(layout.LEFT)));
  });
  const slot = load.i32(get(scratch), 8);
  body.set(record, i32.add(slot, i32.shl(i32.and(i32.wrap(get(target)), i32c(0xffc)), i32c(2))));
  setLeftBase(i32.add(get(left), i32.shrU(get(record), i32c(RECORD_SHIFT))));
  body.set(ciaBase, i64.sub(i64.and(get(target), i64c(-4n)), i64.extendU(i32.shrU(get(record), i32c(2)))));
  body.store64(i32c(layout.CIA_BASE), get(ciaBase));

  body.loop('next');
  const inline = HANDLERS.filter((each) => !outOfLine.has(each));
  const label = (id: number): string => `h${id}`;
  const ids = [...ENGINE_HANDLERS, ...HANDLERS.map((each) => each.id)];
  // Blocks are opened in reverse, so that the first handler's code comes right after the first end.
  const inOrder = [
    ...ENGINE_HANDLERS,
    ...inline.map((each) => each.id),
    ...[...outOfLine.keys()].map((each) => each.id),
  ];
  body.set(scratch, load.u16(get(record)));
  body.loop('again');
  for (const id of [...inOrder].reverse()) body.block(label(id));
  body.brTable(get(scratch), ids.map(label), label(HANDLER_ILLEGAL));

  const advance = (): void => {
    body.set(record, i32.add(get(record), i32c(RECORD_SIZE)));
    body.br('next');
  };
  /** The code that a handler's number leads to; it must leave by itself. */
  const codeOf = (id: number, emitCode: () => void): void => {
    body.end(label(id));
    emitCode();
  };
  codeOf(HANDLER_DECODE, () => {
    body.set(code, call('i32', host.decode, [get(record)]));
    body.brIf('exit', get(code));
    body.br('next');
  });
  codeOf(HANDLER_PAGE_END, () => {
    body.set(left, leftHere());
    // The record after a page's last is that of the next page's first word.
    body.set(target, mode.mode64 ? cia() : low32(cia()));
    body.br('outer');
  });
  codeOf(HANDLER_ILLEGAL, () => exit(i32c(EXIT.illegal)));
  codeOf(HANDLER_PROBE, () => {
    body.effect(callVoid(callees.publish, [get(record)]));
    body.set(scratch, call('i32', host.probe, [get(record)]));
    body.br('again');
  });
  codeOf(HANDLER_REGION, () => {
    const asInstruction = (): void => {
      body.set(scratch, call('i32', host.plain, [get(record)]));
      body.br('again');
    };
    const entry = body.let(
      i32.add(regions, i32.and(i32.shrU(get(record), i32c(REGION_ENTRY_SHIFT)), i32c(REGION_ENTRY_MASK))),
    );
    body.if(i32.or(i32.eqz(regions), i32.ne(load.i32(entry), get(record))), asInstruction);
    const which = body.let(load.i32(entry, 4));
    const args = [tlbData, get(leftBase), i32.and(which, i32c(REGION_ENTRIES - 1))];
    body.set(code, host.enterRegion(i32.shrU(which, i32c(REGION_ENTRIES_SHIFT)), args));
    body.set(leftBase, load.i32(i32c(layout.LEFT_BASE)));
    body.set(record, load.i32(i32c(layout.REGION_RECORD)));
    body.brIf('next', i32.eq(get(code), i32c(LEAVING.near)));
    body.if(i32.eqz(get(code)), () => {
      body.set(scratch, load.u16(get(record)));
      body.if(i32.eq(get(scratch), i32c(HANDLER_REGION)), asInstruction);
      body.br('again');
    });
    body.if(i32.eq(get(code), i32c(LEAVING.far)), () => {
      body.set(left, load.i32(i32c(layout.LEFT)));
      body.set(target, load.i64(i32c(layout.NIA)));
      body.br('outer');
    });
    body.if(i32.eq(get(code), i32c(LEAVING.refill)), () => refillHere(true));
    body.br('exit');
  });
  for (const handler of inline) {
    codeOf(handler.id, () => {
      body.releaseTemporaries(() => emit(mode, body, handler, frame, callees));
      advance();
    });
  }
  for (const [handler, ref] of outOfLine) {
    codeOf(handler.id, () => {
      body.set(code, call('i32', ref, [get(record), tlbData]));
      body.brIf('exit', get(code));
      advance();
    });
  }
  for (const open of ['again', 'next', 'outer', 'exit']) body.end(open);
  // After the exit block: the instruction at `record` has not been executed, unless a special handler did it.
  body.set(left, leftHere());
  body.if(
    i32.eq(get(code), i32c(EXIT.special)),
    () => body.set(left, i32.sub(get(left), i32c(1))),
    () => body.store64(i32c(layout.NIA), cia()),
  );
  body.store32(i32c(layout.LEFT), get(left));
  body.effect(get(code));
  return body;
}
