/* Calls that C cannot make: to the hypervisor, to RTAS, to the kernel's own system call vector. */
#include "cpu.h"
#include "memory.h"
#include "reg.h"
#include "trap-frame.h"

	.cfi_sections .debug_frame
	.text

/* s64 hcall_status(number, a1 … a7): they are already where the hypervisor takes them. */
	.globl	hcall_status
	.type	hcall_status, @function
hcall_status:
	.cfi_startproc
	mfcr	0
	stw	0, 8(1)
	sc	1
	lwz	0, 8(1)
	mtcr	0
	blr
	.cfi_endproc
	.size	hcall_status, . - hcall_status

/* s64 hcall_results(number, result, a1 … a6 in r5 … r10, a7 … a9 in the caller's parameter area) */
	.globl	hcall_results
	.type	hcall_results, @function
hcall_results:
	.cfi_startproc
	mfcr	0
	stw	0, 8(1)
	std	4, -8(1)
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	mr	8, 9
	mr	9, 10
	ld	10, 32 + 8 * 8(1)
	ld	11, 32 + 9 * 8(1)
	ld	12, 32 + 10 * 8(1)
	sc	1
	std	12, -16(1)
	ld	12, -8(1)
	std	4, 0(12)
	std	5, 8(12)
	std	6, 16(12)
	std	7, 24(12)
	std	8, 32(12)
	std	9, 40(12)
	std	10, 48(12)
	std	11, 56(12)
	ld	0, -16(1)
	std	0, 64(12)
	lwz	0, 8(1)
	mtcr	0
	blr
	.cfi_endproc
	.size	hcall_results, . - hcall_results

/* long syscall4(number, a1, a2, a3, a4) */
	.globl	syscall4
	.type	syscall4, @function
syscall4:
	.cfi_startproc
	mr	0, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	sc
	blr
	.cfi_endproc
	.size	syscall4, . - syscall4

/* void capture_regs(struct pt_regs *): those of the caller, as they are when this comes back. */
	.globl	capture_regs
	.type	capture_regs, @function
capture_regs:
	.cfi_startproc
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, REGS_GPR(\n)(3)
	.endr
	mflr	4
	mfmsr	5
	mfctr	6
	mfxer	7
	mfcr	8
	std	4, REGS_NIP(3)
	std	4, REGS_LINK(3)
	std	5, REGS_MSR(3)
	std	6, REGS_CTR(3)
	std	7, REGS_XER(3)
	std	8, REGS_CCR(3)
	std	3, REGS_ORIG_GPR3(3)
	rldicl	5, 5, 49, 63
	std	5, REGS_SOFTE(3)
	li	0, 0
	std	0, REGS_TRAP(3)
	std	0, REGS_DAR(3)
	std	0, REGS_DSISR(3)
	std	0, REGS_RESULT(3)
	blr
	.cfi_endproc
	.size	capture_regs, . - capture_regs

/*
 * void rtas_enter(real address of the arguments, base, entry): interrupts off. RTAS runs in 32-bit real mode and keeps
 * only the low halves of r14 to r31, so that all is kept here; the stack pointer waits in SPRG0.
 */
#define RTAS_FRAME 288
	.globl	rtas_enter
	.type	rtas_enter, @function
rtas_enter:
	.cfi_startproc
	mflr	0
	std	0, 16(1)
	.cfi_offset 65, 16
	stdu	1, -RTAS_FRAME(1)
	.cfi_def_cfa_offset RTAS_FRAME
	std	2, 48(1)
	.irp	n, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, 32 + \n * 8 - 16(1)
	.endr
	mfcr	6
	std	6, 32(1)
	mfmsr	7
	std	7, 40(1)
	mtspr	SPR_SPRG0, 1
	/* No way back from an interrupt while SRR0 and SRR1 are in use. */
	bcl	20, 31, 1f
1:	mflr	8
	addi	8, 8, rtas_return - 1b
	clrldi	8, 8, 4			/* the real address, below 4 GiB */
	mtlr	8
	li	9, MSR_IR | MSR_DR | MSR_RI
	andc	9, 7, 9
	clrldi	9, 9, 1			/* SF off */
	mtspr	SPR_SRR0, 5
	mtspr	SPR_SRR1, 9
	rfid
rtas_return:
	/* Still 32-bit, real: everything but the stack pointer is suspect. */
	mfmsr	3
	li	4, 1
	sldi	4, 4, 63
	or	3, 3, 4
	mtmsrd	3
	isync
	mfspr	1, SPR_SPRG0
	bcl	20, 31, 1f
1:	mflr	8
	addi	8, 8, 2f - 1b
	ld	7, 40(1)
	andi.	9, 7, MSR_DR		/* called with translation on: go back above PAGE_OFFSET */
	beq	3f
	lis	9, PAGE_OFFSET >> 48
	sldi	9, 9, 32
	or	8, 8, 9
3:	mtspr	SPR_SRR0, 8
	mtspr	SPR_SRR1, 7
	rfid
2:	ld	2, 48(1)
	.irp	n, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, 32 + \n * 8 - 16(1)
	.endr
	ld	6, 32(1)
	mtcr	6
	addi	1, 1, RTAS_FRAME
	.cfi_def_cfa_offset 0
	ld	0, 16(1)
	mtlr	0
	blr
	.cfi_endproc
	.size	rtas_enter, . - rtas_enter
