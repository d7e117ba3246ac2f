// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HV_INITIAL_VP_CONTEXT: the registers with which a VTL begins
 */
#include <linux/kvm_host.h>

#include "context.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "tlfs.h"
#include "vp.h"
#include "vsm.h"

static int set_sregs(struct kvm_vcpu *vcpu, const struct hv_vtl_context *ctx)
{
	struct kvm_sregs sregs;
	u64 efer = ctx->efer;

	/* Some guests leave the status bit out. */
	if ((efer & EFER_LME) && (ctx->cr0 & X86_CR0_PG))
		efer |= EFER_LMA;
	if (!vtl_kvm_kvm_valid_efer(vcpu, efer & ~EFER_LMA))
		return -EINVAL;
	/* errata.rst, "64-bit VTLs": the assist page has the x64 layout. */
	if (!(ctx->cr0 & X86_CR0_PE) || !(efer & EFER_LMA))
		return -EINVAL;
	if (!__is_canonical_address(ctx->rip,
				    ctx->cr4 & X86_CR4_LA57 ? 57 : 48))
		return -EINVAL;
	if (ctx->rflags & (~VTL_RFLAGS_DEFINED | X86_EFLAGS_VM))
		return -EINVAL;

	vtl_kvm_kvm_arch_vcpu_ioctl_get_sregs(vcpu, &sregs);
	vtl_segment_from_hv(&ctx->cs, &sregs.cs);
	vtl_segment_from_hv(&ctx->ds, &sregs.ds);
	vtl_segment_from_hv(&ctx->es, &sregs.es);
	vtl_segment_from_hv(&ctx->fs, &sregs.fs);
	vtl_segment_from_hv(&ctx->gs, &sregs.gs);
	vtl_segment_from_hv(&ctx->ss, &sregs.ss);
	vtl_segment_from_hv(&ctx->ldtr, &sregs.ldt);
	/* The CPU cannot run without a TR: the reset value stays. */
	if (ctx->tr.attributes & BIT(7))
		vtl_segment_from_hv(&ctx->tr, &sregs.tr);
	sregs.idt.base = ctx->idtr.base;
	sregs.idt.limit = ctx->idtr.limit;
	sregs.gdt.base = ctx->gdtr.base;
	sregs.gdt.limit = ctx->gdtr.limit;
	sregs.efer = efer;
	sregs.cr0 = ctx->cr0;
	sregs.cr3 = ctx->cr3;
	sregs.cr4 = ctx->cr4;
	return vtl_kvm_kvm_arch_vcpu_ioctl_set_sregs(vcpu, &sregs);
}

static int set_regs(struct kvm_vcpu *vcpu, const struct hv_vtl_context *ctx)
{
	struct kvm_regs regs = {
		.rip = ctx->rip,
		.rsp = ctx->rsp,
		.rflags = ctx->rflags | X86_EFLAGS_FIXED,
	};

	return vtl_kvm_kvm_arch_vcpu_ioctl_set_regs(vcpu, &regs);
}

/* PAT, and above VTL0 all that the context does not name. */
static int set_loaded_state(struct kvm_vcpu *vcpu, u8 vtl,
			    const struct hv_vtl_context *ctx)
{
	int idx, ret = 0;

	vtl_vcpu_enter(vcpu, &idx);
	/* What it was in the middle of is over. */
	vtl_vcpu_drop_exit(vcpu);
	vtl_vcpu_drop_injected(vcpu);
	if (vtl)
		ret = vtl_reset_vcpu(vcpu);
	if (!ret && vtl_kvm_kvm_set_msr_ignored_check(vcpu, MSR_IA32_CR_PAT,
						      ctx->pat, false))
		ret = -EINVAL;
	vtl_vcpu_leave(vcpu, idx);
	return ret;
}

static int load(struct kvm_vcpu *vcpu, u8 vtl, const struct hv_vtl_context *ctx)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	int ret;

	ret = set_loaded_state(vcpu, vtl, ctx);
	if (ret)
		return ret;

	mutex_lock(&vcpu->mutex);
	ret = set_sregs(vcpu, ctx);
	if (!ret)
		ret = set_regs(vcpu, ctx);
	if (!ret)
		ret = vtl_kvm_kvm_arch_vcpu_ioctl_set_mpstate(vcpu, &runnable);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

/**
 * vtl_context_load - give a VTL of a VP its initial context
 * @vp: the VP
 * @vtl: the VTL: one above 0 that is not enabled or was never entered, or VTL0
 *	of a VP that waits to be started
 * @ctx: the context
 *
 * VTL0 keeps what the context does not name; other VTLs get reset values there.
 *
 * Context: may sleep; nobody has locked the VTL's vCPU for long, none is loaded
 *	in this thread.
 * Return: HV_STATUS_SUCCESS; INVALID_REGISTER_VALUE; INSUFFICIENT_MEMORY.
 */
u16 vtl_context_load(struct vtl_vp *vp, u8 vtl,
		     const struct hv_vtl_context *ctx)
{
	struct vtl_vp_vtl *v = &vp->vtl[vtl];

	switch (load(v->vcpu, vtl, ctx)) {
	case 0:
		v->entry = 0;
		memset(v->pending_event, 0, sizeof(v->pending_event));
		v->no_context = false;
		v->mode.waits = false;
		return HV_STATUS_SUCCESS;
	case -ENOMEM:
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	return HV_STATUS_INVALID_REGISTER_VALUE;
}
