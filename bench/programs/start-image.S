/*
 * A firmware image, the same for a bare machine here and for qemu-system-ppc64 (-bios): it is loaded at 0 and entered at
 * 0x100 in big-endian order. It runs the program in little-endian order and writes 16 bytes to the first terminal by a
 * hypercall: the checksum and what the timebase counted. Without a hypervisor the call is an interrupt, where attn stops
 * the machine; r31 and r30 hold the same two.
 */
	.abiversion 2
	.globl _start
	.org	0x100
_start:
	.byte	0x7c, 0x80, 0x00, 0xa6	/* mfmsr r4 */
	.byte	0x64, 0x84, 0x02, 0x80	/* oris r4, r4, VEC | VSX */
	.byte	0x60, 0x84, 0x20, 0x01	/* ori r4, r4, FP | LE */
	.byte	0x7c, 0x9b, 0x03, 0xa6	/* mtsrr1 r4 */
	.byte	0x38, 0xa0, 0x10, 0x00	/* li r5, little */
	.byte	0x7c, 0xba, 0x03, 0xa6	/* mtsrr0 r5 */
	.byte	0x4c, 0x00, 0x00, 0x24	/* rfid */

	.org	0xc00
	.byte	0x00, 0x00, 0x02, 0x00	/* attn, in either order of interrupts' handlers: big-endian here */

	.org	0x1000
little:
	lis	2, .TOC.@ha
	addi	2, 2, .TOC.@l
	lis	1, stack_top@ha
	addi	1, 1, stack_top@l
	lis	3, rounds@ha
	addi	3, 3, rounds@l
	mftb	30
	bl	run
	nop
	mftb	4
	subf	30, 30, 4
	mr	31, 3
	std	31, 0(1)		/* characters are passed in big-endian registers: the bytes as they lie in memory */
	ldbrx	6, 0, 1
	std	30, 0(1)
	ldbrx	7, 0, 1
	li	3, 0x58			/* H_PUT_TERM_CHAR */
	lis	4, 0x7100		/* the first terminal of QEMU's pseries machine */
	li	5, 16
	sc	1
0:	b	0b

	.bss
	.balign	16
	.space	65536
stack_top:
	.space	128
