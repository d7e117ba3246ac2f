// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - registers that are MSRs, synthetic and architectural ones
 */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>

#include "hooks.h"
#include "kvm_glue.h"
#include "mode.h"
#include "reg.h"
#include "tlfs.h"
#include "vp.h"

static const u32 arch_msrs[] = {
	MSR_EFER, MSR_KERNEL_GS_BASE, MSR_IA32_APICBASE, MSR_IA32_CR_PAT,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_EIP, MSR_IA32_SYSENTER_ESP,
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
};

static u16 get_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	int idx, ret;
	u64 data;

	vtl_vcpu_enter(vcpu, &idx);
	ret = vtl_kvm___kvm_get_msr(vcpu, arg, &data, false);
	vtl_vcpu_leave(vcpu, idx);
	if (ret)
		return HV_STATUS_INVALID_PARAMETER;
	val->low = data;
	return HV_STATUS_SUCCESS;
}

static u16 set_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	int idx, ret;

	vtl_vcpu_enter(vcpu, &idx);
	ret = vtl_kvm_kvm_set_msr_ignored_check(vcpu, arg, val->low, false);
	vtl_vcpu_leave(vcpu, idx);
	return ret ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

/* A timer of a VTL that does not run must expire all the same. */
static u16 set_deadline(struct vtl_vp *vp, u8 vtl, u32 arg,
			const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	u16 status = set_msr(vp, vtl, arg, val);

	mutex_lock(&vcpu->mutex);
	vtl_vcpu_use_sw_timer(vcpu);
	mutex_unlock(&vcpu->mutex);
	return status;
}

static u16 get_arch_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
			union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	if (arch_msrs[arg] != MSR_EFER)
		return get_msr(vp, vtl, arch_msrs[arg], val);
	vtl_mode_read(vp, vtl, &sregs);
	val->low = sregs.efer;
	return HV_STATUS_SUCCESS;
}

/* The APIC stays where it is (errata.rst, "ApicBase"). */
static u16 set_apic_base(struct vtl_vp *vp, u8 vtl,
			 const union hv_vtl_reg_value *val)
{
	union hv_vtl_reg_value now;
	u16 status = get_msr(vp, vtl, MSR_IA32_APICBASE, &now);

	if (!status && now.low != val->low)
		status = HV_STATUS_INVALID_PARAMETER;
	return status;
}

static u16 set_arch_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
			const union hv_vtl_reg_value *val)
{
	if (arch_msrs[arg] == MSR_IA32_APICBASE)
		return set_apic_base(vp, vtl, val);
	if (arch_msrs[arg] == MSR_EFER)
		return vtl_mode_write_efer(vp, vtl, val->low);
	return set_msr(vp, vtl, arch_msrs[arg], val);
}

/* One for all VTLs; KVM has one per VTL, and VTL0's is the right one. */
static u16 get_clock(struct vtl_vp *vp, u8 vtl, u32 arg,
		     union hv_vtl_reg_value *val)
{
	return get_msr(vp, 0, arg, val);
}

/* KVM knows it of the current thread. */
static u16 get_runtime(struct vtl_vp *vp, u8 vtl, u32 arg,
		       union hv_vtl_reg_value *val)
{
	if (rcu_access_pointer(vp->task) != current)
		return HV_STATUS_INVALID_VP_STATE;
	return get_msr(vp, vtl, arg, val);
}

/* Shared ones: they live in the active VTL's vCPU */

static u16 get_shared_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
			  union hv_vtl_reg_value *val)
{
	return get_msr(vp, vp->active_vtl, arg, val);
}

static u16 set_shared_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
			  const union hv_vtl_reg_value *val)
{
	vp->shared_msrs_stale = ~BIT(vp->active_vtl);
	return set_msr(vp, vp->active_vtl, arg, val);
}

/* Base and mask of a range are neighbours. */
static u32 var_mtrr(u32 arg)
{
	return arg >= HV_X64_REGISTER_MTRR_PHYS_MASK0 ?
	       MTRRphysMask_MSR(arg - HV_X64_REGISTER_MTRR_PHYS_MASK0) :
	       MTRRphysBase_MSR(arg - HV_X64_REGISTER_MTRR_PHYS_BASE0);
}

static u16 get_var_mtrr(struct vtl_vp *vp, u8 vtl, u32 arg,
			union hv_vtl_reg_value *val)
{
	return get_shared_msr(vp, vtl, var_mtrr(arg), val);
}

static u16 set_var_mtrr(struct vtl_vp *vp, u8 vtl, u32 arg,
			const union hv_vtl_reg_value *val)
{
	return set_shared_msr(vp, vtl, var_mtrr(arg), val);
}

static const u32 fixed_mtrrs[] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000,
	MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000,
	MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

static u16 get_fixed_mtrr(struct vtl_vp *vp, u8 vtl, u32 arg,
			  union hv_vtl_reg_value *val)
{
	return get_shared_msr(vp, vtl, fixed_mtrrs[arg], val);
}

static u16 set_fixed_mtrr(struct vtl_vp *vp, u8 vtl, u32 arg,
			  const union hv_vtl_reg_value *val)
{
	return set_shared_msr(vp, vtl, fixed_mtrrs[arg], val);
}

