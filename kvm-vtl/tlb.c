// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the TLB lock
 *
 * A higher VTL that works with translations of a lower one holds up the lower
 * VTL's flush hypercalls on all other VPs, until it returns (TLFS, "Virtual TLB
 * Enhancements for VTL").  A flush that has to wait is executed again by the
 * guest, so that the VP that waits takes interrupts for its higher VTLs.
 *
 *   holder                         flusher
 *   ------                         -------
 *   tlb_locks = ...                page tables = ...
 *   smp_mb()                       VM exit
 *   read page tables               test tlb_locks of all VPs
 *
 * Either the holder sees the new page tables, or the flusher sees the lock.
 */
#include <linux/kvm_host.h>
#include <linux/sched.h>

#include "partition.h"
#include "tlb.h"
#include "vp.h"

/**
 * vtl_tlb_lock - hold up the flushes of a VTL on other VPs
 * @vp: the VP that wants so
 * @vtl: a VTL below the active one
 *
 * Context: the run loop or an ioctl; vp->mutex held.
 */
void vtl_tlb_lock(struct vtl_vp *vp, u8 vtl)
{
	WRITE_ONCE(vp->tlb_locks, vp->tlb_locks | BIT(vtl));
	/* See above. */
	smp_mb();
}

/**
 * vtl_tlb_unlock - end what vtl_tlb_lock() began
 * @vp: the VP
 * @vtls: mask of VTLs
 *
 * Context: vp->mutex held.
 */
void vtl_tlb_unlock(struct vtl_vp *vp, u32 vtls)
{
	if (likely(!vp->tlb_locks))
		return;
	/* What was done under the lock comes first. */
	smp_store_release(&vp->tlb_locks, vp->tlb_locks & ~vtls);
}

/**
 * vtl_tlb_is_locked - must a flush by the active VTL wait?
 * @vp: the VP that flushes
 *
 * Locks of the VP itself do not count: it would wait for ever.
 *
 * Context: exit of the active vCPU.
 * Return: true while another VP holds the lock.
 */
bool vtl_tlb_is_locked(struct vtl_vp *vp)
{
	unsigned int i;
	u32 locks;

	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(vp->partition, i);

		if (!other || other == vp)
			continue;
		/* Pairs with vtl_tlb_unlock(). */
		locks = smp_load_acquire(&other->tlb_locks);
		if (locks & BIT(vp->active_vtl))
			return true;
	}
	return false;
}

/**
 * vtl_tlb_wait - let time pass before a flush is tried again
 *
 * Context: the run loop; no vCPU loaded.
 */
void vtl_tlb_wait(void)
{
	schedule_timeout_interruptible(1);
}
