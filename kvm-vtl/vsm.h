/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - partition-wide VSM state: enabled VTLs, configuration, reset
 */
#ifndef _KVM_VTL_VSM_H
#define _KVM_VTL_VSM_H

#include "partition.h"

struct vtl_vp;

void vtl_partition_enable_vtl_locked(struct vtl_partition *partition, u8 vtl,
				     bool mbec);
bool vtl_config_valid(u64 old, u64 new, bool mbec);
u16 vtl_partition_set_config(struct vtl_partition *partition, u8 vtl,
			     u64 config);
int vtl_partition_reset(struct vtl_partition *partition, struct vtl_vp *vp);
int vtl_reset_vcpu(struct kvm_vcpu *vcpu);
int vtl_reset_vp_vtl(struct vtl_vp *vp, u8 vtl);
int vtl_reset_vtl_locked(struct vtl_partition *partition, struct vtl_vp *vp,
			 u8 vtl);

#endif /* _KVM_VTL_VSM_H */
