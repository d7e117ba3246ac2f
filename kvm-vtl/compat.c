// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - hooks and calls whose parameters depend on the kernel
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>

#include "controls.h"
#include "hooks.h"
#include "mmu.h"
#include "vendor.h"
#include "wake.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)

int vtl_hook_kvm_mmu_max_mapping_level(struct kvm *kvm,
				       struct kvm_page_fault *fault,
				       const struct kvm_memory_slot *slot,
				       gfn_t gfn)
{
	int level = vtl_orig_kvm_mmu_max_mapping_level(kvm, fault, slot, gfn);

	return vtl_mmu_limit_level(kvm, gfn, level);
}

u64 vtl_hook_make_huge_spte(struct kvm *kvm, u64 small_spte, int level)
{
	u64 spte = vtl_orig_make_huge_spte(kvm, small_spte, level);

	return vtl_mmu_close_spte(kvm, spte);
}

void vtl_hook___kvm_vcpu_kick(struct kvm_vcpu *vcpu, bool wait)
{
	vtl_wake_active(vcpu);
	vtl_orig___kvm_vcpu_kick(vcpu, wait);
}

/* The kick without the hook */
void vtl_compat_kick(struct kvm_vcpu *vcpu)
{
	vtl_orig___kvm_vcpu_kick(vcpu, false);
}

static bool is_intel(void)
{
	return vtl_vendor()->id == KVM_VTL_VENDOR_INTEL;
}

/* Does KVM have the CPU look at both bits of an SPTE?  Not for any one VM. */
bool vtl_compat_uses_mbec(void)
{
	return is_intel() ? vtl_kvm_vmx_tdp_has_smep(NULL) :
			    vtl_kvm_svm_tdp_has_smep(NULL);
}

/* What MBEC depends on */
void vtl_hook_vmx_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	vtl_orig_vmx_set_cr0(vcpu, cr0);
	vtl_controls_again(vcpu);
}

/* KVM has a function of that name: for profilers, with a warning. */
unsigned long vtl_kvm_kvm_arch_vcpu_get_ip(struct kvm_vcpu *vcpu)
{
	if (is_intel() && !test_bit(VCPU_REG_RIP, vcpu->arch.regs_avail))
		vtl_kvm_vmx_cache_reg(vcpu, VCPU_REG_RIP);
	return vcpu->arch.rip;
}

/* What KVM's own, an inline function, gets to */
void vtl_kvm_kvm_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var,
			     int seg)
{
	if (is_intel())
		vtl_kvm_vmx_get_segment(vcpu, var, seg);
	else
		vtl_kvm_svm_get_segment(vcpu, var, seg);
}

int vtl_compat_synic_set_irq(struct kvm *kvm, u32 vp_index, u32 sint)
{
	struct kvm_kernel_irq_routing_entry entry = {
		.hv_sint = { .vcpu = vp_index, .sint = sint },
	};

	return vtl_kvm_kvm_hv_synic_set_irq(&entry, kvm, 0, 1, false);
}

#else

bool vtl_compat_uses_mbec(void)
{
	return false;
}

int vtl_hook___kvm_mmu_max_mapping_level(struct kvm *kvm,
					 const struct kvm_memory_slot *slot,
					 gfn_t gfn, int max_level,
					 bool is_private)
{
	int level = vtl_orig___kvm_mmu_max_mapping_level(kvm, slot, gfn,
							 max_level, is_private);

	return vtl_mmu_limit_level(kvm, gfn, level);
}

void vtl_hook_kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	vtl_wake_active(vcpu);
	vtl_orig_kvm_vcpu_kick(vcpu);
}

void vtl_compat_kick(struct kvm_vcpu *vcpu)
{
	vtl_orig_kvm_vcpu_kick(vcpu);
}

int vtl_compat_synic_set_irq(struct kvm *kvm, u32 vp_index, u32 sint)
{
	return vtl_kvm_kvm_hv_synic_set_irq(kvm, vp_index, sint);
}

#endif
