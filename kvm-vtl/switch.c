// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - VTL switches: shared state and entry work
 *
 * Private state needs no work: each VTL has its own vCPU.  Shared state lives
 * in the active VTL's vCPU and moves to the entered one while neither is
 * loaded (TLFS, "Virtual Processor State Isolation").
 *
 * What must happen with the entered vCPU loaded (its assist page, its
 * registers) is entry work: a mask that the vCPU's completion callback works
 * off at the beginning of its next KVM_RUN.  A vCPU that is switched to has no
 * completion of KVM's own pending: the run loop finishes those first.
 */
#include <linux/kvm_host.h>

#include "hooks.h"
#include "kvm_glue.h"
#include "mitigation.h"
#include "overlay.h"
#include "switch.h"
#include "tlfs.h"
#include "trace.h"
#include "vina.h"
#include "vp.h"

/* Offsets in the VP assist page (TLFS, "HV_VP_VTL_CONTROL"). */
#define ASSIST_VTL_CONTROL	offsetof(struct hv_vp_assist_page, \
					 vtl_entry_reason)
#define ASSIST_VTL_RETURN	offsetof(struct hv_vp_assist_page, \
					 vtl_ret_x64rax)

#define ASSIST_VINA_SHIFT	32

static bool is_highest(struct vtl_vp *vp)
{
	return vp->active_vtl == vp->partition->max_vtl;
}

static void write_assist(struct vtl_vp *vp, struct vtl_vp_vtl *v)
{
	u64 entry[VTL_ASSIST_ENTRY_WORDS] = {
		v->entry_reason,
		v->vcpu->arch.regs[VCPU_REGS_RAX],
		v->vcpu->arch.regs[VCPU_REGS_RCX],
	};

	if (unlikely(v->vina) && vtl_vina_keeps_asserted(v))
		entry[0] |= (u64)HV_VINA_ASSERTED << ASSIST_VINA_SHIFT;
	/* No page is fine; a page whose slot is gone is VTL1's own affair. */
	vtl_vcpu_put_assist_entry(v->vcpu, ASSIST_VTL_CONTROL, entry,
				  is_highest(vp));
}

static void inject_event(struct vtl_vp_vtl *v)
{
	u64 event = v->pending_event[0], payload = v->pending_event[1];
	u8 vector = event >> HV_PENDING_EVENT_VECTOR_SHIFT;
	u32 error_code = event >> HV_PENDING_EVENT_ERROR_CODE_SHIFT;

	if (vector == PF_VECTOR)
		v->vcpu->arch.cr2 = payload;
	memset(v->pending_event, 0, sizeof(v->pending_event));
	if (vector == DB_VECTOR)
		vtl_kvm_kvm_queue_exception_p(v->vcpu, vector, payload);
	else if (event & HV_PENDING_EVENT_DELIVER_ERROR_CODE)
		vtl_kvm_kvm_queue_exception_e(v->vcpu, vector, error_code);
	else
		vtl_kvm_kvm_queue_exception(v->vcpu, vector);
}

/* The completion callback: runs with the vCPU and the guest FPU loaded. */
static int do_entry_work(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	struct vtl_vp_vtl *v;
	u32 work;
	int r = 1;

	vtl_vcpu_forget_steal_time(vcpu);
	/* The VMM runs an inner vCPU by itself: its entry work is lost. */
	if (!vp)
		return 1;

	v = &vp->vtl[vp->active_vtl];
	work = v->entry;
	v->entry = 0;

	if (vp->active_vtl)
		vtl_vcpu_sync_tsc(vtl_vp_vcpu(vp, 0), vcpu);
	if (work & VTL_ENTRY_ASSIST)
		write_assist(vp, v);
	if (work & VTL_ENTRY_HYPERCALL)
		r = vtl_hypercall_complete(vp, vcpu);
	if (work & VTL_ENTRY_EVENT)
		inject_event(v);
	if (work & VTL_ENTRY_VINA)
		vtl_vina_raise(v);
	return r;
}

/**
 * vtl_switch_arm_entry - have work done at the next entry of a VTL
 * @v: the VTL of a VP
 * @work: mask of VTL_ENTRY_*
 *
 * Context: the run loop; no vCPU loaded.
 * Return: false when a completion of KVM's own must be finished first.
 */
bool vtl_switch_arm_entry(struct vtl_vp_vtl *v, u32 work)
{
	if (v->vcpu->arch.complete_userspace_io &&
	    v->vcpu->arch.complete_userspace_io != do_entry_work)
		return false;
	v->entry |= work;
	v->vcpu->arch.complete_userspace_io = do_entry_work;
	return true;
}

/**
 * vtl_switch_disarm_entry - forget the entry work of a VTL
 * @v: the VTL of a VP that is reset
 *
 * Context: may sleep; vp->mutex held, no vCPU locked.
 */
