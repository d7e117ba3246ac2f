/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what KVM says it can, with VTLs offered
 */
#ifndef _KVM_VTL_QUERY_H
#define _KVM_VTL_QUERY_H

struct file;

long vtl_query_extension(struct file *file, unsigned long cap);
long vtl_query_cpuid(struct file *file, unsigned int cmd, unsigned long arg);
long vtl_query_msr_list(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _KVM_VTL_QUERY_H */
