/* What entry/head.S calls: C from the first instruction to idling. */
#ifndef BOOT_H
#define BOOT_H

#include "cpu/cpu.h"

/* ---- start.c ---- */

/*
 * The boot CPU in real mode: `tree` is where the loader left the flattened tree, `base` where the image lies, and
 * `secondary_entry` where other CPUs begin, all real addresses. Returns the boot CPU's paca.
 */
struct paca *early_setup(u64 tree, u64 base, u64 secondary_entry);
/* The boot CPU, translation on. */
void start_kernel(void) __noreturn;
/* Another CPU: in real mode, then with translation on. */
void secondary_setup(void);
void start_secondary(void) __noreturn;

/* ---- cpus.c ---- */

/* Fills in the pacas from the tree, that of the boot CPU first. */
void cpus_read(void);

#endif
