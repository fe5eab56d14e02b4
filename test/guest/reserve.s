# Load and reserve, store conditional: Power ISA 3.0B, Book II, section 4.6.2. CR0 is 0b00, stored, SO.

test_stwcx_after_lwarx:
  #_ endian big
  #_ in r4 mem+4
  #_ in r5 0x11223344
  #_ in xer 0x80000000
  lwarx r3, 0, r4
  stwcx. r5, 0, r4
  #_ out cr 0x30000000
  #_ outmemory 4 11223344

test_a_second_stwcx_fails:
  #_ in r4 mem+4
  #_ in r5 -1
  lwarx r3, 0, r4
  stwcx. r5, 0, r4
  stwcx. r3, 0, r4
  #_ out cr 0
  #_ outmemory 4 ffffffff

test_stdcx_without_reservation:
  #_ in r4 mem+8
  #_ in r5 -1
  #_ in cr 0xffffffff
  stdcx. r5, 0, r4
  #_ out cr 0x0fffffff

test_stqcx_after_lqarx_big_endian:
  #_ endian big
  #_ not-qemu QEMU 7.2 sometimes reports failure
  #_ in r4 mem+16
  #_ in r6 0x0102030405060708
  #_ in r7 0x090a0b0c0d0e0f10
  #_ memory 16 ff
  lqarx r8, 0, r4
  stqcx. r6, 0, r4
  #_ out r8 0xff00000000000000
  #_ out cr 0x20000000
  #_ outmemory 16 0102030405060708090a0b0c0d0e0f10

test_stqcx_after_lqarx_little_endian:
  #_ endian little
  #_ not-qemu QEMU 7.2 sometimes reports failure
  #_ in r4 mem+16
  #_ in r6 0x0102030405060708
  #_ in r7 0x090a0b0c0d0e0f10
  lqarx r8, 0, r4
  stqcx. r6, 0, r4
  #_ out cr 0x20000000
  #_ outmemory 16 100f0e0d0c0b0a090807060504030201

test_byte_and_halfword:
  #_ in r4 mem+2
  #_ in r5 0x1ff
  #_ memory 2 7f80
  lbarx r3, 0, r4
  stbcx. r5, 0, r4
  #_ out r3 0x7f
  #_ out cr 0x20000000
  #_ outmemory 2 ff
