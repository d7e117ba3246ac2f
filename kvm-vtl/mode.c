// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - registers that make up the mode of the processor
 *
 * CR0, CR4, EFER and CS decide together whether a VTL is in 64-bit mode.  KVM
 * has them fit together at any time.  SetVpRegisters sets one at a time, in an
 * order that is the guest's affair.  So what does not fit yet waits here.
 */
#include <linux/kvm_host.h>

#include "hooks.h"
#include "mode.h"
#include "tlfs.h"
#include "vp.h"

/* What decides, of CR0 and of CR4 */
#define CR0_MODE	(X86_CR0_PG | X86_CR0_PE)
#define CR4_MODE	X86_CR4_PAE

/**
 * vtl_read_sregs - read control registers, segments and tables
 * @vcpu: vCPU, not locked by this thread
 * @sregs: out
 */
void vtl_read_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_arch_vcpu_ioctl_get_sregs(vcpu, sregs);
	mutex_unlock(&vcpu->mutex);
}

static int write_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	int ret;

	mutex_lock(&vcpu->mutex);
	ret = vtl_kvm_kvm_arch_vcpu_ioctl_set_sregs(vcpu, sregs);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static bool is_long(const struct kvm_sregs *sregs)
{
	return (sregs->efer & EFER_LME) && (sregs->cr0 & X86_CR0_PG);
}

/* KVM's rules for CR0, CR4, EFER and CS together */
static bool fits(const struct kvm_sregs *sregs)
{
	if (is_long(sregs))
		return sregs->cr4 & X86_CR4_PAE;
	return !(sregs->efer & EFER_LMA) && !sregs->cs.l;
}

/**
 * vtl_mode_read - read control registers, segments and tables as they were set
 * @vp: the VP
 * @vtl: the VTL, whose vCPU is not locked by this thread
 * @sregs: out
 */
void vtl_mode_read(struct vtl_vp *vp, u8 vtl, struct kvm_sregs *sregs)
{
	const struct vtl_mode *mode = &vp->vtl[vtl].mode;

	vtl_read_sregs(vtl_vp_vcpu(vp, vtl), sregs);
	if (!mode->waits)
		return;
	sregs->cr0 = mode->cr0;
	sregs->cr4 = mode->cr4;
	sregs->efer = mode->efer;
	sregs->cs = mode->cs;
}

/* All but the mode, which stays as it is */
static int write_rest(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs,
		      const struct kvm_sregs *now)
{
	struct kvm_sregs rest = *sregs;

	rest.cr0 = (sregs->cr0 & ~CR0_MODE) | (now->cr0 & CR0_MODE);
	rest.cr4 = (sregs->cr4 & ~CR4_MODE) | (now->cr4 & CR4_MODE);
	rest.efer = now->efer;
	rest.cs = now->cs;
	return write_sregs(vcpu, &rest);
}

static u16 write_later(struct vtl_vp *vp, u8 vtl, const struct kvm_sregs *sregs)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_sregs now;

	vtl_read_sregs(vcpu, &now);
	/* A VTL in 64-bit mode leaves it in an order that the CPU allows. */
	if (is_long(&now))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if ((sregs->cr0 & CR0_MODE) == X86_CR0_PG)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (write_rest(vcpu, sregs, &now))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vp->vtl[vtl].mode = (struct vtl_mode) {
		.waits = true,
		.cr0 = sregs->cr0,
		.cr4 = sregs->cr4,
		.efer = sregs->efer,
		.cs = sregs->cs,
	};
	return HV_STATUS_SUCCESS;
}

static u16 write(struct vtl_vp *vp, u8 vtl, struct kvm_sregs *sregs)
{
	if (is_long(sregs))
		sregs->efer |= EFER_LMA;
	if (!fits(sregs))
		return write_later(vp, vtl, sregs);
	if (write_sregs(vtl_vp_vcpu(vp, vtl), sregs))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vp->vtl[vtl].mode.waits = false;
	return HV_STATUS_SUCCESS;
}

/**
 * vtl_mode_write - set control registers, segments and tables
 * @vp: the VP
 * @vtl: the VTL, whose vCPU is not locked by this thread
 * @sregs: what vtl_mode_read() gave, with one register changed that is not EFER
 *
 * Return: HV_STATUS_SUCCESS, also when it has to wait for other registers;
 * INVALID_REGISTER_VALUE.
 */
u16 vtl_mode_write(struct vtl_vp *vp, u8 vtl, struct kvm_sregs *sregs)
{
	/* 64-bit mode ends with paging. */
	if (!vp->vtl[vtl].mode.waits && !is_long(sregs))
		sregs->efer &= ~EFER_LMA;
	return write(vp, vtl, sregs);
}

/**
 * vtl_mode_write_efer - set EFER
 * @vp: the VP
 * @vtl: the VTL, whose vCPU is not locked by this thread
 * @efer: value; LMA is added where it belongs
 *
 * Return: as vtl_mode_write().
 */
u16 vtl_mode_write_efer(struct vtl_vp *vp, u8 vtl, u64 efer)
{
	struct kvm_sregs sregs;

	if (!vtl_kvm_kvm_valid_efer(vtl_vp_vcpu(vp, vtl), efer & ~EFER_LMA))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vtl_mode_read(vp, vtl, &sregs);
	sregs.efer = efer;
	return write(vp, vtl, &sregs);
}
