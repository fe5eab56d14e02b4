/*
 * From the first instruction to idling. early_setup runs in real mode on the boot CPU, start_kernel with translation;
 * a secondary goes through secondary_setup and start_secondary.
 */
#include "arch/arch.h"
#include "boot/boot.h"
#include "console/console.h"
#include "faults/faults.h"
#include "firmware/firmware.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"
#include "memory/memory.h"
#include "mmu/mmu.h"
#include "panic/panic.h"
#include "printk/printk.h"
#include "smp/smp.h"
#include "tree/tree.h"
#include "vmcore/vmcore.h"

#define TREE_ROOM 0x20000

static u8 kept_tree[TREE_ROOM] __aligned(16);
static u64 entry_of_secondaries;

__noinline struct paca *early_setup(u64 tree, u64 base, u64 secondary_entry) {
  u32 tree_bytes = tree_u32((const void *)(tree + 4));
  kernel_base = base;
  entry_of_secondaries = secondary_entry;
  local_paca = &pacas[0];
  mtspr(SPR_SPRG1, (u64)local_paca);
  bool kept = tree_keep((const u8 *)tree, kept_tree, sizeof kept_tree);
  if (!kept) panic("the device tree has more than %u bytes", (u32)sizeof kept_tree);
  command_line_read();
  faults_before_memory();
  cpus_read();
  platform_init();
  console_init();
  rtas_read();
  memory_read(tree, tree_bytes);
  faults_after_memory();
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

/* Waits in the hypervisor; interrupts come, and return here. */
__noinline __noreturn static void idle_loop(void) {
  for (;;) {
    irq_save();
    hcall(H_CEDE); /* comes back with MSR[EE] set */
    irq_enable();
    if (this_cpu() == 0) agent_run();
  }
}

__noinline void start_secondary(void) {
  cpu_up();
  idle_loop();
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
  kexec_init();
  faults_begin();
  memory_publish();
  for (int cpu = 0; cpu < cpu_count; cpu++)
    if (pacas[cpu].online) printk("CPU %d (hardware id %u): work 0x%lx\n", cpu, hard_id(cpu), pacas[cpu].work_result);
  kexec_say_facts();
  if (crash_reservation.size == 0) agent_say("kdumpd-agent ready no-crash-kernel no memory is reserved for a crash kernel");
  else agent_say("kdumpd-agent ready no-crash-kernel waiting for a plan");
}

__noreturn static void crash_kernel(void) {
  memory_publish();
  irq_enable();
  faults_before_dump();
  write_vmcore();
  kernel_restart();
}

/* panic=SECONDS, which may be negative. */
static void read_panic_timeout(void) {
  const char *text = option("panic");
  if (text == NULL) return;
  panic_timeout_seconds = *text == '-' ? -(s64)parse_number(text + 1, NULL) : (s64)parse_number(text, NULL);
}

__noinline void start_kernel(void) {
  read_panic_timeout();
  vtys[0].input = sysrq_input;
  vtys[1].input = agent_input;
  say_hello();
  memory_check();
  cpu_up();
  smp_start_all(entry_of_secondaries);
  if (option("elfcorehdr") != NULL) crash_kernel();
  production();
  idle_loop();
}
