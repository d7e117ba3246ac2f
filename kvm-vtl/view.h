/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the lower VTLs' views of memory
 */
#ifndef _KVM_VTL_VIEW_H
#define _KVM_VTL_VIEW_H

#include <linux/kvm_types.h>
#include <linux/types.h>

struct vtl_partition;
struct vtl_protect_change;

void vtl_view_begin_locked(struct vtl_partition *partition, u8 owner,
			   gfn_t first, gfn_t last);
void vtl_view_apply_locked(struct vtl_partition *partition, u8 owner,
			   const struct vtl_protect_change *change);
void vtl_view_apply_all_locked(struct vtl_partition *partition, u8 owner);

#endif /* _KVM_VTL_VIEW_H */
