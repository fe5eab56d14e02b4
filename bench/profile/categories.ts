/**
 * Says what the time of a function is spent for, by where the function is: a table, read from the top. A row names a file or a folder
 * below src/, a script of WebAssembly, a package, or a part of Node.js, and may name functions in it. A function that no row has, and a
 * row `caller`, belong to what called them; where nothing called them that is known, they are `other`.
 */

import type { CallFrame } from './record.ts';

export const CATEGORIES = {
  interpreter: 'interpreter: main function',
  handlers: 'interpreter: handlers out of line',
  helpers: 'helpers of instructions (floating point, vectors, decimal)',
  regions: 'regions of the JIT',
  entering: 'entering and leaving compiled code',
  decode: 'decoding, code cache',
  translation: 'address translation, slow accesses',
  memory: 'page map, copies at instants',
  'special-msr': 'specials: MSR, returns, system calls',
  'special-spr': 'specials: SPRs',
  'special-translation': 'specials: SLB, TLB',
  'special-storage': 'specials: atomic, multiple and string accesses',
  interrupts: 'interrupts',
  hypercalls: 'hypercalls',
  rtas: 'RTAS',
  firmware: 'device tree, Open Firmware',
  devices: 'devices: virtio, terminals, vscsi, interrupt controllers, PCI',
  time: 'slices, clock, waiting loops',
  events: 'events, trace, recorder',
  building: 'building WebAssembly modules',
  compiling: 'V8: compiling of WebAssembly on the running thread',
  'v8-threads': 'V8’s own threads: compiling, garbage collection',
  gc: 'V8: garbage collection on the running thread',
  messages: 'messages between threads',
  service: 'fleet, operations, sessions, following the guest',
  planning: 'segments and plans of the crash kernel',
  symbols: 'symbols',
  facts: 'facts in memory: image, tree, purgatory',
  comparing: 'comparison of pages and registers',
  'reading-dump': 'reading of the dump',
  judging: 'rules',
  storing: 'store of dumps: chunks, manifests',
  hashing: 'hashing',
  compressing: 'compressing',
  sqlite: 'SQLite',
  http: 'HTTP and REST',
  schedules: 'schedules',
  images: 'images',
  starting: 'Node.js: starting threads, loading modules',
  'libuv-threads': 'threads of libuv: files',
  native: 'native code that no function of JavaScript called',
  profiler: 'the profiler',
  unsampled: 'threads without a sample',
  other: 'other',
} as const;
export type Category = keyof typeof CATEGORIES;

/** `waiting`: it uses no time of a processor. */
export type Meaning = Category | 'caller' | 'waiting';

type Row = { readonly at: string; readonly functions?: RegExp; readonly is: Meaning };

const row = (at: string, is: Meaning, functions?: RegExp): Row =>
  functions === undefined ? { at, is } : { at, is, functions };

