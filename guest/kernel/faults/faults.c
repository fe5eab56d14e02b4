/* When the faults begin. */
#include "faults/faults.h"

void faults_before_memory(void) {
  fault_forget_initrd();
  faults_of_restart();
}

void faults_after_memory(void) { fault_take_initrd(); }

void faults_begin(void) {
  faults_of_loading();
  faults_of_the_ways_in();
  faults_of_stopping();
  faults_of_leaving();
  fault_dump_unasked();
}

void faults_before_dump(void) { fault_wild_store(); }
