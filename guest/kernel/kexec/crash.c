/*
 * The way of a panic: the CPU that panicked is the master and stops the others, each of which saves the registers that
 * it was stopped with. Neither devices nor machine are shut down: the kernel that would do it is broken.
 * Source: Milton Miller, linuxppc-dev, 9 June 2007 ("PS3: Kexec support (and a tutoral on the kexec flow for 64 bit
 * powerpc)"); Linux 6.1 kernel/kexec_core.c and arch/powerpc/kexec/crash.c, whose waits and limits these are.
 *
 * crashipi=nmi: H_SIGNAL_SYS_RESET, which a CPU takes with its interrupts off, too; the IPI where that is refused.
 * crashipi=xics: the IPI, which is how it was in 2007. Left out: handlers that subsystems register for the crash.
 */
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"
#include "panic/panic.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define STOP_SECONDS 10
#define REAL_MODE_SECONDS 10
#define NO_CPU (-1)

static int crashing_cpu = NO_CPU;
static bool state_saved[MAX_CPUS];
static volatile int cpus_stopped;
static volatile bool time_to_dump;

void kexec_wait_for_go_ahead(void) {
  while (!time_to_dump)
    barrier();
}

/* A secondary, inside 0x100 or the IPI; again, where it was stopped by both. */
static void __noinline __noreturn crash_ipi_callback(struct pt_regs *regs) {
  int cpu = this_cpu();

  irq_save();
  if (!state_saved[cpu]) {
    crash_save_cpu(regs, cpu);
    state_saved[cpu] = true;
    __atomic_add_fetch(&cpus_stopped, 1, __ATOMIC_SEQ_CST);
  }
  kexec_steps.wait_for_go_ahead();
  pseries_kexec_cpu_down(1, 1);
  kexec_smp_wait();
}

static void stop_cpu(int cpu) {
  if (option_is("crashipi", "xics") || hcall(H_SIGNAL_SYS_RESET, hard_id(cpu)) != H_SUCCESS)
    smp_send(cpu, IPI_CRASH);
}

static bool wait_for_all(int count, u64 seconds) {
  u64 end = timebase() + seconds * timebase_hz;

  while (cpus_stopped < count)
    if (timebase() > end)
      return false;
  return true;
}

/* Ten seconds; then continues without the missing CPUs if a panic timeout is set, else waits for a system reset. */
static void __noinline crash_kexec_prepare_cpus(void) {
  int count = 0;

  crash_ipi_function = (void (*)(struct pt_regs *))crash_ipi_callback;
  mb();
  for (int cpu = 0; cpu < cpu_count; cpu++) {
    if (cpu == this_cpu() || !cpu_online(cpu))
      continue;
    count++;
    stop_cpu(cpu);
  }
  printk("kexec: stopping %d other CPUs\n", count);
  if (wait_for_all(count, STOP_SECONDS))
    return;
  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (cpu != this_cpu() && cpu_online(cpu) && !state_saved[cpu])
      printk("kexec: CPU %d (hardware id %u) does not answer\n", cpu, hard_id(cpu));
  if (panic_timeout_seconds > 0)
    return;
  printk("kexec: waiting for a system reset\n");
  while (cpus_stopped < count)
    barrier();
}

/* Of those that answered. Translation may go when none of them needs it any more. */
static void crash_kexec_wait_realmode(void) {
  u64 end = timebase() + REAL_MODE_SECONDS * timebase_hz;

  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (cpu != this_cpu() && state_saved[cpu])
      while (READ_ONCE(pacas[cpu].kexec_state) < KEXEC_REAL_MODE && timebase() < end)
        barrier();
  mb();
}

/* Once: with crash_kexec_post_notifiers before the crash image has its turn. */
void __noinline crash_kexec_prepare(void) {
  static bool prepared;

  if (!crash_image.loaded || prepared)
    return;
  prepared = true;
  crash_kexec_prepare_cpus();
}

static void __noinline default_machine_crash_shutdown(struct pt_regs *regs) {
  irq_save();
  crash_kexec_prepare();
  crash_save_cpu(regs, this_cpu());
  time_to_dump = true;
  crash_kexec_wait_realmode();
  pseries_kexec_cpu_down(1, 0);
}

void __noinline machine_crash_shutdown(struct pt_regs *regs) { default_machine_crash_shutdown(regs); }

void kexec_crash(struct pt_regs *regs) {
  int other = NO_CPU;

  if (!__atomic_compare_exchange_n(&crashing_cpu, &other, this_cpu(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    /* Two panics: the second CPU waits as if it had been stopped. The same CPU again: its first try failed. */
    if (other == this_cpu())
      return;
    crash_ipi_callback(regs);
  }
  irq_save();
  notes_crash_time();
  kexec_steps.crash_shutdown(regs);
  machine_kexec(&crash_image);
}

void __noinline __crash_kexec(struct pt_regs *regs) {
  struct pt_regs own;

  if (regs == NULL) {
    capture_regs(&own);
    regs = &own;
  }
  if (crash_image.loaded)
    kexec_steps.crash(regs);
}
