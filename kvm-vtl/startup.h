/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - starting VPs by hypercall
 */
#ifndef _KVM_VTL_STARTUP_H
#define _KVM_VTL_STARTUP_H

#include <linux/completion.h>
#include <linux/types.h>

#include "tlfs.h"

struct vtl_vp;

/**
 * enum vtl_start_state - how far HvCallStartVirtualProcessor is
 * @VTL_START_NONE: not asked for
 * @VTL_START_REQUESTED: the VP's thread has to do it
 * @VTL_START_DONE: the caller has to take the status
 */
enum vtl_start_state {
	VTL_START_NONE,
	VTL_START_REQUESTED,
	VTL_START_DONE,
};

/**
 * struct vtl_start - a request to start a VP
 * @state: how far it is; also read without the lock
 * @caller: index of the calling VP
 * @caller_vtl: its VTL
 * @vtl: VTL that @context is for
 * @status: the answer
 * @answered: completed with the answer
 * @context: registers
 *
 * Protected by the partition's lock.
 */
struct vtl_start {
	enum vtl_start_state state;
	u32 caller;
	u8 caller_vtl;
	u8 vtl;
	u16 status;
	struct completion answered;
	struct hv_vtl_context context;
};

/**
 * vtl_startup_due - has the VP's thread to start it?
 * @start: the VP's
 *
 * Context: the run loop.
 * Return: true when vtl_startup_run() is to be called.
 */
static inline bool vtl_startup_due(const struct vtl_start *start)
{
	return READ_ONCE(start->state) == VTL_START_REQUESTED;
}

void vtl_startup_run(struct vtl_vp *vp);
void vtl_startup_cancel(struct vtl_vp *vp);
void vtl_startup_undo_init(struct vtl_vp *vp);

#endif /* _KVM_VTL_STARTUP_H */
