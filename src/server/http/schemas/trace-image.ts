/** Defines the schema of a trace's facts about the image (src/panic/trace/image-facts.ts). */

import { type TUnsafe, Type } from 'typebox';
import type {
  ClaimFacts,
  CoreFacts,
  EntryFacts,
  LoadCall,
  LoadFacts,
  ImageFacts as Named,
  PlanFacts,
  PurgatoryFacts,
  RunningFacts,
  TreeFacts,
} from '../../../panic/trace/index.ts';
import { FUNCTIONS, HANDOFF_PATHS, SEGMENT_ROLES } from '../../../panic/trace/index.ts';
import { exactly } from './exact.ts';
import { closed, count, hex64, hexBytes } from './scalars.ts';

const role = Type.Enum(SEGMENT_ROLES);
const symbolSource = Type.Enum(['kallsyms', 'vmlinux', 'none']);
const byteOrder = Type.Optional(Type.Enum(['big', 'little']));
const digest = Type.Optional(Type.Enum(['equal', 'different']));
const rangeFields = { start: hex64, bytes: count };
const range = Type.Object(rangeFields, closed);
const ranges = Type.Array(range);

const tree = exactly<TreeFacts>()(
  Type.Object(
    {
      bytes: count,
      version: count,
      memory: ranges,
      usable: Type.Optional(ranges),
      reserved: ranges,
      cpus: Type.Array(count),
      rtas: Type.Optional(
        Type.Object(
          { base: Type.Optional(hex64), entry: Type.Optional(hex64), bytes: Type.Optional(count) },
          closed,
        ),
      ),
      bootargs: Type.String(),
      initrd: Type.Optional(Type.Object({ start: hex64, end: Type.Optional(hex64) }, closed)),
      tce: ranges,
      leftovers: Type.Array(Type.String()),
    },
    closed,
  ),
);
const core = exactly<CoreFacts>()(
  Type.Object({ ranges: Type.Array(Type.Object({ ...rangeFields, offset: hex64 }, closed)) }, closed),
);
const purgatory = exactly<PurgatoryFacts>()(
  Type.Object({ byteOrder, knows: Type.Array(role), regions: ranges, digest }, closed),
);
const load = exactly<LoadFacts>()(
  Type.Object(
    {
      crash: Type.Boolean(),
      entry: hex64,
      segments: Type.Array(Type.Object({ role, mem: hex64, bytes: count }, closed)),
      runAtLoad: Type.Optional(Type.Object({ at: hex64, loaded: hexBytes, byteOrder }, closed)),
      notes: Type.Array(hex64),
      stub: hexBytes,
      head: Type.Optional(hexBytes),
      abi: Type.Optional(Type.Literal('kdump-flag')),
      tree: Type.Optional(tree),
      core: Type.Optional(core),
      purgatory: Type.Optional(purgatory),
    },
    closed,
  ),
);
const running = exactly<RunningFacts>()(
  Type.Object(
    {
      memory: ranges,
      rma: Type.Optional(count),
      end: Type.Optional(hex64),
      reservation: Type.Optional(range),
      owned: Type.Optional(ranges),
      init: Type.Optional(range),
      memoryLimit: Type.Optional(count),
    },
    closed,
  ),
);
const loadCall = exactly<LoadCall>()(
  Type.Object(
    {
      insn: count,
      cpu: count,
      crash: Type.Boolean(),
      entry: hex64,
      segments: Type.Array(Type.Object({ mem: hex64, bytes: count }, closed)),
      result: Type.Optional(Type.String()),
      byFile: Type.Optional(
        Type.Object(
          {
            commandLine: Type.Optional(Type.String()),
            unread: Type.Optional(
              Type.Literal(true, {
                description: 'Entry and segments are not known: 0 and none stand for them',
              }),
            ),
          },
          { ...closed, description: 'It was kexec_file_load' },
        ),
      ),
      hooks: Type.Optional(Type.Object({ prepare: count, cleanup: count }, closed)),
    },
    closed,
  ),
);
const entered = exactly<EntryFacts>()(
  Type.Object(
    {
      runAtLoad: Type.Optional(hexBytes),
      tree: Type.Optional(Type.Object({ at: hex64, version: count, bootCpu: count }, closed)),
      backup: Type.Optional(hexBytes),
    },
    closed,
  ),
);
const plan = exactly<PlanFacts>()(
  Type.Object(
    {
      bootargs: Type.String(),
      runAtLoad: Type.Enum(['set', 'kept', 'absent']),
      digested: ranges,
      undigested: Type.Array(Type.Object({ ...rangeFields, role, reason: Type.String() }, closed)),
      forced: Type.Array(Type.String()),
    },
    closed,
  ),
);
const claims = exactly<ClaimFacts>()(
  Type.Object(
    {
      listed: ranges,
      claimed: Type.Array(Type.Object({ ...rangeFields, name: Type.String() }, closed)),
      allocated: Type.Array(
        Type.Object({ ...rangeFields, name: Type.String(), inRma: Type.Optional(Type.Boolean()) }, closed),
      ),
    },
    closed,
  ),
);

export const ImageFacts: TUnsafe<Named> = exactly<Named>()(
  Type.Object(
    {
      name: Type.String(),
      path: Type.Optional(Type.Enum(HANDOFF_PATHS)),
      kernelRelease: Type.Optional(Type.String()),
      symbols: Type.Object({ production: symbolSource, crash: Type.Optional(symbolSource) }, closed),
      probes: Type.Array(Type.Enum(FUNCTIONS)),
      load: Type.Optional(load),
      entered: Type.Optional(entered),
      atEntry: Type.Optional(Type.Object({ low: Type.Optional(hexBytes), digest }, closed)),
      running: Type.Optional(running),
      loads: Type.Optional(Type.Array(loadCall)),
      shutdownCompiledIn: Type.Optional(Type.Literal(true)),
      refusals: Type.Optional(
        Type.Array(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
      ),
      plan: Type.Optional(plan),
      claims: Type.Optional(claims),
    },
    closed,
  ),
);
