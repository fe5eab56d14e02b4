/*
 * The last instructions of a kernel, and where its other CPUs wait meanwhile. The names and the order of things are
 * Linux' (6.1 arch/powerpc/kernel/misc_64.S; Milton Miller explains why on linuxppc-dev, 9 June 2007); the order of
 * release and clearing can be chosen.
 *
 * All of it lies in static kernel memory, below the RMA. In real mode the processor ignores the top bits of addresses, so the
 * same pointers serve before and after translation goes off.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "kexec/kexec.h"

#define FIRST_BYTES 0x100
#define SLAVE_ENTRY 0x60
#define CACHE_LINE 128
#define REAL_MODE_STATE 2
#define FIRST_FRAME 32		/* where backtraces end: the header of a frame */

	.cfi_sections .debug_frame
	.text

/* Comes back with translation off. Changes r9 to r12. */
	.type	real_mode, @function
real_mode:
	mflr	11
	mfmsr	12
	li	9, MSR_RI
	andc	9, 12, 9
	li	10, MSR_IR | MSR_DR | MSR_RI
	andc	10, 12, 10
	mtmsrd	9, 1			/* an interrupt from here on has no way back */
	clrldi	11, 11, 4
	mtspr	SPR_SRR0, 11
	mtspr	SPR_SRR1, 10
	rfid
	.size	real_mode, . - real_mode

/*
 * void kexec_sequence(r3 = new stack's top, r4 = start, r5 = image, r6 = control page, r7 = clear_all, r8 = copy with
 * translation off, r9 = when to release, KEXEC_RELEASE_…): interrupts are off, and nothing comes back.
 */
	.globl	kexec_sequence
	.type	kexec_sequence, @function
kexec_sequence:
	.cfi_startproc
	.cfi_undefined 65
	addi	1, 3, -FIRST_FRAME
	li	0, 0
	std	0, 0(1)
	std	0, 16(1)
	stdu	1, -128(1)
	mr	30, 4
	mr	29, 5
	mr	28, 6
	mr	27, 7
	mr	26, 8
	mr	24, 9
	lwz	25, PACA_HARD_ID(13)

	/* Under radix, and without a hypervisor, the copy may overwrite what translates. Under the hash table it does not,
	   and real mode would end at the RMA. */
	cmpdi	26, 0
	beq	1f
	bl	real_mode
1:	mr	3, 29
	bl	kexec_copy_flush
	nop
	cmpdi	26, 0
	bne	2f
	bl	real_mode

	/* What secondaries will run goes to address 0 before any of them is let go; or, by a fault, while they come there. */
2:	cmpdi	24, KEXEC_RELEASE_FIRST
	bne	22f
	bl	release
	lis	3, 16
	mtctr	3
21:	bdnz	21b
22:	li	3, 0
	mr	4, 30
	li	5, FIRST_BYTES / 8
	mtctr	5
3:	ld	6, 0(4)
	std	6, 0(3)
	addi	4, 4, 8
	addi	3, 3, 8
	bdnz	3b
	sync
	li	3, FIRST_BYTES
4:	addi	3, 3, -CACHE_LINE
	dcbst	0, 3
	sync
	icbi	0, 3
	cmpdi	3, 0
	bne	4b
	sync
	isync

	cmpdi	24, KEXEC_RELEASE_COPIED
	bne	5f
	bl	release
5:	cmpdi	27, 0
	beq	6f
	mtctr	27
	mr	12, 27
	bctrl
	nop
6:	cmpdi	24, KEXEC_RELEASE_LAST
	bne	7f
	bl	release
7:	bcl	20, 31, 8f
8:	mflr	5
	ld	4, kexec_entry_excess - 8b(5)	/* a fault for tests; without it 0 */
	add	4, 4, 30
	mr	3, 25
	li	5, 0
	mtctr	30
	bctr
	.cfi_endproc
	.size	kexec_sequence, . - kexec_sequence

/* Lets the secondaries go to 0x60. */
	.type	release, @function
release:
	mflr	8
	bcl	20, 31, 1f
1:	mflr	9
	li	10, 1
	stw	10, kexec_flag - 1b(9)
	mtlr	8
	blr
	.size	release, . - release

/*
 * void kexec_smp_wait(void): a secondary's end, interrupts off. Real mode first, then its paca says so: a CPU that
 * sees the mark may overwrite what translates.
 */
	.globl	kexec_smp_wait
	.type	kexec_smp_wait, @function
kexec_smp_wait:
	bcl	20, 31, 1f
1:	mflr	5
	ld	4, kexec_slave_excess - 1b(5)	/* a fault for tests; without it 0 */
	lwz	3, PACA_HARD_ID(13)
	add	3, 3, 4
	bl	real_mode
	li	4, REAL_MODE_STATE
	sync
	stw	4, PACA_KEXEC_STATE(13)
	b	kexec_wait
	.size	kexec_smp_wait, . - kexec_smp_wait

/* Spins with r3 = hardware id until the master is done copying, then goes to the next kernel's code at 0x60. */
	.globl	kexec_wait
	.type	kexec_wait, @function
kexec_wait:
	bcl	20, 31, 1f
1:	mflr	5
2:	or	1, 1, 1			/* low priority */
	lwz	4, kexec_flag - 1b(5)
	cmpwi	4, 0
	beq	2b
	/* Two faults for tests; without them both words are 0. */
	ld	4, kexec_slow_rounds - 1b(5)
	cmpdi	4, 0
	beq	4f
	mtctr	4
3:	bdnz	3b
	ld	4, kexec_wild_address - 1b(5)
	cmpdi	4, 0
	beq	4f
	std	4, 0(4)
4:	or	2, 2, 2
	isync
	ba	SLAVE_ENTRY
	.size	kexec_wait, . - kexec_wait

	.balign	8
	.globl	kexec_flag, kexec_slave_excess, kexec_slow_rounds, kexec_wild_address, kexec_entry_excess
	.type	kexec_flag, @object
kexec_flag:
	.long	0, 0
	.size	kexec_flag, 8
kexec_slave_excess:
	.quad	0
	.size	kexec_slave_excess, 8
kexec_slow_rounds:
	.quad	0
	.size	kexec_slow_rounds, 8
kexec_wild_address:
	.quad	0
	.size	kexec_wild_address, 8
kexec_entry_excess:
	.quad	0
	.size	kexec_entry_excess, 8
