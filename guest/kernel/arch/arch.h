/*
 * The processor as the kernel sees it: its registers, the registers of an interrupted CPU, and the linear mapping.
 * Power ISA 3.1B, Book III, §3.2 and chapter 5. Constants are for assembly, too.
 */
#ifndef ARCH_H
#define ARCH_H

/* ---- machine state register, special purpose registers ---- */
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

/*
 * ---- struct pt_regs ----
 * The registers of an interrupted CPU, as every vector leaves them on the stack and as NT_PRSTATUS has them: Linux'
 * struct pt_regs for ppc64 (include/uapi/asm/ptrace.h), whose first 48 doublewords are the note's register set.
 */
#define REGS_GPR(n) ((n) * 8)
#define REGS_NIP 256
#define REGS_MSR 264
#define REGS_ORIG_GPR3 272
#define REGS_CTR 280
#define REGS_LINK 288
#define REGS_XER 296
#define REGS_CCR 304
#define REGS_SOFTE 312
#define REGS_TRAP 320
#define REGS_DAR 328
#define REGS_DSISR 336
#define REGS_RESULT 344
#define REGS_SIZE 384

/* The frame of an interrupt: a header as the ABI has it, the registers; and below the old r1 what leaf functions use. */
#define FRAME_REGS 112
#define FRAME_SIZE (FRAME_REGS + REGS_SIZE)
#define RED_ZONE 288

/*
 * ---- the linear mapping ----
 * The kernel is linked at PAGE_OFFSET; virtual = real + PAGE_OFFSET always. In real mode the processor ignores the top
 * bits, so that the same pointers work.
 */
#define PAGE_OFFSET 0xc000000000000000
#define PAGE_SHIFT 16
#define PAGE_SIZE 0x10000

#ifndef __ASSEMBLER__
#include "lib/lib.h"

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

struct pt_regs {
  u64 gpr[32];
  u64 nip;
  u64 msr;
  u64 orig_gpr3;
  u64 ctr;
  u64 link;
  u64 xer;
  u64 ccr;
  u64 softe;
  u64 trap; /* the vector: 0x100, 0x300 … ; 0 for registers that were taken by capture_regs */
  u64 dar;
  u64 dsisr;
  u64 result;
  u64 unused[4];
};

_Static_assert(sizeof(struct pt_regs) == REGS_SIZE, "registers");
_Static_assert(__builtin_offsetof(struct pt_regs, nip) == REGS_NIP, "nip");
_Static_assert(__builtin_offsetof(struct pt_regs, trap) == REGS_TRAP, "trap");

/* The caller's own registers, with nip at the return from this call: for a panic that no interrupt began. */
void capture_regs(struct pt_regs *regs);

#define __va(raddr) ((void *)((u64)(raddr) + PAGE_OFFSET))
#define __pa(pointer) ((u64)(pointer) - PAGE_OFFSET)

/* Of the image (kernel.lds): [_stext, _end) is static kernel memory, code, data, stacks and pacas. */
extern char _stext[], _etext[], _sdata[], _edata[], _end[];

/* Waiting in a loop: lowers the thread's priority and comes back. */
static inline void cpu_relax(void) { __asm__ volatile("or 1,1,1\n\tor 2,2,2" ::: "memory"); }
#endif

#endif
