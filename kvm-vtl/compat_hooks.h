/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - functions of KVM whose names or parameters depend on the kernel
 *
 * For hook_list.h.  scripts/verify-hooks.py reads this file, too: new names are
 * single words.
 *
 * VTL_BEFORE_7_3(entry), VTL_SINCE_7_3(entry): an entry of hook_list.h for some
 *	kernels only.  What only some of them have is used in compat.* only.
 */
#ifndef _KVM_VTL_COMPAT_HOOKS_H
#define _KVM_VTL_COMPAT_HOOKS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)

#define VTL_BEFORE_7_3(entry)
#define VTL_SINCE_7_3(entry)		entry

#define __kvm_set_memory_region		kvm_set_memory_region
#define kvm_irq_delivery_to_apic	__kvm_irq_delivery_to_apic
#define kvm_mmu_invalidate_begin	kvm_mmu_invalidate_start
#define make_huge_page_split_spte	make_small_spte
/* The type of a parameter that is always NULL here */
#define dest_map			rtc_status

#else

#define VTL_BEFORE_7_3(entry)		entry
#define VTL_SINCE_7_3(entry)

#endif

#endif /* _KVM_VTL_COMPAT_HOOKS_H */
