/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - intercepts: what a lower VTL did and a higher one is told
 */
#ifndef _KVM_VTL_INTERCEPT_H
#define _KVM_VTL_INTERCEPT_H

#include "vp.h"

struct vtl_port_access;

int vtl_intercept_memory(struct vtl_vp *vp, struct kvm_vcpu *vcpu, gpa_t gpa,
			 vtl_prot_t access, const void *insn, int insn_len);
void vtl_intercept_gva(struct vtl_vp *vp, u64 error_code);
int vtl_intercept_register(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 length);
int vtl_intercept_port(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 owner,
		       const struct vtl_port_access *access);
int vtl_intercept_hypercall(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u8 owner);
void vtl_intercept_deliver(struct vtl_vp *vp);

#endif /* _KVM_VTL_INTERCEPT_H */
