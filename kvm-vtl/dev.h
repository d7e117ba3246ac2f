/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - /dev/kvm-vtl
 */
#ifndef _KVM_VTL_DEV_H
#define _KVM_VTL_DEV_H

int vtl_dev_init(void);
void vtl_dev_exit(void);

#endif /* _KVM_VTL_DEV_H */
