// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - registers of events: one to come, one on its way, what blocks them
 */
#include <linux/bitfield.h>
#include <linux/kvm_host.h>

#include "event.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "reg.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"

/* Exceptions that a CPU can have, and those of them with an error code */
#define EXCEPTIONS \
	(BIT(DE_VECTOR) | BIT(DB_VECTOR) | BIT(BR_VECTOR) | BIT(UD_VECTOR) | \
	 BIT(NM_VECTOR) | BIT(MF_VECTOR) | BIT(MC_VECTOR) | BIT(XM_VECTOR) | \
	 BIT(VE_VECTOR) | EXCEPTIONS_WITH_CODE)
#define EXCEPTIONS_WITH_CODE \
	(BIT(DF_VECTOR) | BIT(TS_VECTOR) | BIT(NP_VECTOR) | BIT(SS_VECTOR) | \
	 BIT(GP_VECTOR) | BIT(PF_VECTOR) | BIT(AC_VECTOR))

/*
 * The CPU refuses to enter with others.  #BP and #OF come from an instruction,
 * whose length nobody gives.
 */
static bool exception_valid(u16 vector, bool has_code)
{
	return vector < 32 && (EXCEPTIONS & BIT(vector)) &&
	       has_code == !!(EXCEPTIONS_WITH_CODE & BIT(vector));
}

/**
 * vtl_pending_event_valid - can HvX64RegisterPendingEvent0 be this?
 * @event: low half
 *
 * Return: true for "none" and for exceptions without reserved bits.
 */
