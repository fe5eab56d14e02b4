/* Faults of the last steps in the old kernel, and of where its CPUs wait. */
#include "block/block.h"
#include "cpu/cpu.h"
#include "faults/faults.h"
#include "firmware/firmware.h"
#include "kexec/kexec.h"
#include "memory/memory.h"
#include "mmu/mmu.h"
#include "printk/printk.h"

/* ---- late-vpa ---- */

/* H_REGISTER_VPA (LoPAR): functions, and fields of the areas; Linux 6.1 asm/lppaca.h. */
#define REGISTER_VPA (1ul << 45)
#define REGISTER_DISPATCH_LOG (2ul << 45)
#define VPA_BYTES 0x400
#define VPA_LOG_MASK 0xb8
#define LOG_ALL 7
#define LOG_BYTES 0x1000

/* Areas in dynamic memory with a dispatch log that is on. */
static void register_areas(void) {
  u64 areas = memory_alloc("late vpa", (u64)cpu_count * 2 * LOG_BYTES, PAGE_SIZE, 0, memory_end);

  for (int cpu = 0; areas != 0 && cpu < cpu_count; cpu++) {
    u64 vpa = areas + (u64)cpu * 2 * LOG_BYTES, log = vpa + LOG_BYTES;

    ((u16 *)__va(vpa))[2] = VPA_BYTES;
    ((u8 *)__va(vpa))[VPA_LOG_MASK] = LOG_ALL;
    ((u32 *)__va(log))[1] = LOG_BYTES;
    if (!cpu_online(cpu))
      continue;
    vpa_unregister(cpu);
    if (hcall(H_REGISTER_VPA, REGISTER_VPA, hard_id(cpu), vpa) != H_SUCCESS ||
        hcall(H_REGISTER_VPA, REGISTER_DISPATCH_LOG, hard_id(cpu), log) != H_SUCCESS)
      printk("fault: CPU %d has no dispatch log\n", cpu);
  }
}

static void leave_vpa(u32 thread) { (void)thread; }

/*
 * ---- busy-destination: until the last CPU is down, both kinds of CPU store where the image will be copied to: it is this
 * kernel's memory to use. Does no harm ----
 */

static void store_to_destination(void) {
  if (next_image.loaded)
    *(volatile u64 *)__va(next_image.segment[0].mem) = (u64)this_cpu();
}

static void store_and_take_down_cpus(void) {
  store_to_destination();
  kexec_take_down_cpus();
}

static void store_and_take_down_secondary(void) {
  store_to_destination();
  kexec_take_down_secondary();
}

/* ---- dma-in-flight: a disk is asked to read into dynamic memory at the last moment, and no CPU waits for it ---- */

#define DMA_BYTES 0x1000

static u64 dma_buffer;

/* In place of hpte_clear_all: real mode. */
static void clear_and_dma(void) {
  struct disk *disk = block_find(true);
  struct piece piece = {dma_buffer, DMA_BYTES};

  if (mmu == MMU_HASH)
    hpte_clear_all();
  if (disk != NULL && dma_buffer != 0)
    block_read_begin(disk, 0, &piece, 1);
}

/* ---- faults of how the last CPU leaves ---- */

static const char *const departure_faults[] = {"stack-dynamic", "copy-real", "keep-page-tables", "release-first",
                                               "dma-in-flight"};

#define STACK_BYTES 0x4000

/* In memory that the image will not be copied over. */
static u8 *dynamic_stack(const struct kimage *image, u8 *otherwise) {
  u64 stack = kexec_allocate_beside(image, PAGE_SIZE, rma_size);

  return stack == 0 ? otherwise : (u8 *)__va(stack) + STACK_BYTES;
}

static void plan_departure(const struct kimage *image, struct departure *departure) {
  kexec_plan_departure(image, departure);
  if (fault_on("stack-dynamic", NULL))
    departure->stack = dynamic_stack(image, departure->stack);
  if (fault_on("copy-real", NULL))
    departure->copy_in_real_mode = true;
  if (fault_on("keep-page-tables", NULL))
    departure->clear_all = NULL;
  if (fault_on("release-first", NULL))
    departure->release = KEXEC_RELEASE_FIRST;
  if (fault_on("dma-in-flight", NULL))
    departure->clear_all = clear_and_dma;
}

/* ---- slow-slave[:ROUNDS], wild-store-reserved[:ADDRESS], slave-id, entry-r4: words of kexec/sequence.S ---- */

#define SLOW_ROUNDS 100000000
#define WILD_ROUNDS 1000000

static void set_words(void) {
  if (fault_on("slow-slave", &kexec_slow_rounds) && kexec_slow_rounds == 0)
    kexec_slow_rounds = SLOW_ROUNDS;
  if (fault_on("wild-store-reserved", &kexec_wild_address)) {
    if (kexec_wild_address == 0)
      kexec_wild_address = crash_reservation.start + crash_reservation.size / 2;
    if (kexec_slow_rounds == 0)
      kexec_slow_rounds = WILD_ROUNDS;
  }
  if (fault_on("slave-id", NULL))
    kexec_slave_excess = 1;
  if (fault_on("entry-r4", NULL))
    kexec_entry_excess = KEXEC_PAGE;
}

void faults_of_leaving(void) {
  if (fault_on("late-vpa", NULL)) {
    register_areas();
    kexec_steps.take_back_vpa = leave_vpa;
  }
  if (fault_on("dma-in-flight", NULL))
    dma_buffer = memory_alloc("dma", PAGE_SIZE, PAGE_SIZE, 0, memory_end);
  for (size_t i = 0; i < ARRAY_SIZE(departure_faults); i++)
    if (fault_on(departure_faults[i], NULL))
      kexec_steps.plan_departure = plan_departure;
  if (fault_on("busy-destination", NULL)) {
    kexec_steps.take_down_cpus = store_and_take_down_cpus;
    kexec_steps.take_down_secondary = store_and_take_down_secondary;
  }
  set_words();
}
