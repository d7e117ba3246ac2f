// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - waking a higher VTL
 *
 * A VP is one thread.  When an event arrives for a vCPU of a VTL above the
 * active one, or below one that wants to know (VINA), the active vCPU must
 * leave KVM_RUN, also out of HLT.  The means is TIF_NOTIFY_SIGNAL: KVM takes it
 * for a signal and returns -EINTR with all guest state intact; no signal is
 * seen by the VMM.  The truth is vtl_vp.pending and the state of the other
 * vCPUs, never the flag.
 *
 *   waker                              run loop
 *   -----                              --------
 *   event visible (IRR, timer)         active_vtl = lower
 *   smp_mb()                           smp_mb()
 *   read active_vtl                    test higher VTLs for events
 *   lower: pending, flag, kick
 *
 * Either the waker sees the lower VTL and kicks, or the loop sees the event.
 */
#include <linux/kvm_host.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>

#include "hooks.h"
#include "kvm_glue.h"
#include "vina.h"
#include "vp.h"
#include "wake.h"

/* Does an event for @vtl concern the VP while @active runs? */
static bool concerns(struct vtl_vp *vp, u8 vtl, u8 active)
{
	return vtl > active || (vtl < active && vtl_vina_enabled(vp, active));
}

/* Has the run loop look at what waits for @vtl.  RCU read side. */
static void kick(struct vtl_vp *vp, u8 vtl)
{
	struct task_struct *task;
	struct kvm_vcpu *active;

	set_bit(vtl, &vp->pending);
	task = rcu_dereference(vp->task);
	if (!task)
		return;
	set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
	active = vtl_vp_vcpu(vp, READ_ONCE(vp->active_vtl));
	rcuwait_wake_up(&active->wait);
	vtl_compat_kick(active);
}

/**
 * vtl_wake_vp - have the run loop of a VP look at its requests
 * @vp: the VP
 */
void vtl_wake_vp(struct vtl_vp *vp)
{
	rcu_read_lock();
	/* The request before the bit; next_vtl() reads in the other order. */
	smp_mb();
	kick(vp, 0);
	rcu_read_unlock();
}

/**
 * vtl_wake_active - tell the active VTL of an event for a vCPU
 * @vcpu: any vCPU; what is no VTL's is left alone
 *
 * Context: any, also hard interrupts with another VM's vCPU loaded.
 */
void vtl_wake_active(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp;
	u8 vtl;

	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	if (!vp)
		goto out;

	/* Pairs with the barrier in vtl_switch() and in next_vtl(). */
	smp_mb();
	if (!concerns(vp, vtl, READ_ONCE(vp->active_vtl)))
		goto out;

	kick(vp, vtl);
out:
	rcu_read_unlock();
}

bool vtl_hook_kvm_vcpu_wake_up(struct kvm_vcpu *vcpu)
{
	vtl_wake_active(vcpu);
	return vtl_orig_kvm_vcpu_wake_up(vcpu);
}

/**
 * vtl_wake_next_vtl - the VTL that should run now
 * @vp: the VP
 *
 * The highest VTL with a deliverable event wins, whatever its RFLAGS.IF (TLFS,
 * "VTL Interrupts"); without one the active VTL goes on.
 *
 * Context: the run loop; the active vCPU locked, none loaded.
 * Return: a VTL not below the active one.
 */
u8 vtl_wake_next_vtl(struct vtl_vp *vp)
{
	u8 vtl;

	WRITE_ONCE(vp->pending, 0);
	/* A wake that found the bit set saw its event before this. */
	smp_mb();
	for (vtl = vtl_vp_highest_vtl(vp); vtl > vp->active_vtl; vtl--) {
		struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

		if (vtl_vp_has_vtl(vp, vtl) && vtl_vcpu_has_work(vcpu) &&
		    vtl_vcpu_collect_work(vcpu))
			return vtl;
	}
	return vp->active_vtl;
}

/**
 * vtl_wake_take_kick - was this thread kicked by the module?
 * @vp: the VP of the thread
 *
 * Clears the notification flag, which the module shares with task work: work
 * that waits keeps it.  Work that needs no return to userspace, of which the
 * kernel adds some ten times a second, is done here.
 *
 * Context: the run loop; may sleep; no vCPU loaded.
 * Return: true when a kick, and no task work, had set the flag.
 */
bool vtl_wake_take_kick(struct vtl_vp *vp)
{
	if (!test_thread_flag(TIF_NOTIFY_SIGNAL))
		return false;
	clear_thread_flag(TIF_NOTIFY_SIGNAL);
	/* Order against the tests for task work and pending VTLs. */
	smp_mb__after_atomic();
	if (task_work_pending(current) && test_thread_flag(TIF_NOTIFY_RESUME))
		vtl_compat_handle_work(vtl_vp_active_vcpu(vp));
	if (!task_work_pending(current))
		return true;
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return false;
}
