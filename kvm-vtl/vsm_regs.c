// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - registers of Virtual Secure Mode
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>

#include "cr_intercept.h"
#include "hypercall.h"
#include "mbec.h"
#include "mode.h"
#include "msr.h"
#include "partition.h"
#include "reg.h"
#include "run_on.h"
#include "tlb.h"
#include "tlfs.h"
#include "vina.h"
#include "vp.h"
#include "vsm.h"

static u16 get_code_page_offsets(struct vtl_vp *vp, u8 vtl, u32 arg,
				 union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	if (!vtl_vp_has_vtl(vp, vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	/* The mode of the VTL that is asked about. */
	vtl_read_sregs(vtl_vp_vcpu(vp, vtl), &sregs);
	val->low = vtl_code_page_offsets((sregs.efer & EFER_LMA) && sregs.cs.l);
	return HV_STATUS_SUCCESS;
}

static u16 get_vp_status(struct vtl_vp *vp, u8 vtl, u32 arg,
			 union hv_vtl_reg_value *val)
{
	val->low = vp->active_vtl |
		   (u64)vp->enabled_vtls << HV_VSM_VP_STATUS_ENABLED_SHIFT;
	if (vp->mbec)
		val->low |= HV_VSM_VP_STATUS_ACTIVE_MBEC;
	return HV_STATUS_SUCCESS;
}

/* VTLs that can have MBEC: errata.rst, "MBEC" */
#define MBEC_VTLS	(BIT_ULL(0) | BIT_ULL(1))

static u16 get_partition_status(struct vtl_vp *vp, u8 vtl, u32 arg,
				union hv_vtl_reg_value *val)
{
	val->low = READ_ONCE(vp->partition->enabled_vtls) |
		   (u64)vp->partition->max_vtl << HV_VSM_STATUS_MAX_VTL_SHIFT;
	if (READ_ONCE(vp->partition->mbec_vtls))
		val->low |= MBEC_VTLS << HV_VSM_STATUS_MBEC_SHIFT;
	return HV_STATUS_SUCCESS;
}

/* DR6 is private. */
static u16 get_capabilities(struct vtl_vp *vp, u8 vtl, u32 arg,
			    union hv_vtl_reg_value *val)
{
	val->low = HV_VSM_CAPABILITY_DENY_LOWER_STARTUP |
		   HV_VSM_CAPABILITY_INTERCEPT_PAGE |
		   HV_VSM_CAPABILITY_RETURN_ACTIONS;
	if (vp->partition->features & KVM_VTL_FEATURE_MBEC)
		val->low |= MBEC_VTLS << HV_VSM_CAPABILITY_MBEC_SHIFT;
	return HV_STATUS_SUCCESS;
}

static u16 get_config(struct vtl_vp *vp, u8 vtl, u32 arg,
		      union hv_vtl_reg_value *val)
{
	val->low = vp->partition->config[vtl];
	return HV_STATUS_SUCCESS;
}

static u16 set_config(struct vtl_vp *vp, u8 vtl, u32 arg,
		      const union hv_vtl_reg_value *val)
{
	return vtl_partition_set_config(vp->partition, vtl, val->low);
}

static u16 get_cr_intercept(struct vtl_vp *vp, u8 vtl, u32 arg,
			    union hv_vtl_reg_value *val)
{
	val->low = vp->vtl[vtl].cr_intercept[arg];
	return HV_STATUS_SUCCESS;
}

static u16 set_cr_intercept(struct vtl_vp *vp, u8 vtl, u32 arg,
			    const union hv_vtl_reg_value *val)
{
	u64 regs[VTL_CR_NR];

	memcpy(regs, vp->vtl[vtl].cr_intercept, sizeof(regs));
	regs[arg] = val->low;
	if (!vtl_cr_intercept_valid(arg, val->low) ||
	    vtl_cr_intercept_set(vp, vtl, regs))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}

/* The TLB lock is one of these two VTLs; MBEC is the VP's. */
static u16 get_secure_config(struct vtl_vp *vp, u8 vtl, u32 lower,
			     union hv_vtl_reg_value *val)
{
	if (vtl <= lower)
		return HV_STATUS_ACCESS_DENIED;
	val->low = vtl_tlb_has_lock(vp, vtl, lower) ?
		   HV_SECURE_CONFIG_TLB_LOCKED : 0;
	if (vp->mbec && vtl_partition_has_mbec(vp->partition, vtl))
		val->low |= HV_SECURE_CONFIG_MBEC_ENABLED;
	return HV_STATUS_SUCCESS;
}

static u16 set_secure_config(struct vtl_vp *vp, u8 vtl, u32 lower,
			     const union hv_vtl_reg_value *val)
{
	bool mbec = val->low & HV_SECURE_CONFIG_MBEC_ENABLED;

	if (vtl <= lower)
		return HV_STATUS_ACCESS_DENIED;
	if ((val->low & ~(HV_SECURE_CONFIG_MBEC_ENABLED |
			  HV_SECURE_CONFIG_TLB_LOCKED)) ||
	    mbec != vtl_partition_has_mbec(vp->partition, vtl) ||
	    (mbec && !vtl_mbec_set(vp, true)))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (val->low & HV_SECURE_CONFIG_TLB_LOCKED)
		vtl_tlb_lock(vp, vtl, lower, vp->run_on.for_other);
	else
		vtl_tlb_unlock(vp, vtl, BIT(lower));
	return HV_STATUS_SUCCESS;
}

static u16 get_tlb_wait(struct vtl_vp *vp, u8 vtl, u32 arg,
			union hv_vtl_reg_value *val)
{
	val->low = vp->tlb_waits & BIT(vtl) ? HV_WAIT_FOR_TLB_LOCK : 0;
	return HV_STATUS_SUCCESS;
}

static u16 set_tlb_wait(struct vtl_vp *vp, u8 vtl, u32 arg,
			const union hv_vtl_reg_value *val)
{
	if (val->low & ~HV_WAIT_FOR_TLB_LOCK)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	__assign_bit(vtl, &vp->tlb_waits, val->low);
	return HV_STATUS_SUCCESS;
}

static u16 get_vina(struct vtl_vp *vp, u8 vtl, u32 arg,
		    union hv_vtl_reg_value *val)
{
	val->low = vp->vtl[vtl].vina;
	return HV_STATUS_SUCCESS;
}

static u16 set_vina(struct vtl_vp *vp, u8 vtl, u32 arg,
		    const union hv_vtl_reg_value *val)
{
	if (!vtl_vina_valid(val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vtl_vina_set(vp, vtl, val->low);
	return HV_STATUS_SUCCESS;
}

/*
 * The page has a member that says whether its registers are valid.  They never
 * are: nothing writes to it (errata.rst, "RegisterPage").
 */
static u16 get_register_page(struct vtl_vp *vp, u8 vtl, u32 arg,
			     union hv_vtl_reg_value *val)
{
	val->low = vp->vtl[vtl].register_page;
	return HV_STATUS_SUCCESS;
}

static u16 set_register_page(struct vtl_vp *vp, u8 vtl, u32 arg,
			     const union hv_vtl_reg_value *val)
{
	if (val->low & HV_REG_PAGE_RESERVED)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vp->vtl[vtl].register_page = val->low;
	return HV_STATUS_SUCCESS;
}

/* For a VMM in VTL2 that emulates instructions of VTL0 */
static u16 get_emulation_hints(struct vtl_vp *vp, u8 vtl, u32 arg,
			       union hv_vtl_reg_value *val)
{
	val->low = 0;
	if (READ_ONCE(vp->partition->enabled_vtls) & BIT(1))
		val->low |= HV_EMULATION_HINT_SECURE_VTL;
	if (vp->mbec)
		val->low |= HV_EMULATION_HINT_MBEC;
	return HV_STATUS_SUCCESS;
}

static const struct vtl_reg regs[] = {
	VTL_REG(VSM_CODE_PAGE_OFFSETS, ANY, 0, get_code_page_offsets, NULL),
	VTL_REG(VSM_VP_STATUS, ANY, 0, get_vp_status, NULL),
	VTL_REG(VSM_PARTITION_STATUS, ANY, 0, get_partition_status, NULL),
	VTL_REG(VSM_CAPABILITIES, ANY, 0, get_capabilities, NULL),
	VTL_REG(VSM_PARTITION_CONFIG, HIGHER, 0, get_config, set_config),
	VTL_REG_RANGE(VSM_VP_SECURE_CONFIG_VTL0, VSM_VP_SECURE_CONFIG_VTL1,
		      HIGHER_DENY, 0, get_secure_config, set_secure_config),
	VTL_REG(VSM_VP_WAIT_FOR_TLB_LOCK, HIGHER_DENY, 0, get_tlb_wait,
		set_tlb_wait),
	VTL_REG(VSM_VINA, HIGHER, 0, get_vina, set_vina),
	VTL_REG_RANGE(CR_INTERCEPT_CONTROL, CR_INTERCEPT_MISC_MASK, HIGHER_DENY,
		      VTL_CR_CONTROL, get_cr_intercept, set_cr_intercept),
	VTL_REG(REG_PAGE, HIGHER_DENY, 0, get_register_page, set_register_page),
	VTL_REG(EMULATION_HINTS, HIGHER_DENY, 0, get_emulation_hints, NULL),
};

const struct vtl_reg_table vtl_vsm_regs = { regs, ARRAY_SIZE(regs) };
