/*
 * The registers of an interrupted CPU, as every vector leaves them on the stack and as NT_PRSTATUS has them: Linux'
 * struct pt_regs for ppc64 (include/uapi/asm/ptrace.h), whose first 48 doublewords are the note's register set.
 * Offsets are for assembly, too.
 */
#ifndef TRAP_FRAME_H
#define TRAP_FRAME_H

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

#ifndef __ASSEMBLER__
#include "types.h"

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
#endif

#endif
