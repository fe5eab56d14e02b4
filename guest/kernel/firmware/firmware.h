/*
 * What lies below the kernel: the hypervisor, and run-time abstraction services (RTAS).
 *
 * Hypercalls: number in r3, arguments in r4 to r12, status in r3, further results from r4. Numbers and flags as in
 * Linux 6.1 arch/powerpc/include/asm/hvcall.h. Work in real mode, too.
 */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#define H_SUCCESS 0
#define H_BUSY 1
#define H_CLOSED 2
#define H_NOT_FOUND -7
#define H_PARAMETER -4
#define H_FUNCTION -2
#define H_HARDWARE -1
#define H_CONTINUE 18
#define H_LONG_BUSY_FIRST 9900
#define H_LONG_BUSY_LAST 9905

#define H_REMOVE 0x04
#define H_ENTER 0x08
#define H_READ 0x0c
#define H_CLEAR_MOD 0x10
#define H_CLEAR_REF 0x14
#define H_PROTECT 0x18
#define H_GET_TCE 0x1c
#define H_PUT_TCE 0x20
#define H_LOGICAL_CI_LOAD 0x3c
#define H_LOGICAL_CI_STORE 0x40
#define H_GET_TERM_CHAR 0x54
#define H_PUT_TERM_CHAR 0x58
#define H_EOI 0x64
#define H_CPPR 0x68
#define H_IPI 0x6c
#define H_IPOLL 0x70
#define H_XIRR 0x74
#define H_REGISTER_VPA 0xdc
#define H_CEDE 0xe0
#define H_CONFER 0xe4
#define H_PROD 0xe8
#define H_BULK_REMOVE 0x124
#define H_STUFF_TCE 0x138
#define H_SET_MODE 0x31c
#define H_CLEAR_HPT 0x358
#define H_REGISTER_PROCESS_TABLE 0x37c
#define H_SIGNAL_SYS_RESET 0x380

#define SYS_RESET_ALL (-1l)
#define SYS_RESET_ALL_OTHERS (-2l)

#ifndef __ASSEMBLER__
#include "lib/lib.h"

/* With up to nine arguments; `result` gets r4 to r12 as they come back. */
s64 hcall_results(u64 number, u64 result[9], u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 a7, u64 a8, u64 a9);
/* With up to seven arguments, the status alone. */
s64 hcall_status(u64 number, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 a7);

#define HCALL_PICK(a, b, c, d, e, f, g, h, ...) hcall_status(a, b, c, d, e, f, g, h)
/* hcall(number, …): the status; arguments left out are 0. */
#define hcall(...) HCALL_PICK(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0, 0)

/* ---- platform.c: what the hypervisor has to know about this partition and its CPUs ---- */

/* Interrupts big-endian and at their low vectors. */
void platform_init(void);
/* Registers or takes back the virtual processor area of a CPU. */
s64 vpa_register(int cpu);
s64 vpa_unregister(int cpu);

/* ---- rtas.c: called in real mode, 32-bit, big-endian, one CPU at a time, through an argument buffer ---- */

/* Finds RTAS in the device tree. */
void rtas_read(void);

#define RTAS_UNKNOWN (-1)

/* The service's token, RTAS_UNKNOWN where /rtas does not name it. */
s32 rtas_token(const char *service);
/* Status of the call (0: success; negative: error, -1 also where the token is RTAS_UNKNOWN). `outputs` gets the
   returns after the status: nrets - 1 of them. Arguments are u32. */
s32 rtas_call(s32 token, int nargs, int nrets, u32 *outputs, ...);
#endif

#endif
