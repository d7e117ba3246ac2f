/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what differs between VMX and SVM
 */
#ifndef _KVM_VTL_VENDOR_H
#define _KVM_VTL_VENDOR_H

#include "common.h"

/**
 * struct vtl_vendor_ops - one CPU vendor
 * @id: KVM_VTL_VENDOR_*
 * @hypercall_insn: VMCALL or VMMCALL
 * @restrict_spte: take from a present leaf SPTE the rights that @prot lacks;
 *	false when the SPTE is not as expected, so that the rights cannot be
 *	vouched for
 * @spte_can_exec: may the SPTE be executed?
 * @spte_clear_exec: take the right to execute
 */
struct vtl_vendor_ops {
	u32 id;
	u8 hypercall_insn[3];
	bool (*restrict_spte)(u64 *spte, vtl_prot_t prot);
	bool (*spte_can_exec)(u64 spte);
	u64 (*spte_clear_exec)(u64 spte);
};

extern const struct vtl_vendor_ops vtl_vmx_ops;
extern const struct vtl_vendor_ops vtl_svm_ops;

const struct vtl_vendor_ops *vtl_vendor(void);

#endif /* _KVM_VTL_VENDOR_H */
