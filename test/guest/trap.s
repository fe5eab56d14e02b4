# Interrupts that instructions raise: Power ISA 3.0B, Book III, section 6.5. SRR1 of a program interrupt tells its cause:
# bit 44 illegal, 45 privileged, 46 trap.

test_trap_taken:
  #_ endian big
  #_ in r4 5
  nop
  twi 4, r4, 5
  #_ interrupt 0x700
  #_ out srr0 start+4
  #_ out srr1 0x8000000000020000

test_trap_taken_little_endian:
  #_ endian little
  #_ in r4 -1
  tdi 16, r4, 0
  #_ interrupt 0x700
  #_ out srr0 start
  #_ out srr1 0x8000000000020001

test_trap_not_taken:
  #_ in r4 0xffffffff00000005
  twi 27, r4, 5
  tdi 4, r4, 5
  li r3, 1
  #_ out r3 1

test_illegal_word:
  #_ endian big
  .long 0
  #_ interrupt 0x700
  #_ out srr0 start
  #_ out srr1 0x8000000000080000

test_system_call:
  #_ endian big
  sc
  #_ interrupt 0xc00
  #_ out srr0 start+4
  #_ out srr1 0x8000000000000000

test_floating_point_unavailable:
  #_ endian big
  #_ in r4 mem
  lfd 0, 0(r4)
  #_ interrupt 0x800
  #_ out srr0 start

test_misaligned_reserve:
  #_ in r4 mem+2
  #_ in r3 1
  lwarx r3, 0, r4
  #_ interrupt 0x600
  #_ out srr0 start
  #_ out dar mem+2

test_misaligned_quadword:
  #_ endian big
  #_ in r4 mem+8
  lq r6, 0(r4)
  #_ interrupt 0x600
  #_ out srr0 start
  #_ out dar mem+8

test_multiple_in_little_endian:
  #_ endian little
  #_ in r4 mem
  .long 0xbbc40000
  #_ interrupt 0x600
  #_ out srr0 start

test_problem_state_may_not_read_msr:
  #_ endian big
  #_ in r4 0x8000000000004000
  #_ in r5 start+16
  mtsrr1 r4
  mtsrr0 r5
  rfid
  nop
  mfmsr r3
  #_ interrupt 0x400

test_privileged_return:
  #_ not-qemu privileged
  #_ endian big
  #_ in r4 0x8000000000000000
  #_ in r5 start+20
  mtsrr1 r4
  mtsrr0 r5
  rfid
  nop
  li r3, 1
  mfmsr r3
  #_ out r3 0x8000000000000000
