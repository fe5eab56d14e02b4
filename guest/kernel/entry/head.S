/*
 * The first bytes of the kernel: where it is entered, where secondaries wait, the interrupt vectors.
 *
 *   0x00  entry of the boot CPU, in either byte order: r3 = flattened tree, r4 = where this image lies (real), r5 = 0
 *   0x08  hold word: 0, or the real address that waiting secondaries go to
 *   0x10  acknowledge: hardware id + 1 of the secondary that came last into the loop
 *   0x18  left 0 (a loader would take another value for the abandoned ABI with a flag here)
 *   0x20  left 0 up to 0x38: the hypervisor's
 *   0x5c  run at load: "run0"; a loader stores 1 for "stay where you are"
 *   0x60  entry of secondaries, in either byte order: r3 = hardware id; they wait here for the hold word
 *   0x100 vectors
 *
 * All of [0, 0x1000) is position independent and uses only absolute low addresses and the paca, because it is copied
 * to real address 0 whatever the kernel's own place is.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"

#define HOLD_WORD 0x08
#define HOLD_ACKNOWLEDGE 0x10
#define RUN_AT_LOAD 0x5c
#define VECTORS_END 0x1000
#define FIRST_PART 0x10000

/* A CPU in the other byte order continues at `\to`, big-endian. Each word is written backwards; r10, r11, LR change. */
.macro TURN_AROUND to
	.long	0xa600607d		/* mfmsr  r11 */
	.long	0x01006b69		/* xori   r11, r11, 1 */
	.long	0x05009f42		/* bcl    20, 31, . + 4 */
	.long	0xa602487d		/* mflr   r10 */
	.long	0x14004a39		/* addi   r10, r10, 0x14 */
	.long	0xa6035a7d		/* mtsrr0 r10 */
	.long	0xa6037b7d		/* mtsrr1 r11 */
	.long	0x2400004c		/* rfid */
	b	\to
.endm

	.cfi_sections .debug_frame
	.section .head, "ax"
first:
	.long	0x48000048		/* `b . + 0x48`, read from either end */
	.long	0
	.globl	__secondary_hold_word
__secondary_hold_word:
	.quad	0
	.globl	__secondary_hold_acknowledge
__secondary_hold_acknowledge:
	.quad	0
	.org	first + 0x48
	tdi	0, 0, 0x48		/* never traps; the other byte order reads `b . + 8` */
	b	boot_cpu
	.long	0x70000048		/* the other byte order: `b . + 0x70`, to 0xc0 */
	.org	first + RUN_AT_LOAD
	.globl	__run_at_load
__run_at_load:
	.long	0x72756e30

	.org	first + 0x60
	.globl	secondary_hold
	.type	secondary_hold, @function
secondary_hold:
	tdi	0, 0, 0x48
	b	1f
	TURN_AROUND 1f
1:	addi	4, 3, 1
	std	4, HOLD_ACKNOWLEDGE(0)
2:	ld	5, HOLD_WORD(0)
	cmpdi	5, 0
	beq	2b
	mtctr	5
	isync
	bctr
	.size	secondary_hold, . - secondary_hold

	.org	first + 0xc0
	TURN_AROUND boot_cpu
	.org	first + 0x100

/*
 * A vector: saves what it needs in the paca, whose address SPRG1 holds, and jumps to the handler of the kernel that
 * the paca belongs to, with r9 = save area, r10 = vector, r11 = CTR, r12 = CR and the old r13 in SPRG2.
 */
.macro SAVE_AND_GO vector, save
	mtspr	SPR_SPRG2, 13
	mfspr	13, SPR_SPRG1
	std	9, \save(13)
	std	10, \save + 8(13)
	std	11, \save + 16(13)
	std	12, \save + 24(13)
	addi	9, 13, \save
	mfctr	11
	mfcr	12
	ld	10, PACA_HANDLER(13)
	mtctr	10
	li	10, \vector
	bctr
.endm

.macro VECTOR vector, save=PACA_SAVE
	.org	first + \vector
	SAVE_AND_GO \vector, \save
.endm

	VECTOR 0x100, PACA_SAVE_NMI
	VECTOR 0x200, PACA_SAVE_MC
	VECTOR 0x300
	VECTOR 0x380
	VECTOR 0x400
	VECTOR 0x480
	VECTOR 0x500
	VECTOR 0x600
	VECTOR 0x700
	VECTOR 0x800
	VECTOR 0x900
	VECTOR 0x980
	VECTOR 0xa00
	VECTOR 0xb00
	VECTOR 0xc00
	VECTOR 0xd00
	VECTOR 0xe00
	.org	first + 0xf00
	b	1f
	.org	first + 0xf20
	b	2f
	.org	first + 0xf40
	b	3f
	.org	first + 0xf60
	b	4f
1:	SAVE_AND_GO 0xf00, PACA_SAVE
2:	SAVE_AND_GO 0xf20, PACA_SAVE
	.org	first + VECTORS_END
	/* The last two do not fit below; so the copy at 0 has these bytes, too. */
3:	SAVE_AND_GO 0xf40, PACA_SAVE
4:	SAVE_AND_GO 0xf60, PACA_SAVE
	.org	first + VECTORS_END + 0x100
vectors_end:

/* Copies r5 bytes (a multiple of 8) from r3 to r4, upwards, and makes them executable. Changes r6, r7, CTR. */
copy_code:
	mr	7, 4
	srdi	6, 5, 3
	mtctr	6
	addi	3, 3, -8
	addi	4, 4, -8
1:	ldu	6, 8(3)
	stdu	6, 8(4)
	bdnz	1b
	sync
	addi	4, 4, 8
