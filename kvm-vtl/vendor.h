/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what differs between VMX and SVM
 */
#ifndef _KVM_VTL_VENDOR_H
#define _KVM_VTL_VENDOR_H

#include "common.h"

struct kvm_vcpu;

/**
 * struct vtl_controls - what a vCPU needs that KVM does not do by itself
 * @cr0: bits of CR0 whose writes must leave the guest
 * @cr4: bits of CR4, likewise
 * @tables: HV_CR_INTERCEPT_{GDTR,IDTR,LDTR,TR}_WRITE, likewise
 * @mbec: users' fetches are judged by VTL_PROT_UX; that they can be, where they
 *	always are
 */
struct vtl_controls {
	u64 cr0;
	u64 cr4;
	u64 tables;
	bool mbec;
};

/* KVM-INTERNAL: the same in EPT and NPT. */
#define VTL_SPTE_HUGE		BIT_ULL(7)
#define VTL_SPTE_PRESENT	BIT_ULL(11)

/**
 * struct vtl_vendor_ops - one CPU vendor
 * @id: KVM_VTL_VENDOR_*
 * @kvm_module: the half of KVM
 * @hypercall_insn: VMCALL or VMMCALL
 * @has_mbec: can this CPU and kernel tell users' fetches from the kernel's?
 * @user_by_cpl: the CPU tells them by the privilege level, at all times and for
 *	all vCPUs; else by the address, as struct vtl_controls says
 * @restrict_spte: take from a present leaf SPTE the rights that @prot lacks;
 *	false when the SPTE is not as expected, so that the rights cannot be
 *	vouched for
 * @restrict_exec: take from a leaf SPTE the rights to execute that @like lacks
 * @cpl: privilege level of a vCPU, which is loaded
 * @interrupt_state: HvX64RegisterInterruptState of a vCPU, which is loaded
 * @set_interrupt_state: set it
 * @control: have a vCPU, which is loaded, do so; false when this CPU or host
 *	cannot
 * @fault_gva: the linear address of the access that KVM was told of with this
 *	error code; false when the CPU does not say
 * @lost_state: does a vCPU, which is loaded, need the reset that KVM is about
 *	to make?
 */
struct vtl_vendor_ops {
	u32 id;
	const char *kvm_module;
	u8 hypercall_insn[3];
	bool (*has_mbec)(void);
	bool user_by_cpl;
	bool (*restrict_spte)(u64 *spte, vtl_prot_t prot);
	u64 (*restrict_exec)(u64 spte, u64 like);
	int (*cpl)(struct kvm_vcpu *vcpu);
	u64 (*interrupt_state)(struct kvm_vcpu *vcpu);
	void (*set_interrupt_state)(struct kvm_vcpu *vcpu, u64 state);
	bool (*control)(struct kvm_vcpu *vcpu, const struct vtl_controls *want);
	bool (*fault_gva)(u64 error_code, u64 *gva);
	bool (*lost_state)(struct kvm_vcpu *vcpu);
};

extern const struct vtl_vendor_ops vtl_vmx_ops;
extern const struct vtl_vendor_ops vtl_svm_ops;

const struct vtl_vendor_ops *vtl_vendor(void);

#endif /* _KVM_VTL_VENDOR_H */
