// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - starting VPs: HvCallStartVirtualProcessor,
 * HvCallGetVpIndexFromApicId; INIT and SIPI
 *
 * The VP's own thread sets the registers, in KVM_RUN, where it waits for a
 * SIPI: outside of it they are the VMM's.
 */
#include <linux/kvm_host.h>

#include "context.h"
#include "controls.h"
#include "hooks.h"
#include "hypercall.h"
#include "kvm_glue.h"
#include "partition.h"
#include "run_on.h"
#include "startup.h"
#include "switch.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"
#include "wake.h"

/*
 * The VP starts in its highest VTL, whichever got the context.  One that has
 * run is not entered out of turn: VTL0 can have a VP started more than once.
 */
static void enter_highest(struct vtl_vp *vp)
{
	u8 to = vtl_vp_highest_vtl(vp);

	if (to == vp->active_vtl || vp->vtl[to].entered)
		return;
	vtl_vp_lock_vcpu(vp, vp->active_vtl);
	vtl_switch(vp, to, HV_VTL_ENTRY_NONE);
	vtl_vp_unlock_vcpu(vp, to);
}

/* The lowest VTL above @vtl that has configured one of these bits, or 0 */
static u8 vtl_with_config(struct vtl_partition *partition, u8 vtl, u64 bits)
{
	while (++vtl <= partition->max_vtl)
		if (READ_ONCE(partition->config[vtl]) & bits)
			return vtl;
	return 0;
}

/**
 * vtl_startup_interceptor - who wants to be told that VPs are started?
 * @vp: the VP that calls HvCallStartVirtualProcessor
 *
 * Context: any.
 * Return: a VTL above the active one, 0 for none.
 */
u8 vtl_startup_interceptor(struct vtl_vp *vp)
{
	return vtl_with_config(vp->partition, vp->active_vtl,
			       HV_VSM_CONFIG_INTERCEPT_VP_STARTUP);
}

static bool can_start(struct vtl_vp *vp, u8 vtl)
{
	return vtl_vp_has_vtl(vp, vtl) && !vp->vtl[vtl].entered &&
	       vtl_vcpu_waits_for_sipi(vtl_vp_vcpu(vp, 0));
}

static u16 start_locked(struct vtl_vp *vp, const struct hv_vtl_enable_vp *in)
{
	u16 status;

	lockdep_assert_held(&vp->mutex);
	lockdep_assert_held(&vp->partition->lock);
	if (!can_start(vp, in->target_vtl))
		return HV_STATUS_INVALID_VP_STATE;
	status = vtl_context_load(vp, in->target_vtl, &in->context);
	if (!status)
		enter_highest(vp);
	return status;
}

/* As the VP does it that is started */
static u16 start(struct vtl_vp *vp, void *in)
{
	u16 status;

	mutex_lock(&vp->partition->lock);
	status = start_locked(vp, in);
	mutex_unlock(&vp->partition->lock);
	return status;
}

/**
 * vtl_hv_start_vp - HvCallStartVirtualProcessor
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_VP_INDEX, also for the caller;
 * INVALID_PARAMETER for reserved bits; ACCESS_DENIED for a VTL above the
 * caller's, and by DenyLowerVtlStartup; INVALID_VP_STATE for a VP that does not
 * wait to be started, and for a VTL that is not enabled on it or has run;
 * INVALID_REGISTER_VALUE.
 */
