/* Faults of kexec_load: checks that are left out, and refusals of what is good. */
#include "faults/faults.h"
#include "kexec/kexec.h"
#include "memory/memory.h"
#include "tree/tree.h"

/* ---- no-prepare, no-cleanup ---- */

static int no_prepare(struct kimage *image) {
  (void)image;
  return 0;
}

static void no_cleanup(struct kimage *image) { (void)image; }

/* ---- no-place-check, refuse-high ---- */

static int check_places(const struct kimage *image) {
  int error = fault_on("no-place-check", NULL) ? 0 : kexec_check_places(image);

  for (int i = 0; error == 0 && fault_on("refuse-high", NULL) && i < image->segments; i++)
    if (image->segment[i].mem + image->segment[i].memsz > rma_size)
      error = kexec_refuse(EADDRNOTAVAIL, image, i, "is above the real-mode area");
  return error;
}

/* ---- kernels-only: an image of which no segment has the marker of a kernel is none ---- */

#define RUN_AT_LOAD 0x5c
#define MARKER 0x72756e30 /* "run0" */

static int kernels_only(const struct kimage *image) {
  for (int i = 0; i < image->segments; i++)
    if (image->segment[i].bufsz >= RUN_AT_LOAD + 4 &&
        tree_u32((const u8 *)image->segment[i].buf + RUN_AT_LOAD) == MARKER)
      return 0;
  snprint(kexec_refusal, sizeof(kexec_refusal), "no segment is a kernel");
  return -ENOEXEC;
}

void faults_of_loading(void) {
  if (fault_on("no-prepare", NULL))
    kexec_steps.prepare = no_prepare;
  if (fault_on("no-cleanup", NULL))
    kexec_steps.cleanup = no_cleanup;
  if (fault_on("no-place-check", NULL) || fault_on("refuse-high", NULL))
    kexec_steps.check_places = check_places;
  if (fault_on("kernels-only", NULL))
    kexec_steps.check_payload = kernels_only;
}
