/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the TLB lock
 */
#ifndef _KVM_VTL_TLB_H
#define _KVM_VTL_TLB_H

#include "vp.h"

/* All VTLs, for vtl_tlb_unlock() */
#define VTL_TLB_ALL	GENMASK(VTL_MAX, 0)

/* In vtl_vp.tlb_locks: the mask of those that another VP has set here */
#define VTL_TLB_BY_OTHER_SHIFT	4

void vtl_tlb_set_locks(struct vtl_vp *vp, u8 holder, u8 locks);
void vtl_tlb_lock(struct vtl_vp *vp, u8 holder, u8 vtl, bool by_other);
bool vtl_tlb_has_lock(const struct vtl_vp *vp, u8 holder, u8 vtl);
bool vtl_tlb_is_locked(struct vtl_vp *vp);
bool vtl_tlb_must_wait(struct vtl_vp *vp);
void vtl_tlb_wait(void);

/**
 * vtl_tlb_unlock - end what vtl_tlb_lock() began
 * @vp: the VP
 * @holder: the VTL that holds the locks
 * @vtls: mask of VTLs
 *
 * Context: vp->mutex held.
 */
static inline void vtl_tlb_unlock(struct vtl_vp *vp, u8 holder, u8 vtls)
{
	u8 locks = vp->tlb_locks[holder];

	vtls |= vtls << VTL_TLB_BY_OTHER_SHIFT;
	if (unlikely(locks))
		/* What was done under the lock comes first. */
		smp_store_release(&vp->tlb_locks[holder], locks & ~vtls);
}

#endif /* _KVM_VTL_TLB_H */
