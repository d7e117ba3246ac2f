/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the hypercall ABI
 */
#ifndef _KVM_VTL_HYPERCALL_H
#define _KVM_VTL_HYPERCALL_H

#include <linux/types.h>

struct vtl_vp;
struct kvm_vcpu;

/* Bytes of input and output that fast hypercalls carry in registers. */
#define VTL_FAST_GPR_BYTES	16
#define VTL_FAST_XMM_REGS	6
#define VTL_FAST_BYTES		(VTL_FAST_GPR_BYTES + VTL_FAST_XMM_REGS * 16)

/* No HV_STATUS: the guest is to execute its hypercall once more. */
#define VTL_STATUS_AGAIN	0xffff
/* No HV_STATUS: as before, from the rep on that is not done. */
#define VTL_STATUS_CONTINUE	0xfffe

/**
 * struct vtl_hypercall - a hypercall in progress
 * @control: control word
 * @in_gpa: input GPA, or the first 8 bytes of a fast call
 * @out_gpa: output GPA, or the second 8 bytes of a fast call
 * @is_64bit: the caller runs 64-bit code
 * @fast: parameters are in registers
 * @rep_count: reps that the caller asks for; 0 for a simple call
 * @rep_start: first rep to process
 * @reps_done: reps processed, counted from the first, not from @rep_start
 * @status: HV_STATUS_*
 * @out_begin: first byte of @out that this call made
 * @out_end: end of what it made
 * @deadline: when the handler is to leave the rest of the reps for later, ns
 * @in_bytes: bytes of @in
 * @out_bytes: bytes of @out when all is done
 * @in: the parameters, read once; a page
 * @out: the results; a page
 */
struct vtl_hypercall {
	u64 control;
	u64 in_gpa;
	u64 out_gpa;
	bool is_64bit;
	bool fast;
	u16 rep_count;
	u16 rep_start;
	u16 reps_done;
	u16 status;
	u64 deadline;
	unsigned int in_bytes;
	unsigned int out_bytes;
	unsigned int out_begin;
	unsigned int out_end;
	void *in;
	void *out;
};

static inline u16 vtl_hypercall_code(const struct vtl_hypercall *hc)
{
	return hc->control & 0xffff;
}

void vtl_hypercall_run(struct vtl_vp *vp);
int vtl_hypercall_complete(struct vtl_vp *vp, struct kvm_vcpu *vcpu);

/* Handlers; they run in the run loop, without a loaded vCPU. */
u16 vtl_hv_enable_partition_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_enable_vp_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_disable_partition_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_disable_vp_vtl(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_modify_protection(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_get_vp_registers(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_set_vp_registers(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_install_intercept(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_translate(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_translate_ex(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_check_access(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_assert_interrupt(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_start_vp(struct vtl_vp *vp, struct vtl_hypercall *hc);
u16 vtl_hv_get_vp_index(struct vtl_vp *vp, struct vtl_hypercall *hc);

struct vtl_vp *vtl_hv_vp(struct vtl_vp *vp, u32 index);
void vtl_hypercall_begin_work(struct vtl_hypercall *hc);
bool vtl_hypercall_is_late(const struct vtl_hypercall *hc);
int vtl_hv_input_vtl(struct vtl_vp *vp, u8 input_vtl, u8 *vtl);

#endif /* _KVM_VTL_HYPERCALL_H */
