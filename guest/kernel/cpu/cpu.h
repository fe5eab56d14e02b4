/*
 * CPUs, spin locks, and time by the timebase. CPUs have logical indexes 0 … cpu_count-1, in the order of the device
 * tree with the boot CPU first; each has a `paca` (its own area), to which r13 points while the kernel runs. All of it
 * is static memory. Constants are for assembly, too.
 */
#ifndef CPU_H
#define CPU_H

#define MAX_CPUS 32
#define STACK_SIZE 0x4000
#define PACA_SIZE 0x400

#define PACA_STACK 0x00
#define PACA_NMI_STACK 0x08
#define PACA_MC_STACK 0x10
#define PACA_TOC 0x18
#define PACA_KERNEL_MSR 0x20
#define PACA_HANDLER 0x28
#define PACA_INDEX 0x30
#define PACA_HARD_ID 0x34
#define PACA_KEXEC_STATE 0x38
#define PACA_NMI_DEPTH 0x3c
#define PACA_SAVE 0x40
#define PACA_SAVE_NMI 0x80
#define PACA_SAVE_MC 0xc0

#ifndef __ASSEMBLER__
#include "lib/lib.h"

/* How far a CPU is on its way into the next kernel; kept for people who read the dump. kexec/ sets it. */
enum kexec_state { KEXEC_NONE = 0, KEXEC_IRQS_OFF = 1, KEXEC_REAL_MODE = 2 };

struct paca {
  u64 stack; /* initial r1, virtual */
  u64 nmi_stack; /* of 0x100 */
  u64 mc_stack; /* of 0x200 */
  u64 toc;
  u64 kernel_msr; /* what vectors continue with: translation on once there is one */
  u64 handler; /* common_interrupt, in the kernel's own copy */
  u32 index; /* logical */
  u32 hard_id; /* what the interrupt controller, RTAS and the next kernel know it by */
  u32 kexec_state;
  u32 nmi_depth; /* > 0: inside 0x100 */
  u64 save[8]; /* registers in a vector's first instructions */
  u64 save_nmi[8];
  u64 save_mc[8];
  volatile bool online;
  volatile u8 ipi_messages; /* bits of enum ipi_message (interrupt/) */
  u64 ticks; /* decrementer interrupts taken */
  u64 interrupts; /* external ones */
  u64 work_result; /* of the piece of work each CPU did at start */
  volatile u64 call_function; /* of smp_call: function and argument */
  volatile u64 call_argument;
} __aligned(PACA_SIZE);

_Static_assert(sizeof(struct paca) == PACA_SIZE, "paca");
_Static_assert(__builtin_offsetof(struct paca, index) == PACA_INDEX, "index");
_Static_assert(__builtin_offsetof(struct paca, hard_id) == PACA_HARD_ID, "hardware id");
_Static_assert(__builtin_offsetof(struct paca, kexec_state) == PACA_KEXEC_STATE, "kexec state");
_Static_assert(__builtin_offsetof(struct paca, save_mc) == PACA_SAVE_MC, "save areas");

extern struct paca pacas[MAX_CPUS];
extern int cpu_count; /* possible CPUs; those up to maxcpus= are brought online */

register struct paca *local_paca __asm__("r13");

static inline int this_cpu(void) { return (int)local_paca->index; }
static inline bool cpu_online(int cpu) { return cpu >= 0 && cpu < cpu_count && pacas[cpu].online; }
static inline u32 hard_id(int cpu) { return pacas[cpu].hard_id; }

/* The online CPU whose logical index `text` is; false where it is none. */
bool cpu_parse(const char *text, int *cpu);

/* Spin locks. The word is 0 when free, else 1 + the logical index of the holder. Take them with interrupts off. */
struct lock {
  volatile u32 holder;
};

void lock_take(struct lock *lock);
bool lock_try(struct lock *lock);
void lock_release(struct lock *lock);

extern u64 timebase_hz;
void delay_us(u64 us);
#endif

#endif
