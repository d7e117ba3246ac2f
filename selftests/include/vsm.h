/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - bringing VTL1 up, and what runs in it.
 *
 * VTL1 runs a small service: each VTL call executes the function that VTL0 left
 * in the mailbox, each interrupt on SINT0 hands the intercept message to the
 * policy that is set.  So a test reads from top to bottom in VTL0, and
 * vtl1_exec(fn, a, b) is "do this in VTL1".
 */
#ifndef _SELFTESTS_VSM_H
#define _SELFTESTS_VSM_H

#include "hv.h"

#define VTL1_SINT_VECTOR	0x30

struct vtl1;
typedef u64 (*vtl1_fn)(u64 a, u64 b);
typedef void (*vtl1_policy)(struct vtl1 *v);

/* VTL1 of one VP.  The memory is open to VTL0 unless a test closes it. */
struct vtl1 {
	/* mailbox */
	vtl1_fn fn;
	u64 args[2];
	u64 result;
	/* counters */
	u32 calls;
	u32 interrupts;
	u32 messages;
	u32 entry_reason;	/* the last one */
	/* the last message; the registers that were VTL0's at entry */
	struct hv_message message;
	struct guest_regs *regs;
	struct guest_regs regs_seen;
	/* how VTL1 behaves */
	vtl1_policy policy;	/* default vtl1_deny */
	u64 policy_arg;
	bool fast_return;
	bool return_by_rcx;	/* vtl_return takes the control value in RCX */
	bool keep_slot;		/* leave the message in its slot */
	u64 sint0;		/* before vtl1_init: SINT0; 0 = default */
	/* before vtl1_init: */
	bool bare;		/* no assist page, no SynIC */
	bool no_protection;	/* protections are not enabled */
};

extern struct vtl1 vtl1[GUEST_MAX_VPS];

static inline struct vtl1 *this_vtl1(void)
{
	return &vtl1[this_cpu()->vp];
}

static inline struct hv_memory_intercept *vtl1_intercept(struct vtl1 *v)
{
	return (void *)v->message.payload;
}

/* Steps of the way up; the hypercalls' result values */
u64 vsm_enable_partition(void);
/* VTL1 of VP vp as it begins */
void vsm_context(struct hv_context *context, u32 vp);
/* VTL0 of VP vp, which begins in fn */
void vsm_context_of_vtl0(struct hv_context *context, u32 vp, void (*fn)(void));
u64 vsm_enable_vp(u32 vp);
/* VTL0 of VP vp is to begin in fn. */
u64 vsm_start_vp(u32 vp, void (*fn)(void));

/* All of them: hv_init(), VTL1 enabled, entered once and waiting for work. */
void vsm_init(void);

/* VTL call, as VTL0 does it by the instruction itself */
void vtl_call(void);
/* the same through the sequence in the hypercall page */
void vtl_call_by_page(void);
/* VTL call with any control value; the exception it ends with */
struct guest_trap vtl_try_call(u64 rcx, u64 rax);
/* Offset of the call or return sequence in the hypercall page */
u32 vtl_call_offset(u8 vtl);
u32 vtl_return_offset(u8 vtl);

/* Runs fn in VTL1 of this VP. */
u64 vtl1_exec(vtl1_fn fn, u64 a, u64 b);
/* hv_protect() from VTL1: rights of VTL0 on pages */
u64 vtl1_protect(const volatile void *p, u32 pages, u32 flags);
void vtl1_close(const volatile void *p, u32 pages, u32 flags);

/* Policies */
void vtl1_deny(struct vtl1 *v);		/* #GP */
void vtl1_allow(struct vtl1 *v);	/* open the page, try again */
void vtl1_skip(struct vtl1 *v);		/* RIP += policy_arg */
void vtl1_ignore(struct vtl1 *v);	/* try again as it is */

#endif /* _SELFTESTS_VSM_H */
