// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - what a VTL wants to have done when it returns
 *
 * A list in its VP assist page, ended by type 0 (TLFS, "HV_VP_ASSIST_PAGE").
 * An entry is taken out of the list before it is done, so that it is done once.
 */
#include <linux/kvm_host.h>

#include "overlay.h"
#include "partition.h"
#include "return_action.h"
#include "tlfs.h"
#include "trace.h"
#include "vp.h"

#define ASSIST_ACTIONS	offsetof(struct hv_vp_assist_page, vtl_ret_actions)
#define NR_ACTIONS	(sizeof_field(struct hv_vp_assist_page, \
				      vtl_ret_actions) / \
			 sizeof(struct hv_vtl_return_action))

static bool signal_event(struct vtl_vp *vp,
			 const struct hv_vtl_return_action *a)
{
	struct vtl_vp *target = vtl_partition_vp(vp->partition, a->target_vp);

	/* Not above the one that asks. */
	if (!target || a->target_vtl > vp->active_vtl ||
	    !vtl_vp_has_vtl(target, a->target_vtl) ||
	    a->sint >= HV_SYNIC_SINT_COUNT || a->flag >= HV_EVENT_FLAGS_COUNT)
		return false;
	return vtl_vp_signal_event(target, a->target_vtl, a->sint, a->flag);
}

static unsigned int action_offset(unsigned int i)
{
	return ASSIST_ACTIONS + i * sizeof(struct hv_vtl_return_action);
}

/* Returns false at the end of the list, and at what is none. */
static bool take(struct kvm_vcpu *vcpu, unsigned int i,
		 struct hv_vtl_return_action *a)
{
	static const u64 none;

	return vtl_vcpu_read_assist(vcpu, action_offset(i), a, sizeof(*a)) &&
	       a->type == HV_VTL_RETURN_ACTION_SIGNAL_EVENT &&
	       vtl_vcpu_write_assist(vcpu, action_offset(i), &none,
				     sizeof(none));
}

static noinline void do_actions(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	struct hv_vtl_return_action a;
	unsigned int i;
	bool done;

	for (i = 0; i < NR_ACTIONS && take(vcpu, i, &a); i++) {
		done = signal_event(vp, &a);
		trace_kvm_vtl_return_action(vp, &a, done);
	}
}

/**
 * vtl_return_actions - do what the active VTL has left to be done
 * @vp: the VP
 * @vcpu: the active vCPU, whose VTL returns
 *
 * What cannot be done is dropped: a return has no status.
 *
 * Context: exit of @vcpu, which is loaded.
 */
void vtl_return_actions(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	bool is_highest = vp->active_vtl == vp->partition->max_vtl;
	u64 type;

	if (unlikely(vtl_vcpu_get_assist_word(vcpu, ASSIST_ACTIONS, &type,
					      is_highest) && type))
		do_actions(vp, vcpu);
}
