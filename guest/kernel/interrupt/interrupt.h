/* Interrupts: from the vectors to their handlers, the interrupt controller, messages between CPUs, system calls. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include "arch/arch.h"

/* ---- interrupt.S ---- */

/* Where the vectors lead: real mode, registers as entry/head.S leaves them. Not to be called. */
extern char common_interrupt[];

/* ---- traps.c ---- */

/* Called by interrupt.S, translation on, interrupts off. */
void interrupt_dispatch(struct pt_regs *regs);
/* Starts the tick of this CPU, ten a second. */
void decrementer_init(void);

/* ---- system-call.S, traps.c: by sc 0 with the number in r0, from kernel code, the way a program would call ---- */

typedef long (*system_call)(u64 a1, u64 a2, u64 a3, u64 a4);

/* From now on `serve` is system call `number`: there is one system call at most. It runs with the caller's interrupts. */
void system_call_register(u64 number, system_call serve);
long syscall4(u64 number, u64 a1, u64 a2, u64 a3, u64 a4);

/*
 * ---- xics.c: XICS presentation by hypercalls ----
 * Priorities: 0 masks all, 0xff none. XIRR: CPPR in the top byte, source below; source 2 is the IPI, 0 none.
 */
#define XICS_IPI 2
#define XICS_NONE 0
#define IPI_PRIORITY 4
#define PRIORITY_ALL 0xff

void xics_init_cpu(void);
void xics_set_cppr(u8 priority);
void xics_eoi(u32 xirr);
/* The CPU's request register: IPI_PRIORITY raises an IPI, 0xff takes it back. By hardware id. */
void xics_set_mfrr(u32 server, u8 priority);
void external_interrupt(struct pt_regs *regs);

/* XIRR of an interrupt that this CPU is in: 0 outside. For teardown, which must end what was begun. */
extern volatile u32 xirr_in_service[];

/* ---- messages between CPUs ---- */

enum ipi_message { IPI_CALL = 1, IPI_CRASH = 2, IPI_RESCHEDULE = 4 };

/* Sends a message through the interrupt controller; taken by a CPU that has its interrupts on. */
void smp_send(int cpu, enum ipi_message message);

/* Set by the crash path: CPUs that get 0x100 or IPI_CRASH call it, interrupts off, instead of what they would do. It
   may be called twice on a CPU. */
extern void (*volatile crash_ipi_function)(struct pt_regs *regs);

#endif
