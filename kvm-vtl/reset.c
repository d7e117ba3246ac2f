// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - partition-wide VSM state: enabled VTLs, configuration, reset
 *
 * A VMM that knows nothing of VTLs resets a VM by writing the reset state into
 * its vCPUs.  When the bootstrap VP gets it while a higher VTL is enabled, the
 * partition is reset: the higher VTLs are gone, and with them their
 * protections, and what VTL0 could not read is zeroed (TLFS,
 * "HV_REGISTER_VSM_PARTITION_CONFIG", ZeroMemoryOnReset).
 */
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <asm/apicdef.h>

#include "hooks.h"
#include "kvm_glue.h"
#include "mbec.h"
#include "partition.h"
#include "port.h"
#include "protect.h"
#include "switch.h"
#include "tlb.h"
#include "tlfs.h"
#include "view.h"
#include "vina.h"
#include "vp.h"
#include "vsm.h"

/* The secure kernel of Windows never enables its APIC by itself. */
#define VTL_SVR_RESET	0x1ff

#define DR6_RESET	0xffff0ff0
#define DR7_RESET	0x400

/* Config of an enabled VTL before it writes it: nothing restricted. */
#define CONFIG_RESET \
	(HV_VSM_CONFIG_DEFAULT_MASK | HV_VSM_CONFIG_ZERO_MEMORY)
#define CONFIG_VALID \
	(HV_VSM_CONFIG_ENABLE_PROTECTION | HV_VSM_CONFIG_DEFAULT_MASK | \
	 HV_VSM_CONFIG_ZERO_MEMORY | HV_VSM_CONFIG_DENY_LOWER_STARTUP | \
	 HV_VSM_CONFIG_INTERCEPT_VP_STARTUP | HV_VSM_CONFIG_INTERCEPT_CPUID | \
	 HV_VSM_CONFIG_INTERCEPT_PAGE)

/**
 * vtl_partition_enable_vtl_locked - make a VTL available to VPs
 * @partition: partition
 * @vtl: the VTL
 * @mbec: with MBEC, which is offered
 *
 * Context: the partition's lock is held.
 */
void vtl_partition_enable_vtl_locked(struct vtl_partition *partition, u8 vtl,
				     bool mbec)
{
	lockdep_assert_held(&partition->lock);
	partition->config[vtl] = CONFIG_RESET;
	WRITE_ONCE(partition->mbec_vtls,
		   partition->mbec_vtls | (mbec ? BIT(vtl) : 0));
	WRITE_ONCE(partition->enabled_vtls,
		   partition->enabled_vtls | BIT(vtl));
}

/* The default rights; false when the mask is not legal. */
static bool parse_mask(u64 config, bool mbec, vtl_prot_t *mask)
{
	vtl_prot_t rw = VTL_PROT_R | VTL_PROT_W;

	return vtl_protect_parse((config & HV_VSM_CONFIG_DEFAULT_MASK) >>
				 HV_VSM_CONFIG_DEFAULT_MASK_SHIFT, mbec,
				 mask) &&
	       (*mask & rw) == rw;
}

/**
 * vtl_config_valid - may HvRegisterVsmPartitionConfig be written so?
 * @old: value
 * @new: value to be
 * @mbec: the VTL has MBEC
 *
 * Return: true when no unknown bit is set and write-once fields stay.
 */
bool vtl_config_valid(u64 old, u64 new, bool mbec)
{
	vtl_prot_t mask;

	if ((new & ~CONFIG_VALID) || !parse_mask(new, mbec, &mask))
		return false;
	if (!(old & HV_VSM_CONFIG_ENABLE_PROTECTION))
		return true;
	/* Write-once: the same value again is fine. */
	return (new & HV_VSM_CONFIG_ENABLE_PROTECTION) &&
	       !((old ^ new) & HV_VSM_CONFIG_DEFAULT_MASK);
}

/**
 * vtl_partition_set_config - write HvRegisterVsmPartitionConfig
 * @partition: partition
 * @vtl: the VTL that it belongs to
 * @config: new value
 *
 * Context: may sleep; no vCPU is loaded.
 * Return: HV_STATUS_SUCCESS; INVALID_VTL_STATE; INVALID_REGISTER_VALUE.
 */
