/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the kernel's own Hyper-V headers
 */
#ifndef _KVM_VTL_COMPAT_TLFS_H
#define _KVM_VTL_COMPAT_TLFS_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#include <hyperv/hvhdk.h>
#else
#include <asm/hyperv-tlfs.h>
#endif

#endif /* _KVM_VTL_COMPAT_TLFS_H */
