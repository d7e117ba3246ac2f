/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - I/O port intercepts
 */
#ifndef _KVM_VTL_PORT_H
#define _KVM_VTL_PORT_H

#include "vp.h"

/**
 * struct vtl_port_access - an I/O instruction that has left the guest
 * @port: the first port
 * @size: number of ports, 1, 2 or 4
 * @write: OUT or OUTS
 * @string: INS or OUTS
 * @rep: with a REP prefix
 * @length: length of the instruction
 */
struct vtl_port_access {
	u16 port;
	u8 size;
	bool write;
	bool string;
	bool rep;
	u8 length;
};

struct vtl_vp *vtl_port_vp(struct kvm_vcpu *vcpu);
int vtl_port_exit(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
		  const struct vtl_port_access *access);
int vtl_port_unknown(struct vtl_vp *vp);
void vtl_port_reset_locked(struct vtl_partition *partition, u8 vtl);
void vtl_port_destroy(struct vtl_partition *partition);
int vtl_state_get_ports(struct vtl_partition *partition, void *arg);
int vtl_state_set_ports(struct vtl_partition *partition, void *arg);

#endif /* _KVM_VTL_PORT_H */
