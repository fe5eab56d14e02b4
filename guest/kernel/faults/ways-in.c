/* Faults of how a way out begins: another master, a CPU that will not stop, a shutdown too many or too few. */
#include "cpu/cpu.h"
#include "faults/faults.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"
#include "panic/panic.h"
#include "smp/smp.h"

/* ---- other-master:N: the CPU that panicked has CPU N continue, and waits to be stopped as any other ---- */

static void crash_here(u64 argument) {
  (void)argument;
  __crash_kexec(NULL);
}

static void hand_crash_over(struct pt_regs *regs) {
  u64 cpu;

  if (fault_on("other-master", &cpu) && (int)cpu != this_cpu() && smp_call((int)cpu, crash_here, 0) == 0)
    for (;;)
      barrier();
  kexec_crash(regs);
}

/* ---- kexec-locked: as if another CPU were loading an image: crash kexec is tried, and returns ---- */

static void crash_refused(struct pt_regs *regs) { (void)regs; }

/* ---- irq-off:N, shutdown-on-panic ---- */

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

static void stop_answering(void) {
  u64 cpu;

  if (!fault_on("irq-off", &cpu) || (int)cpu == this_cpu() || smp_call((int)cpu, spin_for_ever, 0) != 0)
    return;
  while (!not_answering)
    barrier();
}

static void crash_shutdown(struct pt_regs *regs) {
  stop_answering();
  if (fault_on("shutdown-on-panic", NULL))
    machine_shutdown();
  machine_crash_shutdown(regs);
}

/* ---- no-device-shutdown, no-machine-shutdown ---- */

static void no_shutdown(void) {}

void faults_of_restart(void) {
  if (fault_on("no-machine-shutdown", NULL))
    restart_shutdown = no_shutdown;
}

void faults_of_the_ways_in(void) {
  if (fault_on("other-master", NULL))
    kexec_steps.crash = hand_crash_over;
  if (fault_on("kexec-locked", NULL))
    kexec_steps.crash = crash_refused;
  if (fault_on("irq-off", NULL) || fault_on("shutdown-on-panic", NULL))
    kexec_steps.crash_shutdown = crash_shutdown;
  if (fault_on("no-device-shutdown", NULL))
    kexec_steps.shut_down_devices = no_shutdown;
}
