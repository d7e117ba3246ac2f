// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HvCallDisableVpVtl, HvCallDisablePartitionVtl
 *
 * A VTL ends as by a reset, which is all that the sources say of it
 * (errata.rst, "DisablePartitionVtl, DisableVpVtl").  No lower VTL can ask for
 * it.  The last VP keeps its VTL as long as the partition has it: else a lower
 * one could bring it up anew, over what it has closed.
 */
#include <linux/kvm_host.h>

#include "hypercall.h"
#include "mbec.h"
#include "partition.h"
#include "run_on.h"
#include "switch.h"
#include "tlb.h"
#include "tlfs.h"
#include "vp.h"
#include "vsm.h"

static bool is_only_vp_with(struct vtl_vp *vp, u8 vtl)
{
	unsigned int i;

	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(vp->partition, i);

		if (other && other != vp && vtl_vp_has_vtl(other, vtl))
			return false;
	}
	return true;
}

/* The VP goes on where a VTL return would have it go on. */
static void leave_vtl(struct vtl_vp *vp, u8 vtl)
{
	u8 to = vtl_vp_next_lower_vtl(vp);

	vtl_vp_lock_vcpu(vp, vtl);
	vtl_switch(vp, to, 0);
	vtl_vp_unlock_vcpu(vp, to);
	/* Nobody has looked for the events of VTLs above it meanwhile. */
	vp->pending = 1;
}

/* Off, unless a VTL is left that has it. */
static bool reset_mbec(struct vtl_vp *vp)
{
	return (vp->partition->mbec_vtls & vp->enabled_vtls) ||
	       vtl_mbec_set(vp, false);
}

static u16 disable_locked(struct vtl_vp *vp, u8 vtl)
{
	lockdep_assert_held(&vp->mutex);
	lockdep_assert_held(&vp->partition->lock);
	vtl_tlb_unlock(vp, vtl, VTL_TLB_ALL);
	__clear_bit(vtl, &vp->tlb_waits);
	if (vp->active_vtl == vtl)
		leave_vtl(vp, vtl);
	WRITE_ONCE(vp->enabled_vtls, vp->enabled_vtls & ~BIT(vtl));
	if (vtl_reset_vp_vtl(vp, vtl) || !reset_mbec(vp)) {
		vtl_partition_kill(vp->partition, "a VTL could not be reset");
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	return HV_STATUS_SUCCESS;
}

static u16 disable_vp_locked(struct vtl_vp *vp, u8 vtl)
{
	if (!vtl_vp_has_vtl(vp, vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	if (is_only_vp_with(vp, vtl))
		return HV_STATUS_OPERATION_DENIED;
	return disable_locked(vp, vtl);
}

/* As the VP does it that loses the VTL */
static u16 disable_vp(struct vtl_vp *vp, void *arg)
{
	const u8 *vtl = arg;
	u16 status;

	mutex_lock(&vp->partition->lock);
	status = disable_vp_locked(vp, *vtl);
	mutex_unlock(&vp->partition->lock);
	return status;
}

static u16 check_vtl(struct vtl_vp *vp, u8 vtl)
{
	if (!vtl || vtl > vp->partition->max_vtl)
		return HV_STATUS_INVALID_PARAMETER;
	return vtl > vp->active_vtl ? HV_STATUS_ACCESS_DENIED :
				      HV_STATUS_SUCCESS;
}

/* A caller that is gone gets no status, and nothing is written for it. */
static u16 status_for(struct vtl_vp *vp, u8 caller, u16 status)
{
	return vp->active_vtl == caller ? status : VTL_STATUS_AGAIN;
}

/**
 * vtl_hv_disable_vp_vtl - HvCallDisableVpVtl
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_VP_INDEX; INVALID_PARAMETER for VTL0, a
 * VTL that is not offered and reserved bits; ACCESS_DENIED for a VTL above the
 * caller's; INVALID_VTL_STATE when the VTL is not enabled on the VP;
 * OPERATION_DENIED for the last VP that has it; INVALID_VP_STATE for another VP
 * that is in a VTL above the caller's.
 */
u16 vtl_hv_disable_vp_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_disable_vp *in = hc->in;
	u8 vtl = in->target_vtl, caller = vp->active_vtl;
	struct vtl_vp *target;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	target = vtl_hv_vp(vp, in->vp_index);
	if (!target)
		return HV_STATUS_INVALID_VP_INDEX;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	status = check_vtl(vp, vtl);
	if (status)
		return status;
	status = vtl_run_on(vp, target, disable_vp, &vtl);
	return status_for(vp, caller, status);
}

static u16 disable_partition_locked(struct vtl_vp *vp, u8 vtl)
{
	struct vtl_partition *partition = vp->partition;

	if (!vtl_partition_has_vtl(partition, vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	if (!is_only_vp_with(vp, vtl))
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (vtl_reset_vtl_locked(partition, vp, vtl)) {
		vtl_partition_kill(partition, "a page could not be zeroed");
		return HV_STATUS_OPERATION_DENIED;
	}
	WRITE_ONCE(partition->enabled_vtls,
		   partition->enabled_vtls & ~BIT(vtl));
	return vtl_vp_has_vtl(vp, vtl) ? disable_locked(vp, vtl) :
					 HV_STATUS_SUCCESS;
}

/**
 * vtl_hv_disable_partition_vtl - HvCallDisablePartitionVtl
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * What the VTL has closed is open afterwards, and zeroed if lower VTLs could
 * not read it and its ZeroMemoryOnReset is set.
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_PARAMETER for VTL0, a VTL that is not
 * offered, flags and reserved bits; ACCESS_DENIED for a VTL above the caller's;
 * INVALID_VTL_STATE when the VTL is not enabled; INVALID_PARTITION_STATE while
 * another VP has it.
 */
u16 vtl_hv_disable_partition_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_enable_partition *in = hc->in;
	u8 caller = vp->active_vtl;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (in->flags || memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	status = check_vtl(vp, in->target_vtl);
	if (status)
		return status;

	mutex_lock(&vp->partition->lock);
	status = disable_partition_locked(vp, in->target_vtl);
	mutex_unlock(&vp->partition->lock);
	return status_for(vp, caller, status);
}
