/* A bare machine: registers are 0. Runs the program and stops at attn with the checksum in r3. */
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
	.long	0x00000200		/* attn */

	.bss
	.balign	16
	.space	65536
stack_top:
	.space	128
