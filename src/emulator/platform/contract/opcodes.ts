/**
 * Hypercall numbers.
 * Source: Linux 6.1 arch/powerpc/include/asm/hvcall.h. H_RTAS is the number that
 * KVM and QEMU use for their RTAS stub, as this platform does; H_OF_CLIENT is QEMU's, for its virtual Open Firmware.
 */

export const OPCODE = {
  H_REMOVE: 0x4,
  H_ENTER: 0x8,
  H_READ: 0xc,
  H_CLEAR_MOD: 0x10,
  H_CLEAR_REF: 0x14,
  H_PROTECT: 0x18,
  H_GET_TCE: 0x1c,
  H_PUT_TCE: 0x20,
  H_SET_SPRG0: 0x24,
  H_SET_DABR: 0x28,
  H_PAGE_INIT: 0x2c,
  H_LOGICAL_CI_LOAD: 0x3c,
  H_LOGICAL_CI_STORE: 0x40,
  H_LOGICAL_CACHE_LOAD: 0x44,
  H_LOGICAL_CACHE_STORE: 0x48,
  H_LOGICAL_ICBI: 0x4c,
  H_LOGICAL_DCBF: 0x50,
  H_GET_TERM_CHAR: 0x54,
  H_PUT_TERM_CHAR: 0x58,
  H_EOI: 0x64,
  H_CPPR: 0x68,
  H_IPI: 0x6c,
  H_IPOLL: 0x70,
  H_XIRR: 0x74,
  H_REGISTER_VPA: 0xdc,
  H_CEDE: 0xe0,
  H_CONFER: 0xe4,
  H_PROD: 0xe8,
  H_GET_PPP: 0xec,
  H_SET_PPP: 0xf0,
  H_PURR: 0xf4,
  H_PIC: 0xf8,
  H_REG_CRQ: 0xfc,
  H_FREE_CRQ: 0x100,
  H_VIO_SIGNAL: 0x104,
  H_SEND_CRQ: 0x108,
  H_BULK_REMOVE: 0x124,
  H_ENABLE_CRQ: 0x12c,
  H_SET_XDABR: 0x134,
  H_STUFF_TCE: 0x138,
  H_PUT_TCE_INDIRECT: 0x13c,
  H_GET_CPU_CHARACTERISTICS: 0x1c8,
  H_JOIN: 0x298,
  H_HOME_NODE_ASSOCIATIVITY: 0x2ec,
  H_XIRR_X: 0x2fc,
  H_RANDOM: 0x300,
  H_SET_MODE: 0x31c,
  H_CLEAR_HPT: 0x358,
  H_RESIZE_HPT_PREPARE: 0x36c,
  H_RESIZE_HPT_COMMIT: 0x370,
  H_REGISTER_PROCESS_TABLE: 0x37c,
  H_SIGNAL_SYS_RESET: 0x380,
  H_QUERY_VAS_CAPABILITIES: 0x398,
  H_INT_GET_SOURCE_INFO: 0x3a8,
  H_INT_SET_SOURCE_CONFIG: 0x3ac,
  H_INT_GET_SOURCE_CONFIG: 0x3b0,
  H_INT_GET_QUEUE_INFO: 0x3b4,
  H_INT_SET_QUEUE_CONFIG: 0x3b8,
  H_INT_GET_QUEUE_CONFIG: 0x3bc,
  H_INT_ESB: 0x3c8,
  H_INT_SYNC: 0x3cc,
  H_INT_RESET: 0x3d0,
  H_RTAS: 0xf000,
  H_OF_CLIENT: 0xf005,
  H_GET_PERF_COUNTER_INFO: 0xf080,
} as const;

export type HcallName = keyof typeof OPCODE;

const NAMES: ReadonlyMap<number, HcallName> = new Map(
  (Object.entries(OPCODE) as [HcallName, number][]).map(([name, opcode]) => [opcode, name]),
);

/** The name of a hypercall; undefined for a number that is none. */
export function hcallNameOf(opcode: number): HcallName | undefined {
  return NAMES.get(opcode);
}

/** Every hypercall that the machine knows, in order of opcodes. */
export const HCALL_NAMES: readonly HcallName[] = Object.keys(OPCODE) as HcallName[];