u16 vtl_partition_set_config(struct vtl_partition *partition, u8 vtl,
			     u64 config)
{
	u16 status = HV_STATUS_SUCCESS;
	vtl_prot_t mask;
	bool mbec;
	u64 old;

	mutex_lock(&partition->lock);
	old = partition->config[vtl];
	mbec = vtl_partition_has_mbec(partition, vtl);
	if (!vtl_partition_has_vtl(partition, vtl)) {
		status = HV_STATUS_INVALID_VTL_STATE;
	} else if (!vtl_config_valid(old, config, mbec) ||
		   !parse_mask(config, mbec, &mask)) {
		status = HV_STATUS_INVALID_REGISTER_VALUE;
	} else {
		WRITE_ONCE(partition->config[vtl], config);
		if ((config & ~old & HV_VSM_CONFIG_ENABLE_PROTECTION) &&
		    mask != VTL_PROT_ALL) {
			WRITE_ONCE(partition->protect[vtl].default_prot, mask);
			vtl_view_apply_all_locked(partition, vtl);
		}
	}
	mutex_unlock(&partition->lock);
	return status;
}

static const u32 reset_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_TSC_AUX, MSR_IA32_DEBUGCTLMSR, MSR_IA32_XSS,
	HV_X64_MSR_VP_ASSIST_PAGE, HV_X64_MSR_SIMP, HV_X64_MSR_SIEFP,
};

/* errata.rst, "SCONTROL": enabled from the beginning. */
#define SCONTROL_RESET	HV_SYNIC_CONTROL_ENABLE

/* One that the vCPU does not have, or that nobody wrote, needs no reset. */
static void write_msr(struct kvm_vcpu *vcpu, u32 msr, u64 data)
{
	u64 now;

	if (!vtl_kvm___kvm_get_msr(vcpu, msr, &now, true) && now != data)
		vtl_kvm_kvm_set_msr_ignored_check(vcpu, msr, data, true);
}

/* Not x2APIC mode, whatever the VTL before made of it. */
static u64 apic_base_reset(struct kvm_vcpu *vcpu)
{
	u64 base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;

	if (vcpu->vcpu_id == vcpu->kvm->arch.bsp_vcpu_id)
		base |= MSR_IA32_APICBASE_BSP;
	return base;
}

static void reset_msrs_of(struct kvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(reset_msrs); i++)
		write_msr(vcpu, reset_msrs[i], 0);
	for (i = 0; i < HV_SYNIC_STIMER_COUNT; i++)
		write_msr(vcpu, HV_X64_MSR_STIMER0_CONFIG + 2 * i, 0);
	for (i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		write_msr(vcpu, HV_X64_MSR_SINT0 + i, HV_SYNIC_SINT_MASKED);
	write_msr(vcpu, HV_X64_MSR_SCONTROL, SCONTROL_RESET);
	write_msr(vcpu, MSR_IA32_APICBASE, apic_base_reset(vcpu));
}

static void set_apic_reg(struct kvm_lapic_state *state, u32 reg, u32 value)
{
	*(u32 *)(state->regs + reg) = value;
}

static void reset_apic_regs(struct kvm_lapic_state *state)
{
	static const u32 lvts[] = { APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC,
				    APIC_LVT0, APIC_LVT1, APIC_LVTERR };
	int i;

	for (i = 0; i < 8; i++) {
		set_apic_reg(state, APIC_ISR + 0x10 * i, 0);
		set_apic_reg(state, APIC_TMR + 0x10 * i, 0);
		set_apic_reg(state, APIC_IRR + 0x10 * i, 0);
	}
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		set_apic_reg(state, lvts[i], APIC_LVT_MASKED);
	set_apic_reg(state, APIC_TASKPRI, 0);
	set_apic_reg(state, APIC_SPIV, VTL_SVR_RESET);
	set_apic_reg(state, APIC_ESR, 0);
	set_apic_reg(state, APIC_LDR, 0);
	set_apic_reg(state, APIC_DFR, 0xffffffff);
	set_apic_reg(state, APIC_ICR, 0);
	set_apic_reg(state, APIC_ICR2, 0);
	set_apic_reg(state, APIC_TMICT, 0);
	set_apic_reg(state, APIC_TDCR, 0);
}

