/* Spin locks: lwarx and stwcx., with isync and lwsync where the holder's accesses must stay inside. */
#include "cpu/cpu.h"

#include "arch/arch.h"

static u32 mine(void) { return local_paca->index + 1; }

bool lock_try(struct lock *lock) {
  u32 old;
  __asm__ volatile(
      "1: lwarx %0,0,%1\n"
      "   cmpwi %0,0\n"
      "   bne- 2f\n"
      "   stwcx. %2,0,%1\n"
      "   bne- 1b\n"
      "   isync\n"
      "2:"
      : "=&r"(old)
      : "r"(&lock->holder), "r"(mine())
      : "cr0", "memory");
  return old == 0;
}

void lock_take(struct lock *lock) {
  while (!lock_try(lock))
    while (lock->holder != 0) cpu_relax();
}

void lock_release(struct lock *lock) {
  __asm__ volatile("lwsync" ::: "memory");
  lock->holder = 0;
}
