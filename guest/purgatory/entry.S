/*
 * Purgatory: what runs between the old kernel and the new one. Entry and exit, in assembly; the checks are in
 * purgatory.c. Real mode, interrupts off, big-endian but for the first instructions.
 *
 * Entered with r3 = the master's hardware id, r4 = this image's address, in the byte order that the old kernel
 * runs in (the convention of kexec: Milton Miller, linuxppc-dev, 9 June 2007, and Linux 6.1's kexec_sequence). Left
 * big-endian with r3 = flattened tree, r4 = kernel, r5 = 0 (Power.org ePAPR 1.1 §5 leaves r5 free; Linux takes 0 for
 * "no client interface").
 */

	.section .entry, "ax"
	.globl	entry
	.type	entry, @function
entry:
	tdi	0, 0, 0x48	/* traps never; the other byte order reads `b . + 8` */
	b	master
	/* The other byte order: each word below is written backwards. Goes to `master` with MSR[LE] cleared. */
	.long	0xa600607d	/* mfmsr  r11 */
	.long	0x01006b69	/* xori   r11, r11, 1 */
	.long	0x05009f42	/* bcl    20, 31, . + 4 */
here:
	.long	0xa602487d	/* mflr   r10 */
	.long	0x14004a39	/* addi   r10, r10, big - here */
	.long	0xa6035a7d	/* mtsrr0 r10 */
	.long	0xa6037b7d	/* mtsrr1 r11 */
	.long	0x2400004c	/* rfid */
big:
	.if	big - here != 0x14
	.error	"the displacement in the swapped addi is wrong"
	.endif
	b	master
	.size	entry, . - entry

	.text
	.globl	master
	.type	master, @function
master:
	or	1, 1, 1		/* low priority: let secondaries that share the core reach their loop */
	isync
	mr	30, 3		/* the master's hardware id */
	mr	31, 4		/* our address, for people who look at registers */

	bcl	20, 31, 1f
1:	mflr	12
	addis	2, 12, (.TOC. - 1b)@ha
	addi	2, 2, (.TOC. - 1b)@l

	addis	6, 2, stack@toc@ha
	ld	1, stack@toc@l(6)
	cmpdi	1, 0		/* not patched: ours */
	bne	2f
	addis	1, 2, own_stack_end@toc@ha
	addi	1, 1, own_stack_end@toc@l
2:	clrrdi	1, 1, 4
	li	0, 0
	stdu	0, -64(1)	/* the chain of frames ends here */

	mr	3, 30
	bl	purgatory	/* comes back only when the kernel may be entered */
	nop

	or	3, 3, 3
	lis	6, 1		/* secondaries may still be on their way from the old wait loop to 0x60 */
	mtctr	6
3:	bdnz	3b

	addis	6, 2, kernel@toc@ha
	ld	4, kernel@toc@l(6)

	addis	6, 2, dt_offset@toc@ha
	ld	3, dt_offset@toc@l(6)
	li	5, 0
	li	6, 0
	li	7, 0
	mr	12, 4
	mtctr	4
	bctr
	.size	master, . - master

	.section .stack, "aw", @nobits
	.balign	16
	.globl	own_stack
own_stack:
	.space	4096
own_stack_end:
	.size	own_stack, . - own_stack
