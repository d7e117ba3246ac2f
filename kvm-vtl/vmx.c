// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the VMX half: EPT entries as KVM makes them
 *
 * KVM-INTERNAL: arch/x86/kvm/mmu/spte.h, the bits that KVM uses in SPTEs.
 */
#include <linux/kvm_vtl.h>

#include "vendor.h"

#define EPT_R			BIT_ULL(0)
#define EPT_W			BIT_ULL(1)
#define EPT_X			BIT_ULL(2)
#define EPT_MMU_WRITABLE	BIT_ULL(58)
#define SPTE_AD_TYPE		GENMASK_ULL(53, 52)
#define SPTE_AD_DISABLED	BIT_ULL(52)

/*
 * Without A and D bits an SPTE without R, W and X means "access tracked", and
 * KVM gives the rights back on the next access.
 */
static bool vmx_restrict_spte(u64 *spte, vtl_prot_t prot)
{
	if ((*spte & SPTE_AD_TYPE) == SPTE_AD_DISABLED)
		return false;
	if ((*spte & EPT_W) && !(*spte & EPT_MMU_WRITABLE))
		return false;

	if (!(prot & VTL_PROT_W))
		*spte &= ~(EPT_W | EPT_MMU_WRITABLE);
	if (!(prot & VTL_PROT_KX))
		*spte &= ~EPT_X;
	/* KVM sets R without execute-only support whatever the access is. */
	if (!(prot & VTL_PROT_R))
		*spte &= ~(EPT_R | EPT_W | EPT_X | EPT_MMU_WRITABLE);
	return true;
}

static bool vmx_spte_can_exec(u64 spte)
{
	return spte & EPT_X;
}

static u64 vmx_spte_clear_exec(u64 spte)
{
	return spte & ~EPT_X;
}

const struct vtl_vendor_ops vtl_vmx_ops = {
	.id = KVM_VTL_VENDOR_INTEL,
	.hypercall_insn = { 0x0f, 0x01, 0xc1 },
	.restrict_spte = vmx_restrict_spte,
	.spte_can_exec = vmx_spte_can_exec,
	.spte_clear_exec = vmx_spte_clear_exec,
};
