/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - execution controls of vCPUs that KVM does not have as we need them
 */
#ifndef _KVM_VTL_CONTROLS_H
#define _KVM_VTL_CONTROLS_H

#include "common.h"

struct kvm_vcpu;
struct vtl_controls;
struct vtl_vp;

void vtl_controls_wanted(struct kvm_vcpu *vcpu, struct vtl_controls *want);
void vtl_controls_again(struct kvm_vcpu *vcpu);
bool vtl_controls_apply(struct vtl_vp *vp, u8 below);

#endif /* _KVM_VTL_CONTROLS_H */
