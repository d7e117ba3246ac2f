// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - having another VP do something to itself
 *
 * The registers of a VP are touched while it does not run, by whoever holds its
 * mutex.  That is its own thread, which leaves the guest for it; or, outside of
 * KVM_RUN, the VP that asks.
 *
 *   caller                         target's thread
 *   ------                         ---------------
 *   state = WANTED
 *   kick                           leaves the guest
 *   wait for a jiffy               WANTED -> RUNNING, unlocks its vCPU
 *                                  the function
 *                                  NONE, completion
 *   WANTED -> NONE: not yet
 *
 * Two VPs that ask each other do not wait for each other: a partition has one
 * request at a time, and the second caller's guest executes its hypercall
 * again, which makes its VP look for requests.
 *
 * A VTL does not take a VP out of a higher one.
 */
#include <linux/kvm_host.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "hypercall.h"
#include "kvm_glue.h"
#include "partition.h"
#include "run_on.h"
#include "tlfs.h"
#include "vp.h"
#include "wake.h"

/*
 * In jiffies.  Meanwhile the caller's VP does not look for interrupts, and no
 * other one can ask.
 */
#define TIMEOUT		1

/* An instruction is half done, and will be completed. */
static bool is_in_exit(struct vtl_vp *target)
{
	return vtl_vp_has_completion(target) &&
	       !vtl_vcpu_waits_for_sipi(vtl_vp_active_vcpu(target));
}

static u16 run(struct vtl_vp *target, u8 caller_vtl, vtl_run_on_fn fn,
	       void *arg)
{
	u16 status;

	lockdep_assert_held(&target->mutex);
	if (target->active_vtl > caller_vtl)
		return HV_STATUS_INVALID_VP_STATE;
	target->run_on.for_other = true;
	status = fn(target, arg);
	target->run_on.for_other = false;
	/* What its VTLs accept may have changed. */
	target->pending = 1;
	return status;
}

/* VTL_STATUS_AGAIN for a VP that somebody works with, or waits for the VMM */
static u16 run_idle(struct vtl_vp *target, u8 caller_vtl, vtl_run_on_fn fn,
		    void *arg)
{
	u16 status = VTL_STATUS_AGAIN;

	if (!mutex_trylock(&target->mutex))
		return status;
	if (!is_in_exit(target))
		status = run(target, caller_vtl, fn, arg);
	mutex_unlock(&target->mutex);
	return status;
}

static u16 ask(struct vtl_vp *target, enum vtl_run_on_state how, u8 caller_vtl,
	       vtl_run_on_fn fn, void *arg)
{
	struct vtl_run_on *r = &target->run_on;

	if (!rcu_access_pointer(target->task))
		return VTL_STATUS_AGAIN;
	reinit_completion(&r->done);
	r->caller_vtl = caller_vtl;
	r->fn = fn;
	r->arg = arg;
	/* Pairs with the cmpxchg in vtl_run_on_serve(). */
	atomic_set_release(&r->state, how);
	vtl_wake_vp(target);
	wait_for_completion_interruptible_timeout(&r->done, TIMEOUT);
	if (atomic_cmpxchg(&r->state, how, VTL_RUN_ON_NONE) == how)
		return VTL_STATUS_AGAIN;
	wait_for_completion(&r->done);
	return r->status;
}

/* Nobody runs the VP: the lock is not held meanwhile. */
static u16 try_later(struct vtl_vp *target, u16 status)
{
	if (status == VTL_STATUS_AGAIN && !rcu_access_pointer(target->task))
		schedule_timeout_interruptible(1);
	return status;
}

/**
 * vtl_run_on - call a function for a VP that does not run meanwhile
 * @vp: the calling VP
 * @target: the VP; may be @vp
 * @fn: function; called with @target's mutex held, none of its vCPUs locked or
 *	loaded; may sleep, but waits for no other VP
 * @arg: its argument
 *
 * A VP in the middle of an exit to userspace is waited for: its instruction is
 * half done.
 *
 * Context: the run loop of @vp; may sleep; vp->mutex held, no vCPU locked.
 * Return: what @fn returned; INVALID_VP_STATE while @target is in a VTL above
 * the caller's; VTL_STATUS_AGAIN.
 */
u16 vtl_run_on(struct vtl_vp *vp, struct vtl_vp *target, vtl_run_on_fn fn,
	       void *arg)
{
	u8 vtl = vp->active_vtl;
	u16 status;

	if (target == vp)
		return fn(vp, arg);
	/* Not only refused: it is not disturbed, either. */
	if (READ_ONCE(target->active_vtl) > vtl)
		return HV_STATUS_INVALID_VP_STATE;
	if (!mutex_trylock(&vp->partition->run_on_lock))
		return VTL_STATUS_AGAIN;
	status = run_idle(target, vtl, fn, arg);
	if (status == VTL_STATUS_AGAIN)
		status = ask(target, VTL_RUN_ON_WANTED, vtl, fn, arg);
	mutex_unlock(&vp->partition->run_on_lock);
	return try_later(target, status);
}

/**
 * vtl_run_on_waiting - call a function for a VP that waits in KVM_RUN
 * @vp: the calling VP
 * @target: another VP
 * @fn: as for vtl_run_on()
 * @arg: its argument
 *
 * For a VP whose registers are the VMM's outside of KVM_RUN, that does not go
 * on with what it was in the middle of, and whichever VTL of it is active.
 *
 * Context: as vtl_run_on().
 * Return: what @fn returned; VTL_STATUS_AGAIN.
 */
u16 vtl_run_on_waiting(struct vtl_vp *vp, struct vtl_vp *target,
		       vtl_run_on_fn fn, void *arg)
{
	u16 status;

	if (!mutex_trylock(&vp->partition->run_on_lock))
		return VTL_STATUS_AGAIN;
	status = ask(target, VTL_RUN_ON_WANTED_NOW, VTL_MAX, fn, arg);
	mutex_unlock(&vp->partition->run_on_lock);
	return try_later(target, status);
}

/**
 * vtl_run_on_serve - do what another VP asks for
 * @vp: the VP
 *
 * Context: the run loop of @vp; may sleep; vp->mutex held, the active vCPU
 *	locked: not while the function runs.
 * Return: false when the active vCPU has to finish an exit first.
 */
bool vtl_run_on_serve(struct vtl_vp *vp)
{
	struct vtl_run_on *r = &vp->run_on;
	int how = atomic_read(&r->state);

	if (how == VTL_RUN_ON_WANTED && is_in_exit(vp))
		return false;
	if (how == VTL_RUN_ON_NONE ||
	    atomic_cmpxchg(&r->state, how, VTL_RUN_ON_RUNNING) != how)
		return true;
	vtl_vp_unlock_vcpu(vp, vp->active_vtl);
	r->status = run(vp, r->caller_vtl, r->fn, r->arg);
	vtl_vp_lock_vcpu(vp, vp->active_vtl);
	atomic_set(&r->state, VTL_RUN_ON_NONE);
	complete_all(&r->done);
	return true;
}
