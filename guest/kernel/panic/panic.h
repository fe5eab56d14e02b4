/* Where it goes wrong, and how the machine stops: panic, oops, shutdown, restart. */
#ifndef PANIC_H
#define PANIC_H

#include "arch/arch.h"

/* ---- panic.c ---- */

/* Prints, runs the crash image (never comes back), or without one waits and restarts by panic=. */
void panic(const char *format, ...) __noreturn __printf(1, 2);
/* An oops: prints the registers and panics with them. */
void die(const char *what, struct pt_regs *regs) __noreturn;
extern s64 panic_timeout_seconds; /* panic=; 0: wait for ever, negative: restart at once */

/* Runs the crash image, and comes back where none is loaded. Set by kexec/; NULL before. */
extern void (*crash_hook)(struct pt_regs *regs);
/* Stops the other CPUs for a crash image, where one is loaded; again: nothing. Set by kexec/; NULL before. */
extern void (*crash_stop_hook)(void);

/* ---- machine.c ---- */

/* Devices raise no interrupts any more. */
void machine_shutdown(void);
/* By firmware. */
void machine_restart(void) __noreturn;

/* ---- restart.c ---- */

/* Called by device_shutdown in the reverse order of registration. At most 8. */
void on_device_shutdown(void (*shutdown)(void));
void device_shutdown(void);
void kernel_restart(void) __noreturn;
/* How kernel_restart shuts the machine down: machine_shutdown, unless a fault (faults/) has replaced it. */
extern void (*restart_shutdown)(void);

/* ---- sysrq.c ---- */

/* Input of the console: magic keys. */
void sysrq_input(const char *bytes, int length);

#endif
