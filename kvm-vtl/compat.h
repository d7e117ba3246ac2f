/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the only place that knows kernel versions
 *
 * Force-included into every object.  The other sources read as if they were
 * written for one kernel.
 */
#ifndef _KVM_VTL_COMPAT_H
#define _KVM_VTL_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "kvm-vtl: kernels before 6.12 are not supported yet"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "kvm-vtl: kernels after 6.12 are not supported yet"
#endif

#endif /* _KVM_VTL_COMPAT_H */
