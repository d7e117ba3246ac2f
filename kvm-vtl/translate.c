// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HvCallTranslateVirtualAddress, HvCallTranslateVirtualAddressEx
 *
 * The walk is KVM's, with the lower VTL's vCPU loaded: its page tables, its
 * control registers, its rights to read the page tables.
 */
#include <linux/kvm_host.h>

#include "hooks.h"
#include "hypercall.h"
#include "kvm_glue.h"
#include "mbec.h"
#include "partition.h"
#include "protect.h"
#include "run_on.h"
#include "tlb.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"

/* PFERR_* for the access that @flags describe */
static u64 walk_access(struct kvm_vcpu *vcpu, u64 flags)
{
	u64 access = 0;

	if (flags & HV_TRANSLATE_WRITE)
		access |= PFERR_WRITE_MASK;
	if (flags & HV_TRANSLATE_EXECUTE)
		access |= PFERR_FETCH_MASK;
	if (flags & (HV_TRANSLATE_PRIVILEGE_EXEMPT | HV_TRANSLATE_SUPERVISOR))
		return access;
	if ((flags & HV_TRANSLATE_USER) || vtl_vendor()->cpl(vcpu) == 3)
		access |= PFERR_USER_MASK;
	return access;
}

static bool try_walk(struct kvm_vcpu *vcpu, u64 gva, u64 access, gpa_t *gpa)
{
	*gpa = vtl_vcpu_translate(vcpu, gva, access);
	return *gpa != INVALID_GPA;
}

/*
 * @user: out: it is allowed as a user's access.  Without privileges it is one
 * if it can be: a user's right to execute is the wider one.  SMAP and SMEP keep
 * pages of users from the supervisor.
 */
static u32 walk(struct kvm_vcpu *vcpu, u64 gva, u64 flags, gpa_t *gpa,
		bool *user)
{
	u64 access = walk_access(vcpu, flags);
	gpa_t anything;

	*user = true;
	if ((flags & HV_TRANSLATE_PRIVILEGE_EXEMPT) &&
	    try_walk(vcpu, gva, access | PFERR_USER_MASK, gpa))
		return HV_TRANSLATE_SUCCESS;
	*user = access & PFERR_USER_MASK;
	if (try_walk(vcpu, gva, access, gpa))
		return HV_TRANSLATE_SUCCESS;
	if (try_walk(vcpu, gva, 0, &anything) ||
	    try_walk(vcpu, gva, PFERR_USER_MASK, &anything))
		return HV_TRANSLATE_PRIVILEGE_VIOLATION;
	return HV_TRANSLATE_PAGE_NOT_PRESENT;
}

static u32 check_rights(vtl_prot_t prot, vtl_prot_t fetch, u64 flags)
{
	if ((flags & HV_TRANSLATE_READ) && !(prot & VTL_PROT_R))
		return HV_TRANSLATE_NO_READ;
	if ((flags & HV_TRANSLATE_WRITE) && !(prot & VTL_PROT_W))
		return HV_TRANSLATE_NO_WRITE;
	/* There is no code for that. */
	if ((flags & HV_TRANSLATE_EXECUTE) && !(prot & fetch))
		return HV_TRANSLATE_NO_READ;
	return HV_TRANSLATE_SUCCESS;
}

static u32 translate(struct vtl_vp *vp, u8 vtl, u64 page, u64 flags, gfn_t *gfn)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	vtl_prot_t fetch;
	bool user;
	gpa_t gpa;
	u32 code;
	int idx;

	if (page > ~0ULL >> PAGE_SHIFT)
		return HV_TRANSLATE_PAGE_NOT_PRESENT;
	vtl_vcpu_enter(vcpu, &idx);
	code = walk(vcpu, page << PAGE_SHIFT, flags, &gpa, &user);
	fetch = vtl_mbec_right(vp, vcpu, user);
	vtl_vcpu_leave(vcpu, idx);
	if (code)
		return code;
	*gfn = gpa_to_gfn(gpa);
	if (!vtl_gfn_is_ram(vcpu->kvm, *gfn))
		return HV_TRANSLATE_GPA_UNMAPPED;
	return check_rights(vtl_effective_prot(vp->partition, vtl, *gfn), fetch,
			    flags);
}

/**
 * struct translation - a translation, as the VP does it whose page tables count
 * @in: input
 * @vtl: the VTL that is asked about
 * @result: out: code, cache type
 * @gfn: out: page
 */
struct translation {
	const struct hv_vtl_translate *in;
	u8 vtl;
	u64 result;
	gfn_t gfn;
};

static u16 check_target(struct vtl_vp *vp, struct translation *t)
{
	u64 flags = t->in->flags;
	u16 status;

	if (t->in->reserved || (flags & ~HV_TRANSLATE_FLAGS))
		return HV_STATUS_INVALID_PARAMETER;
	status = vtl_hv_input_vtl(vp, flags >> HV_TRANSLATE_VTL_SHIFT, &t->vtl);
	if (!status && t->vtl >= vp->active_vtl)
		status = HV_STATUS_ACCESS_DENIED;
	return status;
}

static u16 run_translation(struct vtl_vp *vp, void *arg)
{
	struct translation *t = arg;

	t->result = translate(vp, t->vtl, t->in->gva_page, t->in->flags,
			      &t->gfn) | HV_TRANSLATE_WRITE_BACK;
	return HV_STATUS_SUCCESS;
}

static u16 do_translate(struct vtl_vp *vp, const struct hv_vtl_translate *in,
			u64 *result, u64 *page)
{
	struct translation t = { .in = in };
	struct vtl_vp *target;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_INVALID_PARTITION_ID;
	target = vtl_hv_vp(vp, in->vp_index);
	if (!target)
		return HV_STATUS_INVALID_VP_INDEX;
	status = check_target(vp, &t);
	if (!status && !vtl_vp_has_vtl(target, t.vtl))
		status = HV_STATUS_INVALID_VTL_STATE;
	if (status)
		return status;
	/* The caller's: it lasts until the caller returns. */
	if (in->flags & HV_TRANSLATE_TLB_FLUSH_INHIBIT)
		vtl_tlb_lock(vp, vp->active_vtl, t.vtl, false);
	status = vtl_run_on(vp, target, run_translation, &t);
	*result = t.result;
	*page = t.gfn;
	return status;
}

/**
 * vtl_hv_translate - HvCallTranslateVirtualAddress
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: INVALID_PARTITION_ID; INVALID_VP_INDEX; ACCESS_DENIED for a VTL that
 * is not below the caller's; INVALID_PARAMETER for unknown flags;
 * INVALID_VTL_STATE; INVALID_VP_STATE while another VP is in a VTL above the
 * caller's.  Whether the address is mapped is in the output.
 */
u16 vtl_hv_translate(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	struct hv_vtl_translate_out *out = hc->out;

	return do_translate(vp, hc->in, &out->result, &out->gpa_page);
}

/**
 * vtl_hv_translate_ex - HvCallTranslateVirtualAddressEx
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * The same with more room in the output, which is not used.
 *
 * Context: the run loop.
 * Return: as vtl_hv_translate().
 */
u16 vtl_hv_translate_ex(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	struct hv_vtl_translate_ex_out *out = hc->out;

	memset(out, 0, sizeof(*out));
	return do_translate(vp, hc->in, &out->result, &out->gpa_page);
}
