/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the TLB lock
 */
#ifndef _KVM_VTL_TLB_H
#define _KVM_VTL_TLB_H

#include <linux/types.h>

struct vtl_vp;

/* All VTLs, for vtl_tlb_unlock() */
#define VTL_TLB_ALL	0xff

void vtl_tlb_lock(struct vtl_vp *vp, u8 holder, u8 vtl);
void vtl_tlb_unlock(struct vtl_vp *vp, u8 holder, u8 vtls);
bool vtl_tlb_is_locked(struct vtl_vp *vp);
void vtl_tlb_wait(void);

#endif /* _KVM_VTL_TLB_H */
