/*
 * Purgatory: what runs between the old kernel and the new one. Entry and exit, in assembly; the checks are in
 * purgatory.c. Real mode, interrupts off, big-endian but for the first instructions.
 *
 * Entered with r3 = the master's hardware id, r4 = this image's address, in the byte order that the old kernel
 * runs in (the convention of kexec: seed 004, and Linux 6.1's kexec_sequence). Left big-endian with r3 = flattened
 * tree, r4 = kernel, r5 = 0 (Power.org ePAPR 1.1 §5 leaves r5 free; Linux takes 0 for "no client interface").
 *
 * The first 0x100 bytes belong to the next kernel but for the first word: the loader copies the kernel's there, the
 * old kernel copies them on to address 0, and secondaries run them there at 0x60. So one word must do as entry in
 * either byte order.
 */

	.section .head, "ax"
	.globl	purgatory_start
purgatory_start:
	/* Read from either end these four bytes are a branch forward by 0x10148, to `entry`: a relative branch has
	   opcode 18 in its first six bits and its last two bits clear, and 0x48 is both. */
	.long	0x48010148
	.org	purgatory_start + 0x5c
	.globl	run_at_load
run_at_load:			/* "run0": until the loader knows better, a kernel that moves itself to 0 */
	.long	0x72756e30
	.size	run_at_load, . - run_at_load
	.org	purgatory_start + 0x60
slave:				/* only where no loader has put a kernel's own code */
	b	slave
	.org	purgatory_start + 0x100
	.size	purgatory_start, . - purgatory_start

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

/* void purgatory_gave_up(void): the end where the kernel must not be entered. Interrupts are off: nothing leads out. */
	.globl	purgatory_gave_up
	.type	purgatory_gave_up, @function
purgatory_gave_up:
	b	purgatory_gave_up
	.size	purgatory_gave_up, . - purgatory_gave_up

/* s64 put_term_char(u64 unit, u64 length, u64 first, u64 second): H_PUT_TERM_CHAR (LoPAR, virtual terminals) */
	.globl	put_term_char
	.type	put_term_char, @function
put_term_char:
	mr	7, 6
	mr	6, 5
	mr	5, 4
	mr	4, 3
	li	3, 0x58
	sc	1
	blr
	.size	put_term_char, . - put_term_char

	.section .stack, "aw", @nobits
	.balign	16
	.globl	own_stack
own_stack:
	.space	4096
own_stack_end:
	.size	own_stack, . - own_stack
