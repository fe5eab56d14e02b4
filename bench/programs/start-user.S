/* A Linux process: the same, and the checksum goes to standard output as eight bytes. */
	.abiversion 2
	.globl _start
_start:
	lis	2, .TOC.@ha
	addi	2, 2, .TOC.@l
	lis	1, stack_top@ha
	addi	1, 1, stack_top@l
	lis	3, rounds@ha
	addi	3, 3, rounds@l
	bl	run
	nop
	std	3, 0(1)
	li	0, 4			/* write(1, r1, 8) */
	li	3, 1
	mr	4, 1
	li	5, 8
	sc
	li	0, 1			/* exit(0) */
	li	3, 0
	sc

	.bss
	.balign	16
	.space	65536
stack_top:
	.space	128
