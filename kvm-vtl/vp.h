/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - a virtual processor: one KVM vCPU per VTL, one thread, one active
 * VTL
 */
#ifndef _KVM_VTL_VP_H
#define _KVM_VTL_VP_H

#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/mutex.h>

#include "common.h"
#include "cr_intercept.h"
#include "hypercall.h"
#include "mode.h"
#include "partition.h"
#include "run_on.h"
#include "tlfs.h"

/**
 * enum vtl_action - why a hook made the active vCPU leave KVM_RUN
 * @VTL_ACTION_NONE: KVM itself left
 * @VTL_ACTION_CALL: VTL call
 * @VTL_ACTION_RETURN: VTL return
 * @VTL_ACTION_HYPERCALL: a hypercall of ours waits in vtl_vp.hypercall
 * @VTL_ACTION_TLB_WAIT: a flush hypercall has to wait
 * @VTL_ACTION_INTERCEPT: an intercept waits in vtl_vp.intercept
 * @VTL_ACTION_RESUME: nothing; what KVM calls an exit to userspace is none
 */
enum vtl_action {
	VTL_ACTION_NONE,
	VTL_ACTION_CALL,
	VTL_ACTION_RETURN,
	VTL_ACTION_HYPERCALL,
	VTL_ACTION_TLB_WAIT,
	VTL_ACTION_INTERCEPT,
	VTL_ACTION_RESUME,
};

/* Work at the next entry of a VTL, done with its vCPU loaded. */
#define VTL_ENTRY_ASSIST	BIT(0)	/* write entry reason, RAX, RCX */
#define VTL_ENTRY_HYPERCALL	BIT(1)	/* complete the hypercall */
#define VTL_ENTRY_EVENT		BIT(2)	/* inject PendingEvent0 */
#define VTL_ENTRY_VINA		BIT(3)	/* notify of an interrupt below */

/**
 * struct vtl_vp_vtl - what a VP has per VTL
 * @vcpu: KVM's object; immutable
 * @file: KVM's file; immutable
 * @entry: mask of VTL_ENTRY_*
 * @entry_reason: HV_VTL_ENTRY_*, for VTL_ENTRY_ASSIST
 * @pending_event: HvX64RegisterPendingEvent0
 * @vina: HvRegisterVsmVina; written under vp->mutex, read by wakers
 * @cr_intercept: HvRegisterCrInterceptControl and its masks
 * @register_page: HvX64RegisterRegisterPage
 * @mode: registers that wait for others
 * @mp_state: KVM_MP_STATE_* before an INIT or SIPI that was dropped
 * @entered: a VTL above 0 has run, or was restored by the VMM
 * @no_context: the VMM enabled the VTL and has not set its registers: it must
 *	not run
 */
struct vtl_vp_vtl {
	struct kvm_vcpu *vcpu;
	struct file *file;
	u32 entry;
	u32 entry_reason;
	u64 pending_event[2];
	u64 vina;
	u64 cr_intercept[VTL_CR_NR];
	u64 register_page;
	struct vtl_mode mode;
	u32 mp_state;
	bool entered;
	bool no_context;
};

/**
 * struct vtl_denial - an access that KVM itself made for the guest and that
 * the protections forbid
 * @valid: there is one
 * @fetch: the right that the emulator needs, which fetches an instruction now
 * @gfn: page
 * @access: the missing rights
 */
struct vtl_denial {
	bool valid;
	vtl_prot_t fetch;
	gfn_t gfn;
	vtl_prot_t access;
};

/**
 * struct vtl_vp - a virtual processor
 * @partition: owner; immutable
 * @index: KVM's vCPU id, which is the VP index; immutable
 * @mutex: KVM_RUN and all ioctls of the VP; protects all but the members below
 * @vtl: per VTL
 * @active_vtl: the VTL that runs or would run; written under @mutex, read by
 *	wakers
 * @enabled_vtls: EnabledVtlSet of the VP; written under the partition's lock
 * @task: the thread inside the run loop, NULL outside; RCU
 * @pending: not 0 when the run loop has to look for interrupts: mask of VTLs
 *	that were woken while another one was active
 * @action: what the hooks ask the run loop to do
 * @may_nest: the run loop entered the active vCPU, which is not inside an exit
 *	of another: a VTL call may be served there
 * @nested_result: what the inner KVM_RUN of a VTL returned that runs inside an
 *	exit of a lower one
 * @exit_vtl: the VTL whose userspace exit waits for an answer
 * @shared_msrs_stale: mask of VTLs whose vCPUs lack writes of shared MSRs
 * @hypercall: the hypercall in progress
 * @intercept: the intercept in progress
 * @intercept_vtl: the VTL that @intercept is for
 * @denial: the access that was denied
 * @access: the access to a register that is intercepted
 * @tlb_locks: per VTL, mask of the lower ones whose flushes on other VPs it
 *	holds up, and from VTL_TLB_BY_OTHER_SHIFT up of those that another VP
 *	has it hold up; written under @mutex, read by flushers
 * @mbec: MBEC is on; written under @mutex
 * @tlb_waits: mask of VTLs that want the lower ones to wait for TLB locks of
 *	other VPs before they run again
 * @run_on: what another VP asks this one to do
 * @init_dropped: mask of VTLs whose vtl_vp_vtl.mp_state is to be put back
 * @clock: KVM's last sample of VTL0's clock; only used by the VP's thread
 */
