// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the SVM half: NPT entries as KVM makes them
 *
 * KVM-INTERNAL: arch/x86/kvm/mmu/spte.h, the bits that KVM uses in SPTEs.
 */
#include <linux/kvm_vtl.h>

#include "vendor.h"

#define NPT_W			BIT_ULL(1)
#define NPT_U			BIT_ULL(2)
#define NPT_MMU_WRITABLE	BIT_ULL(10)
#define NPT_NX			BIT_ULL(63)

static bool svm_restrict_spte(u64 *spte, vtl_prot_t prot)
{
	if ((*spte & NPT_W) && !(*spte & NPT_MMU_WRITABLE))
		return false;

	if (!(prot & VTL_PROT_W))
		*spte &= ~(NPT_W | NPT_MMU_WRITABLE);
	if (!(prot & VTL_PROT_KX))
		*spte |= NPT_NX;
	/* Nested accesses are user accesses: no U is no access at all. */
	if (!(prot & VTL_PROT_R)) {
		*spte &= ~(NPT_U | NPT_W | NPT_MMU_WRITABLE);
		*spte |= NPT_NX;
	}
	return true;
}

static bool svm_spte_can_exec(u64 spte)
{
	return !(spte & NPT_NX);
}

static u64 svm_spte_clear_exec(u64 spte)
{
	return spte | NPT_NX;
}

const struct vtl_vendor_ops vtl_svm_ops = {
	.id = KVM_VTL_VENDOR_AMD,
	.hypercall_insn = { 0x0f, 0x01, 0xd9 },
	.restrict_spte = svm_restrict_spte,
	.spte_can_exec = svm_spte_can_exec,
	.spte_clear_exec = svm_spte_clear_exec,
};
