// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - HvCallGetVpRegisters, HvCallSetVpRegisters
 *
 * Who may access which register of whom; the registers are in tables, by kind.
 */
#include <linux/kvm_host.h>

#include "cr_intercept.h"
#include "hypercall.h"
#include "reg.h"
#include "run_on.h"
#include "tlfs.h"
#include "vp.h"

static const struct vtl_reg_table *const tables[] = {
	&vtl_vsm_regs, &vtl_event_regs, &vtl_msr_regs, &vtl_x64_regs,
};

static const struct vtl_reg *find_in(const struct vtl_reg_table *table,
				     u32 name)
{
	const struct vtl_reg *reg;

	for (reg = table->regs; reg < table->regs + table->nr; reg++)
		if (name >= reg->first && name <= reg->last)
			return reg;
	return NULL;
}

static const struct vtl_reg *find_reg(u32 name)
{
	const struct vtl_reg *reg = NULL;
	unsigned int i;

	for (i = 0; !reg && i < ARRAY_SIZE(tables); i++)
		reg = find_in(tables[i], name);
	return reg;
}

/**
 * struct access_call - Get or Set, as the VP does it whose registers are meant
 * @hc: the hypercall
 * @caller_vtl: the VTL that calls
 * @vtl: the VTL whose registers are meant
 */
struct access_call {
	struct vtl_hypercall *hc;
	u8 caller_vtl;
	u8 vtl;
};

/*
 * The values are those of the active VTL.  On the caller's own VP that is the
 * caller; on another one it must not be a third party.
 */
static bool is_others(struct vtl_vp *vp, const struct access_call *call)
{
	return vp->run_on.for_other && vp->active_vtl != call->vtl;
}

static u16 check_access(struct vtl_vp *vp, const struct access_call *call,
			const struct vtl_reg *reg, bool write)
{
	switch (reg->access) {
	case VTL_ACCESS_ANY:
		return HV_STATUS_SUCCESS;
	case VTL_ACCESS_OWN:
		break;
	case VTL_ACCESS_HIGHER:
		if (!call->vtl)
			return HV_STATUS_INVALID_PARAMETER;
		break;
	case VTL_ACCESS_HIGHER_DENY:
		if (!call->vtl)
			return HV_STATUS_ACCESS_DENIED;
		break;
	case VTL_ACCESS_SHARED:
		if (is_others(vp, call))
			return HV_STATUS_INVALID_VP_STATE;
		fallthrough;
	case VTL_ACCESS_BELOW:
		if (write && call->vtl >= call->caller_vtl)
			return reg->first == HV_REGISTER_PENDING_EVENT0 ?
			       HV_STATUS_INVALID_PARAMETER :
			       HV_STATUS_ACCESS_DENIED;
		break;
	}
	if (!vtl_vp_has_vtl(vp, call->vtl))
		return HV_STATUS_INVALID_VTL_STATE;
	return HV_STATUS_SUCCESS;
}

/* VTLs above the caller may have locked a register of the one below. */
static u16 check_locked(struct vtl_vp *vp, const struct access_call *call,
			const struct vtl_reg *reg, u32 name)
{
	return vtl_cr_intercept_denies(vp, call->caller_vtl, name,
				       vtl_reg_msr(reg, name)) ?
	       HV_STATUS_ACCESS_DENIED : HV_STATUS_SUCCESS;
}

static u16 get_register(struct vtl_vp *vp, const struct access_call *call,
			u16 rep)
{
	const u32 *names = call->hc->in + sizeof(struct hv_vtl_vp_registers);
	union hv_vtl_reg_value *out = call->hc->out;
	const struct vtl_reg *reg = find_reg(names[rep]);
	u16 status;

	if (!reg)
		return HV_STATUS_INVALID_PARAMETER;
	status = check_access(vp, call, reg, false);
	if (status)
		return status;
	return reg->get(vp, call->vtl, vtl_reg_arg(reg, names[rep]),
			&out[rep]);
}

static u16 set_register(struct vtl_vp *vp, const struct access_call *call,
			u16 rep)
{
	const struct hv_vtl_reg_assoc *e =
		call->hc->in + sizeof(struct hv_vtl_vp_registers);
	const struct vtl_reg *reg;
	u16 status;

	e += rep;
	reg = find_reg(e->name);
	if (!reg || !reg->set)
		return HV_STATUS_INVALID_PARAMETER;
	status = check_access(vp, call, reg, true);
	if (!status)
		status = check_locked(vp, call, reg, e->name);
	if (status)
		return status;
	return reg->set(vp, call->vtl, vtl_reg_arg(reg, e->name), &e->value);
}

static u16 get_registers(struct vtl_vp *vp, void *arg)
{
	struct access_call *call = arg;
	struct vtl_hypercall *hc = call->hc;
	u16 status = HV_STATUS_SUCCESS;

	vtl_hypercall_begin_work(hc);
	while (!status && hc->reps_done < hc->rep_count) {
		status = get_register(vp, call, hc->reps_done);
		if (status)
			break;
		hc->reps_done++;
		if (vtl_hypercall_is_late(hc))
			status = VTL_STATUS_CONTINUE;
	}
	return status;
}

/*
 * On the caller's own VP a call is not continued: what it has set may be a
 * register that holds its parameters.
 */
static u16 set_registers(struct vtl_vp *vp, void *arg)
{
	struct access_call *call = arg;
	struct vtl_hypercall *hc = call->hc;
	u16 status = HV_STATUS_SUCCESS;

	vtl_hypercall_begin_work(hc);
	while (!status && hc->reps_done < hc->rep_count) {
		status = set_register(vp, call, hc->reps_done);
		if (status)
			break;
		hc->reps_done++;
		if (vp->run_on.for_other && vtl_hypercall_is_late(hc))
			status = VTL_STATUS_CONTINUE;
	}
	return status;
}

static u16 access_vp(struct vtl_vp *vp, struct vtl_hypercall *hc,
		     vtl_run_on_fn fn)
{
	const struct hv_vtl_vp_registers *in = hc->in;
	struct access_call call = { .hc = hc, .caller_vtl = vp->active_vtl };
	struct vtl_vp *target;
	u16 status;

	if (in->partition_id != HV_PARTITION_SELF)
		return HV_STATUS_ACCESS_DENIED;
	target = vtl_hv_vp(vp, in->vp_index);
	if (!target)
		return HV_STATUS_INVALID_VP_INDEX;
	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	status = vtl_hv_input_vtl(vp, in->input_vtl, &call.vtl);
	return status ?: vtl_run_on(vp, target, fn, &call);
}

/**
 * vtl_hv_get_vp_registers - HvCallGetVpRegisters
 * @vp: the calling VP
 * @hc: the hypercall
 *
 * Context: the run loop.
 * Return: ACCESS_DENIED for another partition, a VTL above the caller's, a
 * register that the caller may not have; INVALID_VP_INDEX; INVALID_PARAMETER
 * for an unknown name; INVALID_VTL_STATE; INVALID_VP_STATE for another VP that
 * is in a VTL above the caller's, and for a shared register of one that is not
 * in the VTL that is named.
 */
u16 vtl_hv_get_vp_registers(struct vtl_vp *vp, struct vtl_hypercall *hc)
{
	return access_vp(vp, hc, get_registers);
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
	return access_vp(vp, hc, set_registers);
}
