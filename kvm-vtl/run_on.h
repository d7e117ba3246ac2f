/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - having another VP do something to itself
 */
#ifndef _KVM_VTL_RUN_ON_H
#define _KVM_VTL_RUN_ON_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/types.h>

struct vtl_vp;

typedef u16 (*vtl_run_on_fn)(struct vtl_vp *vp, void *arg);

/**
 * enum vtl_run_on_state - how far a request is
 * @VTL_RUN_ON_NONE: there is none
 * @VTL_RUN_ON_WANTED: the VP's thread is to do it, after what it is in the
 *	middle of
 * @VTL_RUN_ON_WANTED_NOW: the VP's thread is to do it instead of that
 * @VTL_RUN_ON_RUNNING: it does
 */
enum vtl_run_on_state {
	VTL_RUN_ON_NONE,
	VTL_RUN_ON_WANTED,
	VTL_RUN_ON_WANTED_NOW,
	VTL_RUN_ON_RUNNING,
};

/**
 * struct vtl_run_on - a request to a VP
 * @state: enum vtl_run_on_state
 * @for_other: a function of another VP runs
 * @caller_vtl: the VTL that asks
 * @fn: what to do
 * @arg: its argument
 * @status: what it returned
 * @done: completed when it is done
 *
 * Written by the VP that holds the partition's run_on_lock, and by the VP.
 */
struct vtl_run_on {
	atomic_t state;
	bool for_other;
	u8 caller_vtl;
	vtl_run_on_fn fn;
	void *arg;
	u16 status;
	struct completion done;
};

/**
 * vtl_run_on_due - has the VP's thread something to do for another VP?
 * @r: the VP's
 *
 * Context: the run loop.
 * Return: true when vtl_run_on_serve() is to be called.
 */
static inline bool vtl_run_on_due(const struct vtl_run_on *r)
{
	int state = atomic_read(&r->state);

	return state == VTL_RUN_ON_WANTED || state == VTL_RUN_ON_WANTED_NOW;
}

u16 vtl_run_on(struct vtl_vp *vp, struct vtl_vp *target, vtl_run_on_fn fn,
	       void *arg);
u16 vtl_run_on_waiting(struct vtl_vp *vp, struct vtl_vp *target,
		       vtl_run_on_fn fn, void *arg);
bool vtl_run_on_serve(struct vtl_vp *vp);

#endif /* _KVM_VTL_RUN_ON_H */
