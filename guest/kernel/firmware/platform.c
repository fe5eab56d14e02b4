/*
 * What the hypervisor has to know about this partition: interrupts big-endian and at their low vectors (an earlier kernel may
 * have chosen otherwise), and a virtual processor area for each CPU.
 * Source: LoPAR, H_SET_MODE, H_REGISTER_VPA; Linux 6.1 arch/powerpc/include/asm/lppaca.h for the area's layout.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"

#define SET_MODE_ADDRESS_TRANSLATION 3
#define SET_MODE_LITTLE_ENDIAN 4

#define VPA_BYTES 1024
#define VPA_REGISTER (1ul << 45)
#define VPA_UNREGISTER (5ul << 45)

struct vpa {
  u32 descriptor;
  u16 size;
  u16 reserved;
  u8 rest[VPA_BYTES - 8];
} __aligned(VPA_BYTES);

static struct vpa vpas[MAX_CPUS];

void platform_init(void) {
  hcall(H_SET_MODE, 0, SET_MODE_LITTLE_ENDIAN, 0, 0);
  hcall(H_SET_MODE, 0, SET_MODE_ADDRESS_TRANSLATION, 0, 0);
}

s64 vpa_register(int cpu) {
  vpas[cpu].descriptor = 0xd397d781; /* "LpPa" in EBCDIC */
  vpas[cpu].size = VPA_BYTES;
  return hcall(H_REGISTER_VPA, VPA_REGISTER, hard_id(cpu), __pa(&vpas[cpu]));
}

s64 vpa_unregister(int cpu) { return hcall(H_REGISTER_VPA, VPA_UNREGISTER, hard_id(cpu), 0); }
