// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - get and set of VTL state
 *
 * What a guest can create, the VMM can read and write, for reset, snapshot and
 * migration.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <linux/uaccess.h>

#include "cr_intercept.h"
#include "event.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "mbec.h"
#include "partition.h"
#include "protect.h"
#include "state.h"
#include "switch.h"
#include "tlb.h"
#include "tlfs.h"
#include "view.h"
#include "vina.h"
#include "vp.h"
#include "vsm.h"

/* Entries that a set applies before it flushes. */
#define SET_BATCH	64

static bool is_vtl_set(const struct vtl_partition *partition, u32 vtls)
{
	return (vtls & BIT(0)) &&
	       !(vtls & ~GENMASK(partition->max_vtl, 0));
}

/**
 * vtl_state_get_partition - KVM_VTL_GET_PARTITION
 * @partition: partition
 * @arg: struct kvm_vtl_partition
 *
 * Context: ioctl.
 * Return: 0.
 */
int vtl_state_get_partition(struct vtl_partition *partition, void *arg)
{
	struct kvm_vtl_partition *state = arg;
	u8 vtl;

	mutex_lock(&partition->lock);
	state->enabled_vtls = partition->enabled_vtls;
	state->out_max_vtl = partition->max_vtl;
	memset(state->config, 0, sizeof(state->config));
	for (vtl = 0; vtl <= partition->max_vtl; vtl++)
		state->config[vtl] = partition->config[vtl];
	state->mbec_vtls = partition->mbec_vtls;
	state->__reserved = 0;
	state->out_features = partition->features;
	mutex_unlock(&partition->lock);
	return 0;
}

static bool config_given(const struct kvm_vtl_partition *state, u8 vtl)
{
	return vtl && vtl < KVM_VTL_NR_VTLS &&
	       (state->enabled_vtls & BIT(vtl)) && state->config[vtl];
}

/* It comes with the VTL, and goes with it. */
static int check_mbec(const struct vtl_partition *partition,
		      const struct kvm_vtl_partition *state)
{
	u32 old = partition->enabled_vtls;

	if ((state->mbec_vtls & ~(state->enabled_vtls & ~BIT(0))) ||
	    state->__reserved)
		return -EINVAL;
	if (state->mbec_vtls && !(partition->features & KVM_VTL_FEATURE_MBEC))
		return -EOPNOTSUPP;
	if (state->size >= offsetofend(struct kvm_vtl_partition, mbec_vtls) &&
	    ((state->mbec_vtls ^ partition->mbec_vtls) & old))
		return -EBUSY;
	return 0;
}

static int check_partition(struct vtl_partition *partition,
			   const struct kvm_vtl_partition *state)
{
	u32 mbec = state->mbec_vtls | partition->mbec_vtls;
	int ret;
	u8 vtl;

	if (!is_vtl_set(partition, state->enabled_vtls))
		return -EINVAL;
	ret = check_mbec(partition, state);
	if (ret)
		return ret;
	for (vtl = 0; vtl < KVM_VTL_NR_VTLS; vtl++)
		if (state->config[vtl] &&
		    (!config_given(state, vtl) ||
		     !vtl_config_valid(partition->config[vtl],
				       state->config[vtl], mbec & BIT(vtl))))
			return -EINVAL;
	if (partition->enabled_vtls & ~state->enabled_vtls)
		return -EBUSY;
	return 0;
}

/**
 * vtl_state_set_partition - KVM_VTL_SET_PARTITION
 * @partition: partition
 * @arg: struct kvm_vtl_partition
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EINVAL; -EBUSY when an enabled VTL would be disabled, or get or
 * lose MBEC; -EOPNOTSUPP for MBEC where it is not offered.
 */
int vtl_state_set_partition(struct vtl_partition *partition, void *arg)
{
	struct kvm_vtl_partition *state = arg;
	u8 vtl;
	int ret;

	mutex_lock(&partition->lock);
	ret = check_partition(partition, state);
	for (vtl = 1; !ret && vtl <= partition->max_vtl; vtl++)
		if ((state->enabled_vtls & BIT(vtl)) &&
		    !vtl_partition_has_vtl(partition, vtl))
			vtl_partition_enable_vtl_locked(partition, vtl,
							state->mbec_vtls &
							BIT(vtl));
	mutex_unlock(&partition->lock);

	for (vtl = 1; !ret && vtl <= partition->max_vtl; vtl++)
		if (config_given(state, vtl) &&
		    vtl_partition_set_config(partition, vtl,
					     state->config[vtl]))
			ret = -EINVAL;
	state->out_max_vtl = partition->max_vtl;
	state->out_features = partition->features;
	return ret;
}