u16 vtl_hv_start_vp(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_enable_vp *in = hc->in;
	struct vtl_vp *target;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	target = vtl_partition_vp(vp->partition, in->vp_index);
	if (!target || target == vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	if (in->target_vtl > vp->active_vtl ||
	    vtl_with_config(vp->partition, vp->active_vtl,
			    HV_VSM_CONFIG_DENY_LOWER_STARTUP))
		return HV_STATUS_ACCESS_DENIED;

	/* A VP that runs is not disturbed. */
	if (!can_start(target, in->target_vtl))
		return HV_STATUS_INVALID_VP_STATE;
	return vtl_run_on_waiting(vp, target, start, hc->in);
}

/* The APIC id of a VP is its index, as KVM and the VMM number vCPUs. */
static u16 vp_index(struct vtl_vp *vp, u8 vtl, bool must_have_vtl, u32 apic_id,
		    u32 *index)
{
	struct vtl_vp *target = vtl_partition_vp(vp->partition, apic_id);

	if (!target || (must_have_vtl && !vtl_vp_has_vtl(target, vtl)))
		return HV_STATUS_INVALID_PARAMETER;
	*index = target->index;
	return HV_STATUS_SUCCESS;
}

/**
 * vtl_hv_get_vp_index - HvCallGetVpIndexFromApicId
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; ACCESS_DENIED for a VTL above the caller's;
 * INVALID_PARAMETER for reserved bits, an unknown APIC id, and a VP that has
 * not enabled the VTL that is named (errata.rst, "GetVpIndexFromApicId").
 */
u16 vtl_hv_get_vp_index(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_get_vp_index *in = hc->in;
	const u32 *apic_ids = hc->in + sizeof(*in);
	u32 *indices = hc->out;
	u16 status;
	u8 vtl;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	status = vtl_hv_input_vtl(vp, in->target_vtl, &vtl);
	for (; !status && hc->reps_done < hc->rep_count; hc->reps_done++) {
		status = vp_index(vp, vtl,
				  in->target_vtl & HV_INPUT_VTL_USE_TARGET,
				  apic_ids[hc->reps_done],
				  &indices[hc->reps_done]);
		if (status)
			break;
	}
	return status;
}

/*
 * INIT and SIPI: dropped for a VTL with another one above it on the VP, and by
 * DenyLowerVtlStartup on all VPs (TLFS, "Virtual Processor Startup").  By
 * InterceptVpStartup as well: they must not be a way around it.
 *
 * KVM takes them when the vCPU looks for events, and changes the state of the
 * vCPU after it has called what is hooked here.  So the run loop is asked to
 * put that back before the vCPU is entered: a kick makes KVM_RUN return there.
 */
static bool is_init_denied(struct vtl_vp *vp, u8 vtl)
{
	return vtl_vp_highest_vtl(vp) > vtl ||
	       vtl_with_config(vp->partition, vtl,
			       HV_VSM_CONFIG_DENY_LOWER_STARTUP |
			       HV_VSM_CONFIG_INTERCEPT_VP_STARTUP);
}

static bool drop_init(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp;
	bool drop;
	u8 vtl;

	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	drop = vp && is_init_denied(vp, vtl);
	if (drop && !test_bit(vtl, &vp->init_dropped)) {
		vp->vtl[vtl].mp_state = vcpu->arch.mp_state;
		set_bit(vtl, &vp->init_dropped);
		vtl_wake_vp(vp);
	}
	rcu_read_unlock();
	return drop;
}

void vtl_hook_kvm_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	if (init_event && !vtl_vendor()->lost_state(vcpu) && drop_init(vcpu))
		return;
	vtl_orig_kvm_vcpu_reset(vcpu, init_event);
	vtl_controls_again(vcpu);
}

void vtl_hook_kvm_vcpu_deliver_sipi_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	if (!drop_init(vcpu))
		vtl_orig_kvm_vcpu_deliver_sipi_vector(vcpu, vector);
}

/**
 * vtl_startup_undo_init - put back what KVM made of a dropped INIT or SIPI
 * @vp: the VP
 *
 * Context: the run loop, or an ioctl; vp->mutex held, no vCPU loaded.
 */
void vtl_startup_undo_init(struct vtl_vp *vp)
{
	u8 vtl;

	for (vtl = 0; vtl < VTL_LEVELS; vtl++)
		if (test_and_clear_bit(vtl, &vp->init_dropped))
			vtl_vp_vcpu(vp, vtl)->arch.mp_state =
				vp->vtl[vtl].mp_state;
}
