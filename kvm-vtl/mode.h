/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - registers that make up the mode of the processor
 */
#ifndef _KVM_VTL_MODE_H
#define _KVM_VTL_MODE_H

#include <linux/kvm_host.h>

struct vtl_vp;

/**
 * struct vtl_mode - what a VTL above has set and the vCPU cannot have yet
 * @waits: there is something; the VTL must not run
 * @cr0: CR0
 * @cr4: CR4
 * @efer: EFER
 * @cs: CS
 */
struct vtl_mode {
	bool waits;
	u64 cr0;
	u64 cr4;
	u64 efer;
	struct kvm_segment cs;
};

void vtl_read_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs);
void vtl_mode_read(struct vtl_vp *vp, u8 vtl, struct kvm_sregs *sregs);
u16 vtl_mode_write(struct vtl_vp *vp, u8 vtl, struct kvm_sregs *sregs);
u16 vtl_mode_write_efer(struct vtl_vp *vp, u8 vtl, u64 efer);

#endif /* _KVM_VTL_MODE_H */
