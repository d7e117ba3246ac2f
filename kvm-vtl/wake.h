/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - waking a higher VTL
 */
#ifndef _KVM_VTL_WAKE_H
#define _KVM_VTL_WAKE_H

#include <linux/sched/signal.h>

#include "vp.h"

u8 vtl_wake_next_vtl(struct vtl_vp *vp);
void vtl_wake_vp(struct vtl_vp *vp);
void vtl_wake_active(struct kvm_vcpu *vcpu);
bool vtl_wake_take_kick(struct vtl_vp *vp);

/**
 * vtl_wake_is_signal - must the run loop return to userspace?
 * @vp: the VP
 *
 * Context: the run loop.
 * Return: true when a signal or task work waits for the thread.
 */
static inline bool vtl_wake_is_signal(struct vtl_vp *vp)
{
	if (task_sigpending(current))
		return true;
	return test_thread_flag(TIF_NOTIFY_SIGNAL) && !vtl_wake_take_kick(vp);
}

#endif /* _KVM_VTL_WAKE_H */
