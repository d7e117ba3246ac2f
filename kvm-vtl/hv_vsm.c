// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HvCallEnablePartitionVtl, HvCallEnableVpVtl,
 * HvCallModifyVtlProtectionMask
 *
 * Handlers run in the run loop: vp->mutex is held, no vCPU is loaded.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>

#include "context.h"
#include "hooks.h"
#include "hypercall.h"
#include "kvm_glue.h"
#include "partition.h"
#include "protect.h"
#include "tlfs.h"
#include "trace.h"
#include "view.h"
#include "vp.h"
#include "vsm.h"

/*
 * What the caller runs in must be the highest enabled VTL below, unless it is
 * above: a VTL may not pass by one that it is subject to.
 */
static bool is_highest_below(struct vtl_vp *vp, u16 enabled_vtls, u8 vtl)
{
	return !(enabled_vtls & GENMASK(vtl - 1, 0) &
		 ~GENMASK(vp->active_vtl, 0));
}

static bool flags_offered(const struct vtl_partition *partition, u8 flags)
{
	u8 offered = 0;

	if (partition->features & KVM_VTL_FEATURE_MBEC)
		offered |= HV_ENABLE_PARTITION_VTL_MBEC;
	return !(flags & ~offered);
}

static u16 enable_partition_locked(struct vtl_vp *vp,
				   const struct hv_vtl_enable_partition *in)
{
	struct vtl_partition *partition = vp->partition;

	if (!is_highest_below(vp, partition->enabled_vtls, in->target_vtl))
		return HV_STATUS_ACCESS_DENIED;
	if (vtl_partition_has_vtl(partition, in->target_vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	vtl_partition_enable_vtl_locked(partition, in->target_vtl,
					in->flags &
					HV_ENABLE_PARTITION_VTL_MBEC);
	return HV_STATUS_SUCCESS;
}

/**
 * vtl_hv_enable_partition_vtl - HvCallEnablePartitionVtl
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_PARAMETER for VTL0, reserved bits and
 * unsupported flags; ACCESS_DENIED for a VTL that is not offered, and for one
 * above another that is above the caller's; INVALID_VTL_STATE when enabled
 * already.
 */
u16 vtl_hv_enable_partition_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_enable_partition *in = hc->in;
	struct vtl_partition *partition = vp->partition;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (!in->target_vtl || !flags_offered(partition, in->flags) ||
	    memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	if (in->target_vtl > partition->max_vtl)
		return HV_STATUS_ACCESS_DENIED;

	mutex_lock(&partition->lock);
	status = enable_partition_locked(vp, in);
	mutex_unlock(&partition->lock);
	return status;
}

/*
 * A lower VTL brings up the first VP, its own; then the higher one decides
 * about the others.  A VTL in between, on whichever VP, is not passed by.
 */
static bool may_enable_vp(struct vtl_vp *vp, struct vtl_vp *target, u8 vtl)
{
	unsigned int i;

	if (vp->active_vtl >= vtl)
		return true;
	if (target != vp)
		return false;
	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(vp->partition, i);

		if (other && (vtl_vp_has_vtl(other, vtl) ||
			      !is_highest_below(vp, other->enabled_vtls, vtl)))
			return false;
	}
	return true;
}

static u16 enable_vp_locked(struct vtl_vp *vp, struct vtl_vp *target, u8 vtl,
			    const struct hv_vtl_context *ctx)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(target, vtl);
	u16 status;

	lockdep_assert_held(&vp->partition->lock);
	if (!vtl_partition_has_vtl(vp->partition, vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	if (vtl_vp_has_vtl(target, vtl))
		return HV_STATUS_VTL_ALREADY_ENABLED;
	if (!may_enable_vp(vp, target, vtl))
		return HV_STATUS_ACCESS_DENIED;
	if (!vtl_vcpu_fpu_matches(vtl_vp_vcpu(target, 0), vcpu))
		return HV_STATUS_INVALID_VP_STATE;

	status = vtl_context_load(target, vtl, ctx);
	if (status)
		return status;
	/* MTRRs and the like come along at the first entry. */
	target->shared_msrs_stale |= BIT(vtl);
	/* The vCPU is ready when the bit is seen; see vtl_vp_has_vtl(). */
	smp_store_release(&target->enabled_vtls,
			  target->enabled_vtls | BIT(vtl));
	return HV_STATUS_SUCCESS;
}

/**
 * vtl_hv_enable_vp_vtl - HvCallEnableVpVtl
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_VP_INDEX; INVALID_PARAMETER for VTL0,
 * a VTL that is not offered and reserved bits; INVALID_VTL_STATE when the VTL
 * is not enabled for the partition; VTL_ALREADY_ENABLED; ACCESS_DENIED for a
 * lower VTL unless it is the first VP, enabling itself, and no VP has a VTL in
 * between; INVALID_REGISTER_VALUE.
 */
u16 vtl_hv_enable_vp_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_enable_vp *in = hc->in;
	struct vtl_vp *target;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	target = vtl_hv_vp(vp, in->vp_index);
	if (!target)
		return HV_STATUS_INVALID_VP_INDEX;
	if (!in->target_vtl || in->target_vtl > vp->partition->max_vtl ||
	    memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;

	mutex_lock(&vp->partition->lock);
	status = enable_vp_locked(vp, target, in->target_vtl, &in->context);
	mutex_unlock(&vp->partition->lock);
	return status;
}

static u16 check_modify(struct vtl_vp *vp,
			const struct hv_vtl_modify_protection *in, u8 *owner,
			vtl_prot_t *prot)
{
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_ACCESS_DENIED;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	status = vtl_hv_input_vtl(vp, in->target_vtl, owner);
	if (status)
		return status;
	if (!*owner)
		return HV_STATUS_INVALID_PARAMETER;
	if (!vtl_partition_has_vtl(vp->partition, *owner))
		return HV_STATUS_INVALID_VTL_STATE;
	if (!(vp->partition->config[*owner] & HV_VSM_CONFIG_ENABLE_PROTECTION))
		return HV_STATUS_ACCESS_DENIED;
	if (!vtl_protect_parse(in->map_flags,
			       vtl_partition_has_mbec(vp->partition, *owner),
			       prot))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}

/* The range that a list is in */
static void begin_locked(struct vtl_partition *partition, u8 owner,
			 const u64 *gfns, unsigned int nr_gfns)
{
	u64 first = gfns[0], last = gfns[0];
	unsigned int i;

	for (i = 1; i < nr_gfns; i++) {
		first = min(first, gfns[i]);
		last = max(last, gfns[i]);
	}
	vtl_view_begin_locked(partition, owner, first, last);
}

/* Updates the store; @change collects the pages whose rights changed. */
static u16 modify_pages_locked(struct vtl_vp *vp, struct vtl_hypercall *hc,
			       struct vtl_protect_change *change)
{
	const u64 *gfns = hc->in + sizeof(struct hv_vtl_modify_protection);
	struct kvm *kvm = vp->partition->vm[0].kvm;
	const struct kvm_memory_slot *slot = NULL;
	u16 status = HV_STATUS_SUCCESS;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	for (; hc->reps_done < hc->rep_count; hc->reps_done++) {
		u64 gfn = gfns[hc->reps_done];

		if (!vtl_gfn_is_ram_srcu(kvm, gfn, &slot)) {
			status = HV_STATUS_OPERATION_DENIED;
			break;
		}
		if (vtl_protect_set_locked(change, gfn)) {
			status = HV_STATUS_INSUFFICIENT_MEMORY;
			break;
		}
	}
	srcu_read_unlock(&kvm->srcu, idx);
	return status;
}

/**
 * vtl_hv_modify_protection - HvCallModifyVtlProtectionMask
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: ACCESS_DENIED for another partition, a VTL above the caller's, and
 * before EnableVtlProtection is set; INVALID_PARAMETER for VTL0 and reserved
 * bits; INVALID_VTL_STATE; INVALID_REGISTER_VALUE for illegal flags;
 * OPERATION_DENIED for a page that is not RAM; INSUFFICIENT_MEMORY.  Reps
 * before the failing one are done.
 */
u16 vtl_hv_modify_protection(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_modify_protection *in = hc->in;
	struct vtl_partition *partition = vp->partition;
	struct vtl_protect_change change = { .gfns = hc->out };
	u16 status;
	u8 owner;

	status = check_modify(vp, in, &owner, &change.prot);
	if (status)
		return status;
	change.protect = &partition->protect[owner];

	mutex_lock(&partition->lock);
	begin_locked(partition, owner, (const u64 *)(in + 1) + hc->reps_done,
		     hc->rep_count - hc->reps_done);
	status = modify_pages_locked(vp, hc, &change);
	vtl_view_apply_locked(partition, owner, &change);
	mutex_unlock(&partition->lock);
	trace_kvm_vtl_protect(vp, owner, change.prot, change.nr_gfns);
	return status;
}

static u16 check_check_access(struct vtl_vp *vp,
			      const struct hv_vtl_check_access *in, u8 *vtl)
{
	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)) ||
	    (in->desired_access & ~0xf))
		return HV_STATUS_INVALID_PARAMETER;
	return vtl_hv_input_vtl(vp, in->target_vtl, vtl);
}

