/* initrd-unclaimed: the allocator does not know the initrd, and gives its first page away. */
#include "arch/arch.h"
#include "faults/faults.h"
#include "memory/memory.h"
#include "tree/tree.h"

static u64 initrd; /* 0: without the fault, or without an initrd */

static bool all_but_initrd(u64 start) { return start != initrd; }

void fault_forget_initrd(void) {
  tree_node chosen = tree_find("/chosen");

  if (!fault_on("initrd-unclaimed", NULL) || chosen == 0)
    return;
  initrd = tree_address(chosen, "linux,initrd-start");
  if (initrd != 0)
    memory_honours = all_but_initrd;
}

void fault_take_initrd(void) {
  if (initrd != 0)
    memory_alloc("over initrd", PAGE_SIZE, PAGE_SIZE, initrd, initrd + PAGE_SIZE);
}
