/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - CrInterceptControl: registers whose use by lower VTLs a higher one
 * is told
 */
#ifndef _KVM_VTL_CR_INTERCEPT_H
#define _KVM_VTL_CR_INTERCEPT_H

#include "common.h"

struct kvm_vcpu;
struct vtl_controls;
struct vtl_vp;

/**
 * enum vtl_cr_register - CrInterceptControl and its masks, by name
 * @VTL_CR_CONTROL: HvRegisterCrInterceptControl
 * @VTL_CR_CR0_MASK: HvRegisterCrInterceptCr0Mask
 * @VTL_CR_CR4_MASK: HvRegisterCrInterceptCr4Mask
 * @VTL_CR_MISC_MASK: HvRegisterCrInterceptIa32MiscEnableMask
 * @VTL_CR_NR: number of them
 */
enum vtl_cr_register {
	VTL_CR_CONTROL,
	VTL_CR_CR0_MASK,
	VTL_CR_CR4_MASK,
	VTL_CR_MISC_MASK,
	VTL_CR_NR,
};

/**
 * struct vtl_register_access - a lower VTL's access to a register
 * @armed: an access that is intercepted now is looked after when the exit
 *	handler or the emulator is through
 * @owner: the VTL that is told, 0 when there is no access
 * @write: it writes
 * @name: HV_X64_REGISTER_*, 0 for an MSR
 * @msr: index
 * @value: value to be
 * @dr6: DR6 before KVM looked after single-stepping
 */
struct vtl_register_access {
	bool armed;
	u8 owner;
	bool write;
	u32 name;
	u32 msr;
	u64 value;
	unsigned long dr6;
};

bool vtl_cr_intercept_valid(enum vtl_cr_register which, u64 value);
int vtl_cr_intercept_set(struct vtl_vp *vp, u8 vtl, const u64 *regs);
void vtl_cr_intercept_wanted(const struct vtl_vp *vp, u8 vtl,
			     struct vtl_controls *want);

unsigned long vtl_cr_intercept_arm(struct vtl_vp *vp, struct kvm_vcpu *vcpu);
int vtl_cr_intercept_finish(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
			    unsigned long rip, int r);
int vtl_cr_intercept_table(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u64 bit);
bool vtl_cr_intercept_denies(struct vtl_vp *vp, u8 vtl, u32 name, u32 msr);

#endif /* _KVM_VTL_CR_INTERCEPT_H */
