# Fixed-point arithmetic, Power ISA 3.0B, Book I, section 3.3.9: sums, carries, overflow.

test_add_carries_are_not_recorded:
  #_ in r4 0xffffffffffffffff
  #_ in r5 1
  #_ in xer 0x20000000
  add r3, r4, r5
  #_ out r3 0

test_add_record_negative:
  #_ in r4 0x7fffffffffffffff
  #_ in r5 1
  add. r3, r4, r5
  #_ out r3 0x8000000000000000
  #_ out cr 0x80000000

test_addo_overflows_in_64_bits_only:
  #_ in r4 0x7fffffffffffffff
  #_ in r5 1
  addo. r3, r4, r5
  #_ out r3 0x8000000000000000
  #_ out xer 0xc0000000
  #_ out cr 0x90000000

test_addo_overflows_in_32_bits_only:
  #_ in r4 0x7fffffff
  #_ in r5 1
  addo r3, r4, r5
  #_ out r3 0x80000000
  #_ out xer 0x00080000

test_addo_clears_ov_and_keeps_so:
  #_ in r4 1
  #_ in r5 1
  #_ in xer 0xc0080000
  addo r3, r4, r5
  #_ out r3 2
  #_ out xer 0x80000000

test_addc_carries_out_of_both:
  #_ in r4 0xffffffffffffffff
  #_ in r5 1
  addc r3, r4, r5
  #_ out r3 0
  #_ out xer 0x20040000

test_addc_carries_out_of_32_bits:
  #_ in r4 0xffffffff
  #_ in r5 1
  addc r3, r4, r5
  #_ out r3 0x100000000
  #_ out xer 0x00040000

test_adde_uses_the_carry:
  #_ in r4 0xffffffffffffffff
  #_ in r5 0
  #_ in xer 0x20000000
  adde r3, r4, r5
  #_ out r3 0
  #_ out xer 0x20040000

test_addme_and_addze:
  #_ in r4 0
  #_ in xer 0x20000000
  addme r3, r4
  addze r5, r4
  #_ out r3 0
  #_ out r5 1
  #_ out xer 0

test_subfe_is_not_ra_plus_rb_plus_ca:
  #_ in r4 5
  #_ in r5 7
  subfe r3, r4, r5
  #_ out r3 1
  #_ out xer 0x20040000

test_subfic_of_zero_carries:
  #_ in r4 0
  subfic r3, r4, 0
  #_ out r3 0
  #_ out xer 0x20040000

test_nego_of_the_most_negative:
  #_ in r4 0x8000000000000000
  nego r3, r4
  #_ out r3 0x8000000000000000
  #_ out xer 0xc0000000

test_addpcis_is_relative_to_the_next_instruction:
  addpcis r3, 0
  #_ out r3 start+4

test_addi_of_register_0_is_an_immediate:
  #_ in r0 77
  addi r3, 0, -1
  addis r4, 0, -1
  #_ out r3 0xffffffffffffffff
  #_ out r4 0xffffffffffff0000

test_addex_carries_by_ov:
  #_ in r4 0xffffffffffffffff
  #_ in r5 0
  #_ in xer 0x60000000
  .long 0x7c642954
  #_ out r3 0
  #_ out xer 0x60080000
