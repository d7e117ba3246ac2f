/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - name, limits and small types that every file needs
 */
#ifndef _KVM_VTL_COMMON_H
#define _KVM_VTL_COMMON_H

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/types.h>

/* VTLs that this version implements: VTL0 to VTL2. */
#define VTL_LEVELS	3
#define VTL_MAX		(VTL_LEVELS - 1)

/* VPs per partition; KVM's vCPU ids must be below it. */
#define VTL_MAX_VPS	256

/* All of RFLAGS but what the CPU wants to be zero: 3, 5, 15, 63:22. */
#define VTL_RFLAGS_DEFINED	0x3f7fd7ULL

/**
 * typedef vtl_prot_t - rights of a lower VTL on a guest page
 *
 * Bits of HV_MAP_GPA_FLAGS (TLFS, "Memory access protections"), kept apart
 * from KVM's and the CPU's bits by sparse.
 */
typedef u32 __bitwise vtl_prot_t;

#define VTL_PROT_R	((__force vtl_prot_t)0x1)
#define VTL_PROT_W	((__force vtl_prot_t)0x2)
#define VTL_PROT_KX	((__force vtl_prot_t)0x4)
#define VTL_PROT_UX	((__force vtl_prot_t)0x8)
#define VTL_PROT_NONE	((__force vtl_prot_t)0x0)
#define VTL_PROT_ALL	((__force vtl_prot_t)0xf)

static inline u32 vtl_prot_bits(vtl_prot_t prot)
{
	return (__force u32)prot;
}

static inline vtl_prot_t vtl_prot_from_bits(u32 bits)
{
	return (__force vtl_prot_t)(bits & 0xf);
}

#endif /* _KVM_VTL_COMMON_H */
