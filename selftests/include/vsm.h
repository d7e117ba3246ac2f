/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - bringing VTL1 and VTL2 up, and what runs in them.
 *
 * Each runs a small service: each VTL call executes the function that the
 * caller left in the mailbox, each interrupt on SINT0 hands the intercept
 * message to the policy that is set.  So a test reads from top to bottom in
 * VTL0, and vtl1_exec(fn, a, b) is "do this in VTL1".
 */
#ifndef _SELFTESTS_VSM_H
#define _SELFTESTS_VSM_H

#include "hv.h"

#define VTL1_SINT_VECTOR	0x30

struct vtl_service;
typedef u64 (*vtl_fn)(u64 a, u64 b);
typedef void (*vtl_policy)(struct vtl_service *v);

/*
 * A higher VTL of one VP.  The memory is open to VTL0 unless a test closes it.
 */
struct vtl_service {
	/* mailbox */
	vtl_fn fn;
	u64 args[2];
	u64 result;
	/* counters */
	u32 calls;
	u32 interrupts;
	u32 messages;
	u32 entry_reason;	/* the last one */
	/* the last message; the registers of the VTL below at entry */
	struct hv_message message;
	struct guest_regs *regs;
	struct guest_regs regs_seen;
	/* how it behaves */
	vtl_policy policy;	/* default vtl1_deny */
	u64 policy_arg;
	bool fast_return;
	bool return_by_rcx;	/* vtl_return takes the control value in RCX */
	bool keep_slot;		/* leave the message in its slot */
	u64 sint0;		/* before its first entry; 0 = default */
	/* before its first entry: */
	bool bare;		/* no assist page, no SynIC */
	bool no_protection;	/* protections are not enabled */
};

extern struct vtl_service vtl1[GUEST_MAX_VPS], vtl2[GUEST_MAX_VPS];

static inline struct vtl_service *this_vtl1(void)
{
	return &vtl1[this_cpu()->vp];
}

static inline struct vtl_service *this_vtl2(void)
{
	return &vtl2[this_cpu()->vp];
}

static inline struct hv_memory_intercept *vtl1_intercept(struct vtl_service *v)
{
	return (void *)v->message.payload;
}

/* HV_ENABLE_PARTITION_VTL's flags */
extern u8 vsm_enable_flags;

/* Steps of the way up; the hypercalls' result values */
u64 vsm_enable_partition_vtl(u8 vtl);
u64 vsm_enable_vp_vtl(u32 vp, u8 vtl);
/* VTL vtl of VP vp as it begins */
void vsm_context_of(struct hv_context *context, u32 vp, u8 vtl);
/* VTL0 of VP vp, which begins in fn */
void vsm_context_of_vtl0(struct hv_context *context, u32 vp, void (*fn)(void));
/* VTL0 of VP vp is to begin in fn. */
u64 vsm_start_vp(u32 vp, void (*fn)(void));

/* The same for VTL1 */
static inline u64 vsm_enable_partition(void)
{
	return vsm_enable_partition_vtl(1);
}

static inline u64 vsm_enable_vp(u32 vp)
{
	return vsm_enable_vp_vtl(vp, 1);
}

static inline void vsm_context(struct hv_context *context, u32 vp)
{
	vsm_context_of(context, vp, 1);
}

/* From the VTL below: VTL vtl enabled, entered once and waiting for work */
void vsm_bring_up(u8 vtl);
/* hv_init() and that for VTL1 */
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

/* Runs fn in VTL vtl of this VP, the next one up. */
u64 vtl_exec(u8 vtl, vtl_fn fn, u64 a, u64 b);

static inline u64 vtl1_exec(vtl_fn fn, u64 a, u64 b)
{
	return vtl_exec(1, fn, a, b);
}

/* An hv_protect() for vtl_exec(); b: number of pages << 32 | flags */
u64 vtl_protect(u64 gpa, u64 pages_and_flags);
/* hv_protect() from VTL1: rights of VTL0 on pages */
u64 vtl1_protect(const volatile void *p, u32 pages, u32 flags);
void vtl1_close(const volatile void *p, u32 pages, u32 flags);

/* Policies: what is done with the VTL that the message is about */
void vtl1_deny(struct vtl_service *v);		/* #GP */
void vtl1_allow(struct vtl_service *v);	/* open the page, try again */
void vtl1_skip(struct vtl_service *v);		/* RIP += policy_arg */
void vtl1_ignore(struct vtl_service *v);	/* try again as it is */

#endif /* _SELFTESTS_VSM_H */
