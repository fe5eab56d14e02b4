/* A store by real address, for faults. */
#include "arch/arch.h"

	.text

/* void real_mode_store(r3 = real address, r4 = value): interrupts off. */
	.globl	real_mode_store
	.type	real_mode_store, @function
real_mode_store:
	mfmsr	5
	li	6, MSR_DR
	andc	6, 5, 6
	mtmsrd	6
	isync
	std	4, 0(3)
	sync
	mtmsrd	5
	isync
	blr
	.size	real_mode_store, . - real_mode_store
