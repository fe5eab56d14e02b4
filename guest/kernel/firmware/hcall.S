/* Calls to the hypervisor. */
	.cfi_sections .debug_frame
	.text

/* s64 hcall_status(number, a1 … a7): they are already where the hypervisor takes them. */
	.globl	hcall_status
	.type	hcall_status, @function
hcall_status:
	.cfi_startproc
	mfcr	0
	stw	0, 8(1)
	sc	1
	lwz	0, 8(1)
	mtcr	0
	blr
	.cfi_endproc
	.size	hcall_status, . - hcall_status

/* s64 hcall_results(number, result, a1 … a6 in r5 … r10, a7 … a9 in the caller's parameter area) */
	.globl	hcall_results
	.type	hcall_results, @function
hcall_results:
	.cfi_startproc
	mfcr	0
	stw	0, 8(1)
	std	4, -8(1)
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	mr	8, 9
	mr	9, 10
	ld	10, 32 + 8 * 8(1)
	ld	11, 32 + 9 * 8(1)
	ld	12, 32 + 10 * 8(1)
	sc	1
	std	12, -16(1)
	ld	12, -8(1)
	std	4, 0(12)
	std	5, 8(12)
	std	6, 16(12)
	std	7, 24(12)
	std	8, 32(12)
	std	9, 40(12)
	std	10, 48(12)
	std	11, 56(12)
	ld	0, -16(1)
	std	0, 64(12)
	lwz	0, 8(1)
	mtcr	0
	blr
	.cfi_endproc
	.size	hcall_results, . - hcall_results
