// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the TLB lock
 *
 * A higher VTL that works with translations of a lower one holds up the lower
 * VTL's flush hypercalls on all other VPs, until it returns (TLFS, "Virtual TLB
 * Enhancements for VTL").  Each VTL that holds a lock has to let go of it.  A
 * flush that has to wait is executed again by the guest, so that the VP that
 * waits takes interrupts for its higher VTLs.
 *
 *   holder                         flusher
 *   ------                         -------
 *   tlb_locks = ...                page tables = ...
 *   smp_mb()                       VM exit
 *   read page tables               test tlb_locks of all VPs
 *
 * Either the holder sees the new page tables, or the flusher sees the lock.
 *
 * A lock that another VP has set holds up the flushes of this VP, too
 * (errata.rst, "TLB lock").
 */
#include <linux/kvm_host.h>
#include <linux/sched.h>

#include "partition.h"
#include "tlb.h"
#include "vp.h"

/**
 * vtl_tlb_set_locks - put all locks of a VTL as they are to be
 * @vp: the VP that holds them
 * @holder: the VTL that holds them
 * @locks: as in vtl_vp.tlb_locks
 *
 * Context: the run loop or an ioctl; vp->mutex held.
 */
void vtl_tlb_set_locks(struct vtl_vp *vp, u8 holder, u8 locks)
{
	/* As in vtl_tlb_unlock() */
	smp_store_release(&vp->tlb_locks[holder], locks);
	/* See above. */
	smp_mb();
}

/**
 * vtl_tlb_lock - hold up the flushes of a VTL on other VPs
 * @vp: the VP that holds the lock
 * @holder: the VTL that holds it
 * @vtl: a VTL below @holder
 * @by_other: another VP wants so: hold up those on @vp, too
 *
 * Context: the run loop or an ioctl; vp->mutex held.
 */
void vtl_tlb_lock(struct vtl_vp *vp, u8 holder, u8 vtl, bool by_other)
{
	u8 lock = BIT(vtl) << (by_other ? VTL_TLB_BY_OTHER_SHIFT : 0);

	vtl_tlb_set_locks(vp, holder, vp->tlb_locks[holder] | lock);
}

/**
 * vtl_tlb_has_lock - does a VTL of a VP hold a lock?
 * @vp: the VP
 * @holder: the VTL that may hold it
 * @vtl: a VTL below @holder
 *
 * Return: true if so, whoever has set it.
 */
bool vtl_tlb_has_lock(const struct vtl_vp *vp, u8 holder, u8 vtl)
{
	u8 lock = BIT(vtl) | BIT(vtl) << VTL_TLB_BY_OTHER_SHIFT;

	return READ_ONCE(vp->tlb_locks[holder]) & lock;
}

static bool holds_lock(struct vtl_vp *vp, u8 vtl, u8 lock)
{
	u8 holder;

	for (holder = vtl + 1; holder < VTL_LEVELS; holder++)
		/* Pairs with vtl_tlb_unlock(). */
		if (smp_load_acquire(&vp->tlb_locks[holder]) & lock)
			return true;
	return false;
}

/**
 * vtl_tlb_is_locked - must a flush by the active VTL wait?
 * @vp: the VP that flushes
 *
 * Locks that the VP itself has set do not count: it would wait for ever.
 *
 * Context: exit of the active vCPU.
 * Return: true while there is such a lock.
 */
bool vtl_tlb_is_locked(struct vtl_vp *vp)
{
	u8 vtl = vp->active_vtl;
	u8 by_other = BIT(vtl) << VTL_TLB_BY_OTHER_SHIFT;
	unsigned int i;

	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(vp->partition, i);
		u8 lock = other == vp ? by_other : by_other | BIT(vtl);

		if (other && holds_lock(other, vtl, lock))
			return true;
	}
	return false;
}

/**
 * vtl_tlb_must_wait - may the active VTL not run yet?
 * @vp: the VP
 *
 * Once there was no lock, HvRegisterVsmVpWaitForTlbLock of the VTLs above is 0
 * again.
 *
 * Context: the run loop.
 * Return: true while a higher VTL wants it to wait and another VP has a lock.
 */
bool vtl_tlb_must_wait(struct vtl_vp *vp)
{
	unsigned long above = vp->tlb_waits & GENMASK(VTL_MAX, 0) &
			      ~GENMASK(vp->active_vtl, 0);

	if (likely(!above))
		return false;
	if (vtl_tlb_is_locked(vp))
		return true;
	vp->tlb_waits &= ~above;
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