2:	dcbst	0, 7
	icbi	0, 7
	addi	7, 7, 128
	cmpld	7, 4
	blt	2b
	sync
	isync
	blr

/* The boot CPU, big-endian, real mode, interrupts off. r31: tree, r30: where the image lies. */
	.globl	boot_cpu
	.type	boot_cpu, @function
boot_cpu:
	.cfi_startproc
	.cfi_undefined 65
	mr	31, 3
	bcl	20, 31, 1f
1:	mflr	30
	addi	30, 30, first - 1b
	lwz	5, RUN_AT_LOAD(30)
	cmpwi	5, 1
	beq	2f
	cmpdi	30, 0
	beq	placed
	/* To 0: first this code, then, running there, the rest; so it may overlap. */
	mr	3, 30
	li	4, 0
	lis	5, FIRST_PART >> 16
	bl	copy_code
	li	6, moved - first
	mtctr	6
	bctr
moved:
	lis	4, FIRST_PART >> 16
	add	3, 30, 4
	li	30, 0
	lis	5, (_edata - first)@h
	ori	5, 5, (_edata - first)@l
	subf.	5, 4, 5
	ble	placed
	bl	copy_code
	b	placed
2:	/* Stays; only the vectors, and with them the hold loop, go to 0. */
	cmpdi	30, 0
	beq	placed
	mr	3, 30
	li	4, 0
	li	5, vectors_end - first
	bl	copy_code

placed:
	/* The image is linked at PAGE_OFFSET for real address 0: what it holds of addresses moves by r30. */
	lis	3, (__rela_start - first)@h
	ori	3, 3, (__rela_start - first)@l
	lis	4, (__rela_end - first)@h
	ori	4, 4, (__rela_end - first)@l
	add	3, 3, 30
	add	4, 4, 30
3:	cmpld	3, 4
	bge	4f
	ld	5, 0(3)
	ld	6, 16(3)
	add	6, 6, 30
	stdx	6, 5, 30
	addi	3, 3, 24
	b	3b
4:	lis	3, (__bss_start - first)@h
	ori	3, 3, (__bss_start - first)@l
	lis	4, (_end - first)@h
	ori	4, 4, (_end - first)@l
	subf	4, 3, 4
	srdi	4, 4, 5
	mtctr	4
	add	3, 3, 30
	li	0, 0
5:	std	0, 0(3)
	std	0, 8(3)
	std	0, 16(3)
	std	0, 24(3)
	addi	3, 3, 32
	bdnz	5b

	lis	5, PAGE_OFFSET >> 48	/* r5: PAGE_OFFSET + the image's place */
	sldi	5, 5, 32
	add	5, 5, 30
	lis	2, (.TOC. - first)@h
	ori	2, 2, (.TOC. - first)@l
	add	2, 2, 5
	addis	1, 2, boot_stack_end@toc@ha
	addi	1, 1, boot_stack_end@toc@l
	li	0, 0
	stdu	0, -112(1)
	std	0, 16(1)
	mr	3, 31
	mr	4, 30
	addi	5, 30, secondary_start - first
	bl	early_setup		/* comes back with translation ready, r3 = paca */
	nop
	mr	13, 3
	ld	1, PACA_STACK(13)
	li	0, 0
	std	0, 0(1)
	std	0, 16(1)
	addis	3, 2, start_kernel@toc@ha
	addi	3, 3, start_kernel@toc@l
	b	turn_on
	.cfi_endproc
	.size	boot_cpu, . - boot_cpu

/* A secondary, from the hold loop or from RTAS: real mode, r3 = hardware id. The hold loop may have been another kernel's. */
	.globl	secondary_start
	.type	secondary_start, @function
secondary_start:
	.cfi_startproc
	.cfi_undefined 65
	bcl	20, 31, 1f
1:	mflr	30
	addi	30, 30, first - 1b
	lis	5, PAGE_OFFSET >> 48
	sldi	5, 5, 32
	add	5, 5, 30
	lis	2, (.TOC. - first)@h
	ori	2, 2, (.TOC. - first)@l
	add	2, 2, 5
	addis	13, 2, pacas@toc@ha
	addi	13, 13, pacas@toc@l
	addis	6, 2, cpu_count@toc@ha
	lwz	6, cpu_count@toc@l(6)
	mtctr	6
2:	lwz	7, PACA_HARD_ID(13)
	cmpw	7, 3
	beq	3f
	addi	13, 13, PACA_SIZE
	bdnz	2b
	b	.			/* a CPU that the tree does not have */
3:	mtspr	SPR_SPRG1, 13
	ld	1, PACA_STACK(13)
	li	0, 0
	std	0, 0(1)
	std	0, 16(1)
	bl	secondary_setup
	nop
	addis	3, 2, start_secondary@toc@ha
	addi	3, 3, start_secondary@toc@l
	b	turn_on
	.cfi_endproc
	.size	secondary_start, . - secondary_start

/* Goes to the function in r3 with translation on: the first frame of the CPU's stack, where backtraces end. */
turn_on:
	mr	12, 3
	addis	3, 2, cpu_begins@toc@ha
	addi	3, 3, cpu_begins@toc@l
	mtspr	SPR_SRR0, 3
	ld	4, PACA_KERNEL_MSR(13)
	mtspr	SPR_SRR1, 4
	rfid

	.globl	cpu_begins
	.type	cpu_begins, @function
cpu_begins:
	.cfi_startproc
	.cfi_undefined 65
	mtctr	12
	bctrl
	b	.			/* nothing comes back */
	.cfi_endproc
	.size	cpu_begins, . - cpu_begins

	.section .bss
	.balign	16
	.space	0x2000
boot_stack_end:
