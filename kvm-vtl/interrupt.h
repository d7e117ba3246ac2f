/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - interrupts for a VTL that is named
 */
#ifndef _KVM_VTL_INTERRUPT_H
#define _KVM_VTL_INTERRUPT_H

#include <linux/types.h>

struct kvm_vcpu;
struct vtl_vp;

void vtl_vcpu_raise(struct kvm_vcpu *vcpu, u8 vector);
int vtl_ipi_send(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_INTERRUPT_H */
