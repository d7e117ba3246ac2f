/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - MSRs that VTLs treat in their own way
 */
#ifndef _KVM_VTL_MSR_H
#define _KVM_VTL_MSR_H

#include <linux/types.h>

struct vtl_vp;

u64 vtl_code_page_offsets(bool is_64bit);
bool vtl_msr_is_shared(u32 msr);
bool vtl_msr_get_clock(struct vtl_vp *vp, u32 msr, u64 *data);

#endif /* _KVM_VTL_MSR_H */