static int reset_apic(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_state *state __free(kfree) = NULL;
	int ret;

	state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	ret = vtl_kvm_kvm_apic_get_state(vcpu, state);
	if (ret)
		return ret;
	reset_apic_regs(state);
	return vtl_kvm_kvm_apic_set_state(vcpu, state);
}

/**
 * vtl_reset_vcpu - reset what the initial context of a VTL does not name
 * @vcpu: vCPU of a VTL above 0 that is not enabled
 *
 * Private MSRs, SynIC, timers, APIC, DR6, DR7 and pending events (TLFS,
 * "HV_INITIAL_VP_CONTEXT").
 *
 * Context: vtl_vcpu_enter().
 * Return: 0 or -ENOMEM.
 */
int vtl_reset_vcpu(struct kvm_vcpu *vcpu)
{
	reset_msrs_of(vcpu);
	vtl_kvm_kvm_set_dr(vcpu, 6, DR6_RESET);
	vtl_kvm_kvm_set_dr(vcpu, 7, DR7_RESET);
	vtl_vcpu_drop_exit(vcpu);
	vtl_vcpu_drop_events(vcpu);
	return reset_apic(vcpu);
}

/**
 * vtl_reset_vp_vtl - what a VP has of a VTL, as it was in the beginning
 * @vp: the VP
 * @vtl: a VTL that is not active
 *
 * Context: may sleep; vp->mutex held, no vCPU locked.
 * Return: 0 or -ENOMEM.
 */
int vtl_reset_vp_vtl(struct vtl_vp *vp, u8 vtl)
{
	static const u64 no_intercepts[VTL_CR_NR];
	struct vtl_vp_vtl *v = &vp->vtl[vtl];
	int idx, ret;

	vtl_switch_disarm_entry(v);
	v->no_context = false;
	v->mode.waits = false;
	v->entered = false;
	v->register_page = 0;
	memset(v->pending_event, 0, sizeof(v->pending_event));
	if (!vtl)
		return 0;

	vtl_vina_set(vp, vtl, 0);
	ret = vtl_cr_intercept_set(vp, vtl, no_intercepts);
	if (ret)
		return ret;
	vtl_vcpu_enter(v->vcpu, &idx);
	ret = vtl_reset_vcpu(v->vcpu);
	vtl_vcpu_leave(v->vcpu, idx);
	return ret;
}

static int reset_vp(struct vtl_vp *vp)
{
	int ret = 0, err;
	u8 vtl;

	vtl_vp_move_shared(vp, vp->active_vtl, 0);
	WRITE_ONCE(vp->active_vtl, 0);
	WRITE_ONCE(vp->enabled_vtls, BIT(0));
	vp->exit_vtl = 0;
	vp->init_dropped = 0;
	vp->tlb_waits = 0;
	if (!vtl_mbec_set(vp, false))
		ret = -EIO;
	for (vtl = 0; vtl <= vp->partition->max_vtl; vtl++) {
		vtl_tlb_unlock(vp, vtl, VTL_TLB_ALL);
		err = vtl_reset_vp_vtl(vp, vtl);
		ret = ret ?: err;
	}
	return ret;
}

/*
 * A page that VTL0 may read holds no secret of the higher VTL.  A page whose
 * slot is gone cannot be zeroed, and the VMM may bring it back.
 */
static int zero_secrets(struct vtl_vp *vp, u8 owner)
{
	struct vtl_protect *protect = &vp->partition->protect[owner];
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, owner);
	const void *zero = page_address(ZERO_PAGE(0));
	unsigned long nr, i;
	int idx, ret = 0;
	vtl_prot_t prot;
	gfn_t gfn = 0;
	gpa_t gpa;

	vtl_vcpu_enter(vcpu, &idx);
	while (!ret && !vtl_protect_next(protect, &gfn, &nr, &prot)) {
		for (i = 0; i < nr && !ret && !(prot & VTL_PROT_R); i++) {
			gpa = gfn_to_gpa(gfn + i);
			ret = vtl_kvm_kvm_vcpu_write_guest(vcpu, gpa, zero,
							   PAGE_SIZE);
			cond_resched();
		}
		gfn += nr;
	}
	vtl_vcpu_leave(vcpu, idx);
	return ret;
}

