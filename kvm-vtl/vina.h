/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - VINA, the notification of a VTL about interrupts for lower ones
 */
#ifndef _KVM_VTL_VINA_H
#define _KVM_VTL_VINA_H

#include "vp.h"

bool vtl_vina_valid(u64 vina);
void vtl_vina_set(struct vtl_vp *vp, u8 vtl, u64 vina);
void vtl_vina_keep_auto_eoi(struct kvm_vcpu *vcpu);
bool vtl_vina_due(struct vtl_vp *vp);
void vtl_vina_raise(struct vtl_vp_vtl *v);
bool vtl_vina_keeps_asserted(struct vtl_vp_vtl *v);

static inline bool vtl_vina_enabled(const struct vtl_vp *vp, u8 vtl)
{
	return READ_ONCE(vp->vtl[vtl].vina) & HV_VINA_ENABLED;
}

/* Does this VTL, or one above it, want to know of interrupts below it? */
static inline bool vtl_vina_enabled_from(const struct vtl_vp *vp, u8 vtl)
{
	for (; vtl < VTL_LEVELS; vtl++)
		if (vtl_vina_enabled(vp, vtl))
			return true;
	return false;
}

#endif /* _KVM_VTL_VINA_H */
