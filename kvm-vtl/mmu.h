/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - a lower VTL's EPT/NPT
 */
#ifndef _KVM_VTL_MMU_H
#define _KVM_VTL_MMU_H

#include <linux/kvm_types.h>

struct kvm;

int vtl_mmu_limit_level(struct kvm *kvm, gfn_t gfn, int level);
u64 vtl_mmu_close_spte(struct kvm *kvm, u64 spte);

#endif /* _KVM_VTL_MMU_H */