/* Hypercall page, OS id and reference TSC page: one per VTL, not per VP. */
static void reset_vm_msrs(struct kvm_vcpu *vcpu)
{
	int idx;

	vtl_vcpu_enter(vcpu, &idx);
	write_msr(vcpu, HV_X64_MSR_HYPERCALL, 0);
	write_msr(vcpu, HV_X64_MSR_GUEST_OS_ID, 0);
	write_msr(vcpu, HV_X64_MSR_REFERENCE_TSC, 0);
	vtl_vcpu_leave(vcpu, idx);
}

/**
 * vtl_reset_vtl_locked - what a partition has of a VTL, as it was in the
 * beginning
 * @partition: partition
 * @vp: the VP whose thread this is
 * @vtl: the VTL
 *
 * Context: may sleep; vp->mutex and the partition's lock held, no vCPU locked.
 * Return: 0; an error when a page cannot be zeroed, and all stays closed.
 */
int vtl_reset_vtl_locked(struct vtl_partition *partition, struct vtl_vp *vp,
			 u8 vtl)
{
	int ret = 0;

	if (partition->config[vtl] & HV_VSM_CONFIG_ZERO_MEMORY)
		ret = zero_secrets(vp, vtl);
	if (ret)
		return ret;
	vtl_protect_destroy(&partition->protect[vtl]);
	vtl_port_reset_locked(partition, vtl);
	partition->config[vtl] = 0;
	WRITE_ONCE(partition->mbec_vtls, partition->mbec_vtls & ~BIT(vtl));
	vtl_view_apply_all_locked(partition, vtl);
	reset_vm_msrs(vtl_vp_vcpu(vp, vtl));
	return 0;
}

static void unlock_others(struct vtl_partition *partition, struct vtl_vp *vp,
			  unsigned int end)
{
	while (end--) {
		struct vtl_vp *other = vtl_partition_vp(partition, end);

		if (other && other != vp)
			mutex_unlock(&other->mutex);
	}
}

static int trylock_others(struct vtl_partition *partition, struct vtl_vp *vp)
{
	unsigned int i;

	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(partition, i);

		if (other && other != vp && !mutex_trylock(&other->mutex)) {
			unlock_others(partition, vp, i);
			return -EBUSY;
		}
	}
	return 0;
}

static int reset_locked(struct vtl_partition *partition, struct vtl_vp *vp)
{
	int ret = 0, err;
	unsigned int i;
	u8 vtl;

	/* From above: who zeroes what is his must not be kept from it. */
	for (vtl = partition->max_vtl; vtl; vtl--) {
		err = vtl_reset_vtl_locked(partition, vp, vtl);
		ret = ret ?: err;
	}
	for (i = 0; i < VTL_MAX_VPS; i++) {
		struct vtl_vp *other = vtl_partition_vp(partition, i);

		err = other ? reset_vp(other) : 0;
		ret = ret ?: err;
	}
	WRITE_ONCE(partition->enabled_vtls, BIT(0));
	return ret;
}

/**
 * vtl_partition_reset - back to a clean VTL0
 * @partition: partition
 * @vp: the VP whose ioctl asks for it, its mutex held
 *
 * A reset that cannot be completed kills the partition: half of a secure
 * kernel is none.
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EBUSY while another VP runs; -EIO.
 */
int vtl_partition_reset(struct vtl_partition *partition, struct vtl_vp *vp)
{
	int ret;

	lockdep_assert_held(&vp->mutex);
	mutex_lock(&partition->lock);
	ret = trylock_others(partition, vp);
	if (ret)
		goto out;
	ret = reset_locked(partition, vp);
	if (ret) {
		vtl_partition_kill(partition, "reset failed");
		ret = -EIO;
	}
	unlock_others(partition, vp, VTL_MAX_VPS);
out:
	mutex_unlock(&partition->lock);
	return ret;
}
