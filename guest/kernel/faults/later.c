/* Faults of kernels that come later: the crash kernel, or one that an ordinary kexec has started. */
#include "arch/arch.h"
#include "block/block.h"
#include "faults/faults.h"
#include "printk/printk.h"
#include "tree/tree.h"

/* wild-store:ADDRESS, in the crash kernel: by real address, to memory that is not this kernel's. */
void fault_wild_store(void) {
  u64 raddr;

  if (!fault_on("wild-store", &raddr))
    return;
  printk("fault: a wild store to 0x%lx\n", raddr);
  u64 msr = irq_save();
  real_mode_store(raddr, 0x77696c6473746f72ul); /* "wildstor" */
  irq_restore(msr);
}

/* dump-unasked: a kernel that was started by kexec writes to the dump device, though it was not asked to dump. */
void fault_dump_unasked(void) {
  tree_node chosen = tree_find("/chosen");
  struct disk *disk = block_find(false);
  struct piece piece = {0, PAGE_SIZE};

  if (!fault_on("dump-unasked", NULL) || chosen == 0 || disk == NULL ||
      tree_property(chosen, "linux,booted-from-kexec", NULL) == NULL)
    return;
  if (block_write(disk, 0, &piece, 1) != 0)
    printk("fault: the disk took nothing\n");
}
