/* The CPUs of the tree, one paca a hardware thread, and their stacks. */
#include "arch/arch.h"
#include "boot/boot.h"
#include "interrupt/interrupt.h"
#include "memory/memory.h"
#include "tree/tree.h"

static u8 stacks[MAX_CPUS][STACK_SIZE] __aligned(STACK_SIZE);
static u8 nmi_stacks[MAX_CPUS][STACK_SIZE / 2] __aligned(16);
static u8 mc_stacks[MAX_CPUS][STACK_SIZE / 4] __aligned(16);

#define FIRST_FRAME 128

static void add_cpu(u32 hard_id) {
  if (cpu_count == MAX_CPUS) return;
  int index = cpu_count++;
  struct paca *paca = &pacas[index];
  u64 toc;
  __asm__("mr %0,2" : "=r"(toc));
  paca->index = (u32)index;
  paca->hard_id = hard_id;
  paca->toc = toc;
  paca->stack = (u64)stacks[index] + sizeof stacks[index] - FIRST_FRAME;
  paca->nmi_stack = (u64)nmi_stacks[index] + sizeof nmi_stacks[index] - FIRST_FRAME;
  paca->mc_stack = (u64)mc_stacks[index] + sizeof mc_stacks[index] - FIRST_FRAME;
  /* Vectors run in real mode and need the real address. */
  paca->handler = kernel_base + (u64)(common_interrupt - _stext);
  paca->kernel_msr = MSR_SF | MSR_ME | MSR_RI;
}

void cpus_read(void) {
  u32 boot = tree_u32(tree_blob + 28);
  tree_node cpus = tree_find("/cpus");
  add_cpu(boot);
  for (tree_node node = tree_child(cpus); node != 0; node = tree_sibling(node)) {
    const char *type = tree_property(node, "device_type", NULL);
    if (type == NULL || strcmp(type, "cpu") != 0) continue;
    u32 length;
    const u32 *threads = tree_property(node, "ibm,ppc-interrupt-server#s", &length);
    if (threads == NULL) threads = tree_property(node, "reg", &length);
    for (u32 i = 0; threads != NULL && i < length / 4; i++)
      if (tree_u32(&threads[i]) != boot) add_cpu(tree_u32(&threads[i]));
    timebase_hz = tree_cell(node, "timebase-frequency", (u32)timebase_hz);
  }
}
