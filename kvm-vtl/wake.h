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
bool vtl_wake_take_kick(void);

/**
 * vtl_wake_is_signal - must the run loop return to userspace?
 *
 * Context: the run loop.
 * Return: true when a signal or task work waits for the thread.
 */
static inline bool vtl_wake_is_signal(void)
{
	if (task_sigpending(current))
		return true;
	return test_thread_flag(TIF_NOTIFY_SIGNAL) && !vtl_wake_take_kick();
}

#endif /* _KVM_VTL_WAKE_H */
