/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - VTL switches: shared state and entry work
 */
#ifndef _KVM_VTL_SWITCH_H
#define _KVM_VTL_SWITCH_H

#include "vp.h"

void vtl_switch_locked(struct vtl_vp *vp, u8 to, u32 entry_reason);
void vtl_switch(struct vtl_vp *vp, u8 to, u32 entry_reason);
void vtl_switch_move_shared(struct vtl_vp *vp, u8 from, u8 to);
void vtl_switch_preempt(struct vtl_vp *vp, u8 to, u32 entry_reason);
void vtl_switch_disarm_entry(struct vtl_vp_vtl *v);
bool vtl_switch_arm_entry(struct vtl_vp_vtl *v, u32 work);
void vtl_switch_restore_return_regs(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_SWITCH_H */
