/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - events that a VTL is given: one to come, one on its way
 */
#ifndef _KVM_VTL_EVENT_H
#define _KVM_VTL_EVENT_H

#include <linux/types.h>

struct kvm_vcpu;

bool vtl_pending_event_valid(u64 event);
u64 vtl_pending_interruption(const struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_EVENT_H */
