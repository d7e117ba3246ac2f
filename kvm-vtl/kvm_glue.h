/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - the only file that reads or writes KVM-private state
 */
#ifndef _KVM_VTL_KVM_GLUE_H
#define _KVM_VTL_KVM_GLUE_H

#include <linux/kvm_host.h>

#include "compat_kvm.h"
#include "tlfs.h"

void vtl_vcpu_enter(struct kvm_vcpu *vcpu, int *srcu_idx);
void vtl_vcpu_leave(struct kvm_vcpu *vcpu, int srcu_idx);
void vtl_vcpu_use_sw_timer(struct kvm_vcpu *vcpu);
int vtl_vcpu_run(struct kvm_vcpu *vcpu, bool wants_to_run);
struct fpstate *vtl_vcpu_suspend(struct kvm_vcpu *vcpu);
void vtl_vcpu_resume(struct kvm_vcpu *vcpu, struct fpstate *task_fpstate);
void vtl_vcpu_forget_steal_time(struct kvm_vcpu *vcpu);
void vtl_vcpu_stop(struct kvm_vcpu *vcpu);

void vtl_vcpu_move_shared(struct kvm_vcpu *from, struct kvm_vcpu *to);
void vtl_vcpu_move_shared_msrs(struct kvm_vcpu *from, struct kvm_vcpu *to);
bool vtl_vcpu_fpu_matches(struct kvm_vcpu *a, struct kvm_vcpu *b);
void vtl_vcpu_sync_tsc(struct kvm_vcpu *from, struct kvm_vcpu *to);

bool vtl_vcpu_has_work(struct kvm_vcpu *vcpu);
bool vtl_vcpu_collect_work(struct kvm_vcpu *vcpu);
bool vtl_vcpu_takes_interrupt(struct kvm_vcpu *vcpu);
void vtl_vcpu_set_auto_eoi(struct kvm_vcpu *vcpu, u8 vector, bool on);
void vtl_vcpu_set_rip(struct kvm_vcpu *vcpu, unsigned long rip);
void vtl_vcpu_drop_exception(struct kvm_vcpu *vcpu);
void vtl_vcpu_drop_injected(struct kvm_vcpu *vcpu);
void vtl_vcpu_inject_interrupt(struct kvm_vcpu *vcpu, u8 vector);
void vtl_vcpu_inject_nmi(struct kvm_vcpu *vcpu);
void vtl_vcpu_inject_exception(struct kvm_vcpu *vcpu, u8 vector,
			       bool has_error_code, u32 error_code);
void vtl_vcpu_drop_events(struct kvm_vcpu *vcpu);
void vtl_vcpu_drop_exit(struct kvm_vcpu *vcpu);

void vtl_vcpu_hide_pv(struct kvm_vcpu *vcpu);

void vtl_xmm_read(unsigned int first, unsigned int nr, void *buf);
void vtl_xmm_write(unsigned int first, unsigned int nr, const void *buf);

void vtl_kvm_disable_pmu(struct kvm *kvm);
gpa_t vtl_vcpu_translate(struct kvm_vcpu *vcpu, u64 gva, u64 access);
bool vtl_vcpu_waits_for_sipi(struct kvm_vcpu *vcpu);
bool vtl_vcpu_can_restrict(struct kvm_vcpu *vcpu);
bool vtl_kvm_has_irqchip(struct kvm *kvm);
void vtl_kvm_mark_dead(struct kvm *kvm);
bool vtl_kvm_only_root(struct kvm *kvm, u64 *root, int *level);
bool vtl_gfn_is_ram_srcu(struct kvm *kvm, gfn_t gfn,
			 const struct kvm_memory_slot **slot);
bool vtl_gfn_is_ram(struct kvm *kvm, gfn_t gfn);

void vtl_segment_to_hv(const struct kvm_segment *seg,
		       struct hv_vtl_segment *hv);
void vtl_segment_from_hv(const struct hv_vtl_segment *hv,
			 struct kvm_segment *seg);

/**
 * vtl_vcpu_knows_thread - was a vCPU last run by the current thread?
 * @vcpu: vCPU
 *
 * Only KVM's own ioctl tells KVM about another thread.
 *
 * Context: the thread that is going to run @vcpu.
 * Return: true when vtl_vcpu_run() will do.
 */
static inline bool vtl_vcpu_knows_thread(struct kvm_vcpu *vcpu)
{
	return vtl_compat_pid(vcpu) == task_pid(current);
}

#endif /* _KVM_VTL_KVM_GLUE_H */
