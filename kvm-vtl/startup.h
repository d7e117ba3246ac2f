/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - starting VPs by hypercall
 */
#ifndef _KVM_VTL_STARTUP_H
#define _KVM_VTL_STARTUP_H

#include <linux/types.h>

struct vtl_vp;

u8 vtl_startup_interceptor(struct vtl_vp *vp);
void vtl_startup_undo_init(struct vtl_vp *vp);

#endif /* _KVM_VTL_STARTUP_H */