/* The first VTL above that denies, with what it denies */
static u64 check_page(struct vtl_vp *vp, u8 vtl, gfn_t gfn, vtl_prot_t access)
{
	struct vtl_partition *partition = vp->partition;
	vtl_prot_t denied;

	while (++vtl <= partition->max_vtl) {
		denied = access & ~vtl_protect_get(&partition->protect[vtl],
						   gfn);
		if (denied)
			return HV_CHECK_ACCESS_INTERCEPT |
			       (u64)vtl_prot_bits(denied) <<
			       HV_CHECK_ACCESS_DENIED_SHIFT |
			       (u64)vtl << HV_CHECK_ACCESS_VTL_SHIFT;
	}
	return HV_CHECK_ACCESS_SUCCESS;
}

/**
 * vtl_hv_check_access - HvCallCheckSparseGpaPageVtlAccess
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_PARAMETER for reserved bits;
 * ACCESS_DENIED for a VTL above the caller's; OPERATION_DENIED for a page that
 * is not RAM.  Reps before the failing one are done.
 */
u16 vtl_hv_check_access(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_check_access *in = hc->in;
	const u64 *gfns = hc->in + sizeof(*in);
	struct kvm *kvm = vp->partition->vm[0].kvm;
	u64 *out = hc->out;
	u16 status;
	u8 vtl;

	status = check_check_access(vp, in, &vtl);
	if (status)
		return status;
	for (; hc->reps_done < hc->rep_count; hc->reps_done++) {
		u64 gfn = gfns[hc->reps_done];

		if (!vtl_gfn_is_ram(kvm, gfn))
			return HV_STATUS_OPERATION_DENIED;
		out[hc->reps_done] =
			check_page(vp, vtl, gfn,
				   vtl_prot_from_bits(in->desired_access));
	}
	return HV_STATUS_SUCCESS;
}