struct vtl_vp {
	struct vtl_partition *partition;
	u32 index;
	struct mutex mutex;	/* see above */
	struct vtl_vp_vtl vtl[VTL_LEVELS];
	u8 active_vtl;
	u16 enabled_vtls;
	struct task_struct __rcu *task;
	unsigned long pending;
	enum vtl_action action;
	bool may_nest;
	int nested_result;
	u8 exit_vtl;
	u8 shared_msrs_stale;
	u8 intercept_vtl;
	u8 tlb_locks[VTL_LEVELS];
	bool mbec;
	unsigned long tlb_waits;
	struct vtl_denial denial;
	struct vtl_register_access access;
	union hv_vtl_intercept intercept;
	struct vtl_hypercall hypercall;
	struct vtl_run_on run_on;
	unsigned long init_dropped;
	struct pvclock_vcpu_time_info clock;
};

static inline struct kvm_vcpu *vtl_vp_vcpu(struct vtl_vp *vp, u8 vtl)
{
	return vp->vtl[vtl].vcpu;
}

static inline struct kvm_vcpu *vtl_vp_active_vcpu(struct vtl_vp *vp)
{
	return vp->vtl[vp->active_vtl].vcpu;
}

static inline bool vtl_vp_has_vtl(const struct vtl_vp *vp, u8 vtl)
{
	return READ_ONCE(vp->enabled_vtls) & BIT(vtl);
}

static inline u8 vtl_vp_highest_vtl(const struct vtl_vp *vp)
{
	return fls(READ_ONCE(vp->enabled_vtls)) - 1;
}

/* Is the VP in the middle of an exit to userspace, or of entry work? */
static inline bool vtl_vp_has_completion(struct vtl_vp *vp)
{
	return vtl_vp_active_vcpu(vp)->arch.complete_userspace_io;
}

static inline void vtl_vp_lock_vcpu(struct vtl_vp *vp, u8 vtl)
{
	mutex_lock_nest_lock(&vtl_vp_vcpu(vp, vtl)->mutex, &vp->mutex);
}

/*
 * The same.  The kernel has no killable lock with a nest_lock; lockdep wants
 * one for the first of two, as well.
 */
static inline int vtl_vp_lock_vcpu_killable(struct vtl_vp *vp, u8 vtl)
{
	struct mutex *lock = &vtl_vp_vcpu(vp, vtl)->mutex;

	if (mutex_lock_killable(lock))
		return -EINTR;
	mutex_release(&lock->dep_map, _THIS_IP_);
	mutex_acquire_nest(&lock->dep_map, 0, 0, &vp->mutex.dep_map, _THIS_IP_);
	return 0;
}

static inline void vtl_vp_unlock_vcpu(struct vtl_vp *vp, u8 vtl)
{
	mutex_unlock(&vtl_vp_vcpu(vp, vtl)->mutex);
}

/* The VMM asks by its kvm_run page, which is VTL0's. */
static inline bool vtl_vp_wants_to_run(struct vtl_vp *vp)
{
	return !READ_ONCE(vtl_vp_vcpu(vp, 0)->run->immediate_exit__unsafe);
}

/* Where a VTL return of the active VTL goes; it is not VTL0. */
static inline u8 vtl_vp_next_lower_vtl(const struct vtl_vp *vp)
{
	u8 vtl = vp->active_vtl;

	while (vtl && !vtl_vp_has_vtl(vp, --vtl))
		;
	return vtl;
}

/* Where a VTL call of the active VTL goes; it is not the highest. */
static inline u8 vtl_vp_next_higher_vtl(const struct vtl_vp *vp)
{
	u8 vtl = vp->active_vtl;

	while (!vtl_vp_has_vtl(vp, ++vtl))
		;
	return vtl;
}

/**
 * vtl_vp_find_rcu - the VP of a vCPU
 * @vcpu: a vCPU
 * @vtl: out: its VTL, when there is a VP
 *
 * Context: RCU read side.
 * Return: the VP, or NULL when @vcpu is foreign or being created.
 */
static __always_inline struct vtl_vp *vtl_vp_find_rcu(struct kvm_vcpu *vcpu,
						      u8 *vtl)
{
	struct vtl_vm *vm = vtl_registry_find_rcu(vcpu->kvm);

	if (!vm)
		return NULL;
	*vtl = vm->vtl;
	return vtl_partition_vp(vm->partition, vcpu->vcpu_id);
}

int vtl_vp_create_fd(struct vtl_partition *partition, unsigned long id);
void vtl_vp_destroy(struct vtl_vp *vp);
long vtl_vp_run(struct vtl_vp *vp);
struct vtl_vp *vtl_vp_running(struct kvm_vcpu *vcpu);
void vtl_vp_move_shared(struct vtl_vp *vp, u8 from, u8 to);
void vtl_vp_quiesce(struct kvm *kvm);

#endif /* _KVM_VTL_VP_H */
