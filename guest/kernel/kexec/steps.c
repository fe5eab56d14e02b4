/* The table of steps. It is empty until kexec_init: before, there is neither an image nor a way out. */
#include "kexec/kexec.h"

struct kexec_steps kexec_steps;
