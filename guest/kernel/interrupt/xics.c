/* XICS presentation, by hypercalls. Source: LoPAR, hcall-interrupt. */
#include "interrupt/interrupt.h"

#include "console/console.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "printk/printk.h"

#define SOURCE 0x00ffffff

volatile u32 xirr_in_service[MAX_CPUS];
void (*volatile crash_ipi_function)(struct pt_regs *regs);

void xics_set_cppr(u8 priority) { hcall(H_CPPR, priority); }
void xics_eoi(u32 xirr) { hcall(H_EOI, xirr); }
void xics_set_mfrr(u32 server, u8 priority) { hcall(H_IPI, server, priority); }

void xics_init_cpu(void) {
  xics_set_mfrr(local_paca->hard_id, 0xff);
  xics_set_cppr(PRIORITY_ALL);
}

void smp_send(int cpu, enum ipi_message message) {
  __atomic_fetch_or(&pacas[cpu].ipi_messages, message, __ATOMIC_SEQ_CST);
  mb();
  xics_set_mfrr(hard_id(cpu), IPI_PRIORITY);
}

static void handle_ipi(struct pt_regs *regs) {
  /* First the request goes, then messages are read: one that comes in between raises another interrupt. */
  xics_set_mfrr(local_paca->hard_id, 0xff);
  mb();
  u8 messages = __atomic_exchange_n(&local_paca->ipi_messages, 0, __ATOMIC_SEQ_CST);
  void (*crash)(struct pt_regs *) = crash_ipi_function;
  if ((messages & IPI_CRASH) != 0 && crash != NULL) crash(regs);
  if ((messages & IPI_CALL) != 0) {
    void (*function)(u64) = (void (*)(u64))local_paca->call_function;
    u64 argument = local_paca->call_argument;
    mb();
    local_paca->call_function = 0;
    function(argument);
  }
}

void external_interrupt(struct pt_regs *regs) {
  u64 result[9];
  while (hcall_results(H_XIRR, result, 0, 0, 0, 0, 0, 0, 0, 0, 0) == H_SUCCESS) {
    u32 xirr = (u32)result[0], source = xirr & SOURCE;
    if (source == XICS_NONE) return;
    xirr_in_service[this_cpu()] = xirr;
    local_paca->interrupts++;
    if (source == XICS_IPI) {
      handle_ipi(regs);
    } else if ((source == vtys[0].source && vtys[0].present) || (source == vtys[1].source && vtys[1].present)) {
      vty_poll();
    } else {
      printk("interrupt of source 0x%x that nobody asked for\n", source);
    }
    xirr_in_service[this_cpu()] = XICS_NONE;
    xics_eoi(xirr);
  }
}
