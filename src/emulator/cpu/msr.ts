/** Machine state register bits, Power ISA 3.0B, Book III, §3.2.1. */
export const MSR_SF_BIT: bigint = 1n << 63n;
export const MSR_HV_BIT: bigint = 1n << 60n;
export const MSR_VEC_BIT: bigint = 1n << 25n;
export const MSR_VSX_BIT: bigint = 1n << 23n;
export const MSR_EE_BIT: bigint = 1n << 15n;
export const MSR_PR_BIT: bigint = 1n << 14n;
export const MSR_FP_BIT: bigint = 1n << 13n;
export const MSR_ME_BIT: bigint = 1n << 12n;
export const MSR_FE0_BIT: bigint = 1n << 11n;
export const MSR_SE_BIT: bigint = 1n << 10n;
export const MSR_BE_BIT: bigint = 1n << 9n;
export const MSR_FE1_BIT: bigint = 1n << 8n;
export const MSR_IR_BIT: bigint = 1n << 5n;
export const MSR_DR_BIT: bigint = 1n << 4n;
export const MSR_PMM_BIT: bigint = 1n << 2n;
export const MSR_RI_BIT: bigint = 1n << 1n;
export const MSR_LE_BIT = 1n;
