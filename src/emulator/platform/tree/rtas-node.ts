/**
 * /rtas: the services, where they lie, and which hypercalls the partition has.
 * Source: QEMU 7.2 hw/ppc/spapr.c, Linux 6.1 arch/powerpc/kernel/rtas.c (linux,rtas-base and linux,rtas-entry, which
 * prom_init leaves where firmware has a client interface), pseries/firmware.c (ibm,hypertas-functions), mm/numa.c
 * (form 2 affinity: lookup and distance tables of the one node).
 *
 * Not named although QEMU names them: hcall-dabr and hcall-sprg0 (not given), hcall-watchdog. hcall-vio and hcall-crq come with a virtual adapter.
 */

import { concatBytes } from '../../../base/bytes.ts';
import { type FdtNode, node, type PropertyValue, u32 } from '../../../base/fdt/index.ts';
import { RTAS_ERROR_LOG_MAX, RTAS_EVENT_SCAN_RATE } from '../rtas/events.ts';
import { RTAS_BYTES } from '../rtas/stub.ts';
import { coresOf } from './cpus.ts';
import type { TreeDescription } from './description.ts';

/** The sets of hypercalls that every partition has. */
export const HYPERTAS_FUNCTIONS: readonly string[] = [
  'hcall-term',
  'hcall-interrupt',
  'hcall-splpar',
  'hcall-set-mode',
  'hcall-copy',
  'hcall-debug',
  'hcall-vphn',
];

/** Distance of a node to itself. */
const LOCAL_DISTANCE = 10;
const MEMORY_BLOCK = 0x1000_0000n;

export function rtasNode(description: TreeDescription): FdtNode {
  const last = description.memory[description.memory.length - 1];
  const end = last === undefined ? 0 : last.base + last.size;
  const tokens: Record<string, PropertyValue> = {};
  for (const [name, token] of description.rtasTokens) tokens[name] = token;
  return node('rtas', {
    'linux,rtas-base': description.rtasBase,
    'linux,rtas-entry': description.rtasBase,
    'rtas-size': RTAS_BYTES,
    'rtas-error-log-max': RTAS_ERROR_LOG_MAX,
    'rtas-event-scan-rate': RTAS_EVENT_SCAN_RATE,
    'ibm,extended-os-term': true,
    'ibm,hypertas-functions': [...HYPERTAS_FUNCTIONS, ...description.hypertas],
    'ibm,lrdr-capacity': [BigInt(end), MEMORY_BLOCK, coresOf(description.hardwareIds).length],
    'ibm,associativity-reference-points': 1,
    'ibm,max-associativity-domains': [1, 1],
    'ibm,numa-lookup-index-table': [1, 0],
    'ibm,numa-distance-table': concatBytes([u32(1), Uint8Array.of(LOCAL_DISTANCE)]),
    ...tokens,
    ...description.rtasProperties,
  });
}
