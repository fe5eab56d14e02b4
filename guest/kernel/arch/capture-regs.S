/* The registers of a CPU that no interrupt has stopped. */
#include "arch/arch.h"

	.cfi_sections .debug_frame
	.text

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
