/* What purgatory.c calls in assembly. */

	.text

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