static int check_protections(struct vtl_partition *partition,
			     const struct kvm_vtl_protections *p)
{
	if (p->__reserved)
		return -EINVAL;
	if (!p->vtl || p->vtl > partition->max_vtl)
		return -ENOENT;
	return 0;
}

static int get_range(struct vtl_protect *protect, gfn_t *gfn,
		     struct kvm_vtl_range *range)
{
	unsigned long nr;
	vtl_prot_t prot;
	int ret;

	ret = vtl_protect_next(protect, gfn, &nr, &prot);
	if (ret)
		return ret;
	range->start_gfn = *gfn;
	range->nr_pages = nr;
	range->prot = vtl_prot_bits(prot);
	*gfn += nr;
	return 0;
}

/**
 * vtl_state_get_protections - KVM_VTL_GET_PROTECTIONS
 * @partition: partition
 * @arg: struct kvm_vtl_protections
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EINVAL; -ENOENT for a VTL that is not offered; -EFAULT.
 */
int vtl_state_get_protections(struct vtl_partition *partition, void *arg)
{
	struct kvm_vtl_protections *p = arg;
	struct kvm_vtl_range __user *user = u64_to_user_ptr(p->ranges);
	gfn_t gfn = p->start_gfn;
	u32 n;
	int ret;

	ret = check_protections(partition, p);
	if (ret)
		return ret;

	mutex_lock(&partition->lock);
	for (n = 0; n < p->nr_ranges; n++) {
		struct kvm_vtl_range range = {};

		if (get_range(&partition->protect[p->vtl], &gfn, &range)) {
			gfn = ~0ULL;
			break;
		}
		if (copy_to_user(&user[n], &range, sizeof(range))) {
			ret = -EFAULT;
			break;
		}
	}
	mutex_unlock(&partition->lock);
	p->out_nr_ranges = n;
	p->out_next_gfn = gfn;
	return ret;
}

static bool range_valid(const struct kvm_vtl_range *range)
{
	return !range->__reserved && range->nr_pages &&
	       range->start_gfn + range->nr_pages > range->start_gfn &&
	       range->start_gfn + range->nr_pages <=
	       1ULL << (boot_cpu_data.x86_phys_bits - PAGE_SHIFT);
}

static int set_batch_locked(struct vtl_partition *partition, u8 vtl,
			    gfn_t first, unsigned int nr, vtl_prot_t prot)
{
	u64 gfns[SET_BATCH];
	struct vtl_protect_change change = {
		.protect = &partition->protect[vtl],
		.prot = prot,
		.gfns = gfns,
	};
	unsigned int i;
	int ret = 0;

	vtl_view_begin_locked(partition, vtl, first, first + nr - 1);
	for (i = 0; i < nr && !ret; i++) {
		/* Only RAM, which bounds what the store can need. */
		if (!vtl_gfn_is_ram(partition->vm[0].kvm, first + i))
			ret = -EINVAL;
		else
			ret = vtl_protect_set_locked(&change, first + i);
	}
	vtl_view_apply_locked(partition, vtl, &change);
	return ret;
}

