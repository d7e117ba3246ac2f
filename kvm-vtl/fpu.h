/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - x87 and SSE registers of a vCPU that is not loaded
 */
#ifndef _KVM_VTL_FPU_H
#define _KVM_VTL_FPU_H

#include <linux/kvm_host.h>

#include "tlfs.h"

void vtl_fpu_get(struct kvm_vcpu *vcpu, u32 name, union hv_vtl_reg_value *val);
bool vtl_fpu_set(struct kvm_vcpu *vcpu, u32 name,
		 const union hv_vtl_reg_value *val);

#endif /* _KVM_VTL_FPU_H */
