// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HvCallGetVpRegisters, HvCallSetVpRegisters
 *
 * One table: which names, who may, how.  Handlers run in the run loop: no vCPU
 * is loaded, so the registers of every VTL of the calling VP can be reached
 * through KVM's own get and set functions.
 */
#include <linux/kvm_host.h>

#include "cr_intercept.h"
#include "hooks.h"
#include "hypercall.h"
#include "kvm_glue.h"
#include "msr.h"
#include "partition.h"
#include "tlb.h"
#include "tlfs.h"
#include "vina.h"
#include "vp.h"
#include "vsm.h"

/**
 * enum access - who may access a register of a target VTL
 * @ANY: every VTL; the target only selects an instance
 * @BELOW: the target's own VTL may read, VTLs above it also write
 * @OWN: the target's own VTL and those above
 * @HIGHER: as @OWN; VTL0 has no instance, INVALID_PARAMETER
 * @HIGHER_DENY: as @HIGHER, but ACCESS_DENIED for VTL0
 */
enum access { ANY, BELOW, OWN, HIGHER, HIGHER_DENY };

/**
 * struct reg - a range of registers
 * @first: name
 * @last: name, inclusive
 * @access: who may
 * @arg: what @get and @set need to know, for @first
 * @get: reads; returns HV_STATUS_*
 * @set: writes; NULL when read-only
 */
struct reg {
	u32 first;
	u32 last;
	enum access access;
	u32 arg;
	u16 (*get)(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val);
	u16 (*set)(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val);
};

static void read_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_arch_vcpu_ioctl_get_sregs(vcpu, sregs);
	mutex_unlock(&vcpu->mutex);
}

/* VSM registers */

static u16 get_code_page_offsets(struct vtl_vp *vp, u8 vtl, u32 arg,
				 union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;
	bool is_64bit = vp->hypercall.is_64bit;

	/* The mode of the VTL that is asked about. */
	if (vtl != vp->active_vtl) {
		read_sregs(vtl_vp_vcpu(vp, vtl), &sregs);
		is_64bit = (sregs.efer & EFER_LMA) && sregs.cs.l;
	}
	val->low = vtl_code_page_offsets(is_64bit);
	return HV_STATUS_SUCCESS;
}

static u16 get_vp_status(struct vtl_vp *vp, u8 vtl, u32 arg,
			 union hv_vtl_reg_value *val)
{
	val->low = vp->active_vtl | (u64)vp->enabled_vtls << 16;
	return HV_STATUS_SUCCESS;
}

static u16 get_partition_status(struct vtl_vp *vp, u8 vtl, u32 arg,
				union hv_vtl_reg_value *val)
{
	val->low = READ_ONCE(vp->partition->enabled_vtls) |
		   (u64)vp->partition->max_vtl << 16;
	return HV_STATUS_SUCCESS;
}

