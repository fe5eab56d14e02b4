/*
 * The way out, once it is decided: for an ordinary image after devices and machine are shut down and every CPU parked;
 * for a crash image at once. Function names and the division of work are Linux' (6.1 arch/powerpc/kexec/core_64.c).
 *
 * From the first copied page on, only static kernel memory may be touched: the stack below, pacas, both kimages, and
 * what is code. Copying goes through translation under the hash table, because real mode ends at the RMA; under radix
 * it goes without, because the tables themselves may be copied over.
 */
#include "cpu/cpu.h"
#include "kexec/kexec.h"
#include "mmu/mmu.h"
#include "panic/panic.h"
#include "printk/printk.h"
#include "smp/smp.h"
#include "tree/tree.h"

#define KEXEC_STACK 0x4000

static u8 kexec_stack[KEXEC_STACK] __aligned(KEXEC_STACK);
static volatile bool all_interrupts_off;

/* ---- the other CPUs ---- */

void kexec_take_down_secondary(void) { pseries_kexec_cpu_down(0, 1); }

static void kexec_smp_down(u64 argument) {
  (void)argument;
  irq_save();
  mb();
  WRITE_ONCE(local_paca->kexec_state, KEXEC_IRQS_OFF);
  while (!all_interrupts_off)
    barrier();
  kexec_steps.take_down_secondary();
  kexec_smp_wait();
}

static void wait_for_state(enum kexec_state state) {
  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (cpu != this_cpu() && cpu_online(cpu))
      while (READ_ONCE(pacas[cpu].kexec_state) < state)
        barrier();
  mb();
}

void kexec_take_down_secondaries(void) {
  all_interrupts_off = true;
  wait_for_state(KEXEC_REAL_MODE);
}

void kexec_take_down_cpus(void) {
  kexec_take_down_secondaries();
  pseries_kexec_cpu_down(0, 0);
}

/* No CPU is taken down before all have their interrupts off: no IPI comes after the teardown that ends them. */
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
  kexec_steps.take_down_cpus();
}

/* ---- the way ---- */

void kexec_plan_departure(const struct kimage *image, struct departure *departure) {
  (void)image;
  departure->stack = kexec_stack + KEXEC_STACK;
  departure->clear_all = mmu == MMU_HASH ? hpte_clear_all : NULL;
  departure->copy_in_real_mode = mmu == MMU_RADIX;
  departure->release = option_is("release", "after") ? KEXEC_RELEASE_LAST : KEXEC_RELEASE_COPIED;
}

static void __noreturn __noinline default_machine_kexec(struct kimage *image) {
  struct departure departure;

  kexec_steps.plan_departure(image, &departure);
  if (!image->crash)
    kexec_prepare_cpus();
  printk("kexec: leaving for 0x%lx\n", image->start);
  kexec_sequence(departure.stack, image->start, image, image->control, departure.clear_all,
                 departure.copy_in_real_mode, departure.release);
}

void __noinline machine_kexec(struct kimage *image) { default_machine_kexec(image); }

int __noinline kernel_kexec(void) {
  if (!next_image.loaded)
    return -EINVAL;
  printk("kexec: starting the new kernel\n");
  kexec_steps.shut_down_devices();
  machine_shutdown();
  machine_kexec(&next_image);
}
