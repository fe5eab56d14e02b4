/*
 * Where it goes wrong, how the machine stops, and what kexec/ and vmcore/ put in.
 */
#ifndef PANIC_H
#define PANIC_H

#include "trap-frame.h"
#include "types.h"

/* ---- of the core ---- */
/* Prints, runs the crash image (never comes back), or without one waits and reboots by panic=. */
void panic(const char *format, ...) __noreturn __printf(1, 2);
/* An oops: prints the registers and panics with them. */
void die(const char *what, struct pt_regs *regs) __noreturn;
extern s64 panic_timeout_seconds; /* panic=; 0: wait for ever, negative: restart at once */

/* Called by device_shutdown in the reverse order of registration. At most 8. */
void on_device_shutdown(void (*shutdown)(void));
void device_shutdown(void);
void machine_shutdown(void);
void machine_restart(void) __noreturn;
void kernel_restart(void) __noreturn;
/* Registers or takes back the virtual processor area of a CPU. */
s64 vpa_register(int cpu);
s64 vpa_unregister(int cpu);

/* Set by the crash path: CPUs that get 0x100 or IPI_CRASH call it, interrupts off, instead of what they would do. It
   may be called twice on a CPU. */
extern void (*volatile crash_ipi_function)(struct pt_regs *regs);

/* ---- of kexec/ ---- */
/* At boot, after memory, RTAS and before the agent is told "ready": registers commands, allocates notes. */
void kexec_init(void);
/* System call 268; the agent reaches it by sc. Negative: an errno. */
struct kexec_segment {
  const void *buf;
  u64 bufsz;
  u64 mem;
  u64 memsz;
};
long sys_kexec_load(u64 entry, u64 segments, const struct kexec_segment *list, u64 flags);
/* Executes the crash image if one is loaded and nobody did yet; else returns. */
void __crash_kexec(struct pt_regs *regs);
bool crash_image_loaded(void);
/* The line `kdumpd-agent facts …`. */
void kexec_say_facts(void);

/* ---- of vmcore/ ---- */
/* In the crash kernel: writes the dump and says so. */
void write_vmcore(void);

/* System calls by sc 0 with the number in r0, from kernel code: the way a program would call them. */
long syscall4(u64 number, u64 a1, u64 a2, u64 a3, u64 a4);
#define SYSCALL_KEXEC_LOAD 268

#endif