/* No MBEC, DR6 private. */
static u16 get_capabilities(struct vtl_vp *vp, u8 vtl, u32 arg,
			    union hv_vtl_reg_value *val)
{
	val->low = HV_VSM_CAPABILITY_DENY_LOWER_STARTUP;
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

/* MBEC is not offered; the TLB lock is the VP's own. */
static u16 get_secure_config(struct vtl_vp *vp, u8 vtl, u32 lower,
			     union hv_vtl_reg_value *val)
{
	if (vtl <= lower)
		return HV_STATUS_ACCESS_DENIED;
	val->low = vp->tlb_locks[vtl] & BIT(lower) ?
		   HV_SECURE_CONFIG_TLB_LOCKED : 0;
	return HV_STATUS_SUCCESS;
}

static u16 set_secure_config(struct vtl_vp *vp, u8 vtl, u32 lower,
			     const union hv_vtl_reg_value *val)
{
	if (vtl <= lower)
		return HV_STATUS_ACCESS_DENIED;
	if (val->low & ~HV_SECURE_CONFIG_TLB_LOCKED)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (val->low & HV_SECURE_CONFIG_TLB_LOCKED)
		vtl_tlb_lock(vp, vtl, lower);
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

static u16 get_pending_event(struct vtl_vp *vp, u8 vtl, u32 arg,
			     union hv_vtl_reg_value *val)
{
	val->low = vp->vtl[vtl].pending_event[0];
	val->high = vp->vtl[vtl].pending_event[1];
	return HV_STATUS_SUCCESS;
}

static u16 set_pending_event(struct vtl_vp *vp, u8 vtl, u32 arg,
			     const union hv_vtl_reg_value *val)
{
	u64 *event = vp->vtl[vtl].pending_event;

	if (!vtl_pending_event_valid(val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	event[0] = val->low;
	event[1] = val->high;
	return HV_STATUS_SUCCESS;
}

/* Exceptions that a CPU can have, and those of them with an error code */
#define EXCEPTIONS \
	(BIT(DE_VECTOR) | BIT(DB_VECTOR) | BIT(BR_VECTOR) | BIT(UD_VECTOR) | \
	 BIT(NM_VECTOR) | BIT(MF_VECTOR) | BIT(MC_VECTOR) | BIT(XM_VECTOR) | \
	 BIT(VE_VECTOR) | EXCEPTIONS_WITH_CODE)
#define EXCEPTIONS_WITH_CODE \
	(BIT(DF_VECTOR) | BIT(TS_VECTOR) | BIT(NP_VECTOR) | BIT(SS_VECTOR) | \
	 BIT(GP_VECTOR) | BIT(PF_VECTOR) | BIT(AC_VECTOR))

/**
 * vtl_pending_event_valid - can HvX64RegisterPendingEvent0 be this?
 * @event: low half
 *
 * The CPU refuses to enter with others.  #BP and #OF come from an instruction,
 * whose length nobody gives.
 *
 * Return: true for "none" and for exceptions without reserved bits.
 */
bool vtl_pending_event_valid(u64 event)
{
	bool has_code = event & HV_PENDING_EVENT_DELIVER_ERROR_CODE;
	u16 vector = event >> HV_PENDING_EVENT_VECTOR_SHIFT;

	if (!(event & HV_PENDING_EVENT_PENDING))
		return !event;
	if ((event & (HV_PENDING_EVENT_RESERVED | HV_PENDING_EVENT_TYPE)) ||
	    vector >= 32 || !(EXCEPTIONS & BIT(vector)))
		return false;
	return has_code == !!(EXCEPTIONS_WITH_CODE & BIT(vector));
}

/* Registers that are MSRs, synthetic and architectural ones */

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

static u16 get_arch_msr(struct vtl_vp *vp, u8 vtl, u32 arg,
			union hv_vtl_reg_value *val)
{
	return get_msr(vp, vtl, arch_msrs[arg], val);
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
	return set_msr(vp, vtl, arch_msrs[arg], val);
}

/* Shared registers: they live in the active VTL's vCPU */

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

	if (!regs_value_valid(vcpu, arg, val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;

	mutex_lock(&vcpu->mutex);
	vtl_kvm_kvm_arch_vcpu_ioctl_get_regs(vcpu, &regs);
	*(u64 *)((void *)&regs + arg) = val->low;
	vtl_kvm_kvm_arch_vcpu_ioctl_set_regs(vcpu, &regs);
	mutex_unlock(&vcpu->mutex);
	return HV_STATUS_SUCCESS;
}

/* The rest: members of struct kvm_sregs */

static u16 write_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	int ret;

	mutex_lock(&vcpu->mutex);
	ret = vtl_kvm_kvm_arch_vcpu_ioctl_set_sregs(vcpu, sregs);
	mutex_unlock(&vcpu->mutex);
	return ret ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

static u16 get_cr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	read_sregs(vtl_vp_vcpu(vp, vtl), &sregs);
	val->low = *(u64 *)((void *)&sregs + arg);
	return HV_STATUS_SUCCESS;
}

static u16 set_cr(struct vtl_vp *vp, u8 vtl, u32 arg,
		  const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_sregs sregs;

	/* KVM ignores what is wrong with CR8. */
	if (arg == offsetof(struct kvm_sregs, cr8) && val->low > 15)
		return HV_STATUS_INVALID_REGISTER_VALUE;

	read_sregs(vcpu, &sregs);
	*(u64 *)((void *)&sregs + arg) = val->low;
	return write_sregs(vcpu, &sregs);
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

	read_sregs(vtl_vp_vcpu(vp, vtl), &sregs);
	vtl_segment_to_hv(sregs_segment(&sregs, arg), &val->segment);
	return HV_STATUS_SUCCESS;
}

static u16 set_segment(struct vtl_vp *vp, u8 vtl, u32 arg,
		       const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_sregs sregs;

	read_sregs(vcpu, &sregs);
	vtl_segment_from_hv(&val->segment, sregs_segment(&sregs, arg));
	return write_sregs(vcpu, &sregs);
}

static struct kvm_dtable *sregs_table(struct kvm_sregs *sregs, u32 arg)
{
	return arg ? &sregs->gdt : &sregs->idt;
}

static u16 get_table(struct vtl_vp *vp, u8 vtl, u32 arg,
		     union hv_vtl_reg_value *val)
{
	struct kvm_sregs sregs;

	read_sregs(vtl_vp_vcpu(vp, vtl), &sregs);
	val->table.base = sregs_table(&sregs, arg)->base;
	val->table.limit = sregs_table(&sregs, arg)->limit;
	return HV_STATUS_SUCCESS;
}

static u16 set_table(struct vtl_vp *vp, u8 vtl, u32 arg,
		     const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	struct kvm_sregs sregs;

	read_sregs(vcpu, &sregs);
	sregs_table(&sregs, arg)->base = val->table.base;
	sregs_table(&sregs, arg)->limit = val->table.limit;
	return write_sregs(vcpu, &sregs);
}

#define REG(name, access, arg, get, set) \
	{ HV_REGISTER_##name, HV_REGISTER_##name, access, arg, get, set }
#define X64(name, access, arg, get, set) \
	{ HV_X64_REGISTER_##name, HV_X64_REGISTER_##name, access, arg, get, \
	  set }
#define X64_RANGE(first, last, access, arg, get, set) \
	{ HV_X64_REGISTER_##first, HV_X64_REGISTER_##last, access, arg, get, \
	  set }

static const struct reg regs_table[] = {
	REG(VSM_CODE_PAGE_OFFSETS, ANY, 0, get_code_page_offsets, NULL),
	REG(VSM_VP_STATUS, ANY, 0, get_vp_status, NULL),
	REG(VSM_PARTITION_STATUS, ANY, 0, get_partition_status, NULL),
	REG(VSM_CAPABILITIES, ANY, 0, get_capabilities, NULL),
	REG(VSM_PARTITION_CONFIG, HIGHER, 0, get_config, set_config),
	{ HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0,
	  HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0 + VTL_MAX - 1, HIGHER_DENY, 0,
	  get_secure_config, set_secure_config },
	REG(VSM_VP_WAIT_FOR_TLB_LOCK, HIGHER_DENY, 0, get_tlb_wait,
	    set_tlb_wait),
	REG(VSM_VINA, HIGHER, 0, get_vina, set_vina),
	{ HV_REGISTER_CR_INTERCEPT_CONTROL, HV_REGISTER_CR_INTERCEPT_MISC_MASK,
	  HIGHER_DENY, VTL_CR_CONTROL, get_cr_intercept, set_cr_intercept },
	REG(PENDING_EVENT0, BELOW, 0, get_pending_event, set_pending_event),

	REG(GUEST_OS_ID_NAME, OWN, HV_X64_MSR_GUEST_OS_ID, get_msr, set_msr),
	REG(HYPERCALL, OWN, HV_X64_MSR_HYPERCALL, get_msr, set_msr),
	REG(REFERENCE_TSC_NAME, OWN, HV_X64_MSR_REFERENCE_TSC, get_msr,
	    set_msr),
	REG(VP_INDEX_NAME, OWN, HV_X64_MSR_VP_INDEX, get_msr, NULL),
	REG(VP_ASSIST_PAGE, OWN, HV_X64_MSR_VP_ASSIST_PAGE, get_msr, set_msr),
	REG(SCONTROL_NAME, OWN, HV_X64_MSR_SCONTROL, get_msr, set_msr),
	REG(SVERSION_NAME, OWN, HV_X64_MSR_SVERSION, get_msr, NULL),
	REG(SIFP_NAME, OWN, HV_X64_MSR_SIEFP, get_msr, set_msr),
	REG(SIPP_NAME, OWN, HV_X64_MSR_SIMP, get_msr, set_msr),
	{ HV_REGISTER_SINT0_NAME, HV_REGISTER_SINT15_NAME, OWN,
	  HV_X64_MSR_SINT0, get_msr, set_msr },

	X64(RSP, BELOW, offsetof(struct kvm_regs, rsp), get_regs, set_regs),
	X64_RANGE(RAX, R15, BELOW, 0, get_gpr, set_gpr),
	X64(RIP, BELOW, offsetof(struct kvm_regs, rip), get_regs, set_regs),
	X64(RFLAGS, BELOW, offsetof(struct kvm_regs, rflags), get_regs,
	    set_regs),
	X64(CR0, BELOW, offsetof(struct kvm_sregs, cr0), get_cr, set_cr),
	X64(CR2, BELOW, 0, get_cr2, set_cr2),
	X64(CR3, BELOW, offsetof(struct kvm_sregs, cr3), get_cr, set_cr),
	X64(CR4, BELOW, offsetof(struct kvm_sregs, cr4), get_cr, set_cr),
	X64(CR8, BELOW, offsetof(struct kvm_sregs, cr8), get_cr, set_cr),
	X64(XFEM, BELOW, 0, get_xfem, set_xfem),
	X64_RANGE(DR0, DR3, BELOW, 0, get_dr, set_dr),
	X64(DR6, BELOW, 6, get_dr, set_dr),
	X64(DR7, BELOW, 7, get_dr, set_dr),
	X64_RANGE(ES, TR, BELOW, 0, get_segment, set_segment),
	X64_RANGE(IDTR, GDTR, BELOW, 0, get_table, set_table),
	X64_RANGE(EFER, SFMASK, BELOW, 0, get_arch_msr, set_arch_msr),
	X64(TSC_AUX, BELOW, MSR_TSC_AUX, get_msr, set_msr),
	X64(XSS, BELOW, MSR_IA32_XSS, get_msr, set_msr),
};

static const struct reg *find_reg(u32 name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(regs_table); i++)
		if (name >= regs_table[i].first && name <= regs_table[i].last)
			return &regs_table[i];
	return NULL;
}

static u16 check_access(struct vtl_vp *vp, const struct reg *reg, u8 vtl,
			bool write)
{
	switch (reg->access) {
	case ANY:
	case OWN:
		break;
	case HIGHER:
		if (!vtl)
			return HV_STATUS_INVALID_PARAMETER;
		break;
	case HIGHER_DENY:
		if (!vtl)
			return HV_STATUS_ACCESS_DENIED;
		break;
	case BELOW:
		if (write && vtl >= vp->active_vtl)
			return reg->first == HV_REGISTER_PENDING_EVENT0 ?
			       HV_STATUS_INVALID_PARAMETER :
			       HV_STATUS_ACCESS_DENIED;
		break;
	}
	if (!vtl_vp_has_vtl(vp, vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	return HV_STATUS_SUCCESS;
}

/* VTLs above the caller may have locked a register of the one below. */
static u16 check_locked(struct vtl_vp *vp, const struct reg *reg, u32 name)
{
	u32 arg = reg->arg + name - reg->first, msr = 0;

	if (reg->set == set_msr)
		msr = arg;
	else if (reg->set == set_arch_msr)
		msr = arch_msrs[arg];
	return vtl_cr_intercept_denies(vp, name, msr) ?
	       HV_STATUS_ACCESS_DENIED : HV_STATUS_SUCCESS;
}

static u16 check_header(struct vtl_vp *vp,
			const struct hv_vtl_vp_registers *in, u8 *vtl)
{
	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_ACCESS_DENIED;
	if (in->vp_index != HV_SELF_VP && in->vp_index != vp->index)
		return vtl_partition_vp(vp->partition, in->vp_index) ?
		       HV_STATUS_ACCESS_DENIED : HV_STATUS_INVALID_VP_INDEX;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	return vtl_hv_input_vtl(vp, in->input_vtl, vtl);
}

/**
 * vtl_hv_get_vp_registers - HvCallGetVpRegisters
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: ACCESS_DENIED for another partition or VP, a VTL above the caller's,
 * a register that the caller may not have; INVALID_VP_INDEX;
 * INVALID_PARAMETER for an unknown name; INVALID_VTL_STATE.
 */
u16 vtl_hv_get_vp_registers(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_vp_registers *in = hc->in;
	const u32 *names = hc->in + sizeof(*in);
	union hv_vtl_reg_value *out = hc->out;
	u16 status;
	u8 vtl;

	status = check_header(vp, in, &vtl);
	for (; !status && hc->reps_done < hc->rep_count; hc->reps_done++) {
		u32 name = names[hc->reps_done];
		const struct reg *reg = find_reg(name);

		if (!reg)
			return HV_STATUS_INVALID_PARAMETER;
		status = check_access(vp, reg, vtl, false);
		if (!status)
			status = reg->get(vp, vtl, reg->arg + name - reg->first,
					  &out[hc->reps_done]);
		if (status)
			return status;
	}
	return status;
}

/**
 * vtl_hv_set_vp_registers - HvCallSetVpRegisters
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: as vtl_hv_get_vp_registers(); INVALID_REGISTER_VALUE.
 */
u16 vtl_hv_set_vp_registers(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	const struct hv_vtl_vp_registers *in = hc->in;
	const struct hv_vtl_reg_assoc *elements = hc->in + sizeof(*in);
	u16 status;
	u8 vtl;

	status = check_header(vp, in, &vtl);
	for (; !status && hc->reps_done < hc->rep_count; hc->reps_done++) {
		const struct hv_vtl_reg_assoc *e = &elements[hc->reps_done];
		const struct reg *reg = find_reg(e->name);

		if (!reg || !reg->set)
			return HV_STATUS_INVALID_PARAMETER;
		status = check_access(vp, reg, vtl, true);
		if (!status)
			status = check_locked(vp, reg, e->name);
		if (!status)
			status = reg->set(vp, vtl,
					  reg->arg + e->name - reg->first,
					  &e->value);
		if (status)
			return status;
	}
	return status;
}
