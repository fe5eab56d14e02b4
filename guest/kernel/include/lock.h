/* Spin locks. The word is 0 when free, else 1 + the logical index of the holder. Take them with interrupts off. */
#ifndef LOCK_H
#define LOCK_H

#include "types.h"

struct lock {
  volatile u32 holder;
};

void lock_take(struct lock *lock);
bool lock_try(struct lock *lock);
void lock_release(struct lock *lock);

#endif
