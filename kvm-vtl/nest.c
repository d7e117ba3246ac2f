// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - VTL calls served inside the exit that made them
 *
 * A VTL call that leaves KVM_RUN of the calling VTL, and a VTL return that
 * enters it again, pay for its prologue and epilogue.  So the exit handler of
 * the caller is kept waiting instead: its vCPU is put, as if it had been
 * preempted there, the higher VTL's vCPU runs, and a VTL return loads the first
 * one again.  The FPU registers, which all VTLs share, stay where they are.
 *
 * That is a short cut for the common case and nothing else.  Whatever does not
 * end in a plain VTL return, or needs the run loop to look at something first,
 * leaves KVM_RUN of the caller, too; the run loop then finds the higher VTL
 * active, what it asked for in vtl_vp.action, and goes on as it always does.
 *
 * The caller's vCPU stays locked: nobody else may run it while its exit waits.
 */
#include <linux/kvm_host.h>

#include "kvm_glue.h"
#include "nest.h"
#include "switch.h"
#include "tlb.h"
#include "vp.h"

/*
 * Runs the VTL that was called until it returns, or wants something else.
 * Signals, kicks and the end of the partition are KVM's to see.
 */
static void run_called(struct vtl_vp *vp)
{
	struct vtl_vp_vtl *v = &vp->vtl[vp->active_vtl];

	vp->action = VTL_ACTION_RESUME;
	if (READ_ONCE(vp->pending) || v->pending_event[0] || v->no_context ||
	    v->mode.waits || !vtl_vcpu_knows_thread(v->vcpu))
		return;
	vp->action = VTL_ACTION_NONE;
	vp->nested_result = vtl_vcpu_run(v->vcpu, true);
}

static bool has_returned(struct vtl_vp *vp, u8 caller)
{
	return vp->action == VTL_ACTION_RETURN &&
	       !READ_ONCE(vp->init_dropped) && !vp->vtl[caller].mode.waits &&
	       vtl_vp_next_lower_vtl(vp) == caller;
}

/* Has a VTL above the active one an event that the run loop has to look at? */
static bool has_higher_work(struct vtl_vp *vp)
{
	u8 vtl;

	for (vtl = vtl_vp_highest_vtl(vp); vtl > vp->active_vtl; vtl--)
		if (vtl_vp_has_vtl(vp, vtl) &&
		    vtl_vcpu_has_work(vtl_vp_vcpu(vp, vtl)))
			return true;
	return false;
}

/*
 * Returns false when the run loop has to look at something: it alone changes
 * what else can be in the way.
 */
static bool return_to(struct vtl_vp *vp, u8 caller)
{
	u8 called = vp->active_vtl;

	vtl_tlb_unlock(vp, called, VTL_TLB_ALL);
	vtl_switch_locked(vp, caller, 0);
	vtl_vp_unlock_vcpu(vp, called);

	/* The called VTL's kicks did not set vp->pending while it ran. */
	if (unlikely(has_higher_work(vp) || vp->tlb_waits))
		vp->pending = 1;
	vp->action = READ_ONCE(vp->pending) ? VTL_ACTION_RESUME :
					      VTL_ACTION_NONE;
	return !vp->action;
}

/**
 * vtl_nest_call - serve a VTL call
 * @vp: the VP, whose action is VTL_ACTION_CALL
 * @vcpu: the active VTL's vCPU, past the instruction
 *
 * Context: exit of @vcpu, which is loaded.
 * Return: as KVM's exit handlers: 1 to enter the guest, 0 to leave KVM_RUN.
 */
int vtl_nest_call(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	u8 caller = vp->active_vtl, to = vtl_vp_next_higher_vtl(vp);
	struct fpstate *task_fpstate;
	bool back = false;

	/* KVM_RUN changes the signal mask only once. */
	if (!vp->may_nest || vcpu->sigset_active)
		return 0;

	vp->may_nest = false;
	task_fpstate = vtl_vcpu_suspend(vcpu);
	vtl_vp_lock_vcpu(vp, to);
	vtl_switch_locked(vp, to, HV_VTL_ENTRY_CALL);
	run_called(vp);
	if (likely(has_returned(vp, caller)))
		back = return_to(vp, caller);
	vtl_vcpu_resume(vcpu, task_fpstate);
	vp->may_nest = back;
	return back;
}
