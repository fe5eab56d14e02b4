/* Puts the steps of production together, and connects kexec with the parts of the kernel below it. */
#include "block/block.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"
#include "panic/panic.h"

static const struct kexec_steps production = {
  .check_payload = kexec_check_payload,
  .prepare = machine_kexec_prepare,
  .check_places = kexec_check_places,
  .cleanup = machine_kexec_cleanup,

  .crash = kexec_crash,
  .crash_shutdown = machine_crash_shutdown,
  .save_registers = kexec_write_note,
  .wait_for_go_ahead = kexec_wait_for_go_ahead,

  .shut_down_devices = device_shutdown,
  .take_down_cpus = kexec_take_down_cpus,
  .take_down_secondary = kexec_take_down_secondary,

  .teardown = kexec_teardown,
  .teardown_thread = kexec_teardown_thread,
  .take_back_vpa = kexec_take_back_vpa,
  .end_interrupts = kexec_end_interrupts,
  .plan_departure = kexec_plan_departure,
};

void kexec_init(void) {
  kexec_steps = production;
  notes_init();
  block_init();
  on_device_shutdown(block_shutdown);
  system_call_register(SYSCALL_KEXEC_LOAD, sys_kexec_load);
  crash_hook = __crash_kexec;
  crash_stop_hook = crash_kexec_prepare;
}
