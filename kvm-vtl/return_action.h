/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what a VTL wants to have done when it returns
 */
#ifndef _KVM_VTL_RETURN_ACTION_H
#define _KVM_VTL_RETURN_ACTION_H

struct kvm_vcpu;
struct vtl_vp;

void vtl_return_actions(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_RETURN_ACTION_H */
