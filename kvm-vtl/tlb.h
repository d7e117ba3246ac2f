/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the TLB lock
 */
#ifndef _KVM_VTL_TLB_H
#define _KVM_VTL_TLB_H

#include <linux/types.h>

struct vtl_vp;

void vtl_tlb_lock(struct vtl_vp *vp, u8 vtl);
void vtl_tlb_unlock(struct vtl_vp *vp, u32 vtls);
bool vtl_tlb_is_locked(struct vtl_vp *vp);
void vtl_tlb_wait(void);

#endif /* _KVM_VTL_TLB_H */
