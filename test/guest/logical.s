# Logical, rotate and shift, decimal assist: Power ISA 3.0B, Book I, sections 3.3.13 to 3.3.15.

test_rlwinm_wraps_and_duplicates:
  #_ in r4 0x1234567889abcdef
  rlwinm r3, r4, 4, 28, 3
  #_ out r3 0x9abcdef890000008

test_rlwimi_keeps_the_rest:
  #_ in r3 0x1111111122222222
  #_ in r4 0xff
  rlwimi r3, r4, 8, 16, 23
  #_ out r3 0x111111112222ff22

test_rldic_family:
  #_ in r4 0x8000000000000001
  rldicl r3, r4, 1, 0
  rldicr r5, r4, 0, 0
  rldic r6, r4, 4, 0
  rldimi r7, r4, 8, 48
  #_ out r3 3
  #_ out r5 0x8000000000000000
  #_ out r6 0x10
  #_ out r7 0x100

test_shifts_past_the_width:
  #_ in r4 0xffffffffffffffff
  #_ in r5 32
  #_ in r6 64
  slw r7, r4, r5
  srw r8, r4, r5
  sld r9, r4, r6
  srd r10, r4, r6
  sld r11, r4, r5
  #_ out r7 0
  #_ out r8 0
  #_ out r9 0
  #_ out r10 0
  #_ out r11 0xffffffff00000000

test_sraw_carry_when_ones_are_lost:
  #_ in r4 0x80000001
  #_ in r5 1
  sraw r3, r4, r5
  #_ out r3 0xffffffffc0000000
  #_ out xer 0x20040000

test_srad_past_the_width:
  #_ in r4 0x8000000000000000
  #_ in r5 127
  srad r3, r4, r5
  #_ out r3 -1
  #_ out xer 0x20040000

test_sradi_of_positive_clears_the_carry:
  #_ in r4 1
  #_ in xer 0x20040000
  sradi r3, r4, 1
  #_ out r3 0
  #_ out xer 0

test_extswsli:
  #_ in r4 0x80000001
  extswsli. r3, r4, 4
  #_ out r3 0xfffffff800000010
  #_ out cr 0x80000000

test_counts:
  #_ in r4 0x00000001f0000000
  cntlzd r3, r4
  cntlzw r5, r4
  cnttzd r6, r4
  cnttzw r7, r4
  popcntd r8, r4
  popcntw r9, r4
  popcntb r10, r4
  #_ out r3 31
  #_ out r5 0
  #_ out r6 28
  #_ out r7 28
  #_ out r8 5
  #_ out r9 0x100000004
  #_ out r10 0x104000000

test_counts_of_zero:
  cntlzd r3, r4
  cnttzw r5, r4
  #_ out r3 64
  #_ out r5 32

test_parity_is_of_the_low_bits_of_bytes:
  #_ in r4 0x0100000003010100
  prtyd r3, r4
  prtyw r5, r4
  #_ out r3 0
  #_ out r5 0x100000001

test_cmpb_bpermd:
  #_ in r4 0x0011223344556677
  #_ in r5 0x0011ff33ff5566ff
  cmpb r3, r4, r5
  bpermd r6, r4, r5
  #_ out r3 0xffff00ff00ffff00
  #_ out r6 0x60

test_decimal_assist:
  #_ in r4 0x00000000000003ff
  #_ in r5 0x0000000000000999
  cdtbcd r3, r4
  cbcdtd r6, r5
  #_ out r3 0x999
  #_ out r6 0xff

test_addg6s:
  #_ in r4 0x0000000000000009
  #_ in r5 0x0000000000000008
  addg6s r3, r4, r5
  #_ out r3 0x6666666666666660

test_andi_is_unsigned_and_records:
  #_ in r4 -1
  #_ in xer 0x80000000
  andi. r3, r4, 0x8000
  andis. r5, r4, 0
  #_ out r3 0x8000
  #_ out r5 0
  #_ out cr 0x30000000
