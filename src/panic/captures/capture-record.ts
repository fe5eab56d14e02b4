/** What a crash leaves in the stores: the vmcore as it was written, then the capture with trace, rules and console. */

import { defined } from '../../base/defined.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { VmcoreStore } from '../../vmcore/store/index.ts';
import type { Capture, CaptureVmcore } from '../contract/index.ts';
import { readDump } from '../guest/dump-device.ts';
import type { CrashResult } from '../handoff/crash.ts';
import { countRules } from '../rules/index.ts';
import type { CaptureParts, MetadataStore } from '../store/index.ts';

export type CaptureStores = {
  readonly metadata: Pick<MetadataStore, 'createCapture'>;
  readonly vmcores: Pick<VmcoreStore, 'writeVmcore'>;
};

export type CaptureOrigin = {
  readonly id: string;
  readonly partitionId: string;
  readonly image: string;
  readonly createdAt: string;
  /** Of the life that crashed and of the crash kernel's after it. */
  readonly console: Uint8Array;
};

/** Stores everything. The dump is read from the partition's disk: it must not have been started again. */
export async function storeCapture(
  stores: CaptureStores,
  handle: PartitionHandle,
  result: CrashResult,
  origin: CaptureOrigin,
): Promise<Capture> {
  const { dump } = result;
  let vmcore: CaptureVmcore | null = null;
  let parts: CaptureParts = { console: origin.console };
  if (dump !== undefined) {
    const stored = await stores.vmcores.writeVmcore(readDump(handle, dump), dump.bytes);
    parts = { ...parts, manifestId: stored.manifestId };
    vmcore = {
      bytes: stored.bytes,
      format: dump.format,
      sha256: stored.sha256,
      ...(dump.complete ? {} : { incomplete: true }),
    };
  }
  if (result.trace !== undefined) parts = { ...parts, trace: JSON.stringify(result.trace) };
  const captured = result.outcome === 'captured';
  const capture: Capture = {
    id: origin.id,
    partitionId: origin.partitionId,
    image: origin.image,
    outcome: result.outcome,
    phase: captured ? 'stored' : result.phase,
    ...defined({ reason: result.reason }),
    ...result.identity,
    vmcore,
    rules: countRules(result.trace?.rules ?? []),
    createdAt: origin.createdAt,
  };
  await stores.metadata.createCapture(capture, parts);
  return capture;
}
