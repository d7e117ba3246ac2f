/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - HV_INITIAL_VP_CONTEXT
 */
#ifndef _KVM_VTL_CONTEXT_H
#define _KVM_VTL_CONTEXT_H

#include <linux/types.h>

struct hv_vtl_context;
struct vtl_vp;

u16 vtl_context_load(struct vtl_vp *vp, u8 vtl,
		     const struct hv_vtl_context *ctx);

#endif /* _KVM_VTL_CONTEXT_H */
