/* Images for the next kernel, and the way into them. Function names are those that people know from Linux. */
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
#include "arch/arch.h"

#define SYSCALL_KEXEC_LOAD 268

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

/* What the system call takes. */
struct kexec_segment {
  const void *buf;
  u64 bufsz;
  u64 mem;
  u64 memsz;
};

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

/* ---- init.c ---- */

/* Once memory, RTAS and terminals are there: steps, notes, disks, the way from panic to here, the system call. */
void kexec_init(void);

/* ---- steps.c ---- */

/* How the last CPU leaves: what kexec_sequence gets. */
struct departure {
  u8 *stack; /* its top */
  void (*clear_all)(void); /* clears the hash table; NULL: nothing is to be cleared */
  bool copy_in_real_mode;
  u64 release; /* KEXEC_RELEASE_… */
};

/*
 * The steps of loading an image and of the two ways out. kexec_init puts in those of production; each fault (faults/)
 * replaces the step that it breaks.
 */
struct kexec_steps {
  /* Loading: 0, or a negative errno. Unloading. */
  int (*check_payload)(const struct kimage *image);
  int (*prepare)(struct kimage *image);
  int (*check_places)(const struct kimage *image);
  void (*cleanup)(struct kimage *image);

  /* The crash way. */
  void (*crash)(struct pt_regs *regs);
  void (*crash_shutdown)(struct pt_regs *regs);
  void (*save_registers)(const struct pt_regs *regs, int cpu);
  void (*wait_for_go_ahead)(void);

  /* The ordinary way. */
  void (*shut_down_devices)(void);
  void (*take_down_cpus)(void);
  void (*take_down_secondary)(void);

  /* Both: a CPU's teardown, and its parts; the way into the image. */
  void (*teardown)(int crash_shutdown, int secondary);
  u32 (*teardown_thread)(int secondary);
  void (*take_back_vpa)(u32 thread);
  void (*end_interrupts)(u32 thread, int secondary);
  void (*plan_departure)(const struct kimage *image, struct departure *departure);
};
extern struct kexec_steps kexec_steps;

/* ---- load.c ---- */

/* Static: they are used while everything that is not is being copied over. */
extern struct kimage crash_image, next_image;

/* Why the last system call refused, for people; "" where the number says it all. */
extern char kexec_refusal[96];
/* Writes that segment `n` is refused, and why. Returns -error. */
int kexec_refuse(int error, const struct kimage *image, int n, const char *why);

/* The system call; `list` is the address of its kexec_segments. Negative: an errno. */
long sys_kexec_load(u64 entry, u64 segments, u64 list, u64 flags);
/* Any image will do: 0. */
int kexec_check_payload(const struct kimage *image);
/* Whether these segments may be copied to while this kernel runs: 0 or -ETXTBSY. Run at load. */
int machine_kexec_prepare(struct kimage *image);
/* Whether this machine and this kernel have the segments' places. */
int kexec_check_places(const struct kimage *image);
/* The counterpart of machine_kexec_prepare where an image is unloaded, and was not executed. */
void machine_kexec_cleanup(struct kimage *image);
/* Memory below that address, highest first, that no segment of the image will be copied to; 0 where there is none. */
u64 kexec_allocate_beside(const struct kimage *image, u64 size, u64 below);

/* ---- notes.c ---- */

void notes_init(void);
void notes_crash_time(void);
/* A CPU's registers as they were when it was stopped. */
void crash_save_cpu(struct pt_regs *regs, int cpu);
void kexec_write_note(const struct pt_regs *regs, int cpu);
/* The line `kdumpd-agent facts …`. */
void kexec_say_facts(void);

/* ---- teardown.c ---- */

/* Each CPU's last act: with the interrupt controller and the hypervisor it is done. */
void pseries_kexec_cpu_down(int crash_shutdown, int secondary);
void kexec_teardown(int crash_shutdown, int secondary);
u32 kexec_teardown_thread(int secondary);
void kexec_take_back_vpa(u32 thread);
void kexec_end_interrupts(u32 thread, int secondary);

/* ---- copy.c ---- */

void kexec_copy_flush(struct kimage *image);

/* ---- sequence.S ---- */

void kexec_sequence(void *new_stack, u64 start, struct kimage *image, u64 control, void (*clear_all)(void),
                    bool copy_in_real_mode, u64 release) __noreturn;
void kexec_smp_wait(void) __noreturn;
/*
 * Words that faults set, 0 in production: a secondary waits with that much too much in r3; released, it waits that many
 * rounds more, then stores there, if that is not 0; the master enters the image with that much too much in r4.
 */
extern u64 kexec_slave_excess, kexec_slow_rounds, kexec_wild_address, kexec_entry_excess;

/* ---- machine-kexec.c ---- */

/* Leaves for the image. */
void machine_kexec(struct kimage *image) __noreturn;
/* The ordinary way: devices, CPUs, machine_kexec. Comes back (-EINVAL) only where nothing is loaded. */
int kernel_kexec(void);
/* Takes down the secondaries, then the master. */
void kexec_take_down_cpus(void);
/* The first half: the secondaries alone. */
void kexec_take_down_secondaries(void);
/* On a secondary. */
void kexec_take_down_secondary(void);
void kexec_plan_departure(const struct kimage *image, struct departure *departure);

/* ---- crash.c ---- */

/* Executes the crash image if one is loaded and no other CPU is at it; else returns. NULL: the caller's registers. */
void __crash_kexec(struct pt_regs *regs);
/* The same, once it is known that there is an image. */
void kexec_crash(struct pt_regs *regs);
/* Stops the other CPUs, each of which saves its registers; once, and where a crash image is loaded. */
void crash_kexec_prepare(void);
/* Stops the other CPUs and saves all CPUs' registers. */
void machine_crash_shutdown(struct pt_regs *regs);
/* A secondary waits until the master has seen all the others stop. */
void kexec_wait_for_go_ahead(void);
#endif

#endif
