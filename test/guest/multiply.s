# Multiplication, Power ISA 3.0B, Book I, section 3.3.9.

test_mullwo_overflows_32_bits:
  #_ in r4 0x7fffffff
  #_ in r5 2
  mullwo r3, r4, r5
  #_ out r3 0xfffffffe
  #_ out xer 0xc0080000

test_mullw_is_64_bits_wide:
  #_ in r4 0x12345678ffffffff
  #_ in r5 2
  mullw r3, r4, r5
  #_ out r3 0xfffffffffffffffe

test_mulldo_overflow:
  #_ in r4 0x100000000
  #_ in r5 0x80000000
  mulldo r3, r4, r5
  #_ out r3 0x8000000000000000
  #_ out xer 0xc0080000

test_mulhd_of_minus_one:
  #_ in r4 -1
  #_ in r5 2
  mulhd r3, r4, r5
  mulhdu r6, r4, r5
  #_ out r3 0xffffffffffffffff
  #_ out r6 1

# The high word of RT is undefined; POWER9 has the result in both words.
test_mulhw_on_power9:
  #_ not-qemu undefined in the high word
  #_ in r4 0x40000000
  #_ in r5 0xfffffffffffffff8
  mulhw r3, r4, r5
  mulhwu r6, r4, r5
  #_ out r3 0xfffffffefffffffe
  #_ out r6 0x3ffffffe3ffffffe

test_maddhd_maddld:
  #_ in r4 0xffffffffffffffff
  #_ in r5 0xffffffffffffffff
  #_ in r6 0xffffffffffffffff
  maddhdu r7, r4, r5, r6
  maddhd r8, r4, r5, r6
  maddld r9, r4, r5, r6
  #_ out r7 0xffffffffffffffff
  #_ out r8 0
  #_ out r9 0
