/*
 * The way out, once it is decided: for an ordinary image after devices and machine are shut down and every CPU parked;
 * for a crash image as things are. Function names and the division of work are Linux' (6.1
 * arch/powerpc/kexec/core_64.c).
 *
 * From the first copied page on, only static kernel memory may be touched: the stack below, pacas, both kimages, and
 * what is code. Copying goes through translation under the hash table, because real mode ends at the RMA; under radix
 * it goes without, because the tables themselves may be copied over.
 */
#include "command-line.h"
#include "errno.h"
#include "hcall.h"
#include "kexec.h"
#include "memory.h"
#include "printk.h"
#include "reg.h"

#define KEXEC_STACK 0x4000

static u8 kexec_stack[KEXEC_STACK] __aligned(KEXEC_STACK);
static volatile bool all_interrupts_off;

/* ---- copying ---- */

static void copy_page(u64 *to, const u64 *from) {
  for (u32 i = 0; i < KEXEC_PAGE / sizeof(u64); i++)
    to[i] = from[i];
}

static void copy_segments(u64 head) {
  const u64 *list = NULL;
  u64 *to = NULL;

  for (u64 entry = head; !(entry & IND_DONE); entry = *list++) {
    void *page = __va(entry & ~IND_FLAGS);

    if (entry & IND_INDIRECTION)
      list = page;
    else if (entry & IND_DESTINATION)
      to = page;
    else if (entry & IND_SOURCE) {
      copy_page(to, page);
      to += KEXEC_PAGE / sizeof(u64);
    }
  }
}

/* Every destination, because a crash image has been in place since its load. */
void __noinline kexec_copy_flush(struct kimage *image) {
  copy_segments(image->head);
  for (int i = 0; i < image->segments; i++) {
    const char *at = __va(image->segment[i].mem);

    for (const char *end = at + image->segment[i].memsz; at < end; at += 128)
      __asm__ volatile("dcbst 0,%0; icbi 0,%0" ::"r"(at) : "memory");
  }
  __asm__ volatile("sync; isync" ::: "memory");
}

/* ---- the hash table ---- */

#define HPTE_BYTES 16
#define HPTE_VALID 1ul
/* Entries of the hypervisor's own, for real mode: Linux 6.1 platforms/pseries/lpar.c names this page number. */
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

/* ---- the other CPUs ---- */

static void kexec_smp_down(u64 argument) {
  (void)argument;
  irq_save();
  mb();
  WRITE_ONCE(local_paca->kexec_state, KEXEC_IRQS_OFF);
  while (!all_interrupts_off)
    barrier();
  if (!kexec_fault_skips_down())
    pseries_kexec_cpu_down(0, 1);
  kexec_smp_wait();
}

static void wait_for_state(enum kexec_state state) {
  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (cpu != this_cpu() && cpu_online(cpu))
      while (READ_ONCE(pacas[cpu].kexec_state) < state)
        barrier();
  mb();
}

/* Nobody is told to go before everybody has his interrupts off: no IPI comes after the teardown that ends them. */
static void kexec_prepare_cpus(void) {
  for (int cpu = 0; cpu < cpu_count; cpu++) {
    if (cpu == this_cpu() || !cpu_online(cpu))
      continue;
    while (smp_call(cpu, kexec_smp_down, 0) == -EBUSY)
      cpu_relax();
  }
  irq_save();
  local_paca->kexec_state = KEXEC_IRQS_OFF;
  wait_for_state(KEXEC_IRQS_OFF);
  if (fault_on("master-first", NULL))
    pseries_kexec_cpu_down(0, 0);
  all_interrupts_off = true;
  wait_for_state(KEXEC_REAL_MODE);
  if (!fault_on("master-first", NULL))
    pseries_kexec_cpu_down(0, 0);
}

/* ---- the way ---- */

static u8 *stack_top(const struct kimage *image) {
  if (fault_on("stack-dynamic", NULL)) {
    u64 stack = kexec_allocate_beside(image, PAGE_SIZE, rma_size);

    if (stack != 0)
      return (u8 *)__va(stack) + KEXEC_STACK;
  }
  return kexec_stack + KEXEC_STACK;
}

static void __noreturn __noinline default_machine_kexec(struct kimage *image) {
  bool off = mmu == MMU_RADIX || fault_on("copy-real", NULL);
  void (*clear_all)(void) = mmu == MMU_HASH && !fault_on("keep-page-tables", NULL) ? hpte_clear_all : NULL;
  u64 release = option_is("release", "after") ? KEXEC_RELEASE_LAST : KEXEC_RELEASE_COPIED;
  u8 *stack = stack_top(image);

  if (fault_on("release-first", NULL))
    release = KEXEC_RELEASE_FIRST;
  if (fault_on("dma-in-flight", NULL))
    clear_all = kexec_fault_clear_and_dma;
  if (!image->crash)
    kexec_prepare_cpus();
  printk("kexec: leaving for 0x%lx\n", image->start);
  kexec_sequence(stack, image->start, image, image->control, clear_all, off, release);
}

void __noinline machine_kexec(struct kimage *image) { default_machine_kexec(image); }

int __noinline kernel_kexec(void) {
  if (!next_image.loaded)
    return -EINVAL;
  printk("kexec: starting the new kernel\n");
  if (!fault_on("no-device-shutdown", NULL))
    device_shutdown();
  machine_shutdown();
  machine_kexec(&next_image);
}
