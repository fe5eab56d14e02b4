/*
 * From the first instruction to idling. early_setup runs in real mode on the boot CPU, start_kernel with translation;
 * a secondary goes through secondary_setup and start_secondary.
 */
#include "agent.h"
#include "boot.h"
#include "command-line.h"
#include "hcall.h"
#include "interrupt.h"
#include "panic.h"
#include "printk.h"
#include "reg.h"
#include "string.h"
#include "time.h"
#include "tree.h"
#include "vty.h"

#define TREE_ROOM 0x20000

static u8 kept_tree[TREE_ROOM] __aligned(16);
static u64 tree_given, tree_given_bytes;

__noinline struct paca *early_setup(u64 tree, u64 base) {
  kernel_base = base;
  tree_given = tree;
  tree_given_bytes = tree_u32((const void *)(tree + 4));
  local_paca = &pacas[0];
  mtspr(SPR_SPRG1, (u64)local_paca);
  bool kept = tree_keep((const u8 *)tree, kept_tree, sizeof kept_tree);
  if (!kept) panic("the device tree has more than %u bytes", (u32)sizeof kept_tree);
  command_line_read();
  cpus_read();
  platform_init();
  vty_find();
  rtas_read();
  memory_read(tree_given, tree_given_bytes);
  mmu_init();
  mmu_init_cpu();
  return local_paca;
}

void secondary_setup(void) { mmu_init_cpu(); }

/* What each CPU does for itself, translation on, interrupts off. */
static void cpu_up(void) {
  int cpu = this_cpu();
  xics_init_cpu();
  s64 status = vpa_register(cpu);
  if (status != H_SUCCESS) printk("H_REGISTER_VPA of CPU %d says %ld\n", cpu, status);
  decrementer_init();
  local_paca->work_result = do_work(cpu);
  mb();
  local_paca->online = true;
}

__noinline void start_secondary(void) {
  cpu_up();
  idle_loop();
}

/* Waits in the hypervisor; interrupts come, and go on here. */
__noinline void idle_loop(void) {
  for (;;) {
    irq_save();
    hcall(H_CEDE); /* comes back with MSR[EE] set */
    irq_enable();
    if (this_cpu() == 0) agent_run();
  }
}

static void say_hello(void) {
  printk("kdumpd guest: %d CPUs, %s, base 0x%lx, timebase %lu Hz\n", cpu_count, mmu == MMU_HASH ? "hash" : "radix",
         kernel_base, timebase_hz);
  for (int i = 0; i < ram_count; i++) printk("memory: 0x%lx + 0x%lx\n", ram[i].start, ram[i].size);
  if (crash_reservation.size != 0)
    printk("crashkernel: 0x%lx + 0x%lx\n", crash_reservation.start, crash_reservation.size);
}

static void production(void) {
  vty_route(&vtys[0], 0);
  vty_route(&vtys[1], 0);
  agent_start();
  kexec_init();
  memory_publish();
  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (pacas[cpu].online) printk("CPU %d (hardware id %u): work 0x%lx\n", cpu, hard_id(cpu), pacas[cpu].work_result);
  kexec_say_facts();
  if (crash_reservation.size == 0) agent_say("kdumpd-agent ready no-crash-kernel no memory is reserved for a crash kernel");
  else agent_say("kdumpd-agent ready no-crash-kernel waiting for a plan");
}

__noinline void start_kernel(void) {
  const char *timeout = option("panic");
  if (timeout != NULL)
    panic_timeout_seconds = *timeout == '-' ? -(s64)parse_number(timeout + 1, NULL) : (s64)parse_number(timeout, NULL);
  say_hello();
  memory_check();
  cpu_up();
  smp_start_all();
  if (option("elfcorehdr") != NULL) {
    memory_publish();
    irq_enable();
    write_vmcore();
    kernel_restart();
  }
  production();
  idle_loop();
}
