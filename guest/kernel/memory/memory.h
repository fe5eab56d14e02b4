/* The machine's memory, and the boot-time allocator, the only one there is. */
#ifndef MEMORY_H
#define MEMORY_H

#include "arch/arch.h"

struct range {
  u64 start;
  u64 size;
};

extern u64 kernel_base; /* real address of _stext: 0, or inside the reservation */
extern u64 rma_size; /* what real mode reaches */
extern u64 memory_end; /* past the last byte that this kernel uses (mem=) */
extern struct range crash_reservation; /* crashkernel=; size 0 without */
extern struct range ram[]; /* the machine's memory, from `reg` of the memory nodes, ascending, adjacent ranges joined */
extern int ram_count;

/* Reads the tree, which firmware or loader left at `tree`, and claims what is in use. In real mode. */
void memory_read(u64 tree, u64 tree_bytes);
/* Whether memory_read honours a claim of the loader that starts there: every one, unless a fault (faults/) has replaced it. */
extern bool (*memory_honours)(u64 start);
/* Range `n` of what the linear mapping covers; false past the last. */
bool memory_usable(int n, struct range *range);
/* Panics where the highest free page does not hold what is written. */
void memory_check(void);
/* Writes the map of allocations into the kept tree. */
void memory_publish(void);

bool memory_is_ram(u64 start, u64 size);
/* Real address of `size` bytes in [from, to) that nothing has claimed, aligned; 0 where there are none. The highest
   that fit. The memory is zeroed. `name` has at most 15 letters and stays. Not for interrupt handlers. */
u64 memory_alloc(const char *name, u64 size, u64 align, u64 from, u64 to);
/* Gives back a whole allocation. */
void memory_free(u64 start);

#endif