static const struct vtl_reg regs[] = {
	VTL_REG_RANGE(CRASH_P0_NAME, CRASH_CTL_NAME, OWN, HV_X64_MSR_CRASH_P0,
		      get_msr, set_msr),
	VTL_REG(PROCESSOR_FREQUENCY, ANY, HV_X64_MSR_TSC_FREQUENCY, get_msr,
		NULL),
	VTL_REG(INTERRUPT_FREQUENCY, ANY, HV_X64_MSR_APIC_FREQUENCY, get_msr,
		NULL),
	VTL_REG(VP_RUNTIME_NAME, ANY, HV_X64_MSR_VP_RUNTIME, get_runtime,
		NULL),
	VTL_REG(TIME_REF_COUNT_NAME, ANY, HV_X64_MSR_TIME_REF_COUNT, get_clock,
		NULL),
	VTL_REG_RANGE(SYNTHETIC_EOI, SYNTHETIC_TPR, OWN, HV_X64_MSR_EOI,
		      get_msr, set_msr),
	VTL_REG(GUEST_OS_ID_NAME, OWN, HV_X64_MSR_GUEST_OS_ID, get_msr,
		set_msr),
	VTL_REG(HYPERCALL, OWN, HV_X64_MSR_HYPERCALL, get_msr, set_msr),
	VTL_REG(REFERENCE_TSC_NAME, OWN, HV_X64_MSR_REFERENCE_TSC, get_msr,
		set_msr),
	VTL_REG(VP_INDEX_NAME, OWN, HV_X64_MSR_VP_INDEX, get_msr, NULL),
	VTL_REG(VP_ASSIST_PAGE, OWN, HV_X64_MSR_VP_ASSIST_PAGE, get_msr,
		set_msr),
	VTL_REG(SCONTROL_NAME, OWN, HV_X64_MSR_SCONTROL, get_msr, set_msr),
	VTL_REG(SVERSION_NAME, OWN, HV_X64_MSR_SVERSION, get_msr, NULL),
	VTL_REG(SIFP_NAME, OWN, HV_X64_MSR_SIEFP, get_msr, set_msr),
	VTL_REG(SIPP_NAME, OWN, HV_X64_MSR_SIMP, get_msr, set_msr),
	VTL_REG_RANGE(SINT0_NAME, SINT15_NAME, OWN, HV_X64_MSR_SINT0, get_msr,
		      set_msr),
	VTL_REG(EOM_NAME, OWN, HV_X64_MSR_EOM, get_msr, set_msr),
	VTL_REG_RANGE(STIMER0_CONFIG_NAME, STIMER3_COUNT_NAME, OWN,
		      HV_X64_MSR_STIMER0_CONFIG, get_msr, set_msr),
	VTL_X64(TSC, BELOW, MSR_IA32_TSC, get_clock, NULL),
	VTL_X64_RANGE(EFER, SFMASK, BELOW, 0, get_arch_msr, set_arch_msr),
	VTL_X64(TSC_AUX, BELOW, MSR_TSC_AUX, get_msr, set_msr),
	VTL_X64(MTRR_CAP, BELOW, MSR_MTRRcap, get_msr, NULL),
	VTL_X64(MTRR_DEF_TYPE, SHARED, MSR_MTRRdefType, get_shared_msr,
		set_shared_msr),
	VTL_X64_RANGE(MTRR_PHYS_BASE0, MTRR_PHYS_BASE7, SHARED,
		      HV_X64_REGISTER_MTRR_PHYS_BASE0, get_var_mtrr,
		      set_var_mtrr),
	VTL_X64_RANGE(MTRR_PHYS_MASK0, MTRR_PHYS_MASK7, SHARED,
		      HV_X64_REGISTER_MTRR_PHYS_MASK0, get_var_mtrr,
		      set_var_mtrr),
	VTL_X64_RANGE(MTRR_FIX_64K_00000, MTRR_FIX_4K_F8000, SHARED, 0,
		      get_fixed_mtrr, set_fixed_mtrr),
	VTL_X64(DEBUG_CTL, BELOW, MSR_IA32_DEBUGCTLMSR, get_msr, set_msr),
	VTL_X64(SPEC_CTRL, BELOW, MSR_IA32_SPEC_CTRL, get_msr, set_msr),
	VTL_X64(XSS, BELOW, MSR_IA32_XSS, get_msr, set_msr),
	VTL_X64(TSC_DEADLINE, BELOW, MSR_IA32_TSC_DEADLINE, get_msr,
		set_deadline),
	VTL_X64(TSC_ADJUST, BELOW, MSR_IA32_TSC_ADJUST, get_clock, NULL),
	VTL_X64(MISC_ENABLE, SHARED, MSR_IA32_MISC_ENABLE, get_shared_msr,
		set_shared_msr),
};

const struct vtl_reg_table vtl_msr_regs = { regs, ARRAY_SIZE(regs) };

/**
 * vtl_reg_msr - the MSR that a register of its own kind is
 * @reg: its range
 * @name: its name
 *
 * Return: index, or 0 for a register that is no MSR, and for MTRRs.
 */
u32 vtl_reg_msr(const struct vtl_reg *reg, u32 name)
{
	u32 arg = vtl_reg_arg(reg, name);

	if (reg->get == get_arch_msr)
		return arch_msrs[arg];
	return reg->get == get_msr || reg->get == get_shared_msr ? arg : 0;
}
