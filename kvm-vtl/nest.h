/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - VTL calls served inside the exit that made them
 */
#ifndef _KVM_VTL_NEST_H
#define _KVM_VTL_NEST_H

struct kvm_vcpu;
struct vtl_vp;

int vtl_nest_call(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_NEST_H */
