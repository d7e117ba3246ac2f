/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - KVM's private structures and constants, per kernel
 *
 * What the installed headers of a kernel lack is declared here, as KVM has it
 * and only as far as it is used.  VTL_LAYOUT(struct, member, offset) fixes
 * where a member is: the compiler holds the declaration against it, and
 * scripts/verify-hooks.py (make check) the types in KVM's binary.
 */
#ifndef _KVM_VTL_COMPAT_KVM_H
#define _KVM_VTL_COMPAT_KVM_H

#include <linux/build_bug.h>
#include <linux/hrtimer.h>
#include <linux/kvm_host.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/stddef.h>
#include <linux/version.h>

#define VTL_LAYOUT(type, member, offset) \
	static_assert(offsetof(struct type, member) == (offset))

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)

#include <linux/entry-virt.h>

/* arch/x86/kvm/hyperv.h */
struct kvm_vcpu_hv_stimer {
	struct hrtimer timer;
	int index;
	union hv_stimer_config config;
	u64 count;
	u64 exp_time;
	struct hv_message msg;
	bool msg_pending;
};

struct kvm_vcpu_hv_synic {
	u64 version;
	u64 control;
	u64 msg_page;
	u64 evt_page;
	atomic64_t sint[HV_SYNIC_SINT_COUNT];
	atomic_t sint_to_gsi[HV_SYNIC_SINT_COUNT];
	DECLARE_BITMAP(auto_eoi_bitmap, 256);
	DECLARE_BITMAP(vec_bitmap, 256);
	bool active;
	bool dont_zero_synic_pages;
};

/* The rest of it is not used. */
struct kvm_vcpu_hv {
	struct kvm_vcpu *vcpu;
	u32 vp_index;
	u64 hv_vapic;
	s64 runtime_offset;
	struct kvm_vcpu_hv_synic synic;
	struct kvm_hyperv_exit exit;
	struct kvm_vcpu_hv_stimer stimer[HV_SYNIC_STIMER_COUNT];
	DECLARE_BITMAP(stimer_pending_bitmap, HV_SYNIC_STIMER_COUNT);
	bool enforce_cpuid;
	struct {
		u32 features_eax;
		u32 features_ebx;
		u32 features_edx;
		u32 enlightenments_eax;
	} cpuid_cache;
};

VTL_LAYOUT(kvm_vcpu_hv, vp_index, 8);
VTL_LAYOUT(kvm_vcpu_hv, hv_vapic, 16);
VTL_LAYOUT(kvm_vcpu_hv, synic.control, 40);
VTL_LAYOUT(kvm_vcpu_hv, synic.msg_page, 48);
VTL_LAYOUT(kvm_vcpu_hv, synic.sint, 64);
VTL_LAYOUT(kvm_vcpu_hv, synic.auto_eoi_bitmap, 256);
VTL_LAYOUT(kvm_vcpu_hv, synic.active, 320);
VTL_LAYOUT(kvm_vcpu_hv, stimer_pending_bitmap, 1888);
VTL_LAYOUT(kvm_vcpu_hv, enforce_cpuid, 1896);
VTL_LAYOUT(kvm_vcpu_hv, cpuid_cache.features_ebx, 1904);
VTL_LAYOUT(kvm_vcpu_hv, cpuid_cache.enlightenments_eax, 1912);

/* arch/x86/kvm/x86.h: the first one */
enum kvm_apicv_inhibit {
	APICV_INHIBIT_REASON_DISABLED,
};

/* arch/x86/kvm/x86.h: of the instruction emulator */
#define EMULTYPE_SKIP			BIT(2)

/* arch/x86/kvm/mmu/spte.h: leaf entries of the EPT */
#define VTL_EPT_MMU_WRITABLE		BIT_ULL(55)
#define VTL_EPT_AD_TYPE			GENMASK_ULL(61, 60)
#define VTL_EPT_AD_DISABLED		BIT_ULL(60)
#define VTL_EPT_USER_EXEC		BIT_ULL(10)

/*
 * Leaf entries of the NPT: without these bits there is no access.  P alone
 * counts where KVM uses GMET, and then no entry has U.
 */
#define VTL_NPT_READ			(BIT_ULL(0) | BIT_ULL(2))
#define VTL_SVM_GMET			SVM_MISC_ENABLE_GMET

