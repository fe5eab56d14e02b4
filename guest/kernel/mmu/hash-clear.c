/*
 * The end of the hash table, on the way into the next kernel. Real mode; nothing but static memory.
 * Source: LoPAR, hcall-pft; Linux 6.1 arch/powerpc/platforms/pseries/lpar.c.
 */
#include "firmware/firmware.h"
#include "mmu/mmu.h"

#define HPTE_BYTES 16
#define HPTE_VALID 1ul
/* The hypervisor's own entries, for real mode: Linux 6.1 platforms/pseries/lpar.c names this page number. */
#define HPTE_VRMA 0x4001ffffff000000ul
#define H_READ_FOUR (1ul << 37)

static void remove_entry(u64 index, u64 first_word) {
  if ((first_word & HPTE_VALID) && (first_word & HPTE_VRMA) != HPTE_VRMA)
    hcall(H_REMOVE, 0, index, 0);
}

void __noinline hpte_clear_all(void) {
  u64 result[9];
  s64 status;

  do
    status = hcall(H_CLEAR_HPT);
  while (status == H_CONTINUE);
  if (status == H_SUCCESS)
    return;
  /* Not every hypervisor has it. */
  for (u64 i = 0; i < hash_table_bytes / HPTE_BYTES; i += 4) {
    if (hcall_results(H_READ, result, H_READ_FOUR, i, 0, 0, 0, 0, 0, 0, 0) != H_SUCCESS)
      continue;
    for (u64 j = 0; j < 4; j++)
      remove_entry(i + j, result[2 * j]);
  }
}
