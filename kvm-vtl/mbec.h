/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - MBEC: execution by the kernel and by users are two rights
 */
#ifndef _KVM_VTL_MBEC_H
#define _KVM_VTL_MBEC_H

#include "common.h"

struct kvm_vcpu;
struct vtl_vp;

bool vtl_mbec_decides(const struct vtl_vp *vp, const struct kvm_vcpu *vcpu);
vtl_prot_t vtl_mbec_right(const struct vtl_vp *vp, const struct kvm_vcpu *vcpu,
			  bool user);
bool vtl_mbec_set(struct vtl_vp *vp, bool on);

#endif /* _KVM_VTL_MBEC_H */
