/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - tables of registers for HvCallGetVpRegisters, HvCallSetVpRegisters
 */
#ifndef _KVM_VTL_REG_H
#define _KVM_VTL_REG_H

#include <linux/kvm_host.h>

#include "tlfs.h"

struct vtl_vp;

/**
 * enum vtl_access - who may access a register of a target VTL
 * @VTL_ACCESS_ANY: every VTL; the target only selects an instance
 * @VTL_ACCESS_BELOW: the target's own VTL may read, VTLs above it also write
 * @VTL_ACCESS_SHARED: as BELOW; all VTLs share the register: of another VP only
 *	while the target is its active one
 * @VTL_ACCESS_OWN: the target's own VTL and those above
 * @VTL_ACCESS_HIGHER: as OWN; VTL0 has no instance, INVALID_PARAMETER
 * @VTL_ACCESS_HIGHER_DENY: as HIGHER, but ACCESS_DENIED for VTL0
 */
enum vtl_access {
	VTL_ACCESS_ANY,
	VTL_ACCESS_BELOW,
	VTL_ACCESS_SHARED,
	VTL_ACCESS_OWN,
	VTL_ACCESS_HIGHER,
	VTL_ACCESS_HIGHER_DENY,
};

/**
 * struct vtl_reg - a range of registers
 * @first: name
 * @last: name, inclusive
 * @access: who may
 * @arg: what @get and @set need to know, for @first
 * @get: reads; returns HV_STATUS_*
 * @set: writes; NULL when read-only
 *
 * The handlers run with the VP's mutex held, none of its vCPUs locked or
 * loaded: in its run loop, or in that of the VP that asks.
 */
struct vtl_reg {
	u32 first;
	u32 last;
	enum vtl_access access;
	u32 arg;
	u16 (*get)(struct vtl_vp *vp, u8 vtl, u32 arg,
		   union hv_vtl_reg_value *val);
	u16 (*set)(struct vtl_vp *vp, u8 vtl, u32 arg,
		   const union hv_vtl_reg_value *val);
};

/* The elements of a table: one register, or several in a row */
#define VTL_REG(name, access, arg, get, set) \
	VTL_REG_RANGE(name, name, access, arg, get, set)
#define VTL_REG_RANGE(first, last, access, arg, get, set) \
	{ HV_REGISTER_##first, HV_REGISTER_##last, VTL_ACCESS_##access, arg, \
	  get, set }
#define VTL_X64(name, access, arg, get, set) \
	VTL_X64_RANGE(name, name, access, arg, get, set)
#define VTL_X64_RANGE(first, last, access, arg, get, set) \
	{ HV_X64_REGISTER_##first, HV_X64_REGISTER_##last, \
	  VTL_ACCESS_##access, arg, get, set }

/**
 * struct vtl_reg_table - registers of one kind
 * @regs: the ranges
 * @nr: how many
 */
struct vtl_reg_table {
	const struct vtl_reg *regs;
	unsigned int nr;
};

extern const struct vtl_reg_table vtl_vsm_regs;
extern const struct vtl_reg_table vtl_event_regs;
extern const struct vtl_reg_table vtl_msr_regs;
extern const struct vtl_reg_table vtl_x64_regs;

u32 vtl_reg_msr(const struct vtl_reg *reg, u32 name);

/* What vtl_reg.arg is for a register of the range */
static inline u32 vtl_reg_arg(const struct vtl_reg *reg, u32 name)
{
	return reg->arg + name - reg->first;
}

#endif /* _KVM_VTL_REG_H */
