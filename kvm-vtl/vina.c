// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - VINA, the notification of a VTL about interrupts for lower ones
 *
 * A higher VTL is not preempted by interrupts for a lower one.  It may ask for
 * an interrupt of its own that tells it that one waits (TLFS, "Virtual
 * Interrupt Notification Assist").
 *
 * Whether one waits is looked at when an interrupt for the lower VTL arrives,
 * when the higher VTL is entered, and after its hypercalls, which can change
 * what the lower VTL accepts.  The notification itself is entry work: it
 * touches the VP assist page and the APIC of the higher VTL.
 */
#include <linux/kvm_host.h>

#include "interrupt.h"
#include "kvm_glue.h"
#include "overlay.h"
#include "tlfs.h"
#include "vina.h"

#define ASSIST_VINA_STATUS	offsetofend(struct hv_vp_assist_page, \
					    vtl_entry_reason)

/* Vectors below are the CPU's. */
#define FIRST_VECTOR		16

static u8 vina_vector(u64 vina)
{
	return vina & HV_VINA_VECTOR;
}

/**
 * vtl_vina_valid - can HvRegisterVsmVina be this?
 * @vina: value
 *
 * Return: false for an enabled notification with a vector that an APIC refuses.
 */
bool vtl_vina_valid(u64 vina)
{
	return !(vina & HV_VINA_ENABLED) || vina_vector(vina) >= FIRST_VECTOR;
}

static bool wants_auto_eoi(u64 vina)
{
	return (vina & HV_VINA_ENABLED) && (vina & HV_VINA_AUTO_EOI);
}

/* Timers of VTLs that were preempted before anybody wanted to hear them */
static void hear_timers(struct vtl_vp *vp, u8 vtl)
{
	u8 lower;

	for (lower = 0; lower < vtl; lower++) {
		if (lower == vp->active_vtl)
			continue;
		vtl_vp_lock_vcpu(vp, lower);
		vtl_vcpu_use_sw_timer(vtl_vp_vcpu(vp, lower));
		vtl_vp_unlock_vcpu(vp, lower);
	}
}

/**
 * vtl_vina_set - write HvRegisterVsmVina
 * @vp: the VP
 * @vtl: the VTL that is to be notified
 * @vina: valid value; 0 at reset
 *
 * Context: may sleep; vp->mutex held, no vCPU locked or loaded.
 */
void vtl_vina_set(struct vtl_vp *vp, u8 vtl, u64 vina)
{
	struct vtl_vp_vtl *v = &vp->vtl[vtl];

	if (wants_auto_eoi(v->vina))
		vtl_vcpu_set_auto_eoi(v->vcpu, vina_vector(v->vina), false);
	if (wants_auto_eoi(vina))
		vtl_vcpu_set_auto_eoi(v->vcpu, vina_vector(vina), true);
	WRITE_ONCE(v->vina, vina);
	if (vina & HV_VINA_ENABLED)
		hear_timers(vp, vtl);
}

/**
 * vtl_vina_keep_auto_eoi - a SINT was written
 * @vcpu: the vCPU whose SINT it is
 *
 * KVM works out anew which vectors need no EOI, from the SINTs alone.
 *
 * Context: the vCPU is locked.
 */
void vtl_vina_keep_auto_eoi(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp;
	u64 vina;
	u8 vtl;

	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	vina = vp ? READ_ONCE(vp->vtl[vtl].vina) : 0;
	rcu_read_unlock();
	if (wants_auto_eoi(vina))
		vtl_vcpu_set_auto_eoi(vcpu, vina_vector(vina), true);
}

/**
 * vtl_vina_due - does an interrupt wait that the active VTL wants to know of?
 * @vp: the VP
 *
 * Context: the run loop; the active vCPU locked, none loaded.
 * Return: true when vtl_vina_raise() is to be called.
 */
bool vtl_vina_due(struct vtl_vp *vp)
{
	u8 vtl;

	if (!vtl_vina_enabled(vp, vp->active_vtl))
		return false;
	for (vtl = 0; vtl < vp->active_vtl; vtl++)
		if (vtl_vp_has_vtl(vp, vtl) &&
		    vtl_vcpu_takes_interrupt(vtl_vp_vcpu(vp, vtl)))
			return true;
	return false;
}

/**
 * vtl_vina_raise - notify, unless the VTL knows already
 * @v: the active VTL of a VP
 *
 * Without an assist page, where VinaAsserted would be, there is no
 * notification.
 *
 * Context: entry work of the VTL, its vCPU loaded.
 */
void vtl_vina_raise(struct vtl_vp_vtl *v)
{
	u8 asserted;

	if (!vtl_vcpu_read_assist(v->vcpu, ASSIST_VINA_STATUS, &asserted,
				  sizeof(asserted)) ||
	    (asserted & HV_VINA_ASSERTED))
		return;
	asserted |= HV_VINA_ASSERTED;
	if (vtl_vcpu_write_assist(v->vcpu, ASSIST_VINA_STATUS, &asserted,
				  sizeof(asserted)))
		vtl_vcpu_raise(v->vcpu, vina_vector(v->vina));
}

/**
 * vtl_vina_keeps_asserted - does VinaAsserted outlive the entry of a VTL?
 * @v: the VTL that is entered
 *
 * Context: entry work of the VTL, its vCPU loaded.
 * Return: true when it is set and AutoReset is off.
 */
bool vtl_vina_keeps_asserted(struct vtl_vp_vtl *v)
{
	u8 asserted;

	if ((v->vina & HV_VINA_AUTO_RESET) ||
	    !vtl_vcpu_read_assist(v->vcpu, ASSIST_VINA_STATUS, &asserted,
				  sizeof(asserted)))
		return false;
	return asserted & HV_VINA_ASSERTED;
}
