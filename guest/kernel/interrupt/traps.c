/* Interrupts by their vectors: Power ISA 3.0B, Book III, §6.5. What the kernel itself does wrong is an oops. */
#include "interrupt/interrupt.h"

#include "console/console.h"
#include "cpu/cpu.h"
#include "mmu/mmu.h"
#include "panic/panic.h"

#define TICKS_A_SECOND 10

void decrementer_init(void) { mtspr(SPR_DEC, timebase_hz / TICKS_A_SECOND); }

static void timer_interrupt(void) {
  decrementer_init();
  local_paca->ticks++;
  vty_poll();
}

/* From outside (an operator's NMI), or from a CPU that stops the others. */
__noinline void system_reset_exception(struct pt_regs *regs) {
  void (*crash)(struct pt_regs *) = crash_ipi_function;
  if (crash != NULL) {
    crash(regs);
    return;
  }
  die("System Reset", regs);
}

static struct {
  u64 number;
  system_call serve;
} registered;

void system_call_register(u64 number, system_call serve) {
  registered.number = number;
  registered.serve = serve;
}

static void serve_system_call(struct pt_regs *regs) {
  long result = -ENOSYS;
  irq_restore(regs->msr);
  if (registered.serve != NULL && regs->gpr[0] == registered.number)
    result = registered.serve(regs->gpr[3], regs->gpr[4], regs->gpr[5], regs->gpr[6]);
  irq_save();
  regs->gpr[3] = (u64)result;
}

/* What an oops says, by vector / 0x80. */
static const char *const oopses[] = {
  [0x200 / 0x80] = "Machine check",
  [0x300 / 0x80] = "Unable to handle kernel data access",
  [0x380 / 0x80] = "No segment for a data access",
  [0x400 / 0x80] = "Unable to handle kernel instruction fetch",
  [0x480 / 0x80] = "No segment for an instruction fetch",
  [0x600 / 0x80] = "Alignment",
  [0x700 / 0x80] = "Program check",
  [0x800 / 0x80] = "Floating point is not for the kernel",
};

static void oops(struct pt_regs *regs) {
  u64 cause = regs->trap / 0x80;
  die(cause < ARRAY_SIZE(oopses) && oopses[cause] != NULL ? oopses[cause] : "Unexpected interrupt", regs);
}

void interrupt_dispatch(struct pt_regs *regs) {
  switch (regs->trap) {
    case 0x100:
      system_reset_exception(regs);
      return;
    case 0x380:
      if (mmu != MMU_HASH || !hash_segment_miss(regs->dar)) oops(regs);
      return;
    case 0x480:
      if (mmu != MMU_HASH || !hash_segment_miss(regs->nip)) oops(regs);
      return;
    case 0x500:
      external_interrupt(regs);
      return;
    case 0x900:
      timer_interrupt();
      return;
    case 0xc00:
      serve_system_call(regs);
      return;
    default:
      oops(regs);
  }
}
