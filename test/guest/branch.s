# Branches, Power ISA 3.0B, Book I, section 2.4.

test_bl_and_blr:
  bl 1f
  li r3, 1
  b 2f
1:
  li r4, 2
  blr
2:
  #_ out r3 1
  #_ out r4 2
  #_ out lr start+4

test_bclrl_reads_before_it_writes:
  #_ in lr start+15
  bclrl 20, 0
  li r3, 1
  li r4, 1
  li r5, 1
  #_ out r5 1
  #_ out lr start+4

test_link_is_written_when_not_taken:
  bcl 12, 2, 1f
1:
  #_ out lr start+4

test_bdnz_loop:
  #_ in ctr 3
1:
  addi r3, r3, 1
  bdnz 1b
  #_ out r3 3
  #_ out ctr 0

test_bdz_of_zero_wraps:
  bdz 1f
  li r3, 1
1:
  #_ out r3 1
  #_ out ctr -1

test_bdnzt_needs_both:
  #_ in ctr 5
  #_ in cr 0x20000000
  bdnzt 1, 1f
  bdnzt 2, 2f
1:
  li r3, 1
2:
  #_ out ctr 3

test_bcctr_leaves_ctr:
  #_ in ctr start+12
  bctr
  li r3, 1
  li r3, 2
  #_ out ctr start+12

test_bctar:
  #_ in r4 start+18
  mtspr 815, r4
  bctarl 20, 0
  li r3, 1
  li r3, 2
  #_ out lr start+8
