# Storage access, Power ISA 3.0B, Book I, sections 3.3.2 to 3.3.8; unaligned, reversed, with update.

test_loads_big_endian:
  #_ endian big
  #_ in r4 mem+8
  #_ memory 8 8091a2b3c4d5e6f7
  lbz r5, 0(r4)
  lhz r6, 1(r4)
  lha r7, 0(r4)
  lwz r8, 3(r4)
  lwa r9, 0(r4)
  ld r10, 0(r4)
  #_ out r5 0x80
  #_ out r6 0x91a2
  #_ out r7 0xffffffffffff8091
  #_ out r8 0xb3c4d5e6
  #_ out r9 0xffffffff8091a2b3
  #_ out r10 0x8091a2b3c4d5e6f7

test_loads_little_endian:
  #_ endian little
  #_ in r4 mem+8
  #_ memory 8 8091a2b3c4d5e6f7
  lbz r5, 0(r4)
  lhz r6, 1(r4)
  lha r7, 1(r4)
  lwz r8, 3(r4)
  lwa r9, 4(r4)
  ld r10, 0(r4)
  #_ out r5 0x80
  #_ out r6 0xa291
  #_ out r7 0xffffffffffffa291
  #_ out r8 0xe6d5c4b3
  #_ out r9 0xfffffffff7e6d5c4
  #_ out r10 0xf7e6d5c4b3a29180

test_reversed_big_endian:
  #_ endian big
  #_ in r4 mem+16
  #_ in r5 0x0102030405060708
  #_ memory 16 1122334455667788
  ldbrx r6, 0, r4
  lwbrx r7, 0, r4
  lhbrx r8, 0, r4
  stdbrx r5, 0, r4
  #_ out r6 0x8877665544332211
  #_ out r7 0x44332211
  #_ out r8 0x2211
  #_ outmemory 16 0807060504030201

test_update_forms:
  #_ in r4 mem+8
  #_ in r5 0x1234567890abcdef
  #_ in r6 16
  stdu r5, 8(r4)
  ldux r7, r4, r6
  #_ endian big
  #_ out r4 mem+32
  #_ out r7 0
  #_ outmemory 16 1234567890abcdef

test_indexed_sum_wraps:
  #_ in r4 -16
  #_ in r5 mem+24
  #_ memory 8 5a
  lbzx r3, r4, r5
  #_ out r3 0x5a

test_lq_stq_big_endian:
  #_ endian big
  #_ in r4 mem
  #_ memory 0 000102030405060708090a0b0c0d0e0f
  lq r6, 0(r4)
  stq r6, 16(r4)
  #_ out r6 0x0001020304050607
  #_ out r7 0x08090a0b0c0d0e0f
  #_ outmemory 16 000102030405060708090a0b0c0d0e0f

test_lq_stq_little_endian:
  #_ endian little
  #_ in r4 mem
  #_ memory 0 000102030405060708090a0b0c0d0e0f
  .long 0xe0c40000
  .long 0xf8c40012
  #_ out r6 0x0f0e0d0c0b0a0908
  #_ out r7 0x0706050403020100
  #_ outmemory 16 000102030405060708090a0b0c0d0e0f

test_multiple_and_string:
  #_ endian big
  #_ in r4 mem
  #_ in r9 -1
  #_ memory 0 0102030405060708
  lmw r30, 0(r4)
  lswi r9, r4, 3
  stswi r9, r4, 5
  #_ out r30 0x01020304
  #_ out r31 0x05060708
  #_ out r9 0x01020300
  #_ outmemory 0 0102030000

test_lswx_of_the_byte_count:
  #_ endian big
  #_ in r4 mem+4
  #_ in xer 6
  #_ memory 4 0a0b0c0d0e0f
  lswx r30, 0, r4
  #_ out r30 0x0a0b0c0d
  #_ out r31 0x0e0f0000

test_dcbz_clears_its_block:
  #_ in r4 mem+130
  #_ memory 127 ff
  #_ memory 128 ff
  #_ memory 255 ff
  #_ memory 256 ff
  dcbz 0, r4
  #_ outmemory 128 00
  #_ outmemory 255 00