static int set_range_locked(struct vtl_partition *partition, u8 vtl,
			    const struct kvm_vtl_range *range)
{
	unsigned int nr;
	vtl_prot_t prot;
	int ret = 0;
	u64 done;

	if (!vtl_protect_parse(range->prot,
			       vtl_partition_has_mbec(partition, vtl), &prot))
		return -EINVAL;
	for (done = 0; done < range->nr_pages && !ret; done += nr) {
		nr = min_t(u64, range->nr_pages - done, SET_BATCH);
		ret = set_batch_locked(partition, vtl, range->start_gfn + done,
				       nr, prot);
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}

/**
 * vtl_state_set_protections - KVM_VTL_SET_PROTECTIONS
 * @partition: partition
 * @arg: struct kvm_vtl_protections
 *
 * Context: ioctl; may sleep.
 * Return: 0; -EINVAL, also for a page that is not RAM; -ENOENT for a VTL that
 * is not offered; -EBUSY for one that is not enabled or has not enabled
 * protections; -EFAULT; -ENOMEM; -EINTR.  Ranges before the failing one, and
 * its pages before the failing one, are set.
 */
int vtl_state_set_protections(struct vtl_partition *partition, void *arg)
{
	struct kvm_vtl_protections *p = arg;
	struct kvm_vtl_range __user *user = u64_to_user_ptr(p->ranges);
	u32 n = 0;
	int ret;

	p->out_nr_ranges = 0;
	p->out_next_gfn = ~0ULL;
	if (p->start_gfn)
		return -EINVAL;
	ret = check_protections(partition, p);
	if (ret)
		return ret;

	mutex_lock(&partition->lock);
	if (!(partition->config[p->vtl] & HV_VSM_CONFIG_ENABLE_PROTECTION))
		ret = -EBUSY;
	while (!ret && n < p->nr_ranges) {
		struct kvm_vtl_range range;

		if (copy_from_user(&range, &user[n], sizeof(range)))
			ret = -EFAULT;
		else if (!range_valid(&range))
			ret = -EINVAL;
		else
			ret = set_range_locked(partition, p->vtl, &range);
		n += !ret;
	}
	mutex_unlock(&partition->lock);
	p->out_nr_ranges = n;
	return ret;
}

/**
 * vtl_state_get_vp - KVM_VTL_GET_VP
 * @vp: the VP
 * @arg: struct kvm_vtl_vp
 *
 * Context: ioctl; vp->mutex held.
 * Return: 0.
 */
int vtl_state_get_vp(struct vtl_vp *vp, void *arg)
{
	struct kvm_vtl_vp *state = arg;
	u8 vtl;

	state->enabled_vtls = vp->enabled_vtls;
	state->active_vtl = vp->active_vtl;
	memset(state->tlb_locks, 0, sizeof(state->tlb_locks));
	memcpy(state->tlb_locks, vp->tlb_locks, sizeof(vp->tlb_locks));
	state->tlb_waits = vp->tlb_waits;
	state->mbec = vp->mbec;
	state->__reserved = 0;
	memset(state->pending_event, 0, sizeof(state->pending_event));
	memset(state->vina, 0, sizeof(state->vina));
	memset(state->cr_intercept, 0, sizeof(state->cr_intercept));
	for (vtl = 0; vtl <= vp->partition->max_vtl; vtl++) {
		memcpy(&state->pending_event[2 * vtl],
		       vp->vtl[vtl].pending_event,
		       sizeof(vp->vtl[vtl].pending_event));
		state->vina[vtl] = vp->vtl[vtl].vina;
		memcpy(&state->cr_intercept[VTL_CR_NR * vtl],
		       vp->vtl[vtl].cr_intercept,
		       sizeof(vp->vtl[vtl].cr_intercept));
	}
	return 0;
}

static bool vina_valid(const struct kvm_vtl_vp *state, u32 vtl)
{
	return vtl && (state->enabled_vtls & BIT(vtl)) &&
	       vtl_vina_valid(state->vina[vtl]);
}

static bool cr_intercept_valid(const struct kvm_vtl_vp *state, u32 vtl)
{
	const u64 *regs = &state->cr_intercept[VTL_CR_NR * vtl];
	unsigned int i;

	if (!memchr_inv(regs, 0, VTL_CR_NR * sizeof(*regs)))
		return true;
	for (i = 0; i < VTL_CR_NR; i++)
		if (!vtl_cr_intercept_valid(i, regs[i]))
			return false;
	return vtl && (state->enabled_vtls & BIT(vtl));
}

static bool tlb_locks_valid(const struct kvm_vtl_vp *state, u32 vtl)
{
	u8 own = state->tlb_locks[vtl] & (BIT(VTL_TLB_BY_OTHER_SHIFT) - 1);
	u8 by_other = state->tlb_locks[vtl] >> VTL_TLB_BY_OTHER_SHIFT;

	if (!own && !by_other)
		return true;
	return (!own || vtl <= state->active_vtl) &&
	       (state->enabled_vtls & BIT(vtl)) && !((own | by_other) >> vtl);
}

static int check_vp(struct vtl_vp *vp, const struct kvm_vtl_vp *state)
{
	u32 vtl;

	if (!is_vtl_set(vp->partition, state->enabled_vtls) ||
	    state->active_vtl > vp->partition->max_vtl ||
	    !(state->enabled_vtls & BIT(state->active_vtl)) ||
	    (state->tlb_waits & ~(state->enabled_vtls & ~BIT(0))))
		return -EINVAL;
	for (vtl = 0; vtl < KVM_VTL_NR_VTLS; vtl++) {
		const u64 *event = &state->pending_event[2 * vtl];

		if ((event[0] || event[1]) &&
		    (vtl > vp->partition->max_vtl ||
		     !vtl_pending_event_valid(event[0])))
			return -EINVAL;
		if (state->vina[vtl] && !vina_valid(state, vtl))
			return -EINVAL;
		if (!cr_intercept_valid(state, vtl) ||
		    !tlb_locks_valid(state, vtl))
			return -EINVAL;
	}
	if (state->mbec > 1 || state->__reserved)
		return -EINVAL;
	if ((vp->enabled_vtls & ~state->enabled_vtls) ||
	    (state->enabled_vtls & ~READ_ONCE(vp->partition->enabled_vtls)))
		return -EBUSY;
	if (state->mbec && !(READ_ONCE(vp->partition->mbec_vtls) &
			     state->enabled_vtls))
		return -EBUSY;
	/* A userspace exit whose reply the VTL still waits for. */
	if (state->active_vtl != vp->active_vtl &&
	    vtl_vp_active_vcpu(vp)->arch.complete_userspace_io)
		return -EBUSY;
	return 0;
}

static int reset_new_vtls(struct vtl_vp *vp, u32 vtls)
{
	int idx, ret;
	u8 vtl;

	for (vtl = 1; vtl <= vp->partition->max_vtl; vtl++) {
		struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

		if (!(vtls & BIT(vtl)))
			continue;
		if (!vtl_vcpu_fpu_matches(vtl_vp_vcpu(vp, 0), vcpu))
			return -EINVAL;
		vp->shared_msrs_stale |= BIT(vtl);
		vtl_vcpu_enter(vcpu, &idx);
		ret = vtl_reset_vcpu(vcpu);
		vtl_vcpu_leave(vcpu, idx);
		if (ret)
			return ret;
		vp->vtl[vtl].no_context = true;
		vp->vtl[vtl].entered = true;
	}
	return 0;
}

/* A vCPU that is switched out must not rely on the preemption timer. */
static void change_active(struct vtl_vp *vp, u8 to)
{
	struct kvm_vcpu *vcpu = vtl_vp_active_vcpu(vp);
	int idx;

	if (to == vp->active_vtl)
		return;
	vtl_vcpu_enter(vcpu, &idx);
	vtl_kvm_kvm_lapic_switch_to_sw_timer(vcpu);
	vtl_vcpu_leave(vcpu, idx);
	vtl_vp_move_shared(vp, vp->active_vtl, to);
	WRITE_ONCE(vp->active_vtl, to);
	while (++to < VTL_LEVELS)
		vtl_tlb_unlock(vp, to, VTL_TLB_ALL);
}

/* A member that the caller's struct does not have stays as it is. */
static void set_events(struct vtl_vp *vp, const struct kvm_vtl_vp *state)
{
	bool has_vina = state->size >= offsetofend(struct kvm_vtl_vp, vina);
	u8 vtl;

	for (vtl = 0; vtl <= vp->partition->max_vtl; vtl++) {
		memcpy(vp->vtl[vtl].pending_event,
		       &state->pending_event[2 * vtl],
		       sizeof(vp->vtl[vtl].pending_event));
		if (has_vina)
			vtl_vina_set(vp, vtl, state->vina[vtl]);
	}
}

static void set_tlb_locks(struct vtl_vp *vp, const u8 *locks)
{
	u8 holder;

	for (holder = 1; holder <= vp->partition->max_vtl; holder++)
		vtl_tlb_set_locks(vp, holder, locks[holder]);
}

static int set_cr_intercepts(struct vtl_vp *vp, const struct kvm_vtl_vp *state)
{
	int ret = 0;
	u8 vtl;

	for (vtl = 1; !ret && vtl <= vp->partition->max_vtl; vtl++) {
		const u64 *regs = &state->cr_intercept[VTL_CR_NR * vtl];

		ret = vtl_cr_intercept_set(vp, vtl, regs);
	}
	return ret;
}

/**
 * vtl_state_set_vp - KVM_VTL_SET_VP
 * @vp: the VP
 * @arg: struct kvm_vtl_vp
 *
 * Context: ioctl; may sleep; vp->mutex held.
 * Return: 0; -EINVAL, also when the VTLs' CPUID differ; -EBUSY when an enabled
 * VTL would be disabled, one or MBEC enabled that is not for the partition, or
 * the active VTL left in the middle of a userspace exit; -ENOMEM; -EOPNOTSUPP
 * for registers that this host cannot intercept.
 */
int vtl_state_set_vp(struct vtl_vp *vp, void *arg)
{
	struct kvm_vtl_vp *state = arg;
	int ret;

	mutex_lock(&vp->partition->lock);
	ret = check_vp(vp, state);
	if (!ret)
		ret = reset_new_vtls(vp, state->enabled_vtls &
					 ~vp->enabled_vtls);
	if (!ret)
		WRITE_ONCE(vp->enabled_vtls, state->enabled_vtls);
	mutex_unlock(&vp->partition->lock);
	if (ret)
		return ret;
	set_events(vp, state);
	change_active(vp, state->active_vtl);
	if (state->size >= offsetofend(struct kvm_vtl_vp, tlb_waits)) {
		set_tlb_locks(vp, state->tlb_locks);
		vp->tlb_waits = state->tlb_waits;
	}
	if (state->size >= offsetofend(struct kvm_vtl_vp, cr_intercept))
		ret = set_cr_intercepts(vp, state);
	if (!ret && state->size >= offsetofend(struct kvm_vtl_vp, mbec) &&
	    !vtl_mbec_set(vp, state->mbec))
		ret = -EOPNOTSUPP;
	return ret;
}
