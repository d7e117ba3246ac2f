/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - interrupts by hypercall
 */
#ifndef _KVM_VTL_INTERRUPT_H
#define _KVM_VTL_INTERRUPT_H

struct kvm_vcpu;
struct vtl_vp;

int vtl_ipi_send(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

#endif /* _KVM_VTL_INTERRUPT_H */
