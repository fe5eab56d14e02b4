/*
 * The way of a panic: the CPU that panicked is the master and stops the others, each of which saves its registers as
 * they were when it was stopped. Neither devices nor machine are shut down: the kernel that would do it is broken.
 * Source: seed 004; Linux 6.1 kernel/kexec_core.c and arch/powerpc/kexec/crash.c, whose waits and limits these are.
 *
 * crashipi=nmi: H_SIGNAL_SYS_RESET, which a CPU takes with its interrupts off, too; the IPI where that is refused.
 * crashipi=xics: the IPI, as it was in 2007. Left out: handlers that subsystems register for the crash.
 */
#include "command-line.h"
#include "hcall.h"
#include "kexec.h"
#include "memory.h"
#include "printk.h"
#include "reg.h"
#include "time.h"

#define STOP_SECONDS 10
#define REAL_MODE_SECONDS 10
#define NOBODY (-1)

static int crashing_cpu = NOBODY;
static bool state_saved[MAX_CPUS];
static volatile int cpus_stopped;
static volatile bool time_to_dump;

/* A secondary, inside 0x100 or the IPI; again, where it was stopped by both. */
static void __noinline __noreturn crash_ipi_callback(struct pt_regs *regs) {
  bool early = fault_on("down-early", NULL);
  int cpu = this_cpu();

  irq_save();
  if (!state_saved[cpu]) {
    crash_save_cpu(regs, cpu);
    state_saved[cpu] = true;
    __atomic_add_fetch(&cpus_stopped, 1, __ATOMIC_SEQ_CST);
  }
  while (!early && !time_to_dump)
    barrier();
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

/* Ten seconds; then on without who is missing if a panic timeout is set, else for ever: somebody may press reset. */
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

static void __noinline default_machine_crash_shutdown(struct pt_regs *regs) {
  irq_save();
  crash_kexec_prepare_cpus();
  crash_save_cpu(regs, this_cpu());
  time_to_dump = true;
  crash_kexec_wait_realmode();
  pseries_kexec_cpu_down(1, 0);
}

void __noinline machine_crash_shutdown(struct pt_regs *regs) { default_machine_crash_shutdown(regs); }

void __noinline __crash_kexec(struct pt_regs *regs) {
  struct pt_regs own;
  int nobody = NOBODY;

  if (regs == NULL) {
    capture_regs(&own);
    regs = &own;
  }
  if (!crash_image.loaded)
    return;
  kexec_fault_other_master();
  if (!__atomic_compare_exchange_n(&crashing_cpu, &nobody, this_cpu(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    /* Two panics: the second CPU waits as if it had been stopped. The same CPU again: its first try failed. */
    if (nobody == this_cpu())
      return;
    crash_ipi_callback(regs);
  }
  irq_save();
  kexec_fault_stop_answering();
  notes_crash_time();
  if (fault_on("shutdown-on-panic", NULL))
    machine_shutdown();
  machine_crash_shutdown(regs);
  machine_kexec(&crash_image);
}
