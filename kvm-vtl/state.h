/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - get and set of VTL state
 */
#ifndef _KVM_VTL_STATE_H
#define _KVM_VTL_STATE_H

#include <linux/kvm_vtl.h>

struct vtl_partition;
struct vtl_vp;

int vtl_state_get_partition(struct vtl_partition *partition, void *arg);
int vtl_state_set_partition(struct vtl_partition *partition, void *arg);
int vtl_state_get_protections(struct vtl_partition *partition, void *arg);
int vtl_state_set_protections(struct vtl_partition *partition, void *arg);
int vtl_state_get_vp(struct vtl_vp *vp, void *arg);
int vtl_state_set_vp(struct vtl_vp *vp, void *arg);

#endif /* _KVM_VTL_STATE_H */
