/* A system call of the kernel's own: the way a program would make it. */
	.cfi_sections .debug_frame
	.text

/* long syscall4(number, a1, a2, a3, a4) */
	.globl	syscall4
	.type	syscall4, @function
syscall4:
	.cfi_startproc
	mr	0, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	sc
	blr
	.cfi_endproc
	.size	syscall4, . - syscall4
