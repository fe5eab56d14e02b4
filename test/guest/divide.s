# Division and modulo, Power ISA 3.0B, Book I, section 3.3.9. Where the quotient does not fit or the divisor is 0, RT is
# undefined: POWER9 leaves 0. The high word of 32-bit results is undefined: POWER9 leaves 0, and the sign of modsw.

test_divw_clears_the_high_word:
  #_ in r4 -7
  #_ in r5 2
  divw r3, r4, r5
  #_ out r3 0xfffffffd

test_divwo_by_zero:
  #_ in r3 5
  #_ in r4 7
  divwo. r3, r4, r5
  #_ not-qemu undefined RT
  #_ out r3 0
  #_ out xer 0xc0080000
  #_ out cr 0x30000000

test_divwo_most_negative_by_minus_one:
  #_ not-qemu undefined RT
  #_ in r4 0x80000000
  #_ in r5 -1
  divwo r3, r4, r5
  #_ out r3 0
  #_ out xer 0xc0080000

test_divd_truncates_towards_zero:
  #_ in r4 -7
  #_ in r5 2
  divd r3, r4, r5
  divdu r6, r4, r5
  #_ out r3 -3
  #_ out r6 0x7ffffffffffffffc

test_divdo_most_negative_by_minus_one:
  #_ not-qemu undefined RT
  #_ in r4 0x8000000000000000
  #_ in r5 -1
  divdo r3, r4, r5
  #_ out r3 0
  #_ out xer 0xc0080000

test_divde_fits:
  #_ in r4 1
  #_ in r5 15
  divdeo r3, r4, r5
  #_ out r3 0x1111111111111111
  #_ out xer 0

# The quotient is a little less than 2^64: too much for a signed doubleword.
test_divde_quotient_above_63_bits:
  #_ not-qemu QEMU 7.2 reports no overflow
  #_ in r4 0x10dac0
  #_ in r5 0x10dae0
  divdeo r3, r4, r5
  divdeu r6, r4, r5
  #_ out r3 0
  #_ out r6 0xfffe19f8b7a0105f
  #_ out xer 0xc0080000

test_divde_negative_limit_fits:
  #_ in r4 -1
  #_ in r5 2
  divdeo r3, r4, r5
  #_ out r3 0x8000000000000000
  #_ out xer 0

test_divweu_fits:
  #_ in r4 1
  #_ in r5 3
  divweuo r3, r4, r5
  #_ out r3 0x55555555
  #_ out xer 0

test_divwe_negative_clears_the_high_word:
  #_ not-qemu undefined in the high word
  #_ in r4 -1
  #_ in r5 3
  divwe r3, r4, r5
  #_ out r3 0xaaaaaaab

test_modulo_has_the_sign_of_the_dividend:
  #_ in r4 -7
  #_ in r5 3
  modsd r3, r4, r5
  modsw r6, r4, r5
  moduw r7, r4, r5
  modud r8, r4, r5
  #_ out r3 -1
  #_ out r6 -1
  #_ out r7 0
  #_ out r8 0

test_modulo_by_zero:
  #_ not-qemu undefined RT
  #_ in r3 1
  #_ in r6 1
  #_ in r4 7
  modsd r3, r4, r5
  moduw r6, r4, r5
  #_ out r3 0
  #_ out r6 0
