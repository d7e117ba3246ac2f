/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - CPUID of a partition with VTLs
 */
#ifndef _KVM_VTL_CPUID_H
#define _KVM_VTL_CPUID_H

#include <linux/kvm_host.h>

void vtl_cpuid_filter(struct kvm_cpuid_entry2 *entries, int nent);

#endif /* _KVM_VTL_CPUID_H */
