/* Calls from one CPU to another. */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "interrupt/interrupt.h"
#include "smp/smp.h"

int smp_call(int cpu, void (*function)(u64), u64 argument) {
  if (!cpu_online(cpu)) return -ENXIO;
  if (cpu == this_cpu()) {
    u64 msr = irq_save();
    function(argument);
    irq_restore(msr);
    return 0;
  }
  if (pacas[cpu].call_function != 0) return -EBUSY;
  pacas[cpu].call_argument = argument;
  mb();
  pacas[cpu].call_function = (u64)function;
  smp_send(cpu, IPI_CALL);
  return 0;
}
