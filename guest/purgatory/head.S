/*
 * The first 0x100 bytes. They belong to the next kernel but for the first word: the loader copies the kernel's there,
 * the old kernel copies them on to address 0, and secondaries run them there at 0x60. So one word must do as entry in
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
