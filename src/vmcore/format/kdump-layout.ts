/**
 * Defines the structures of the kdump-compressed format (diskdump header, version 6) as a 64-bit program writes them.
 * Source: makedumpfile b7587f1, IMPLEMENTATION ("The kdump-compressed format") and diskdump_mod.h; offsets follow from
 * the alignment of the 64-bit PowerPC ABI (`long`, `off_t` and struct timeval at multiples of 8).
 * Left out: the layouts that 32-bit programs write (timeval of 8 bytes, at 404).
 */

export const KDUMP_SIGNATURE = 'KDUMP   ';
/** Versions that are read. Version 6 brought the 64-bit page numbers; 3 VMCOREINFO. */
export const KDUMP_VERSION_MIN = 3;
export const KDUMP_VERSION = 6;

/** In `status` of the header, and (compression alone) in `flags` of a page descriptor. */
export const DUMP_DH_COMPRESSED_ZLIB = 0x01;
export const DUMP_DH_COMPRESSED_LZO = 0x02;
export const DUMP_DH_COMPRESSED_SNAPPY = 0x04;
/** In `status` only: the device was full. */
export const DUMP_DH_COMPRESSED_INCOMPLETE = 0x08;
export const DUMP_DH_COMPRESSED_ZSTD = 0x20;

export const KDUMP_HEADER = {
  name: 'disk_dump_header',
  size: 464,
  fields: {
    signature: { offset: 0, type: 'bytes', size: 8, source: 'diskdump_mod.h; "KDUMP   "' },
    header_version: { offset: 8, type: 'i32', source: 'diskdump_mod.h' },
    sysname: { offset: 12, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    nodename: { offset: 77, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    release: { offset: 142, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    version: { offset: 207, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    machine: { offset: 272, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    domainname: { offset: 337, type: 'bytes', size: 65, source: 'diskdump_mod.h new_utsname' },
    tv_sec: { offset: 408, type: 'u64', source: 'diskdump_mod.h timestamp' },
    tv_usec: { offset: 416, type: 'u64', source: 'diskdump_mod.h timestamp' },
    status: { offset: 424, type: 'u32', source: 'diskdump_mod.h; DUMP_DH_… flags' },
    block_size: { offset: 428, type: 'i32', source: 'diskdump_mod.h; the page size' },
    sub_hdr_size: { offset: 432, type: 'i32', source: 'diskdump_mod.h; in blocks, notes included' },
    bitmap_blocks: { offset: 436, type: 'u32', source: 'diskdump_mod.h; both bitmaps, in blocks' },
    max_mapnr: { offset: 440, type: 'u32', source: 'diskdump_mod.h; capped, see max_mapnr_64' },
    total_ram_blocks: { offset: 444, type: 'u32', source: 'diskdump_mod.h; unused' },
    device_blocks: { offset: 448, type: 'u32', source: 'diskdump_mod.h; unused' },
    written_blocks: { offset: 452, type: 'u32', source: 'diskdump_mod.h; unused' },
    current_cpu: { offset: 456, type: 'u32', source: 'diskdump_mod.h' },
    nr_cpus: { offset: 460, type: 'i32', source: 'diskdump_mod.h' },
  },
} as const;

/** At block 1. */
export const KDUMP_SUB_HEADER = {
  name: 'kdump_sub_header',
  size: 104,
  fields: {
    phys_base: { offset: 0, type: 'u64', source: 'diskdump_mod.h' },
    dump_level: { offset: 8, type: 'i32', source: 'diskdump_mod.h; version 1 on' },
    split: { offset: 12, type: 'i32', source: 'diskdump_mod.h; version 2 on' },
    start_pfn: { offset: 16, type: 'u64', source: 'diskdump_mod.h; capped, see start_pfn_64' },
    end_pfn: { offset: 24, type: 'u64', source: 'diskdump_mod.h; capped, see end_pfn_64' },
    offset_vmcoreinfo: { offset: 32, type: 'u64', source: 'diskdump_mod.h; version 3 on' },
    size_vmcoreinfo: { offset: 40, type: 'u64', source: 'diskdump_mod.h; version 3 on' },
    offset_note: { offset: 48, type: 'u64', source: 'diskdump_mod.h; version 4 on' },
    size_note: { offset: 56, type: 'u64', source: 'diskdump_mod.h; version 4 on' },
    offset_eraseinfo: { offset: 64, type: 'u64', source: 'diskdump_mod.h; version 5 on' },
    size_eraseinfo: { offset: 72, type: 'u64', source: 'diskdump_mod.h; version 5 on' },
    start_pfn_64: { offset: 80, type: 'u64', source: 'diskdump_mod.h; version 6 on' },
    end_pfn_64: { offset: 88, type: 'u64', source: 'diskdump_mod.h; version 6 on' },
    max_mapnr_64: { offset: 96, type: 'u64', source: 'diskdump_mod.h; version 6 on' },
  },
} as const;

/** One for each page whose bit is set in the second bitmap, in order of page number. */
export const KDUMP_PAGE_DESC = {
  name: 'page_desc',
  size: 24,
  fields: {
    offset: { offset: 0, type: 'u64', source: 'diskdump_mod.h; 0: the page was lost' },
    size: { offset: 8, type: 'u32', source: 'diskdump_mod.h; bytes in the file' },
    flags: { offset: 12, type: 'u32', source: 'diskdump_mod.h; compression, 0 for none' },
    page_flags: { offset: 16, type: 'u64', source: 'diskdump_mod.h; unused' },
  },
} as const;
