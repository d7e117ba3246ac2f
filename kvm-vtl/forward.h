/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - which KVM ioctl goes to which VTL
 */
#ifndef _KVM_VTL_FORWARD_H
#define _KVM_VTL_FORWARD_H

#include <linux/types.h>

struct file;
struct vtl_offer;
struct vtl_partition;
struct vtl_vp;

long vtl_forward_dev(struct file *kvm_file, const struct vtl_offer *offer,
		     unsigned int cmd, unsigned long arg);
long vtl_forward_vm(struct vtl_partition *partition, unsigned int cmd,
		    unsigned long arg);
long vtl_forward_vcpu(struct vtl_vp *vp, unsigned int cmd, unsigned long arg);

#endif /* _KVM_VTL_FORWARD_H */
