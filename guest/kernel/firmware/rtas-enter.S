/* The call to RTAS. */
#include "arch/arch.h"

	.cfi_sections .debug_frame
	.text

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
