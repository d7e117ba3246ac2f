// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - registers of the processor that are no MSRs, and CPUID
 */
#include <linux/kvm_host.h>
#include <linux/slab.h>

#include "fpu.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "mode.h"
#include "reg.h"
#include "tlfs.h"
#include "vp.h"

static u16 get_apic_id(struct vtl_vp *vp, u8 vtl, u32 arg,
		       union hv_vtl_reg_value *val)
{
	val->low = vp->index;
	return HV_STATUS_SUCCESS;
}

/* As the x2APIC shows them: ICR is one register of 64 bits, the id a number. */
static u16 get_apic(struct vtl_vp *vp, u8 vtl, u32 arg,
		    union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	u32 offset = (arg - HV_X64_REGISTER_APIC(0)) << 4;
	struct kvm_lapic_state *apic;

	apic = kmalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);
	if (!apic)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_apic_get_state(vcpu, apic);
	mutex_unlock(&vcpu->mutex);
	val->low = *(u32 *)&apic->regs[offset];
	if (offset == APIC_ICR)
		val->low |= (u64)*(u32 *)&apic->regs[APIC_ICR2] << 32;
	kfree(apic);
	return HV_STATUS_SUCCESS;
}

/* CPUID leaves, in the order of the registers */
static u16 get_cpuid(struct vtl_vp *vp, u8 vtl, u32 leaf,
		     union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	u32 eax = leaf, ebx, ecx = 0, edx;

	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_cpuid(vcpu, &eax, &ebx, &ecx, &edx, true);
	mutex_unlock(&vcpu->mutex);
	val->low = eax | (u64)ebx << 32;
	val->high = ecx | (u64)edx << 32;
	return HV_STATUS_SUCCESS;
}

static u16 get_activity(struct vtl_vp *vp, u8 vtl, u32 arg,
			union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

	if (vcpu->arch.mp_state == KVM_MP_STATE_HALTED)
		val->low = HV_ACTIVITY_HALT_SUSPEND;
	else if (vtl_vcpu_waits_for_sipi(vcpu))
		val->low = HV_ACTIVITY_STARTUP_SUSPEND;
	else
		val->low = 0;
	return HV_STATUS_SUCCESS;
}

/*
 * What waits to be started is started by a hypercall of its own; or, on a VP in
 * which a VTL above runs, by that one, as a VMM there starts it.
 */
static bool can_set_activity(struct vtl_vp *vp, u8 vtl, u64 value)
{
	if (value & ~HV_ACTIVITY_HALT_SUSPEND)
		return false;
	return vtl < vp->active_vtl ||
	       !vtl_vcpu_waits_for_sipi(vtl_vp_vcpu(vp, vtl));
}

