# Atomic memory operations: Power ISA 3.0B, Book II, section 4.5. The operands are RT + 1 and RT + 2; words are zero-extended.

test_lwat_signed_maximum:
  #_ endian big
  #_ not-qemu QEMU 7.2 compares unsigned
  #_ in r4 mem+8
  #_ in r6 5
  #_ memory 8 80000001
  lwat r5, r4, 5
  #_ out r5 0x80000001
  #_ outmemory 8 00000005

test_stwat_signed_minimum:
  #_ endian little
  #_ not-qemu QEMU 7.2 compares unsigned
  #_ in r4 mem+8
  #_ in r5 5
  #_ memory 8 01000080
  stwat r5, r4, 7
  #_ outmemory 8 01000080

test_lwat_adds_in_32_bits:
  #_ endian big
  #_ in r4 mem+4
  #_ in r6 0xffffffff00000002
  #_ memory 0 11111111ffffffff22222222
  lwat r5, r4, 0
  #_ out r5 0xffffffff
  #_ outmemory 0 111111110000000122222222

test_lwat_last_register_goes_round:
  #_ endian big
  #_ in r4 mem
  #_ in r0 0x10
  #_ memory 0 00000001
  lwat r31, r4, 0
  #_ out r31 1
  #_ outmemory 0 00000011

test_ldat_compare_and_swap_not_equal:
  #_ endian big
  #_ in r4 mem+16
  #_ in r6 7
  #_ in r7 9
  #_ memory 16 0000000000000008
  ldat r5, r4, 16
  #_ out r5 8
  #_ outmemory 16 0000000000000009

test_ldat_compare_and_swap_equal:
  #_ endian big
  #_ in r4 mem+16
  #_ in r6 8
  #_ in r7 9
  #_ memory 16 0000000000000008
  ldat r5, r4, 16
  #_ out r5 8

test_lwat_increment_bounded:
  #_ endian big
  #_ in r4 mem+8
  #_ memory 8 0000000700000008
  lwat r5, r4, 24
  #_ out r5 7
  #_ outmemory 8 0000000800000008

test_lwat_increment_bounded_at_bound:
  #_ endian big
  #_ not-qemu QEMU 7.2 extends the sign
  #_ in r4 mem+8
  #_ memory 8 0000000800000008
  lwat r5, r4, 24
  #_ out r5 0x80000000

test_ldat_increment_equal:
  #_ endian big
  #_ in r4 mem+16
  #_ memory 16 00000000000000080000000000000008
  ldat r5, r4, 25
  #_ out r5 8
  #_ outmemory 16 00000000000000090000000000000008

test_ldat_increment_equal_when_not:
  #_ endian big
  #_ not-qemu QEMU 7.2 gives another value
  #_ in r4 mem+16
  #_ memory 16 00000000000000070000000000000008
  ldat r5, r4, 25
  #_ out r5 0x8000000000000000

test_lwat_decrement_bounded_looks_below:
  #_ endian big
  #_ not-qemu QEMU 7.2 looks above
  #_ in r4 mem+8
  #_ memory 4 00000003000000080000000008
  lwat r5, r4, 28
  #_ out r5 8
  #_ outmemory 8 00000007

test_lwat_decrement_bounded_at_bound:
  #_ endian big
  #_ not-qemu QEMU 7.2 looks above
  #_ in r4 mem+8
  #_ memory 4 0000000800000008
  lwat r5, r4, 28
  #_ out r5 0x80000000

test_stdat_twin_equal:
  #_ endian big
  #_ in r4 mem+16
  #_ in r5 0x0102030405060708
  #_ memory 16 00000000000000080000000000000008
  stdat r5, r4, 24
  #_ outmemory 16 01020304050607080102030405060708

test_stwat_twin_not_equal:
  #_ endian big
  #_ in r4 mem+16
  #_ in r5 0x0102030405060708
  #_ memory 16 0000000000000008
  stwat r5, r4, 24

test_lwat_misaligned:
  #_ in r4 mem+2
  lwat r5, r4, 0
  #_ interrupt 0x600
  #_ out srr0 start
  #_ out dar mem+2

test_ldat_neighbour_beyond_the_block:
  #_ in r4 mem+24
  ldat r5, r4, 24
  #_ interrupt 0x600
  #_ out dar mem+24

test_lwat_neighbour_before_the_block:
  #_ in r4 mem+32
  lwat r5, r4, 28
  #_ interrupt 0x600
  #_ out dar mem+32
