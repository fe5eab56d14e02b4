/*
 * From a vector to C and back: the interrupted registers go on the stack as struct pt_regs. System reset and machine
 * check have stacks of their own, because they come while others are being changed; a system reset inside one continues
 * below it.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"

	.cfi_sections .debug_frame
	.text

/* Real mode; registers as head.S leaves them. */
	.globl	common_interrupt
	.type	common_interrupt, @function
common_interrupt:
	std	11, 32(9)		/* CTR */
	std	1, 40(9)
	cmpwi	10, 0x100
	beq	2f
	cmpwi	10, 0x200
	beq	1f
	addi	1, 1, -(FRAME_SIZE + RED_ZONE)
	b	3f
1:	ld	1, PACA_MC_STACK(13)
	addi	1, 1, -FRAME_SIZE
	b	3f
2:	lwz	11, PACA_NMI_DEPTH(13)
	addi	11, 11, 1
	stw	11, PACA_NMI_DEPTH(13)
	cmpwi	11, 1
	addi	1, 1, -(FRAME_SIZE + RED_ZONE)
	bne	3f
	ld	1, PACA_NMI_STACK(13)
	addi	1, 1, -FRAME_SIZE

3:	std	0, FRAME_REGS + REGS_GPR(0)(1)
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	std	\n, FRAME_REGS + REGS_GPR(\n)(1)
	.endr
	ld	3, 0(9)
	ld	4, 8(9)
	ld	5, 16(9)
	ld	6, 24(9)
	ld	7, 32(9)
	ld	8, 40(9)
	mfspr	0, SPR_SPRG2
	std	3, FRAME_REGS + REGS_GPR(9)(1)
	std	4, FRAME_REGS + REGS_GPR(10)(1)
	std	5, FRAME_REGS + REGS_GPR(11)(1)
	std	6, FRAME_REGS + REGS_GPR(12)(1)
	std	0, FRAME_REGS + REGS_GPR(13)(1)
	std	7, FRAME_REGS + REGS_CTR(1)
	std	8, FRAME_REGS + REGS_GPR(1)(1)
	std	8, 0(1)			/* the chain of frames continues in what was interrupted */
	std	12, FRAME_REGS + REGS_CCR(1)
	std	10, FRAME_REGS + REGS_TRAP(1)
	mfspr	3, SPR_SRR0
	mfspr	4, SPR_SRR1
	mflr	5
	mfxer	6
	mfspr	7, SPR_DAR
	mfspr	8, SPR_DSISR
	std	3, FRAME_REGS + REGS_NIP(1)
	std	3, 16(1)
	std	4, FRAME_REGS + REGS_MSR(1)
	std	5, FRAME_REGS + REGS_LINK(1)
	std	6, FRAME_REGS + REGS_XER(1)
	std	7, FRAME_REGS + REGS_DAR(1)
	std	8, FRAME_REGS + REGS_DSISR(1)
	rldicl	9, 4, 49, 63		/* MSR[EE] */
	std	9, FRAME_REGS + REGS_SOFTE(1)
	ld	3, FRAME_REGS + REGS_GPR(3)(1)
	std	3, FRAME_REGS + REGS_ORIG_GPR3(1)
	li	0, 0
	std	0, FRAME_REGS + REGS_RESULT(1)
	ld	2, PACA_TOC(13)
	addis	11, 2, interrupt_in_kernel@toc@ha
	addi	11, 11, interrupt_in_kernel@toc@l
	mtspr	SPR_SRR0, 11
	ld	12, PACA_KERNEL_MSR(13)
	mtspr	SPR_SRR1, 12
	rfid
	.size	common_interrupt, . - common_interrupt

/*
 * As the rest of the kernel runs. Debuggers find every register of the interrupted function by this frame; where it
 * was is column 67, because LR (65) is a register of its own here.
 */
	.globl	interrupt_in_kernel
	.type	interrupt_in_kernel, @function
	.cfi_startproc
	.cfi_signal_frame
	.cfi_return_column 67
	.cfi_def_cfa 1, FRAME_SIZE
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	.cfi_offset \n, REGS_GPR(\n) - REGS_SIZE
	.endr
	.cfi_offset 65, REGS_LINK - REGS_SIZE
	.cfi_offset 66, REGS_CTR - REGS_SIZE
	.cfi_offset 67, REGS_NIP - REGS_SIZE
	nop				/* so that the frame's address is inside what it describes */
interrupt_in_kernel:
	addi	3, 1, FRAME_REGS
	bl	interrupt_dispatch
	nop
	/* Back. From here on an interrupt would lose SRR0 and SRR1: RI says so. */
	mfmsr	4
	rldicl	4, 4, 48, 1
	rotldi	4, 4, 16		/* EE off */
	li	5, MSR_RI
	andc	4, 4, 5
	mtmsrd	4, 1
	ld	10, FRAME_REGS + REGS_TRAP(1)
	cmpwi	10, 0x100
	bne	1f
	lwz	11, PACA_NMI_DEPTH(13)
	addi	11, 11, -1
	stw	11, PACA_NMI_DEPTH(13)
1:	ld	3, FRAME_REGS + REGS_NIP(1)
	ld	4, FRAME_REGS + REGS_MSR(1)
	ld	5, FRAME_REGS + REGS_LINK(1)
	ld	6, FRAME_REGS + REGS_XER(1)
	ld	7, FRAME_REGS + REGS_CTR(1)
	ld	8, FRAME_REGS + REGS_CCR(1)
	mtspr	SPR_SRR0, 3
	mtspr	SPR_SRR1, 4
	mtlr	5
	mtxer	6
	mtctr	7
	mtcr	8
	.irp	n, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	\n, FRAME_REGS + REGS_GPR(\n)(1)
	.endr
	ld	1, FRAME_REGS + REGS_GPR(1)(1)
	rfid
	.cfi_endproc
	.size	interrupt_in_kernel, . - interrupt_in_kernel
