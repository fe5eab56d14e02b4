/*
 * Faults that need code of their own; the others are a question asked where they strike (README.md has the list).
 * All are off unless kdumpd.fault= names them.
 */
#include "command-line.h"
#include "hcall.h"
#include "interrupt.h"
#include "kexec.h"
#include "memory.h"
#include "printk.h"
#include "reg.h"

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
void kexec_fault_late_vpa(void) {
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
