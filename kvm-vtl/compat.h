/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the only place that knows kernel versions: the kernel without KVM
 *
 * Force-included into every object.  The other sources read as if they were
 * written for one kernel, Linux 6.12.  The rest of what differs is in
 * compat_kvm.h (KVM's structures), compat_hooks.h (KVM's functions), and
 * compat.c (hooks whose parameters differ).
 */
#ifndef _KVM_VTL_COMPAT_H
#define _KVM_VTL_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "kvm-vtl: kernels before 6.12 are not supported yet"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
#error "kvm-vtl: kernels between 6.12 and 7.3 are not supported"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "kvm-vtl: kernels after 7.3 are not supported yet"
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define rdmsrl_safe			rdmsrq_safe
#endif

#endif /* _KVM_VTL_COMPAT_H */
