/** The flattened tree's header and tokens. Source: Devicetree Specification 0.4, §5.2 (header), §5.4 (structure block). */

export const FDT_HEADER = {
  name: 'fdt_header',
  size: 40,
  fields: {
    magic: { offset: 0, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    totalsize: { offset: 4, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    off_dt_struct: { offset: 8, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    off_dt_strings: { offset: 12, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    off_mem_rsvmap: { offset: 16, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    version: { offset: 20, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    last_comp_version: { offset: 24, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    boot_cpuid_phys: { offset: 28, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    size_dt_strings: { offset: 32, type: 'u32', source: 'DTSpec 0.4 §5.2' },
    size_dt_struct: { offset: 36, type: 'u32', source: 'DTSpec 0.4 §5.2' },
  },
} as const;

export const FDT_MAGIC = 0xd00dfeed;
export const FDT_VERSION = 17;
export const FDT_LAST_COMPATIBLE = 16;

export const FDT_BEGIN_NODE = 1;
export const FDT_END_NODE = 2;
export const FDT_PROP = 3;
export const FDT_NOP = 4;
export const FDT_END = 9;

export const MAX_DEPTH = 64;
