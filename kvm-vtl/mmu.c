// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - a lower VTL's EPT/NPT: violations, leaf entries, mapping levels
 *
 * make_spte() decides; the page-fault hook only tells the protecting VTL.  All
 * of them ask the same store, or the guest would loop: an entry with fewer
 * rights than the fault hook believes is "spurious" to KVM.
 */
#include <linux/kvm_host.h>

#include "hooks.h"
#include "intercept.h"
#include "mbec.h"
#include "mmu.h"
#include "partition.h"
#include "trace.h"
#include "vendor.h"
#include "vp.h"

/*
 * EPT misconfiguration (KVM's cached MMIO) does not say what the access was.
 */
static vtl_prot_t fault_access(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
			       u64 error_code)
{
	if (error_code & PFERR_WRITE_MASK)
		return VTL_PROT_W;
	if (error_code & PFERR_FETCH_MASK)
		return vtl_mbec_right(vp, vcpu, error_code & PFERR_USER_MASK);
	return VTL_PROT_R;
}

int vtl_hook_kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t cr2_or_gpa,
				u64 error_code, void *insn, int insn_len)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	vtl_prot_t access, prot;
	int ret;

	if (!vp)
		return VTL_PASS(vtl_orig_kvm_mmu_page_fault(vcpu, cr2_or_gpa,
							    error_code, insn,
							    insn_len));

	/* Shadow paging: the address is not a GPA.  Nothing can be promised. */
	if (unlikely(!vcpu->arch.mmu->root_role.direct)) {
		vtl_partition_kill(vp->partition, "no two-dimensional paging");
		return -EIO;
	}

	access = fault_access(vp, vcpu, error_code);
	prot = vtl_effective_prot(vp->partition, vp->active_vtl,
				  gpa_to_gfn(cr2_or_gpa));
	if (unlikely(!(prot & access))) {
		ret = vtl_intercept_memory(vp, vcpu, cr2_or_gpa, access, insn,
					   insn_len);
		if (!ret)
			vtl_intercept_gva(vp, error_code);
		return ret;
	}
	return vtl_orig_kvm_mmu_page_fault(vcpu, cr2_or_gpa, error_code, insn,
					   insn_len);
}

/*
 * Pages whose rights an SPTE must respect.  A 1 GiB SPTE is judged by its first
 * 2 MiB: under the same mmu_lock, the mapping level was found to be allowed,
 * that is, all of it has equal rights; and a change that came in between zaps
 * the SPTE before it counts.
 */
static unsigned long spte_pages(u64 spte)
{
	return spte & VTL_SPTE_HUGE ? KVM_PAGES_PER_HPAGE(PG_LEVEL_2M) : 1;
}

/* Context: mmu_lock held, so that no change of rights can be half applied. */
static void restrict_spte(struct kvm_vcpu *vcpu, gfn_t gfn, u64 *spte)
{
	unsigned long pages = spte_pages(*spte);
	struct vtl_vm *vm;
	vtl_prot_t prot;
	bool known;

	rcu_read_lock();
	vm = vtl_registry_find_rcu(vcpu->kvm);
	if (!vm)
		goto out;
	prot = vtl_effective_prot_range(vm->partition, vm->vtl,
					ALIGN_DOWN(gfn, pages), pages);
	/* What a later change of rights must find (view.c) */
	known = *spte & VTL_SPTE_PRESENT;
	if (known && prot == VTL_PROT_ALL)
		goto out;
	if (!known || !vtl_vendor()->restrict_spte(spte, prot)) {
		/* Take everything rather than trust an unknown layout. */
		vtl_vendor()->restrict_spte(spte, VTL_PROT_NONE);
		vtl_partition_kill(vm->partition, "unexpected SPTE layout");
	}
out:
	rcu_read_unlock();
}

bool vtl_hook_make_spte(struct kvm_vcpu *vcpu, struct kvm_mmu_page *sp,
			const struct kvm_memory_slot *slot,
			unsigned int pte_access, gfn_t gfn, kvm_pfn_t pfn,
			u64 old_spte, bool prefetch, bool can_unsync,
			bool host_writable, u64 *new_spte)
{
	bool wrprot;

	wrprot = vtl_orig_make_spte(vcpu, sp, slot, pte_access, gfn, pfn,
				    old_spte, prefetch, can_unsync,
				    host_writable, new_spte);
	restrict_spte(vcpu, gfn, new_spte);
	return wrprot;
}

u64 vtl_hook_make_huge_page_split_spte(struct kvm *kvm, u64 huge_spte,
				       union kvm_mmu_page_role role, int index)
{
	u64 spte = vtl_orig_make_huge_page_split_spte(kvm, huge_spte, role,
						      index);

	return vtl_vendor()->restrict_exec(spte, huge_spte);
}

/**
 * vtl_mmu_close_spte - take all rights from a leaf SPTE
 * @kvm: VM
 * @spte: entry that make_spte() did not make for all pages that it maps
 *
 * make_spte() replaces it at the next access.
 *
 * Context: kvm->mmu_lock held.
 * Return: the entry without rights.
 */
u64 vtl_mmu_close_spte(struct kvm *kvm, u64 spte)
{
	struct vtl_vm *vm;

	if (vtl_vendor()->restrict_spte(&spte, VTL_PROT_NONE))
		return spte;
	rcu_read_lock();
	vm = vtl_registry_find_rcu(kvm);
	if (vm)
		vtl_partition_kill(vm->partition, "unexpected SPTE layout");
	rcu_read_unlock();
	return 0;
}

static bool may_map(struct kvm *kvm, gfn_t gfn, int level)
{
	unsigned long pages = KVM_PAGES_PER_HPAGE(level);
	bool ret = true;
	struct vtl_vm *vm;

	rcu_read_lock();
	vm = vtl_registry_find_rcu(kvm);
	if (vm)
		ret = vtl_effective_is_uniform(vm->partition, vm->vtl,
					       ALIGN_DOWN(gfn, pages), pages);
	rcu_read_unlock();
	return ret;
}

/**
 * vtl_mmu_limit_level - the largest mapping that the rights of pages allow
 * @kvm: VM
 * @gfn: page
 * @level: what KVM would take, PG_LEVEL_*
 *
 * Context: kvm->mmu_lock held.
 * Return: @level or less.
 */
int vtl_mmu_limit_level(struct kvm *kvm, gfn_t gfn, int level)
{
	while (level > PG_LEVEL_4K && !may_map(kvm, gfn, level))
		level--;
	return level;
}