static u16 set_activity(struct vtl_vp *vp, u8 vtl, u32 arg,
			const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (!can_set_activity(vp, vtl, val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (val->low)
		state.mp_state = KVM_MP_STATE_HALTED;
	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_arch_vcpu_ioctl_set_mpstate(vcpu, &state);
	mutex_unlock(&vcpu->mutex);
	return HV_STATUS_SUCCESS;
}

/* Shared registers: they live in the active VTL's vCPU */

static u16 get_fpu(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_active_vcpu(vp);

	mutex_lock(&vcpu->mutex);
	vtl_fpu_get(vcpu, arg, val);
	mutex_unlock(&vcpu->mutex);
	return HV_STATUS_SUCCESS;
}

static u16 set_fpu(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_active_vcpu(vp);
	bool ok;

	mutex_lock(&vcpu->mutex);
	ok = vtl_fpu_set(vcpu, arg, val);
	mutex_unlock(&vcpu->mutex);
	return ok ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE;
}

static u16 get_gpr(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val)
{
	val->low = vtl_vp_active_vcpu(vp)->arch.regs[arg];
	return HV_STATUS_SUCCESS;
}

/* RAX is the result of this hypercall in the end, as on a real CPU. */
static u16 set_gpr(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val)
{
	vtl_vp_active_vcpu(vp)->arch.regs[arg] = val->low;
	return HV_STATUS_SUCCESS;
}

static u16 get_cr2(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val)
{
	val->low = vtl_vp_active_vcpu(vp)->arch.cr2;
	return HV_STATUS_SUCCESS;
}

static u16 set_cr2(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val)
{
	vtl_vp_active_vcpu(vp)->arch.cr2 = val->low;
	return HV_STATUS_SUCCESS;
}

static u16 get_xfem(struct vtl_vp *vp, u8 vtl, u32 arg,
		    union hv_vtl_reg_value *val)
{
	val->low = vtl_vp_active_vcpu(vp)->arch.xcr0;
	return HV_STATUS_SUCCESS;
}

static u16 set_xfem(struct vtl_vp *vp, u8 vtl, u32 arg,
		    const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_active_vcpu(vp);
	int idx, ret;

	vtl_vcpu_enter(vcpu, &idx);
	ret = vtl_kvm___kvm_set_xcr(vcpu, 0, val->low);
	vtl_vcpu_leave(vcpu, idx);
	return ret ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

/* DR0 to DR3 are shared, DR6 and DR7 private. */
static u16 get_dr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = arg < 4 ? vtl_vp_active_vcpu(vp) :
					  vtl_vp_vcpu(vp, vtl);
	int idx;

	vtl_vcpu_enter(vcpu, &idx);
	val->low = vtl_kvm_kvm_get_dr(vcpu, arg);
	vtl_vcpu_leave(vcpu, idx);
	return HV_STATUS_SUCCESS;
}

static u16 set_dr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = arg < 4 ? vtl_vp_active_vcpu(vp) :
					  vtl_vp_vcpu(vp, vtl);
	int idx, ret;

	vtl_vcpu_enter(vcpu, &idx);
	ret = vtl_kvm_kvm_set_dr(vcpu, arg, val->low);
	vtl_vcpu_leave(vcpu, idx);
	return ret ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

/* RSP, RIP and RFLAGS: @arg is the offset in struct kvm_regs */

static u16 get_regs(struct vtl_vp *vp, u8 vtl, u32 arg,
		    union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_regs regs;

	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_arch_vcpu_ioctl_get_regs(vcpu, &regs);
	mutex_unlock(&vcpu->mutex);
	val->low = *(u64 *)((void *)&regs + arg);
	return HV_STATUS_SUCCESS;
}

/* What KVM takes and the CPU would fail on at the next entry. */
static bool regs_value_valid(struct kvm_vcpu *vcpu, u32 arg, u64 value)
{
	u8 bits = vcpu->arch.cr4 & X86_CR4_LA57 ? 57 : 48;

	switch (arg) {
	case offsetof(struct kvm_regs, rflags):
		if ((value & X86_EFLAGS_VM) && (vcpu->arch.efer & EFER_LMA))
			return false;
		return !(value & ~VTL_RFLAGS_DEFINED);
	case offsetof(struct kvm_regs, rip):
		return __is_canonical_address(value, bits);
	}
	return true;
}

static u16 set_regs(struct vtl_vp *vp, u8 vtl, u32 arg,
		    const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_regs regs;
	bool pending;

	if (!regs_value_valid(vcpu, arg, val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;

	mutex_lock(&vcpu->mutex);
	/* KVM drops an exception for the sake of VMMs that inject their own. */
	pending = vcpu->arch.exception.pending;
	vtl_kvm_kvm_arch_vcpu_ioctl_get_regs(vcpu, &regs);
	*(u64 *)((void *)&regs + arg) = val->low;
	vtl_kvm_kvm_arch_vcpu_ioctl_set_regs(vcpu, &regs);
	vcpu->arch.exception.pending = pending;
	mutex_unlock(&vcpu->mutex);
	return HV_STATUS_SUCCESS;
}

/* The rest: members of struct kvm_sregs */

static u16 get_cr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	vtl_mode_read(vp, vtl, &sregs);
	val->low = *(u64 *)((void *)&sregs + arg);
	return HV_STATUS_SUCCESS;
}

static u16 set_cr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  const union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	/* KVM ignores what is wrong with CR8. */
	if (arg == offsetof(struct kvm_sregs, cr8) && val->low > 15)
		return HV_STATUS_INVALID_REGISTER_VALUE;

	vtl_mode_read(vp, vtl, &sregs);
	*(u64 *)((void *)&sregs + arg) = val->low;
	return vtl_mode_write(vp, vtl, &sregs);
}

/* In the order of the names. */
static const u32 segment_offset[] = {
	offsetof(struct kvm_sregs, es), offsetof(struct kvm_sregs, cs),
	offsetof(struct kvm_sregs, ss), offsetof(struct kvm_sregs, ds),
	offsetof(struct kvm_sregs, fs), offsetof(struct kvm_sregs, gs),
	offsetof(struct kvm_sregs, ldt), offsetof(struct kvm_sregs, tr),
};

static struct kvm_segment *sregs_segment(struct kvm_sregs *sregs, u32 arg)
{
	return (void *)sregs + segment_offset[arg];
}

static u16 get_segment(struct vtl_vp *vp, u8 vtl, u32 arg,
		       union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	vtl_mode_read(vp, vtl, &sregs);
	vtl_segment_to_hv(sregs_segment(&sregs, arg), &val->segment);
	return HV_STATUS_SUCCESS;
}

static u16 set_segment(struct vtl_vp *vp, u8 vtl, u32 arg,
		       const union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	vtl_mode_read(vp, vtl, &sregs);
	vtl_segment_from_hv(&val->segment, sregs_segment(&sregs, arg));
	return vtl_mode_write(vp, vtl, &sregs);
}

static struct kvm_dtable *sregs_table(struct kvm_sregs *sregs, u32 arg)
{
	return arg ? &sregs->gdt : &sregs->idt;
}

static u16 get_table(struct vtl_vp *vp, u8 vtl, u32 arg,
		     union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	vtl_mode_read(vp, vtl, &sregs);
	val->table.base = sregs_table(&sregs, arg)->base;
	val->table.limit = sregs_table(&sregs, arg)->limit;
	return HV_STATUS_SUCCESS;
}

static u16 set_table(struct vtl_vp *vp, u8 vtl, u32 arg,
		     const union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	vtl_mode_read(vp, vtl, &sregs);
	sregs_table(&sregs, arg)->base = val->table.base;
	sregs_table(&sregs, arg)->limit = val->table.limit;
	return vtl_mode_write(vp, vtl, &sregs);
}

#define APIC(first, last) \
	{ HV_X64_REGISTER_APIC(first), HV_X64_REGISTER_APIC(last), \
	  VTL_ACCESS_OWN, HV_X64_REGISTER_APIC(first), get_apic, NULL }

static const struct vtl_reg regs[] = {
	VTL_REG(INTERNAL_ACTIVITY, BELOW, 0, get_activity, set_activity),
	VTL_REG(HYPERVISOR_VERSION, ANY, HYPERV_CPUID_VERSION, get_cpuid, NULL),
	VTL_REG_RANGE(PRIVILEGES_AND_FEATURES, IPT, ANY, HYPERV_CPUID_FEATURES,
		      get_cpuid, NULL),
	VTL_X64(RSP, BELOW, offsetof(struct kvm_regs, rsp), get_regs, set_regs),
	VTL_X64_RANGE(RAX, R15, SHARED, 0, get_gpr, set_gpr),
	VTL_X64(RIP, BELOW, offsetof(struct kvm_regs, rip), get_regs, set_regs),
	VTL_X64(RFLAGS, BELOW, offsetof(struct kvm_regs, rflags), get_regs,
		set_regs),
	VTL_X64_RANGE(XMM0, XMM_CONTROL_STATUS, SHARED, HV_X64_REGISTER_XMM0,
		      get_fpu, set_fpu),
	VTL_X64(CR0, BELOW, offsetof(struct kvm_sregs, cr0), get_cr, set_cr),
	VTL_X64(CR2, SHARED, 0, get_cr2, set_cr2),
	VTL_X64(CR3, BELOW, offsetof(struct kvm_sregs, cr3), get_cr, set_cr),
	VTL_X64(CR4, BELOW, offsetof(struct kvm_sregs, cr4), get_cr, set_cr),
	VTL_X64(CR8, BELOW, offsetof(struct kvm_sregs, cr8), get_cr, set_cr),
	VTL_X64(XFEM, SHARED, 0, get_xfem, set_xfem),
	VTL_X64_RANGE(DR0, DR3, SHARED, 0, get_dr, set_dr),
	VTL_X64(DR6, BELOW, 6, get_dr, set_dr),
	VTL_X64(DR7, BELOW, 7, get_dr, set_dr),
	VTL_X64_RANGE(ES, TR, BELOW, 0, get_segment, set_segment),
	VTL_X64_RANGE(IDTR, GDTR, BELOW, 0, get_table, set_table),
	VTL_X64(INITIAL_APIC_ID, ANY, 0, get_apic_id, NULL),
	VTL_X64(APIC_ID_NAME, OWN, 0, get_apic_id, NULL),
	APIC(0x03, 0x03),		/* version */
	APIC(0x08, 0x08),		/* TPR */
	APIC(0x0a, 0x0a),		/* PPR */
	APIC(0x0d, 0x0d),		/* LDR */
	APIC(0x0f, 0x28),		/* SVR, ISR, TMR, IRR, ESR */
	APIC(0x30, 0x30),		/* ICR */
	APIC(0x32, 0x39),		/* LVT, timer's counts */
	APIC(0x3e, 0x3e),		/* timer's divider */
};

const struct vtl_reg_table vtl_x64_regs = { regs, ARRAY_SIZE(regs) };
