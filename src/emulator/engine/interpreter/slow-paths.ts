/**
 * Functions of the interpreter's module beside its handlers: the slow path of storage accesses. Before they call TypeScript
 * they store which instruction acts (CIA) and how much of the slice is left (LEFT); the fast path stores neither.
 */

import { EXIT } from '../../cpu/exit.ts';
import * as layout from '../../cpu/layout.ts';
import {
  call,
  callVoid,
  FunctionBody,
  type FunctionRef,
  i32,
  i32c,
  i64,
  i64c,
  load,
  localGet,
} from '../../wasm/index.ts';
import { RECORD_SHIFT } from './record.ts';

/** (record): stores what TypeScript code reads when it acts, CIA and LEFT. */
export function publishBody(): FunctionBody {
  const body = new FunctionBody(1);
  const record = localGet('i32', 0);
  const base = load.i64(i32c(layout.CIA_BASE));
  body.store64(i32c(layout.CIA), i64.add(base, i64.extendU(i32.shrU(record, i32c(2)))));
  body.store32(
    i32c(layout.LEFT),
    i32.sub(load.i32(i32c(layout.LEFT_BASE)), i32.shrU(record, i32c(RECORD_SHIFT))),
  );
  return body;
}

/** (ea, bytes, record) → arena address or -1: an access that found no TLB entry. */
export function slowAccessBody(publish: FunctionRef, resolve: FunctionRef): FunctionBody {
  const body = new FunctionBody(3);
  const ea = localGet('i64', 0);
  body.effect(callVoid(publish, [localGet('i32', 2)]));
  body.effect(call('i32', resolve, [i32.wrap(ea), i32.wrap(i64.shrU(ea, i64c(32))), localGet('i32', 1)]));
  return body;
}

/** (ea, value, [bytes], record) → 0, or EXIT.fault: a store that found no TLB entry. */
export function slowStoreBody(
  slowWrite: FunctionRef,
  commitWrite: FunctionRef,
  vector: boolean,
): FunctionBody {
  const body = new FunctionBody(vector ? 3 : 4);
  const ea = localGet('i64', 0);
  const bytes = vector ? i32c(16) : localGet('i32', 2);
  const address = body.let(call('i32', slowWrite, [ea, bytes, localGet('i32', vector ? 2 : 3)]));
  body.if(i32.eq(address, i32c(-1)), () => body.return(i32c(EXIT.fault)));
  if (vector) body.store128(address, localGet('v128', 1));
  else {
    const value = localGet('i64', 1);
    const stores: readonly [number, () => void][] = [
      [8, () => body.store64(address, value)],
      [4, () => body.store32(address, i32.wrap(value))],
      [2, () => body.store16(address, i32.wrap(value))],
      [1, () => body.store8(address, i32.wrap(value))],
    ];
    for (const [size, store] of stores) body.if(i32.eq(bytes, i32c(size)), store);
  }
  body.if(i32.eq(address, i32c(layout.SCRATCH)), () =>
    body.return(i32.and(call('i32', commitWrite, []), i32c(EXIT.fault))),
  );
  body.effect(i32c(0));
  return body;
}