export const TABLE: readonly Row[] = [
  row('(garbage collector)', 'gc'),
  row('(program)', 'native'),
  row('(idle)', 'waiting'),
  row('wasm/interpreter', 'interpreter', /^run$/),
  row('wasm/interpreter', 'handlers', /^handler_/),
  row('wasm/interpreter', 'translation'),
  row('wasm/region', 'regions'),

  row('src/base/worker.ts', 'messages'),
  row('src/base', 'caller'),

  row('src/emulator/contract', 'caller'),
  row('src/emulator/cpu/interrupts.ts', 'interrupts'),
  row('src/emulator/cpu', 'caller'),
  row('src/emulator/devices', 'devices'),
  row('src/emulator/engine/interpreter/modules.ts', 'compiling', /^interpreterModule$/),
  row('src/emulator/engine/interpreter/record', 'decode'),
  row('src/emulator/engine/interpreter/handlers.ts', 'decode'),
  row('src/emulator/engine/interpreter', 'building'),
  row('src/emulator/engine/jit', 'building'),
  row('src/emulator/engine/code-cache.ts', 'decode'),
  row('src/emulator/engine/translation', 'translation'),
  row('src/emulator/engine/effective-address.ts', 'translation'),
  row('src/emulator/engine/specials-spr', 'special-spr'),
  row('src/emulator/engine/specials-translation.ts', 'special-translation'),
  row('src/emulator/engine/specials-atomic.ts', 'special-storage'),
  row('src/emulator/engine/specials-multiple.ts', 'special-storage'),
  row('src/emulator/engine/specials.ts', 'special-msr'),
  row('src/emulator/engine/causes.ts', 'interrupts'),
  row('src/emulator/engine', 'entering'),
  row('src/emulator/host', 'messages'),
  row('src/emulator/isa', 'decode'),
  row('src/emulator/memory', 'memory'),
  row('src/emulator/mmu', 'translation'),
  row('src/emulator/partition/observe', 'events'),
  row('src/emulator/partition/limits', 'events'),
  row('src/emulator/partition/machine/hypercalls.ts', 'hypercalls'),
  row('src/emulator/partition/machine/firmware-vcpu.ts', 'hypercalls'),
  row('src/emulator/partition/machine', 'caller'),
  row('src/emulator/partition', 'time'),
  row('src/emulator/platform/contract', 'caller'),
  row('src/emulator/platform/hcall', 'hypercalls'),
  row('src/emulator/platform/rtas', 'rtas'),
  row('src/emulator/platform/pci/rtas.ts', 'rtas'),
  row('src/emulator/platform/pci', 'devices'),
  row('src/emulator/platform/of-client', 'firmware'),
  row('src/emulator/platform/tree', 'firmware'),
  row('src/emulator/platform/device-tree.ts', 'firmware'),
  row('src/emulator/platform', 'hypercalls'),
  row('src/emulator/semantics/helpers', 'helpers'),
  row('src/emulator/semantics', 'building'),
  row('src/emulator/wasm', 'building'),

  row('src/crashkernel', 'planning'),
  row('src/vmcore/analyse/', 'symbols'),
  row('src/vmcore/format', 'reading-dump'),
  row('src/vmcore/reader', 'reading-dump'),
  row('src/vmcore/store', 'storing'),

  row('src/panic/captures', 'storing'),
  row('src/panic/contract', 'caller'),
  row('src/panic/facts/symbols', 'symbols'),
  row('src/panic/facts/data-symbols.ts', 'symbols'),
  row('src/panic/facts', 'facts'),
  row('src/panic/faults', 'planning'),
  row('src/panic/fidelity', 'comparing'),
  row('src/panic/fleet', 'service'),
  row('src/panic/guest/dump', 'reading-dump'),
  row('src/panic/guest', 'service'),
  row('src/panic/handoff', 'service'),
  row('src/panic/loading', 'planning'),
  row('src/panic/operations', 'service'),
  row('src/panic/reading/serve.ts', 'waiting', /^ask$/),
  row('src/panic/reading', 'messages'),
  row('src/panic/rules', 'judging'),
  row('src/panic/store', 'sqlite'),
  row('src/panic/trace', 'events'),
  row('src/panic/watch', 'events'),
  row('src/panic/index.ts', 'service'),

  row('src/images', 'images'),
  row('src/server/schedule', 'schedules'),
  row('src/server', 'http'),
  row('src/cli', 'starting'),

  row('package/better-sqlite3', 'sqlite'),
  row('package/node-cron', 'schedules'),
  row('package/xz-decompress', 'images'),
  row('package/pino', 'service'),
  row('package/commander', 'starting'),
  row('package/', 'http'),
  row('node:internal/crypto', 'hashing'),
  row('node:zlib', 'compressing'),
  row('node:internal/modules', 'starting'),
  row('node:internal/bootstrap', 'starting'),
  row('node:internal/deps', 'starting'),
  row('node:internal/process', 'caller'),
  row('node:internal/main', 'starting'),
  row('node:internal/vm', 'starting'),
  row('node:internal/inspector', 'profiler'),
  row('node:inspector', 'profiler'),
  row('node:http', 'http'),
  row('node:_http', 'http'),
  row('node:net', 'http'),
  row('node:internal/worker', 'messages'),
  row('node:internal/per_context/messageport', 'messages'),
  row('node:internal/event_target', 'messages'),
  row('bench', 'profiler'),
];

/** What a function's own time is for; undefined: no row has it. */
export function meaningOf(frame: CallFrame): Meaning | undefined {
  const place = placeOf(frame);
  return TABLE.find(
    ({ at, functions }) => place.startsWith(at) && (functions?.test(frame.functionName) ?? true),
  )?.is;
}

/**
 * Where a function is, as the table names it: `src/…` of what dist/ was built from; `wasm/…`; `node:…`; `package/NAME/…`; the name
 * itself where V8 gives no script.
 */
export function placeOf({ url, functionName }: CallFrame): string {
  if (url === '') return functionName;
  if (url.startsWith('node:')) return url;
  if (url.startsWith('wasm://')) return url.replace(/^wasm:\/\/(wasm\/.*)-[0-9a-f]+$/, '$1');
  const installed = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url);
  if (installed !== null) return `package/${installed[1]}/${installed[2]}`;
  const built = /^.*\/dist\/(.*)\.js$/.exec(url);
  if (built !== null) return `src/${built[1]}.ts`;
  return url.replace(/^.*\/(bench\/)/, '$1');
}