#define KVM_REQ_MSR_FILTER_CHANGED	KVM_REQ_RECALC_INTERCEPTS

/* struct vmcb_control_area */
#define nested_ctl				misc_ctl
#define virt_ext				misc_ctl2
#define VIRTUAL_VMLOAD_VMSAVE_ENABLE_MASK	SVM_MISC2_ENABLE_V_VMLOAD_VMSAVE

static inline struct pid *vtl_compat_pid(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->pid);
}

/* With a reference; NULL when there is none. */
static inline struct task_struct *vtl_compat_get_task(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	read_lock(&vcpu->pid_lock);
	task = get_pid_task(vcpu->pid, PIDTYPE_PID);
	read_unlock(&vcpu->pid_lock);
	return task;
}

static inline void vtl_compat_set_rip(struct kvm_vcpu *vcpu, unsigned long rip)
{
	vcpu->arch.rip = rip;
	__set_bit(VCPU_REG_RIP, vcpu->arch.regs_avail);
	__set_bit(VCPU_REG_RIP, vcpu->arch.regs_dirty);
}

static inline gpa_t vtl_compat_gva_to_gpa(struct kvm_vcpu *vcpu, gva_t gva,
					  u64 access)
{
	struct kvm_pagewalk *walk = &vcpu->arch.gva_walk;

	return walk->gva_to_gpa(vcpu, walk, gva, access, NULL);
}

/* arch/x86/include/asm/processor.h: x86_task_fpu(), which is not exported */
static inline struct fpu *vtl_compat_task_fpu(void)
{
	return (void *)current + sizeof(*current);
}

/* What a thread may use is all that is left of it. */
static inline u64 vtl_compat_fpu_perm(const struct fpu_guest *fpu)
{
	return 0;
}

static inline void vtl_compat_handle_work(struct kvm_vcpu *vcpu)
{
	kvm_xfer_to_guest_mode_handle_work(vcpu);
}

void vtl_kvm_kvm_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var,
			     int seg);
unsigned long vtl_kvm_kvm_arch_vcpu_get_ip(struct kvm_vcpu *vcpu);

#else

#include <linux/entry-kvm.h>

#define KVM_CAP_GUEST_MEMFD_FLAGS	244

#define VTL_EPT_MMU_WRITABLE		BIT_ULL(58)
#define VTL_EPT_AD_TYPE			GENMASK_ULL(53, 52)
#define VTL_EPT_AD_DISABLED		BIT_ULL(52)
#define VTL_EPT_USER_EXEC		0ULL

/* Nested accesses are user accesses: no U is no access at all. */
#define VTL_NPT_READ			BIT_ULL(2)
#define VTL_SVM_GMET			0ULL
#define X86_FEATURE_GMET		(15 * 32 + 17)

static inline struct pid *vtl_compat_pid(struct kvm_vcpu *vcpu)
{
	return rcu_access_pointer(vcpu->pid);
}

static inline struct task_struct *vtl_compat_get_task(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	rcu_read_unlock();
	return task;
}

static inline void vtl_compat_set_rip(struct kvm_vcpu *vcpu, unsigned long rip)
{
	vcpu->arch.regs[VCPU_REGS_RIP] = rip;
	__set_bit(VCPU_REGS_RIP, (unsigned long *)&vcpu->arch.regs_avail);
	__set_bit(VCPU_REGS_RIP, (unsigned long *)&vcpu->arch.regs_dirty);
}

static inline gpa_t vtl_compat_gva_to_gpa(struct kvm_vcpu *vcpu, gva_t gva,
					  u64 access)
{
	struct kvm_mmu *mmu = vcpu->arch.walk_mmu;

	return mmu->gva_to_gpa(vcpu, mmu, gva, access, NULL);
}

static inline struct fpu *vtl_compat_task_fpu(void)
{
	return &current->thread.fpu;
}

static inline u64 vtl_compat_fpu_perm(const struct fpu_guest *fpu)
{
	return fpu->perm;
}

static inline void vtl_compat_handle_work(struct kvm_vcpu *vcpu)
{
	xfer_to_guest_mode_handle_work(vcpu);
}

#endif

bool vtl_compat_uses_mbec(void);
void vtl_compat_kick(struct kvm_vcpu *vcpu);
int vtl_compat_synic_set_irq(struct kvm *kvm, u32 vp_index, u32 sint);

#endif /* _KVM_VTL_COMPAT_KVM_H */
