/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what differs between VMX and SVM
 */
#ifndef _KVM_VTL_VENDOR_H
#define _KVM_VTL_VENDOR_H

#include "common.h"

struct kvm_vcpu;

/**
 * struct vtl_intercepted - registers whose writes must leave the guest
 * @cr0: bits of CR0
 * @cr4: bits of CR4
 * @tables: HV_CR_INTERCEPT_{GDTR,IDTR,LDTR,TR}_WRITE
 */
struct vtl_intercepted {
	u64 cr0;
	u64 cr4;
	u64 tables;
};

/* KVM-INTERNAL: the same in EPT and NPT. */
#define VTL_SPTE_HUGE		BIT_ULL(7)
#define VTL_SPTE_PRESENT	BIT_ULL(11)

/**
 * struct vtl_vendor_ops - one CPU vendor
 * @id: KVM_VTL_VENDOR_*
 * @kvm_module: the half of KVM
 * @hypercall_insn: VMCALL or VMMCALL
 * @restrict_spte: take from a present leaf SPTE the rights that @prot lacks;
 *	false when the SPTE is not as expected, so that the rights cannot be
 *	vouched for
 * @spte_can_exec: may the SPTE be executed?
 * @spte_clear_exec: take the right to execute
 * @intercept: have a vCPU, which is loaded, leave the guest for these writes;
 *	false when this CPU or host cannot
 * @fault_gva: the linear address of the access that KVM was told of with this
 *	error code; false when the CPU does not say
 * @lost_state: does a vCPU, which is loaded, need the reset that KVM is about
 *	to make?
 */
struct vtl_vendor_ops {
	u32 id;
	const char *kvm_module;
	u8 hypercall_insn[3];
	bool (*restrict_spte)(u64 *spte, vtl_prot_t prot);
	bool (*spte_can_exec)(u64 spte);
	u64 (*spte_clear_exec)(u64 spte);
	bool (*intercept)(struct kvm_vcpu *vcpu,
			  const struct vtl_intercepted *want);
	bool (*fault_gva)(u64 error_code, u64 *gva);
	bool (*lost_state)(struct kvm_vcpu *vcpu);
};

extern const struct vtl_vendor_ops vtl_vmx_ops;
extern const struct vtl_vendor_ops vtl_svm_ops;

const struct vtl_vendor_ops *vtl_vendor(void);

#endif /* _KVM_VTL_VENDOR_H */
