// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - execution controls of vCPUs that KVM does not have as we need them
 *
 * What a higher VTL asks for, intercepts and MBEC, is in the VP.  The vendors'
 * halves make it true in the VMCS or VMCB, when it changes and whenever KVM has
 * written its own value over it.
 */
#include <linux/kvm_host.h>

#include "controls.h"
#include "cr_intercept.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "mbec.h"
#include "partition.h"
#include "vendor.h"
#include "vp.h"

/**
 * vtl_controls_wanted - what the higher VTLs want of a vCPU
 * @vcpu: vCPU of a partition with VTLs
 * @want: out: all of it; nothing for a vCPU that is being created
 *
 * Context: vcpu->mutex held, or its creation.
 */
void vtl_controls_wanted(struct kvm_vcpu *vcpu, struct vtl_controls *want)
{
	struct vtl_vp *vp;
	u8 vtl;

	memset(want, 0, sizeof(*want));
	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	if (vp) {
		vtl_cr_intercept_wanted(vp, vtl, want);
		want->mbec = vtl_mbec_decides(vp, vcpu);
	}
	rcu_read_unlock();
}

/**
 * vtl_controls_again - KVM has written controls of a vCPU without ours, or what
 * they depend on
 * @vcpu: vCPU of a partition with VTLs, loaded
 *
 * Context: cannot sleep.
 */
void vtl_controls_again(struct kvm_vcpu *vcpu)
{
	struct vtl_controls want;
	struct vtl_vm *vm;

	vtl_controls_wanted(vcpu, &want);
	if (vtl_vendor()->control(vcpu, &want))
		return;
	rcu_read_lock();
	vm = vtl_registry_find_rcu(vcpu->kvm);
	if (vm)
		vtl_partition_kill(vm->partition, "intercepts are lost");
	rcu_read_unlock();
}

/**
 * vtl_controls_apply - make true what the higher VTLs want now
 * @vp: the VP
 * @below: the VTLs below this one are concerned
 *
 * MSR bitmaps follow by KVM's request, before the vCPU is entered.
 *
 * Context: the run loop or an ioctl; may sleep; vp->mutex held, no vCPU loaded
 *	or locked.
 * Return: false when the host cannot; some may have been changed.
 */
bool vtl_controls_apply(struct vtl_vp *vp, u8 below)
{
	struct vtl_controls want;
	bool ok = true;
	int idx;
	u8 vtl;

	for (vtl = 0; ok && vtl < below; vtl++) {
		struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

		vtl_vcpu_enter(vcpu, &idx);
		vtl_controls_wanted(vcpu, &want);
		ok = vtl_vendor()->control(vcpu, &want);
		kvm_make_request(KVM_REQ_MSR_FILTER_CHANGED, vcpu);
		vtl_vcpu_leave(vcpu, idx);
	}
	return ok;
}
