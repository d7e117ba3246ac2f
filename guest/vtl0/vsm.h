/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VTL0 - bringing VTL1 up, and calls into it.
 */
#ifndef _GUEST_VSM_H
#define _GUEST_VSM_H

#include <linux/types.h>

struct sk_header;

/**
 * struct vsm_call - registers of a call into VTL1
 * @service: SK_*
 * @args: R8 to R11: arguments, then results
 */
struct vsm_call {
	u64 service;
	u64 args[4];
};

/* Does the hypervisor offer VSM? */
bool vsm_is_offered(void);
/* VTL1 on this VP, beginning with the image; 0 or -errno, and says why. */
int vsm_start(struct sk_header *image);
/* VTL call; needs vsm_start(). */
void vsm_call(struct vsm_call *call);

#endif /* _GUEST_VSM_H */
