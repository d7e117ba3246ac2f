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
 *   wait, 10 ms                    WANTED -> RUNNING, unlocks its vCPU
 *                                  the function
 *                                  NONE, completion
 *   WANTED -> NONE: not yet
 *
 * Two VPs that ask each other do not wait for each other: a partition has one
 * request at a time, and the second caller's guest executes its hypercall
 * again, which makes its VP look for requests.
 */
#include <linux/kvm_host.h>
#include <linux/mutex.h>

#include "hypercall.h"
#include "partition.h"
#include "run_on.h"
#include "tlfs.h"
#include "vp.h"
#include "wake.h"

#define TIMEOUT		msecs_to_jiffies(10)

static void run(struct vtl_vp *target, vtl_run_on_fn fn, void *arg)
{
	lockdep_assert_held(&target->mutex);
	target->run_on.for_other = true;
	fn(target, arg);
	target->run_on.for_other = false;
	/* What its VTLs accept may have changed. */
	target->pending = 1;
}

/* Returns false for a VP that somebody works with, or waits for the VMM. */
static bool run_idle(struct vtl_vp *target, vtl_run_on_fn fn, void *arg)
{
	bool idle;

	if (!mutex_trylock(&target->mutex))
		return false;
	idle = !vtl_vp_has_completion(target);
	if (idle)
		run(target, fn, arg);
	mutex_unlock(&target->mutex);
	return idle;
}

static u16 ask(struct vtl_vp *target, enum vtl_run_on_state how,
	       vtl_run_on_fn fn, void *arg)
{
	struct vtl_run_on *r = &target->run_on;

	reinit_completion(&r->done);
	r->fn = fn;
	r->arg = arg;
	/* Pairs with the cmpxchg in vtl_run_on_serve(). */
	atomic_set_release(&r->state, how);
	vtl_wake_vp(target);
	wait_for_completion_interruptible_timeout(&r->done, TIMEOUT);
	if (atomic_cmpxchg(&r->state, how, VTL_RUN_ON_NONE) == how)
		return VTL_STATUS_AGAIN;
	wait_for_completion(&r->done);
	return HV_STATUS_SUCCESS;
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
 * Return: HV_STATUS_SUCCESS when @fn was called; VTL_STATUS_AGAIN.
 */
u16 vtl_run_on(struct vtl_vp *vp, struct vtl_vp *target, vtl_run_on_fn fn,
	       void *arg)
{
	u16 status = HV_STATUS_SUCCESS;

	if (target == vp) {
		fn(vp, arg);
		return HV_STATUS_SUCCESS;
	}
	if (!mutex_trylock(&vp->partition->run_on_lock))
		return VTL_STATUS_AGAIN;
	if (!run_idle(target, fn, arg))
		status = ask(target, VTL_RUN_ON_WANTED, fn, arg);
	mutex_unlock(&vp->partition->run_on_lock);
	return status;
}

/**
 * vtl_run_on_waiting - call a function for a VP that waits in KVM_RUN
 * @vp: the calling VP
 * @target: another VP
 * @fn: as for vtl_run_on()
 * @arg: its argument
 *
 * For a VP whose registers are the VMM's outside of KVM_RUN, and that does not
 * go on with what it was in the middle of.
 *
 * Context: as vtl_run_on().
 * Return: as vtl_run_on().
 */
u16 vtl_run_on_waiting(struct vtl_vp *vp, struct vtl_vp *target,
		       vtl_run_on_fn fn, void *arg)
{
	u16 status;

	if (!mutex_trylock(&vp->partition->run_on_lock))
		return VTL_STATUS_AGAIN;
	status = ask(target, VTL_RUN_ON_WANTED_NOW, fn, arg);
	mutex_unlock(&vp->partition->run_on_lock);
	return status;
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

	if (how == VTL_RUN_ON_WANTED && vtl_vp_has_completion(vp))
		return false;
	if (how == VTL_RUN_ON_NONE ||
	    atomic_cmpxchg(&r->state, how, VTL_RUN_ON_RUNNING) != how)
		return true;
	vtl_vp_unlock_vcpu(vp, vp->active_vtl);
	run(vp, r->fn, r->arg);
	vtl_vp_lock_vcpu(vp, vp->active_vtl);
	atomic_set(&r->state, VTL_RUN_ON_NONE);
	complete_all(&r->done);
	return true;
}
