/*
 * Faults that need code of their own; the others are a question asked where they strike (README.md has the list).
 * All are off unless kdumpd.fault= names them.
 */
#include "../block/block.h"
#include "command-line.h"
#include "errno.h"
#include "hcall.h"
#include "interrupt.h"
#include "kexec.h"
#include "memory.h"
#include "printk.h"
#include "reg.h"
#include "string.h"
#include "tree.h"

static volatile bool not_answering;

/* Ends the IPI that brought it here, so that nothing but its interrupts being off is wrong with this CPU. */
static void spin_for_ever(u64 argument) {
  int cpu = this_cpu();

  (void)argument;
  irq_save();
  if (xirr_in_service[cpu] != 0) {
    xics_eoi(xirr_in_service[cpu]);
    xirr_in_service[cpu] = 0;
  }
  not_answering = true;
  for (;;)
    barrier();
}

/* irq-off:N */
void kexec_fault_stop_answering(void) {
  u64 cpu;

  if (!fault_on("irq-off", &cpu) || (int)cpu == this_cpu() || smp_call((int)cpu, spin_for_ever, 0) != 0)
    return;
  while (!not_answering)
    barrier();
}

static void crash_here(u64 argument) {
  (void)argument;
  __crash_kexec(NULL);
}

/* other-master:N: the CPU that panicked has CPU N do the rest, and waits to be stopped as any other. */
void kexec_fault_other_master(void) {
  u64 cpu;

  if (!fault_on("other-master", &cpu) || (int)cpu == this_cpu() || smp_call((int)cpu, crash_here, 0) != 0)
    return;
  for (;;)
    barrier();
}

/* skip-down:N, on the ordinary way. */
bool kexec_fault_skips_down(void) {
  u64 cpu;

  return fault_on("skip-down", &cpu) && (int)cpu == this_cpu();
}

#define RUN_AT_LOAD 0x5c
#define MARKER 0x72756e30 /* "run0" */

/* kernels-only: an image of which no segment has the marker of a kernel is none. */
int kexec_fault_refuse_stub(const struct kimage *image) {
  if (!fault_on("kernels-only", NULL))
    return 0;
  for (int i = 0; i < image->segments; i++)
    if (image->segment[i].bufsz >= RUN_AT_LOAD + 4 &&
        tree_u32((const u8 *)image->segment[i].buf + RUN_AT_LOAD) == MARKER)
      return 0;
  snprint(kexec_refusal, sizeof(kexec_refusal), "no segment is a kernel");
  return -ENOEXEC;
}

#define SLOW_ROUNDS 100000000
#define WILD_ROUNDS 1000000

/* slow-slave[:ROUNDS], wild-store-reserved[:ADDRESS], slave-id, entry-r4. */
static void set_words(void) {
  if (fault_on("slow-slave", &kexec_slow_rounds) && kexec_slow_rounds == 0)
    kexec_slow_rounds = SLOW_ROUNDS;
  if (fault_on("wild-store-reserved", &kexec_wild_address)) {
    if (kexec_wild_address == 0)
      kexec_wild_address = crash_reservation.start + crash_reservation.size / 2;
    if (kexec_slow_rounds == 0)
      kexec_slow_rounds = WILD_ROUNDS;
  }
  if (fault_on("slave-id", NULL))
    kexec_slave_excess = 1;
  if (fault_on("entry-r4", NULL))
    kexec_entry_excess = KEXEC_PAGE;
}

/* wild-store:ADDRESS, in the crash kernel: by real address, where this kernel has no business. */
void kexec_fault_wild_store(void) {
  u64 raddr;

  if (!fault_on("wild-store", &raddr))
    return;
  printk("fault: a wild store to 0x%lx\n", raddr);
  u64 msr = irq_save();
  real_mode_store(raddr, 0x77696c6473746f72ul); /* "wildstor" */
  irq_restore(msr);
}

/* H_REGISTER_VPA (LoPAR): functions, and fields of the areas; Linux 6.1 asm/lppaca.h. */
#define REGISTER_VPA (1ul << 45)
#define REGISTER_DISPATCH_LOG (2ul << 45)
#define VPA_BYTES 0x400
#define VPA_LOG_MASK 0xb8
#define LOG_ALL 7
#define LOG_BYTES 0x1000

/* late-vpa: areas in dynamic memory with a dispatch log that is on; teardown.c does not take them back. */
static void late_vpa(void) {
  u64 areas;

  if (!fault_on("late-vpa", NULL))
    return;
  areas = memory_alloc("late vpa", (u64)cpu_count * 2 * LOG_BYTES, PAGE_SIZE, 0, memory_end);
  for (int cpu = 0; areas != 0 && cpu < cpu_count; cpu++) {
    u64 vpa = areas + (u64)cpu * 2 * LOG_BYTES, log = vpa + LOG_BYTES;

    ((u16 *)__va(vpa))[2] = VPA_BYTES;
    ((u8 *)__va(vpa))[VPA_LOG_MASK] = LOG_ALL;
    ((u32 *)__va(log))[1] = LOG_BYTES;
    if (!cpu_online(cpu))
      continue;
    vpa_unregister(cpu);
    if (hcall(H_REGISTER_VPA, REGISTER_VPA, hard_id(cpu), vpa) != H_SUCCESS ||
        hcall(H_REGISTER_VPA, REGISTER_DISPATCH_LOG, hard_id(cpu), log) != H_SUCCESS)
      printk("fault: CPU %d has no dispatch log\n", cpu);
  }
}

#define DMA_BYTES 0x1000

static u64 dma_buffer;

/* dma-in-flight: a disk is asked to read into dynamic memory, in the last moment, and nobody waits for it. */
static void prepare_dma(void) {
  if (fault_on("dma-in-flight", NULL))
    dma_buffer = memory_alloc("dma", PAGE_SIZE, PAGE_SIZE, 0, memory_end);
}

void kexec_fault_clear_and_dma(void) {
  struct disk *disk = block_find(true);
  struct piece piece = {dma_buffer, DMA_BYTES};

  if (mmu == MMU_HASH)
    hpte_clear_all();
  if (disk != NULL && dma_buffer != 0)
    block_read_begin(disk, 0, &piece, 1);
}

/* dump-unasked: a kernel that was started by kexec takes itself for one that has to dump, whatever it was told. */
static void dump_unasked(void) {
  tree_node chosen = tree_find("/chosen");
  struct disk *disk = block_find(false);
  struct piece piece = {0, PAGE_SIZE};

  if (!fault_on("dump-unasked", NULL) || chosen == 0 || disk == NULL ||
      tree_property(chosen, "linux,booted-from-kexec", NULL) == NULL)
    return;
  if (block_write(disk, 0, &piece, 1) != 0)
    printk("fault: the disk took nothing\n");
}

void kexec_fault_init(void) {
  set_words();
  late_vpa();
  prepare_dma();
  dump_unasked();
}