bool vtl_pending_event_valid(u64 event)
{
	if (!(event & HV_PENDING_EVENT_PENDING))
		return !event;
	return !(event & (HV_PENDING_EVENT_RESERVED | HV_PENDING_EVENT_TYPE)) &&
	       exception_valid(event >> HV_PENDING_EVENT_VECTOR_SHIFT,
			       event & HV_PENDING_EVENT_DELIVER_ERROR_CODE);
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

/* --- PendingInterruption: KVM delivers it again at the next entry --------- */

static u64 interruption(u64 type, u64 vector)
{
	return HV_INTERRUPTION_PENDING |
	       FIELD_PREP(HV_INTERRUPTION_TYPE, type) |
	       FIELD_PREP(HV_INTERRUPTION_VECTOR, vector);
}

static u64 from_instruction(const struct kvm_vcpu *vcpu, u64 type, u64 vector)
{
	return interruption(type, vector) |
	       FIELD_PREP(HV_INTERRUPTION_LENGTH,
			  vcpu->arch.event_exit_inst_len);
}

static u64 exception(const struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_exception *e = &vcpu->arch.exception;
	u64 value;

	if (e->vector == BP_VECTOR || e->vector == OF_VECTOR)
		return from_instruction(vcpu, HV_INTERRUPTION_SW_EXCEPTION,
					e->vector);
	value = interruption(HV_INTERRUPTION_EXCEPTION, e->vector);
	if (e->has_error_code)
		value |= HV_INTERRUPTION_ERROR_CODE |
			 (u64)e->error_code << HV_INTERRUPTION_CODE_SHIFT;
	return value;
}

/**
 * vtl_pending_interruption - the event that a vCPU was being given when it left
 * the guest
 * @vcpu: vCPU
 *
 * Context: vcpu->mutex held.
 * Return: HvX64RegisterPendingInterruption, 0 when there is none.
 */
u64 vtl_pending_interruption(const struct kvm_vcpu *vcpu)
{
	if (vcpu->arch.exception.injected)
		return exception(vcpu);
	if (vcpu->arch.nmi_injected)
		return interruption(HV_INTERRUPTION_NMI, NMI_VECTOR);
	if (!vcpu->arch.interrupt.injected)
		return 0;
	if (vcpu->arch.interrupt.soft)
		return from_instruction(vcpu, HV_INTERRUPTION_SW_INTERRUPT,
					vcpu->arch.interrupt.nr);
	return interruption(HV_INTERRUPTION_INTERRUPT,
			    vcpu->arch.interrupt.nr);
}

/* What comes from an instruction cannot be set: see exception_valid(). */
static bool interruption_valid(u64 value)
{
	bool has_code = value & HV_INTERRUPTION_ERROR_CODE;
	u16 vector = FIELD_GET(HV_INTERRUPTION_VECTOR, value);

	if (!(value & HV_INTERRUPTION_PENDING))
		return !value;
	if ((value & HV_INTERRUPTION_RESERVED) ||
	    (!has_code && value >> HV_INTERRUPTION_CODE_SHIFT))
		return false;
	switch (FIELD_GET(HV_INTERRUPTION_TYPE, value)) {
	case HV_INTERRUPTION_INTERRUPT:
		return vector < 256 && !has_code;
	case HV_INTERRUPTION_NMI:
		return vector == NMI_VECTOR && !has_code;
	case HV_INTERRUPTION_EXCEPTION:
		return exception_valid(vector, has_code);
	}
	return false;
}

/* What would block an event, while which the processor refuses to enter */
static u64 blocked_by(u64 interruption)
{
	if (!interruption)
		return 0;
	switch (FIELD_GET(HV_INTERRUPTION_TYPE, interruption)) {
	case HV_INTERRUPTION_INTERRUPT:
		return HV_INTERRUPT_SHADOW;
	case HV_INTERRUPTION_NMI:
		return HV_INTERRUPT_SHADOW | HV_INTERRUPT_NMI_MASKED;
	}
	return 0;
}

/* What KVM found and has not delivered gives way; faults happen again. */
static void set_interruption(struct kvm_vcpu *vcpu, u64 value)
{
	u64 state = vtl_vendor()->interrupt_state(vcpu);
	u8 vector = FIELD_GET(HV_INTERRUPTION_VECTOR, value);

	if (!value) {
		vtl_vcpu_drop_injected(vcpu);
		return;
	}
	vtl_vcpu_drop_exception(vcpu);
	vtl_vcpu_drop_injected(vcpu);
	vtl_vendor()->set_interrupt_state(vcpu, state & ~blocked_by(value));
	switch (FIELD_GET(HV_INTERRUPTION_TYPE, value)) {
	case HV_INTERRUPTION_INTERRUPT:
		vtl_vcpu_inject_interrupt(vcpu, vector);
		break;
	case HV_INTERRUPTION_NMI:
		vtl_vcpu_inject_nmi(vcpu);
		break;
	case HV_INTERRUPTION_EXCEPTION:
		vtl_vcpu_inject_exception(vcpu, vector,
					  value & HV_INTERRUPTION_ERROR_CODE,
					  value >> HV_INTERRUPTION_CODE_SHIFT);
		break;
	}
}

/* KVM loads the vCPU for that. */
static void end_halt(struct kvm_vcpu *vcpu)
{
	struct kvm_mp_state running = { .mp_state = KVM_MP_STATE_RUNNABLE };

	mutex_lock(&vcpu->mutex);
	if (vcpu->arch.mp_state == KVM_MP_STATE_HALTED)
		vtl_kvm_kvm_arch_vcpu_ioctl_set_mpstate(vcpu, &running);
	mutex_unlock(&vcpu->mutex);
}

static u16 get_interruption(struct vtl_vp *vp, u8 vtl, u32 arg,
			    union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

	mutex_lock(&vcpu->mutex);
	val->low = vtl_pending_interruption(vcpu);
	mutex_unlock(&vcpu->mutex);
	return HV_STATUS_SUCCESS;
}

static u16 set_pending_interruption(struct vtl_vp *vp, u8 vtl, u32 arg,
				    const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	int idx;

	if (!interruption_valid(val->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vtl_vcpu_enter(vcpu, &idx);
	set_interruption(vcpu, val->low);
	vtl_vcpu_leave(vcpu, idx);
	if (val->low)
		end_halt(vcpu);
	return HV_STATUS_SUCCESS;
}

/* --- InterruptState ------------------------------------------------------- */

static u16 get_interrupt_state(struct vtl_vp *vp, u8 vtl, u32 arg,
			       union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	int idx;

	vtl_vcpu_enter(vcpu, &idx);
	val->low = vtl_vendor()->interrupt_state(vcpu);
	vtl_vcpu_leave(vcpu, idx);
	return HV_STATUS_SUCCESS;
}

static u16 set_interrupt_state(struct vtl_vp *vp, u8 vtl, u32 arg,
			       const union hv_vtl_reg_value *val)
{
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	bool blocks;
	int idx;

	if (val->low & ~(HV_INTERRUPT_SHADOW | HV_INTERRUPT_NMI_MASKED))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	vtl_vcpu_enter(vcpu, &idx);
	blocks = val->low & blocked_by(vtl_pending_interruption(vcpu));
	if (!blocks) {
		vtl_vendor()->set_interrupt_state(vcpu, val->low);
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	}
	vtl_vcpu_leave(vcpu, idx);
	return blocks ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

static const struct vtl_reg regs[] = {
	VTL_REG(PENDING_INTERRUPTION, BELOW, 0, get_interruption,
		set_pending_interruption),
	VTL_REG(INTERRUPT_STATE, BELOW, 0, get_interrupt_state,
		set_interrupt_state),
	VTL_REG(PENDING_EVENT0, BELOW, 0, get_pending_event, set_pending_event),
};

const struct vtl_reg_table vtl_event_regs = { regs, ARRAY_SIZE(regs) };
