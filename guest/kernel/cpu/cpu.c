/* The CPUs' own areas, and waiting by the timebase. boot/cpus.c fills the areas in from the device tree. */
#include "cpu/cpu.h"

#include "arch/arch.h"

struct paca pacas[MAX_CPUS];
int cpu_count;
u64 timebase_hz = 512000000;

bool cpu_parse(const char *text, int *cpu) {
  const char *end;
  u64 number = parse_number(text, &end);
  *cpu = (int)number;
  return end != text && *end == 0 && number < MAX_CPUS && cpu_online(*cpu);
}

void delay_us(u64 us) {
  u64 until = timebase() + us * (timebase_hz / 1000000);
  while (timebase() < until) cpu_relax();
}
