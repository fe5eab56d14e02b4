# What random programs cannot compare: see test/differential/exclusions.md.

test_darn_32_bits:
  darn r3, 0
  srdi r3, r3, 32
  #_ out r3 0

test_timebase_does_not_go_back:
  mftb r3
  nop
  mftb r4
  cmpld cr0, r4, r3
  isel r5, r3, r4, 0
  subf r5, r3, r5
  cmpldi cr1, r5, 1000
  li r3, 0
  li r4, 0
  li r5, 0
  crandc 0, 0, 0
  crclr 1
  crclr 2
  crclr 5
  crclr 6
  #_ not-qemu its timebase runs at another rate
  #_ out cr 0x08000000

test_hints_do_nothing:
  #_ not-qemu it has no icbt
  #_ in r4 mem
  icbt 0, 0, r4
  dcbt 0, r4
  dcbst 0, r4
  icbi 0, r4
  sync
  isync
  li r3, 1
  #_ out r3 1
