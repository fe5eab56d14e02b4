/*
 * Which MMU the partition has, and what the linear mapping covers: the memory that this kernel may use, and the vectors.
 * A crash kernel maps old memory only where it is asked to (map_old_memory).
 * Source: /chosen/ibm,architecture-vec-5, byte 24 (LoPAR, option vector 5): the top two bits are 01 for radix.
 */
#include "mmu/mmu.h"

#include "arch/arch.h"
#include "cpu/cpu.h"
#include "memory/memory.h"
#include "tree/tree.h"

#define VECTOR5_MMU 24
#define VECTOR5_MMU_MASK 0xc0
#define VECTOR5_RADIX 0x40

enum mmu_kind mmu;

static void map(u64 start, u64 end, bool writable) {
  if (mmu == MMU_HASH) hash_map(start, end, writable);
  else radix_map(start, end, writable);
}

void mmu_init(void) {
  u32 length;
  tree_node chosen = tree_find("/chosen");
  const u8 *vector5 = chosen == 0 ? NULL : tree_property(chosen, "ibm,architecture-vec-5", &length);
  mmu = vector5 != NULL && length > VECTOR5_MMU && (vector5[VECTOR5_MMU] & VECTOR5_MMU_MASK) == VECTOR5_RADIX ? MMU_RADIX
                                                                                                          : MMU_HASH;
  if (mmu == MMU_HASH) hash_init();
  else radix_init();
  struct range range;
  map(0, PAGE_SIZE, true);
  for (int i = 0; memory_usable(i, &range); i++) map(range.start, range.start + range.size, true);
  map(kernel_base, kernel_base + (u64)(_end - _stext), true);
}

void mmu_init_cpu(void) {
  if (mmu == MMU_HASH) hash_init_cpu();
  else radix_init_cpu();
  local_paca->kernel_msr = MSR_KERNEL;
}

const void *map_old_memory(u64 start, u64 size) {
  map(start, start + size, false);
  return __va(start);
}
