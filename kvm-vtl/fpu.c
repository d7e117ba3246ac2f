// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - x87 and SSE registers of a vCPU that is not loaded
 *
 * They are in the image that XSAVE makes.  A component that is in its initial
 * state has no valid bytes there.
 */
#include <linux/kvm_host.h>
#include <asm/fpu/types.h>

#include "fpu.h"

/* SDM, "Processor State Components": x87 state after INIT */
#define INITIAL_FCW	0x37f
#define INITIAL_MXCSR	0x1f80

/*
 * All processors with VMX or SVM have these bits of MXCSR.  With any other the
 * host would fail to load the image.
 */
#define MXCSR_BITS	0xffff

static struct xregs_state *image(struct kvm_vcpu *vcpu)
{
	return &vcpu->arch.guest_fpu.fpstate->regs.xsave;
}

static void init_x87(struct fxregs_state *fx)
{
	memset(fx, 0, offsetof(struct fxregs_state, mxcsr));
	memset(fx->st_space, 0, sizeof(fx->st_space));
	fx->cwd = INITIAL_FCW;
}

/* SDM, "Operation of XSAVE": without compaction MXCSR is always saved. */
static void init_sse(struct xregs_state *xsave)
{
	memset(xsave->i387.xmm_space, 0, sizeof(xsave->i387.xmm_space));
	if (xsave->header.xcomp_bv & XCOMP_BV_COMPACTED_FORMAT)
		xsave->i387.mxcsr = INITIAL_MXCSR;
}

/* Gives the components that are in their initial state valid bytes. */
static struct fxregs_state *legacy_image(struct kvm_vcpu *vcpu)
{
	struct xregs_state *xsave = image(vcpu);

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return &xsave->i387;
	if (!(xsave->header.xfeatures & XFEATURE_MASK_FP))
		init_x87(&xsave->i387);
	if (!(xsave->header.xfeatures & XFEATURE_MASK_SSE))
		init_sse(xsave);
	xsave->header.xfeatures |= XFEATURE_MASK_FPSSE;
	return &xsave->i387;
}

static void *data_register(struct fxregs_state *fx, u32 name)
{
	if (name <= HV_X64_REGISTER_XMM15)
		return (u8 *)fx->xmm_space + 16 * (name - HV_X64_REGISTER_XMM0);
	return (u8 *)fx->st_space + 16 * (name - HV_X64_REGISTER_FP_MMX0);
}

/**
 * vtl_fpu_get - read a register
 * @vcpu: vCPU, not loaded
 * @name: HV_X64_REGISTER_XMM0 to HV_X64_REGISTER_XMM_CONTROL_STATUS
 * @val: out: its value
 *
 * Context: the vCPU's mutex is held.
 */
void vtl_fpu_get(struct kvm_vcpu *vcpu, u32 name, union hv_vtl_reg_value *val)
{
	struct fxregs_state *fx = legacy_image(vcpu);

	switch (name) {
	case HV_X64_REGISTER_FP_CONTROL_STATUS:
		val->fp_control.control = fx->cwd;
		val->fp_control.status = fx->swd;
		val->fp_control.tag = fx->twd;
		val->fp_control.reserved = 0;
		val->fp_control.last_op = fx->fop;
		val->fp_control.last_rip = fx->rip;
		return;
	case HV_X64_REGISTER_XMM_CONTROL_STATUS:
		val->xmm_control.last_rdp = fx->rdp;
		val->xmm_control.mxcsr = fx->mxcsr;
		val->xmm_control.mxcsr_mask = MXCSR_BITS;
		return;
	}
	memcpy(val, data_register(fx, name), sizeof(*val));
}

/**
 * vtl_fpu_set - write a register
 * @vcpu: vCPU, not loaded
 * @name: as for vtl_fpu_get()
 * @val: its value
 *
 * Context: as vtl_fpu_get().
 * Return: false for a value that the processor would refuse.
 */
bool vtl_fpu_set(struct kvm_vcpu *vcpu, u32 name,
		 const union hv_vtl_reg_value *val)
{
	struct fxregs_state *fx = legacy_image(vcpu);

	switch (name) {
	case HV_X64_REGISTER_FP_CONTROL_STATUS:
		fx->cwd = val->fp_control.control;
		fx->swd = val->fp_control.status;
		fx->twd = val->fp_control.tag;
		fx->fop = val->fp_control.last_op;
		fx->rip = val->fp_control.last_rip;
		return true;
	case HV_X64_REGISTER_XMM_CONTROL_STATUS:
		if (val->xmm_control.mxcsr & ~MXCSR_BITS)
			return false;
		fx->rdp = val->xmm_control.last_rdp;
		fx->mxcsr = val->xmm_control.mxcsr;
		return true;
	}
	memcpy(data_register(fx, name), val, sizeof(*val));
	return true;
}