void vtl_switch_disarm_entry(struct vtl_vp_vtl *v)
{
	mutex_lock(&v->vcpu->mutex);
	v->entry = 0;
	if (v->vcpu->arch.complete_userspace_io == do_entry_work)
		v->vcpu->arch.complete_userspace_io = NULL;
	mutex_unlock(&v->vcpu->mutex);
}

/**
 * vtl_switch_move_shared - move the shared state between the VTLs of a VP
 * @vp: the VP
 * @from: the VTL whose vCPU holds it
 * @to: the VTL whose vCPU gets it
 *
 * Context: both vCPUs locked, none loaded.
 */
void vtl_switch_move_shared(struct vtl_vp *vp, u8 from, u8 to)
{
	struct kvm_vcpu *a = vtl_vp_vcpu(vp, from);
	struct kvm_vcpu *b = vtl_vp_vcpu(vp, to);

	vtl_vcpu_move_shared(a, b);
	if (unlikely(vp->shared_msrs_stale & BIT(to))) {
		vtl_vcpu_move_shared_msrs(a, b);
		vp->shared_msrs_stale &= ~BIT(to);
	}
}

/**
 * vtl_switch_locked - make another VTL the active one
 * @vp: the VP
 * @to: the VTL to enter
 * @entry_reason: HV_VTL_ENTRY_* when @to is higher; ignored otherwise
 *
 * Context: vp->mutex held, the vCPUs of both VTLs locked, none loaded.
 */
void vtl_switch_locked(struct vtl_vp *vp, u8 to, u32 entry_reason)
{
	struct vtl_vp_vtl *v = &vp->vtl[to];
	u8 from = vp->active_vtl;

	trace_kvm_vtl_switch(vp, from, to, to > from ? entry_reason : 0);
	vtl_mitigate_switch();
	vtl_switch_move_shared(vp, from, to);
	/* A VTL in the middle may be entered from above at first. */
	v->entered = to;
	if (to > from) {
		v->entry_reason = entry_reason;
		/* The run loop has left no completion on a vCPU it left. */
		if (!vtl_switch_arm_entry(v, VTL_ENTRY_ASSIST))
			vtl_partition_kill(vp->partition,
					   "entry while a completion waits");
	}
	WRITE_ONCE(vp->active_vtl, to);
	/*
	 * Order the store against the test for work of the higher VTLs in the
	 * run loop.  Pairs with the barrier in wake_active().
	 */
	smp_mb();
	if (unlikely(vtl_vina_enabled(vp, to)))
		vp->pending = 1;
}

/**
 * vtl_switch - make another VTL the active one, and its vCPU the locked one
 * @vp: the VP
 * @to: the VTL to enter
 * @entry_reason: as for vtl_switch_locked()
 *
 * The lock passes from one vCPU to the other: a VMM with leaked descriptors of
 * them gets no word in.
 *
 * Context: the run loop; may sleep; vp->mutex held, the active vCPU locked,
 *	none loaded.
 */
void vtl_switch(struct vtl_vp *vp, u8 to, u32 entry_reason)
{
	u8 from = vp->active_vtl;

	vtl_vp_lock_vcpu(vp, to);
	vtl_switch_locked(vp, to, entry_reason);
	vtl_vp_unlock_vcpu(vp, from);
}

/**
 * vtl_switch_preempt - enter a higher VTL that has an event
 * @vp: the VP
 * @to: the VTL to enter
 * @entry_reason: HV_VTL_ENTRY_INTERRUPT or HV_VTL_ENTRY_INTERCEPT
 *
 * A VTL that wants to know of interrupts for lower ones (VINA) needs to hear
 * their timers, which the VMX preemption timer does not let it.  It may be
 * entered only after the one that preempts.
 *
 * Context: as vtl_switch().
 */
void vtl_switch_preempt(struct vtl_vp *vp, u8 to, u32 entry_reason)
{
	if (unlikely(vtl_vina_enabled_from(vp, to)))
		vtl_vcpu_use_sw_timer(vtl_vp_active_vcpu(vp));
	vtl_switch(vp, to, entry_reason);
}

/**
 * vtl_switch_restore_return_regs - load RAX and RCX for a non-fast VTL return
 * @vp: the VP
 * @vcpu: the active vCPU, whose VTL returns
 *
 * Without an assist page the registers keep their values.
 *
 * Context: exit of @vcpu, which is loaded.
 */
void vtl_switch_restore_return_regs(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	/* RAX and RCX come in this order there, too. */
	vtl_vcpu_get_assist_return(vcpu, ASSIST_VTL_RETURN,
				   (u64 *)&vcpu->arch.regs[VCPU_REGS_RAX],
				   is_highest(vp));
}
