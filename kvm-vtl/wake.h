/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - waking a higher VTL
 */
#ifndef _KVM_VTL_WAKE_H
#define _KVM_VTL_WAKE_H

#include "vp.h"

u8 vtl_wake_next_vtl(struct vtl_vp *vp);
void vtl_wake_vp(struct vtl_vp *vp);
bool vtl_wake_take_kick(void);
bool vtl_wake_is_signal(void);

#endif /* _KVM_VTL_WAKE_H */
