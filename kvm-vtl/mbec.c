// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - MBEC: execution by the kernel and by users are two rights
 *
 * On for a VP when a higher VTL enabled it for the partition (EnableMbec of
 * HvCallEnablePartitionVtl) and then for the VP (MbecEnabled of
 * HvRegisterVsmVpSecureConfigVtl<n>).  Otherwise KX alone decides (TLFS,
 * "Mode-based execution control").
 *
 * Leaf SPTEs carry both rights at all times, because the VPs of a VM share
 * them.
 *
 * On VMX what differs is a control of the vCPU: with it off the CPU looks at
 * the bit of KX only (SDM, "EPT violations").  With it on the CPU tells users
 * from the kernel by the address: it is a user's when all levels of its
 * translation have U.  That is sound only while the kernel cannot fetch from
 * such an address:
 *
 *   CR0.PG off      every address is a user's: KX decides
 *   CR4.SMEP off    the kernel may jump to one: KX decides
 *   no SMEP         unaffected, as the TLFS has it
 *
 * On SVM it is GMET, which KVM has on for all vCPUs.  The CPU goes by the
 * privilege level (APM, "Guest Mode Execute Trap Extension"): the kernel never
 * gets the users' right, and users have it also on a VP that has MBEC off.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>

#include "controls.h"
#include "mbec.h"
#include "partition.h"
#include "vendor.h"
#include "vp.h"

/**
 * vtl_mbec_decides - does the CPU tell users' fetches from the kernel's?
 * @vp: the VP
 * @vcpu: one of its vCPUs
 *
 * The guest owns none of the bits that are looked at: KVM's copies are true.
 *
 * Context: vcpu->mutex held, or its creation.
 * Return: false when KX alone decides.
 */
bool vtl_mbec_decides(const struct vtl_vp *vp, const struct kvm_vcpu *vcpu)
{
	bool has_smep = !(vcpu->arch.cr4_guest_rsvd_bits & X86_CR4_SMEP);

	if (vtl_vendor()->user_by_cpl)
		return vp->partition->features & KVM_VTL_FEATURE_MBEC;
	if (!READ_ONCE(vp->mbec) || !(vcpu->arch.cr0 & X86_CR0_PG))
		return false;
	return !has_smep || (vcpu->arch.cr4 & X86_CR4_SMEP);
}

/**
 * vtl_mbec_right - the right that a fetch needs
 * @vp: the VP
 * @vcpu: its vCPU that fetches
 * @user: is it a user's: by what the CPU goes by; or at CPL 3, which is the
 *	same with SMEP
 *
 * Context: vcpu->mutex held.
 * Return: VTL_PROT_KX or VTL_PROT_UX.
 */
vtl_prot_t vtl_mbec_right(const struct vtl_vp *vp, const struct kvm_vcpu *vcpu,
			  bool user)
{
	return user && vtl_mbec_decides(vp, vcpu) ? VTL_PROT_UX : VTL_PROT_KX;
}

/**
 * vtl_mbec_set - turn MBEC of a VP on or off
 * @vp: the VP
 * @on: on
 *
 * Context: as vtl_controls_apply().
 * Return: false when the host cannot; nothing changes then.
 */
bool vtl_mbec_set(struct vtl_vp *vp, bool on)
{
	if (vp->mbec == on)
		return true;
	WRITE_ONCE(vp->mbec, on);
	if (vtl_controls_apply(vp, vp->partition->max_vtl))
		return true;
	WRITE_ONCE(vp->mbec, !on);
	if (!vtl_controls_apply(vp, vp->partition->max_vtl))
		vtl_partition_kill(vp->partition, "MBEC cannot be controlled");
	return false;
}
