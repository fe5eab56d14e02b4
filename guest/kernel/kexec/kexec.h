/*
 * Images for the next kernel, and the way into them. Function names are those that people know from Linux.
 */
#ifndef KEXEC_H
#define KEXEC_H

#define KEXEC_SEGMENT_MAX 16
/* Images are copied by this much at a time, whatever the kernel's own pages are. */
#define KEXEC_PAGE 0x1000

/* When the secondaries are let go: when the first 0x100 bytes are at 0, after the hash table was cleared, or (a fault)
   before anything is at 0. */
#define KEXEC_RELEASE_COPIED 0
#define KEXEC_RELEASE_LAST 1
#define KEXEC_RELEASE_FIRST 2

#ifndef __ASSEMBLER__
#include "cpu.h"
#include "panic.h"
#include "trap-frame.h"
#include "types.h"

/* Flags of the system call; the machine is in the upper half, 0 for the running one. */
#define KEXEC_ON_CRASH 1ul
#define KEXEC_ARCH_MASK 0xffff0000ul
#define KEXEC_ARCH_PPC64 (21ul << 16)

/*
 * An entry of the indirection list: a real address, and in its low bits what it is. The list is walked from its head:
 * a DESTINATION says where the pages go that follow, one SOURCE after another.
 */
#define IND_DESTINATION 1ul
#define IND_INDIRECTION 2ul
#define IND_DONE 4ul
#define IND_SOURCE 8ul
#define IND_FLAGS 15ul

struct kimage {
  bool loaded;
  bool crash;
  u64 start; /* entry point, real */
  u64 head; /* first entry of the indirection list; IND_DONE where nothing is to be copied */
  u64 control; /* a page that nothing is copied over */
  int segments;
  struct kexec_segment segment[KEXEC_SEGMENT_MAX];
  u64 source[KEXEC_SEGMENT_MAX]; /* where an ordinary image waits, real */
  u64 list; /* memory of the indirection list */
};

/* Static: they are used while everything that is not is being copied over. */
extern struct kimage crash_image, next_image;

/* Why the last system call refused, for people; "" where the number says it all. */
extern char kexec_refusal[96];

/* Whether these segments may be copied to while this kernel runs: 0 or -ETXTBSY. Run at load. */
int machine_kexec_prepare(struct kimage *image);
/* Its counterpart where an image is unloaded, and was not executed. */
void machine_kexec_cleanup(struct kimage *image);
/* Leaves for the image. */
void machine_kexec(struct kimage *image) __noreturn;
/* Memory below that address, highest first, that no segment of the image will be copied to; 0 where there is none. */
u64 kexec_allocate_beside(const struct kimage *image, u64 size, u64 below);
/* The ordinary way: devices, CPUs, machine_kexec. Comes back (-EINVAL) only where nothing is loaded. */
int kernel_kexec(void);

/* Each CPU's last act: with the interrupt controller and the hypervisor it is done. */
void pseries_kexec_cpu_down(int crash_shutdown, int secondary);

/* The hash table without entries. Real mode; nothing but static memory. */
void hpte_clear_all(void);

/* The crash: stops the other CPUs and saves everybody's registers. */
void machine_crash_shutdown(struct pt_regs *regs);
void crash_save_cpu(struct pt_regs *regs, int cpu);
void notes_init(void);
void notes_crash_time(void);

void plan_init(void);
/* Faults for tests (faults.c); without their name in kdumpd.fault= they do nothing. */
/* When disks are there: those that begin at boot, and the words below. */
void kexec_fault_init(void);
void kexec_fault_stop_answering(void);
void kexec_fault_other_master(void);
void kexec_fault_wild_store(void);
/* In place of hpte_clear_all: real mode. */
void kexec_fault_clear_and_dma(void);
bool kexec_fault_skips_down(void);
int kexec_fault_refuse_stub(const struct kimage *image);

/* ---- sequence.S ---- */
void kexec_sequence(void *new_stack, u64 start, struct kimage *image, u64 control, void (*clear_all)(void),
                    bool copy_with_mmu_off, u64 release) __noreturn;
void kexec_copy_flush(struct kimage *image);
void kexec_smp_wait(void) __noreturn;
/* Stores by real address, translation off. */
void real_mode_store(u64 raddr, u64 value);
/*
 * Faults: a secondary waits with that much too much in r3; released, it waits that many rounds more, then stores there,
 * if that is not 0; the master enters the image with that much too much in r4.
 */
extern u64 kexec_slave_excess, kexec_slow_rounds, kexec_wild_address, kexec_entry_excess;
#endif

#endif
