/*
 * Panic and oops. The crash image goes first, and does not come back; without one the CPU calls RTAS ibm,os-term and
 * restarts after panic= seconds, or waits for ever. With crash_kexec_post_notifiers the other CPUs are stopped and firmware
 * is told first, and an oops goes through panic (Linux 6.1 kernel/panic.c, kernel/kexec_core.c kexec_should_crash).
 */
#include "panic/panic.h"

#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define NO_CPU (-1)

s64 panic_timeout_seconds;
void (*crash_hook)(struct pt_regs *regs);
void (*crash_stop_hook)(void);

static char message[160];
static volatile int panic_cpu = NO_CPU;

/* The first CPU to panic continues; another waits to be stopped; the same one comes through again. */
static void enter_panic(void) {
  int other = NO_CPU;
  if (__atomic_compare_exchange_n(&panic_cpu, &other, this_cpu(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  if (other == this_cpu()) return;
  irq_enable();
  for (;;) cpu_relax();
}

static bool notifies_first(void) { return option("crash_kexec_post_notifiers") != NULL; }

static void tell_firmware(void) { rtas_call(rtas_token("ibm,os-term"), 1, 1, NULL, (u32)__pa(message)); }

static void wait_and_restart(void) {
  if (!notifies_first()) tell_firmware();
  if (panic_timeout_seconds > 0) {
    printk("Rebooting in %ld seconds..\n", panic_timeout_seconds);
    delay_us((u64)panic_timeout_seconds * 1000000);
  }
  if (panic_timeout_seconds != 0) machine_restart();
  printk("---[ end Kernel panic - not syncing: %s ]---\n", message);
  for (;;) cpu_relax();
}

static void run_crash_image(struct pt_regs *regs) {
  if (crash_hook != NULL) crash_hook(regs);
}

__noinline void panic(const char *format, ...) {
  struct pt_regs regs;
  va_list arguments;
  irq_save();
  enter_panic();
  va_start(arguments, format);
  vsnprint(message, sizeof message, format, arguments);
  va_end(arguments);
  printk("Kernel panic - not syncing: %s\n", message);
  capture_regs(&regs);
  if (notifies_first()) {
    if (crash_stop_hook != NULL) crash_stop_hook();
    tell_firmware();
  }
  run_crash_image(&regs);
  wait_and_restart();
  __builtin_unreachable();
}

static void show_registers(const struct pt_regs *regs) {
  printk("CPU %d NIP %p LR %p CTR %p TRAP 0x%lx\n", this_cpu(), (void *)regs->nip, (void *)regs->link, (void *)regs->ctr,
         regs->trap);
  printk("MSR %p CR %08x XER %08x DAR %p DSISR %08x\n", (void *)regs->msr, (u32)regs->ccr, (u32)regs->xer,
         (void *)regs->dar, (u32)regs->dsisr);
  for (int i = 0; i < 32; i += 4)
    printk("r%02d %016lx %016lx %016lx %016lx\n", i, regs->gpr[i], regs->gpr[i + 1], regs->gpr[i + 2], regs->gpr[i + 3]);
}

__noinline void die(const char *what, struct pt_regs *regs) {
  irq_save();
  enter_panic();
  printk("Oops: %s\n", what);
  show_registers(regs);
  if (!notifies_first()) run_crash_image(regs);
  panic("Fatal exception");
}
