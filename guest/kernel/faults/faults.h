/*
 * Faults for tests: each breaks a rule of the handoff, so that the rule can be seen to fail. `kdumpd.fault=` names
 * them (kexec/README.md has the list); without a name nothing here does anything. Most faults replace a step of
 * production by one of their own (kexec_steps and the like), so that production code asks for none.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "lib/lib.h"

/* ---- faults.c: called by boot/start.c ---- */

/* Once there is a command line; in real mode. */
void faults_before_memory(void);
/* Once memory is claimed; in real mode. */
void faults_after_memory(void);
/* In the production kernel, once kexec and disks are there. */
void faults_begin(void);
/* In the crash kernel. */
void faults_before_dump(void);

/* ---- inside this folder ---- */

/* fault-on.c: whether kdumpd.fault= names this fault; `value` (may be NULL) gets the number after its colon, else 0. */
bool fault_on(const char *name, u64 *value);

/* initrd.c: the claim on the initrd is forgotten; its first page is given away. */
void fault_forget_initrd(void);
void fault_take_initrd(void);
/* loading.c, ways-in.c, stopping.c, leaving.c: replace the steps that the command line's faults break. */
void faults_of_loading(void);
void faults_of_restart(void);
void faults_of_the_ways_in(void);
void faults_of_stopping(void);
void faults_of_leaving(void);
/* later.c */
void fault_wild_store(void);
void fault_dump_unasked(void);

/* real-mode-store.S: stores by real address, translation off; interrupts are off. */
void real_mode_store(u64 raddr, u64 value);

#endif
