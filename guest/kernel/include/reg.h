/* Machine state register, special purpose registers. Power ISA 3.1B, Book III, §3.2 and chapter 5. Also for assembly. */
#ifndef REG_H
#define REG_H

#define MSR_SF_SHIFT 63
#define MSR_EE 0x8000
#define MSR_PR 0x4000
#define MSR_ME 0x1000
#define MSR_IR 0x20
#define MSR_DR 0x10
#define MSR_RI 0x2
#define MSR_LE 0x1

#define SPR_DSISR 18
#define SPR_DAR 19
#define SPR_DEC 22
#define SPR_SRR0 26
#define SPR_SRR1 27
#define SPR_CFAR 28
#define SPR_CTRL 152
#define SPR_TB 268
#define SPR_SPRG0 272
#define SPR_SPRG1 273
#define SPR_SPRG2 274
#define SPR_SPRG3 275
#define SPR_PVR 287
#define SPR_PID 48

#ifndef __ASSEMBLER__
#include "types.h"

#define MSR_SF (1ul << MSR_SF_SHIFT)
/* What the kernel runs with, interrupts off. */
#define MSR_KERNEL (MSR_SF | MSR_ME | MSR_RI | MSR_IR | MSR_DR)

#define mfspr(n) ({ u64 v_; __asm__ volatile("mfspr %0,%1" : "=r"(v_) : "i"(n)); v_; })
#define mtspr(n, v) __asm__ volatile("mtspr %0,%1" ::"i"(n), "r"((u64)(v)) : "memory")

static inline u64 mfmsr(void) {
  u64 value;
  __asm__ volatile("mfmsr %0" : "=r"(value));
  return value;
}

static inline void mtmsrd(u64 value) { __asm__ volatile("mtmsrd %0" ::"r"(value) : "memory"); }

/* External and decrementer interrupts of this CPU off; returns what they were, for irq_restore. */
static inline u64 irq_save(void) {
  u64 msr = mfmsr();
  __asm__ volatile("mtmsrd %0,1" ::"r"(msr & ~(u64)MSR_EE) : "memory");
  return msr;
}
static inline void irq_restore(u64 msr) { __asm__ volatile("mtmsrd %0,1" ::"r"(msr) : "memory"); }
static inline void irq_enable(void) { irq_restore(mfmsr() | MSR_EE); }

static inline u64 timebase(void) { return mfspr(SPR_TB); }
#endif

#endif
