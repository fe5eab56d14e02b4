/*
 * Memory: the linear mapping, and the boot-time allocator, the only one there is.
 * The kernel is linked at PAGE_OFFSET and runs at PAGE_OFFSET + kernel_base; virtual = real + PAGE_OFFSET always. In real mode
 * the processor ignores the top bits, so that the same pointers work.
 */
#ifndef MEMORY_H
#define MEMORY_H

#define PAGE_OFFSET 0xc000000000000000
#define PAGE_SHIFT 16
#define PAGE_SIZE 0x10000

#ifndef __ASSEMBLER__
#include "types.h"

#define __va(raddr) ((void *)((u64)(raddr) + PAGE_OFFSET))
#define __pa(pointer) ((u64)(pointer) - PAGE_OFFSET)

struct range {
  u64 start;
  u64 size;
};

/* Of the image: [_stext, _end) is static kernel memory, code, data, stacks and pacas. */
extern char _stext[], _etext[], _sdata[], _edata[], _end[];
extern u64 kernel_base; /* real address of _stext: 0, or inside the reservation */

extern u64 rma_size; /* what real mode reaches */
extern u64 memory_end; /* past the last byte that this kernel uses (mem=) */
extern struct range crash_reservation; /* crashkernel=; size 0 without */
extern struct range ram[]; /* the machine's memory as `reg` of the memory nodes has it, ascending, adjacent joined */
extern int ram_count;

enum mmu_kind { MMU_HASH, MMU_RADIX };
extern enum mmu_kind mmu;
extern u64 hash_table_bytes; /* hash: size of the table, from ibm,pft-size */

bool memory_is_ram(u64 start, u64 size);
/* Real address of `size` bytes in [from, to) that nothing has claimed, aligned; 0 where there are none. The highest
   that fit. The memory is zeroed. `name` has at most 15 letters and stays. Not for interrupt handlers. */
u64 memory_alloc(const char *name, u64 size, u64 align, u64 from, u64 to);
/* Claims a place. False where it is not free RAM. */
bool memory_claim(const char *name, u64 start, u64 size);
/* Gives back a whole allocation. */
void memory_free(u64 start);
/* True where nothing claimed any of it. */
bool memory_is_free(u64 start, u64 size);

/* Makes memory that is not this kernel's own reachable by __va, reading only. */
const void *map_old_memory(u64 start, u64 size);
#endif

#endif
