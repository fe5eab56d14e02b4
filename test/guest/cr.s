# Compare, condition register, XER: Power ISA 3.0B, Book I, sections 2.5, 3.3.10, 3.3.12 and 3.3.17.

test_compare_signed_and_unsigned:
  #_ in r4 -1
  #_ in r5 1
  #_ in xer 0x80000000
  cmpd cr0, r4, r5
  cmpld cr1, r4, r5
  cmpw cr2, r4, r5
  cmplw cr3, r4, r5
  cmpdi cr4, r4, -1
  cmplwi cr5, r4, 0xffff
  #_ out cr 0x95953500

test_compare_32_bits_ignores_the_high_word:
  #_ in r4 0x1234567800000005
  cmpwi cr7, r4, 5
  #_ out cr 0x2

test_cmprb_cmpeqb:
  #_ in r4 0x41
  #_ in r5 0x7a615a41
  cmprb cr0, 0, r4, r5
  cmprb cr1, 1, r4, r5
  cmpeqb cr2, r4, r5
  cmpeqb cr3, r5, r4
  #_ out cr 0x44440000

test_setb:
  #_ in cr 0x84210000
  setb r3, cr0
  setb r4, cr1
  setb r5, cr2
  #_ out r3 -1
  #_ out r4 1
  #_ out r5 0

test_isel_with_register_0:
  #_ in r0 5
  #_ in r4 7
  #_ in cr 0x80000000
  isel r3, 0, r4, 0
  isel r5, 0, r4, 1
  #_ out r3 0
  #_ out r5 7

test_cr_logic:
  #_ in cr 0x80000001
  crand 1, 0, 31
  crandc 2, 0, 31
  creqv 4, 1, 2
  crnor 5, 1, 2
  crorc 6, 30, 31
  #_ out cr 0xc0000001
  mcrf cr7, cr0
  #_ out cr 0xc000000c

test_mtcrf_fields:
  #_ in r4 0x12345678
  #_ in cr 0xffffffff
  mtcrf 0x81, r4
  mfcr r5
  #_ out cr 0x1ffffff8
  #_ out r5 0x1ffffff8

test_mtocrf_mfocrf:
  #_ in r4 0x12345678
  mtocrf 0x40, r4
  mfocrf r5, 0x40
  #_ out cr 0x02000000
  #_ out r5 0x02000000

# FXM with several bits or none is undefined; POWER9 takes the first bit, and field 7 for none.
test_mtocrf_mfocrf_on_power9:
  #_ not-qemu undefined
  #_ in r4 0x12345678
  .long 0x7c900120 | (0x6 << 12)
  .long 0x7c900120
  .long 0x7cb00026 | (0x7 << 12)
  .long 0x7cd00026
  #_ out cr 0x00000608
  #_ out r5 0x00000600
  #_ out r6 8

test_mcrxrx:
  #_ in xer 0x60080000
  mcrxrx cr3
  #_ out cr 0x000e0000

# Bits 35 to 43 read as 0; POWER9 keeps bits 46 to 63.
test_xer_on_power9:
  #_ not-qemu reserved bits
  #_ in r4 -1
  mtxer r4
  mfxer r5
  #_ out r5 0xe00fffff
  #_ out xer 0xe00fffff
