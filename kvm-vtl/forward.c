// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - which KVM ioctl goes to which VTL
 *
 * One table per kind of file.  What is not in a table is refused: a command
 * that the module does not know could change a VTL behind the other's back.
 *
 * Commands that carry a pointer are read by KVM itself, once per VM.  A VMM
 * that changes them in between harms its own partition; what a guarantee
 * depends on (memory slots, CPUID, capabilities) is read once here or filtered
 * in the copy that KVM made.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "forward.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "msr.h"
#include "partition.h"
#include "port.h"
#include "query.h"
#include "startup.h"
#include "state.h"
#include "switch.h"
#include "trace.h"
#include "uapi.h"
#include "vina.h"
#include "vp.h"
#include "vsm.h"

/**
 * enum policy - where a command goes
 * @VTL0: VTL0's object.  For a VP, with the shared state of the active VTL
 * @ALL: every VTL's object, from VTL0 up; ends at the first error
 * @ACTIVE: the active VTL's vCPU
 * @HERE: a handler of this file
 */
enum policy { VTL0, ALL, ACTIVE, HERE };

struct vm_forward {
	unsigned int cmd;
	enum policy policy;
	long (*handler)(struct vtl_partition *partition, unsigned int cmd,
			unsigned long arg);
};

struct vcpu_forward {
	unsigned int cmd;
	enum policy policy;
	long (*handler)(struct vtl_vp *vp, unsigned int cmd, unsigned long arg);
};

static long inner(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl(file, cmd, arg);
}

/**
 * vtl_forward_dev - a KVM command on /dev/kvm-vtl
 * @kvm_file: open file of /dev/kvm
 * @offer: what the file offers
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Context: ioctl.
 * Return: as KVM; -EOPNOTSUPP for a command that is not forwarded.
 */
long vtl_forward_dev(struct file *kvm_file, const struct vtl_offer *offer,
		     unsigned int cmd, unsigned long arg)
{
	if (!offer->max_vtl)
		return inner(kvm_file, cmd, arg);

	switch (cmd) {
	case KVM_CREATE_VM:
		return vtl_partition_create_fd(kvm_file, arg, offer);
	case KVM_CHECK_EXTENSION:
		return vtl_query_extension(kvm_file, arg);
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_EMULATED_CPUID:
	case KVM_GET_SUPPORTED_HV_CPUID:
		return vtl_query_cpuid(kvm_file, cmd, arg);
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return vtl_query_msr_list(kvm_file, cmd, arg);
	case KVM_GET_API_VERSION:
	case KVM_GET_VCPU_MMAP_SIZE:
	case KVM_GET_MSRS:
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return inner(kvm_file, cmd, arg);
	}
	trace_kvm_vtl_refused(0, cmd);
	return -EOPNOTSUPP;
}

/* VMs */

static long vm_inner(struct vtl_partition *partition, u8 vtl, unsigned int cmd,
		     unsigned long arg)
{
	return inner(partition->vm[vtl].file, cmd, arg);
}

static long vm_all(struct vtl_partition *partition, unsigned int cmd,
		   unsigned long arg)
{
	struct vtl_vm *vm;
	long ret;

	vtl_for_each_vm(vm, partition) {
		ret = inner(vm->file, cmd, arg);
		if (ret)
			return ret;
	}
	return 0;
}

static long vm_check_extension(struct vtl_partition *partition,
			       unsigned int cmd, unsigned long arg)
{
	return vtl_query_extension(partition->vm[0].file, arg);
}

static long vm_create_vcpu(struct vtl_partition *partition, unsigned int cmd,
			   unsigned long arg)
{
	return vtl_vp_create_fd(partition, arg);
}

static int set_region(struct vtl_vm *vm,
		      const struct kvm_userspace_memory_region2 *mem)
{
	int ret;

	mutex_lock(&vm->kvm->slots_lock);
	ret = vtl_kvm___kvm_set_memory_region(vm->kvm, mem);
	mutex_unlock(&vm->kvm->slots_lock);
	return ret;
}

/*
 * Higher VTLs first when memory comes, last when it goes: they see at least the
 * memory that lower ones have.  KVM checks all VMs alike, so that a later one
 * fails only for want of memory; then the VTLs disagree about the memory.
 */
static long set_region_locked(struct vtl_partition *partition,
			      const struct kvm_userspace_memory_region2 *mem)
{
	u8 i, vtl;
	int ret;

	lockdep_assert_held(&partition->lock);
	for (i = 0; i <= partition->max_vtl; i++) {
		vtl = mem->memory_size ? partition->max_vtl - i : i;
		ret = set_region(&partition->vm[vtl], mem);
		if (!ret)
			continue;
		if (i)
			vtl_partition_kill(partition,
					   "memory slots of the VTLs differ");
		return ret;
	}
	return 0;
}

static long vm_set_memory_region(struct vtl_partition *partition,
				 unsigned int cmd, unsigned long arg)
{
	struct kvm_userspace_memory_region2 mem = {};
	long ret;

	if (copy_from_user(&mem, (void __user *)arg,
			   sizeof(struct kvm_userspace_memory_region)))
		return -EFAULT;
	if ((u16)mem.slot >= KVM_USER_MEM_SLOTS ||
	    (mem.flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)))
		return -EINVAL;

	mutex_lock(&partition->lock);
	ret = set_region_locked(partition, &mem);
	mutex_unlock(&partition->lock);
	return ret;
}

static unsigned long slot_bitmap_bytes(struct kvm *kvm, u32 slot_id)
{
	struct kvm_memory_slot *slot;
	unsigned long bytes = 0;
	u16 as_id = slot_id >> 16;
	int idx;

	if (as_id >= kvm_arch_nr_memslot_as_ids(kvm))
		return 0;
	idx = srcu_read_lock(&kvm->srcu);
	slot = id_to_memslot(__kvm_memslots(kvm, as_id), (u16)slot_id);
	if (slot)
		bytes = kvm_dirty_bitmap_bytes(slot);
	srcu_read_unlock(&kvm->srcu, idx);
	return bytes;
}

/*
 * A page is dirty when any VTL wrote to it.  KVM forgets what it has reported:
 * an error on the way would lose dirty pages, so it ends the partition.
 */
static long vm_get_dirty_log(struct vtl_partition *partition, unsigned int cmd,
			     unsigned long arg)
{
	unsigned long *more __free(kvfree) = NULL;
	unsigned long *sum __free(kvfree) = NULL;
	struct kvm_dirty_log log;
	unsigned long bytes;
	long ret;
	u8 vtl;

	if (copy_from_user(&log, (void __user *)arg, sizeof(log)))
		return -EFAULT;
	/* The slots of all VTLs stay as they are. */
	guard(mutex)(&partition->lock);
	bytes = slot_bitmap_bytes(partition->vm[0].kvm, log.slot);
	if (!bytes)
		return vm_inner(partition, 0, cmd, arg);
	sum = kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
	more = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!sum || !more)
		return -ENOMEM;

	for (vtl = 0; vtl <= partition->max_vtl; vtl++) {
		ret = vm_inner(partition, vtl, cmd, arg);
		if (ret && !vtl)
			return ret;
		if (ret || copy_from_user(more, log.dirty_bitmap, bytes))
			goto err_lost;
		bitmap_or(sum, sum, more, bytes * BITS_PER_BYTE);
	}
	if (!copy_to_user(log.dirty_bitmap, sum, bytes))
		return 0;

err_lost:
	vtl_partition_kill(partition, "dirty pages got lost");
	return -EIO;
}

/* VTLs above 0 have an APIC and no interrupt controllers of the board. */
static int split_irqchip(struct vtl_vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP };

	return vtl_kvm_kvm_vm_ioctl_enable_cap(vm->kvm, &cap);
}

static int split_higher_irqchips(struct vtl_partition *partition)
{
	int ret;
	u8 vtl;

	for (vtl = 1; vtl <= partition->max_vtl; vtl++) {
		ret = split_irqchip(&partition->vm[vtl]);
		if (ret)
			return ret;
	}
	return 0;
}

static long vm_create_irqchip(struct vtl_partition *partition,
			      unsigned int cmd, unsigned long arg)
{
	long ret = vm_inner(partition, 0, cmd, arg);

	return ret ?: split_higher_irqchips(partition);
}

/* Capabilities that mean the same for the VM of every VTL. */
static const u32 all_vm_caps[] = {
	KVM_CAP_DISABLE_QUIRKS,
	KVM_CAP_DISABLE_QUIRKS2,
	KVM_CAP_X2APIC_API,
	KVM_CAP_X86_DISABLE_EXITS,
	KVM_CAP_EXCEPTION_PAYLOAD,
	KVM_CAP_X86_TRIPLE_FAULT_EVENT,
	KVM_CAP_X86_USER_SPACE_MSR,
	KVM_CAP_X86_BUS_LOCK_EXIT,
	KVM_CAP_EXIT_HYPERCALL,
	KVM_CAP_EXIT_ON_EMULATION_FAILURE,
	KVM_CAP_MAX_VCPU_ID,
	KVM_CAP_X86_NOTIFY_VMEXIT,
	KVM_CAP_MSR_PLATFORM_INFO,
	KVM_CAP_X86_APIC_BUS_CYCLES_NS,
};

static bool is_all_vm_cap(u32 cap)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(all_vm_caps); i++)
		if (all_vm_caps[i] == cap)
			return true;
	return false;
}

static long enable_cap_all(struct vtl_partition *partition,
			   struct kvm_enable_cap *cap)
{
	struct vtl_vm *vm;
	long ret;

	vtl_for_each_vm(vm, partition) {
		ret = vtl_kvm_kvm_vm_ioctl_enable_cap(vm->kvm, cap);
		if (ret)
			return ret;
	}
	return 0;
}

static long set_manual_dirty_log(struct vtl_partition *partition,
				 const struct kvm_enable_cap *cap)
{
	struct vtl_vm *vm;
	u64 valid = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	if (cap->args[0] & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		valid |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (cap->flags || (cap->args[0] & ~valid))
		return -EINVAL;
	vtl_for_each_vm(vm, partition)
		vm->kvm->manual_dirty_log_protect = cap->args[0];
	return 0;
}

static long set_halt_poll(struct vtl_partition *partition,
			  const struct kvm_enable_cap *cap)
{
	struct vtl_vm *vm;

	if (cap->flags || cap->args[0] != (unsigned int)cap->args[0])
		return -EINVAL;
	vtl_for_each_vm(vm, partition) {
		vm->kvm->max_halt_poll_ns = cap->args[0];
		/* KVM reads the flag first. */
		smp_wmb();
		vm->kvm->override_halt_poll_ns = true;
	}
	return 0;
}

static long vm_enable_cap(struct vtl_partition *partition, unsigned int cmd,
			  unsigned long arg)
{
	struct kvm_enable_cap cap;
	long ret;

	if (copy_from_user(&cap, (void __user *)arg, sizeof(cap)))
		return -EFAULT;
	switch (cap.cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		ret = vtl_kvm_kvm_vm_ioctl_enable_cap(partition->vm[0].kvm,
						      &cap);
		return ret ?: split_higher_irqchips(partition);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return set_manual_dirty_log(partition, &cap);
	case KVM_CAP_HALT_POLL:
		return set_halt_poll(partition, &cap);
	}
	if (is_all_vm_cap(cap.cap))
		return enable_cap_all(partition, &cap);
	trace_kvm_vtl_refused(partition->id, cmd);
	return -EINVAL;
}

static const struct vm_forward vm_table[] = {
	{ KVM_CREATE_VCPU, HERE, vm_create_vcpu },
	{ KVM_CHECK_EXTENSION, HERE, vm_check_extension },
	{ KVM_ENABLE_CAP, HERE, vm_enable_cap },
	{ KVM_SET_USER_MEMORY_REGION, HERE, vm_set_memory_region },
	{ KVM_GET_DIRTY_LOG, HERE, vm_get_dirty_log },
	{ KVM_CREATE_IRQCHIP, HERE, vm_create_irqchip },
	{ KVM_CLEAR_DIRTY_LOG, ALL },
	{ KVM_SET_TSS_ADDR, ALL },
	{ KVM_SET_IDENTITY_MAP_ADDR, ALL },
	{ KVM_SET_NR_MMU_PAGES, ALL },
	{ KVM_SET_BOOT_CPU_ID, ALL },
	{ KVM_SET_TSC_KHZ, ALL },
	{ KVM_SET_CLOCK, ALL },
	{ KVM_X86_SET_MSR_FILTER, ALL },
	{ KVM_GET_NR_MMU_PAGES, VTL0 },
	{ KVM_GET_TSC_KHZ, VTL0 },
	{ KVM_GET_CLOCK, VTL0 },
	{ KVM_GET_IRQCHIP, VTL0 },
	{ KVM_SET_IRQCHIP, VTL0 },
	{ KVM_CREATE_PIT, VTL0 },
	{ KVM_CREATE_PIT2, VTL0 },
	{ KVM_GET_PIT, VTL0 },
	{ KVM_SET_PIT, VTL0 },
	{ KVM_GET_PIT2, VTL0 },
	{ KVM_SET_PIT2, VTL0 },
	{ KVM_REINJECT_CONTROL, VTL0 },
	{ KVM_SET_GSI_ROUTING, VTL0 },
	{ KVM_IRQFD, VTL0 },
	{ KVM_IRQ_LINE, VTL0 },
	{ KVM_IRQ_LINE_STATUS, VTL0 },
	{ KVM_SIGNAL_MSI, VTL0 },
	{ KVM_IOEVENTFD, VTL0 },
	{ KVM_REGISTER_COALESCED_MMIO, VTL0 },
	{ KVM_UNREGISTER_COALESCED_MMIO, VTL0 },
	{ KVM_HYPERV_EVENTFD, VTL0 },
	{ KVM_GET_STATS_FD, VTL0 },
	{ KVM_HAS_DEVICE_ATTR, VTL0 },
};

#define OWN_HANDLER(name, type)						\
	static int own_##name(void *object, void *arg)			\
	{								\
		return vtl_state_##name((type *)object, arg);		\
	}
OWN_HANDLER(get_partition, struct vtl_partition)
OWN_HANDLER(set_partition, struct vtl_partition)
OWN_HANDLER(get_protections, struct vtl_partition)
OWN_HANDLER(set_protections, struct vtl_partition)
OWN_HANDLER(get_ports, struct vtl_partition)
OWN_HANDLER(set_ports, struct vtl_partition)
OWN_HANDLER(get_vp, struct vtl_vp)
OWN_HANDLER(set_vp, struct vtl_vp)

static const struct vtl_own_ioctl vm_own[] = {
	{ KVM_VTL_GET_PARTITION,
	  offsetofend(struct kvm_vtl_partition, config),
	  own_get_partition },
	{ KVM_VTL_SET_PARTITION,
	  offsetofend(struct kvm_vtl_partition, config),
	  own_set_partition },
	{ KVM_VTL_GET_PROTECTIONS,
	  offsetofend(struct kvm_vtl_protections, out_next_gfn),
	  own_get_protections },
	{ KVM_VTL_SET_PROTECTIONS,
	  offsetofend(struct kvm_vtl_protections, out_next_gfn),
	  own_set_protections },
	{ KVM_VTL_GET_PORTS, offsetofend(struct kvm_vtl_ports, write_bitmap),
	  own_get_ports },
	{ KVM_VTL_SET_PORTS, offsetofend(struct kvm_vtl_ports, write_bitmap),
	  own_set_ports },
};

static long vm_dispatch(struct vtl_partition *partition,
			const struct vm_forward *f, unsigned int cmd,
			unsigned long arg)
{
	switch (f->policy) {
	case HERE:
		return f->handler(partition, cmd, arg);
	case ALL:
		return vm_all(partition, cmd, arg);
	default:
		return vm_inner(partition, 0, cmd, arg);
	}
}

/**
 * vtl_forward_vm - a command on a VM with VTLs
 * @partition: partition
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Context: ioctl.
 * Return: as KVM; -EIO for a dead partition or another process; -EOPNOTSUPP for
 * a command that is not forwarded.
 */
long vtl_forward_vm(struct vtl_partition *partition, unsigned int cmd,
		    unsigned long arg)
{
	int i, ret;

	ret = vtl_partition_check(partition);
	if (ret)
		return ret;
	if (vtl_uapi_is_own(cmd))
		return vtl_uapi_call(vm_own, ARRAY_SIZE(vm_own), partition,
				     cmd, arg);
	for (i = 0; i < ARRAY_SIZE(vm_table); i++)
		if (vm_table[i].cmd == cmd)
			return vm_dispatch(partition, &vm_table[i], cmd, arg);
	trace_kvm_vtl_refused(partition->id, cmd);
	return -EOPNOTSUPP;
}

/* VPs */

static long vcpu_inner(struct vtl_vp *vp, u8 vtl, unsigned int cmd,
		       unsigned long arg)
{
	return inner(vp->vtl[vtl].file, cmd, arg);
}

static long vcpu_all(struct vtl_vp *vp, unsigned int cmd, unsigned long arg)
{
	long ret = 0;
	u8 vtl;

	for (vtl = 0; !ret && vtl <= vp->partition->max_vtl; vtl++)
		ret = vcpu_inner(vp, vtl, cmd, arg);
	return ret;
}

/* The VMM's view of a VTL: its private state, and the shared state. */
static long vcpu_view(struct vtl_vp *vp, u8 vtl, unsigned int cmd,
		      unsigned long arg)
{
	u8 active = vp->active_vtl;
	long ret;

	vtl_vp_move_shared(vp, active, vtl);
	ret = vcpu_inner(vp, vtl, cmd, arg);
	vtl_vp_move_shared(vp, vtl, active);
	return ret;
}

static long vcpu_vtl0(struct vtl_vp *vp, unsigned int cmd, unsigned long arg)
{
	return vcpu_view(vp, 0, cmd, arg);
}

static long vcpu_run(struct vtl_vp *vp, unsigned int cmd, unsigned long arg)
{
	return arg ? -EINVAL : vtl_vp_run(vp);
}

/* KVM derives the FPU state from CPUID; VTLs exchange it. */
static long vcpu_set_cpuid(struct vtl_vp *vp, unsigned int cmd,
			   unsigned long arg)
{
	long ret = vcpu_all(vp, cmd, arg);
	u8 vtl;

	for (vtl = 0; vtl <= vp->partition->max_vtl; vtl++) {
		struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);

		vtl_vcpu_hide_pv(vcpu);
		if (!vtl_vcpu_fpu_matches(vtl_vp_vcpu(vp, 0), vcpu))
			ret = ret ?: -EINVAL;
	}
	return ret;
}

static int activate_synic(struct kvm_vcpu *vcpu, bool dont_zero)
{
	int idx, ret;

	vtl_vcpu_enter(vcpu, &idx);
	ret = vtl_kvm_kvm_hv_activate_synic(vcpu, dont_zero);
	vtl_vcpu_leave(vcpu, idx);
	return ret;
}

/* The VMM keeps VTL0's SynIC pages; those of higher VTLs are KVM's alone. */
static long enable_synic(struct vtl_vp *vp, u32 cap)
{
	int ret;
	u8 vtl;

	ret = activate_synic(vtl_vp_vcpu(vp, 0),
			     cap == KVM_CAP_HYPERV_SYNIC2);
	for (vtl = 1; !ret && vtl <= vp->partition->max_vtl; vtl++)
		ret = activate_synic(vtl_vp_vcpu(vp, vtl), false);
	return ret;
}

static long enforce_cpuid(struct vtl_vp *vp, bool enforce)
{
	long ret = 0;
	u8 vtl;

	for (vtl = 0; !ret && vtl <= vp->partition->max_vtl; vtl++)
		ret = vtl_kvm_kvm_hv_set_enforce_cpuid(vtl_vp_vcpu(vp, vtl),
						       enforce);
	return ret;
}

static long vcpu_enable_cap(struct vtl_vp *vp, unsigned int cmd,
			    unsigned long arg)
{
	struct kvm_enable_cap cap;

	if (copy_from_user(&cap, (void __user *)arg, sizeof(cap)))
		return -EFAULT;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_HYPERV_SYNIC2:
		if (cap.args[0])
			return -EINVAL;
		fallthrough;
	case KVM_CAP_HYPERV_SYNIC:
		return enable_synic(vp, cap.cap);
	case KVM_CAP_HYPERV_ENFORCE_CPUID:
		return enforce_cpuid(vp, cap.args[0]);
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
		/* On for good: see vtl_vcpu_hide_pv(). */
		return 0;
	}
	trace_kvm_vtl_refused(vp->partition->id, cmd);
	return -EINVAL;
}

#define MSRS_MAX	256

static bool is_msr_of_all_vtls(u32 msr)
{
	return msr == HV_X64_MSR_VP_INDEX || vtl_msr_is_shared(msr);
}

static void mirror_msrs(struct kvm_vcpu *vcpu,
			const struct kvm_msr_entry *entries, u32 nmsrs)
{
	int idx;
	u32 i;

	vtl_vcpu_enter(vcpu, &idx);
	for (i = 0; i < nmsrs; i++)
		if (is_msr_of_all_vtls(entries[i].index))
			vtl_kvm_kvm_set_msr_ignored_check(vcpu,
							  entries[i].index,
							  entries[i].data,
							  true);
	vtl_vcpu_leave(vcpu, idx);
}

/* One VTL's, and in every VTL those that the VTLs of a VP share. */
static long set_msrs(struct vtl_vp *vp, u8 target, unsigned long arg)
{
	struct kvm_msrs __user *user = (void __user *)arg;
	struct kvm_msr_entry *entries __free(kvfree) = NULL;
	long ret = vcpu_view(vp, target, KVM_SET_MSRS, arg);
	u8 vtl;

	if (ret <= 0)
		return ret;
	ret = min_t(long, ret, MSRS_MAX);
	entries = kvmalloc_array(ret, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	if (copy_from_user(entries, user->entries, ret * sizeof(*entries)))
		return -EFAULT;
	for (vtl = 0; vtl <= vp->partition->max_vtl; vtl++)
		if (vtl != target)
			mirror_msrs(vtl_vp_vcpu(vp, vtl), entries, ret);
	return ret;
}

static long vcpu_set_msrs(struct vtl_vp *vp, unsigned int cmd,
			  unsigned long arg)
{
	return set_msrs(vp, 0, arg);
}

static bool is_bsp(struct vtl_vp *vp)
{
	return vp->index == vp->partition->vm[0].kvm->arch.bsp_vcpu_id;
}

/* The state behind RESET, as only a VMM that resets the machine writes it. */
static bool is_reset_state(const struct kvm_segment *cs, u64 cr0)
{
	return cs->selector == 0xf000 && cs->base == 0xffff0000 &&
	       !(cr0 & X86_CR0_PE);
}

static long vcpu_set_sregs(struct vtl_vp *vp, unsigned int cmd,
			   unsigned long arg)
{
	struct kvm_sregs sregs;
	size_t n = offsetofend(struct kvm_sregs, cr0);
	long ret;

	/* The members up to CR0 are those of struct kvm_sregs2. */
	if (copy_from_user(&sregs, (void __user *)arg, n))
		return -EFAULT;
	if (READ_ONCE(vp->partition->enabled_vtls) != BIT(0) && is_bsp(vp) &&
	    is_reset_state(&sregs.cs, sregs.cr0)) {
		ret = vtl_partition_reset(vp->partition, vp);
		if (ret)
			return ret;
	}
	ret = vcpu_vtl0(vp, cmd, arg);
	if (!ret)
		vp->vtl[0].mode.waits = false;
	return ret;
}

/* KVM takes INIT and SIPI here, too, and tells what it made of them. */
static long vcpu_get_mp_state(struct vtl_vp *vp, unsigned int cmd,
			      unsigned long arg)
{
	long ret = vcpu_vtl0(vp, cmd, arg);

	if (!vp->init_dropped)
		return ret;
	vtl_startup_undo_init(vp);
	return vcpu_vtl0(vp, cmd, arg);
}

/* The VMM has the last word. */
static long vcpu_set_mp_state(struct vtl_vp *vp, unsigned int cmd,
			      unsigned long arg)
{
	vp->init_dropped = 0;
	return vcpu_vtl0(vp, cmd, arg);
}

static long vcpu_set_vapic(struct vtl_vp *vp, unsigned int cmd,
			   unsigned long arg)
{
	struct kvm_vapic_addr va;

	if (copy_from_user(&va, (void __user *)arg, sizeof(va)))
		return -EFAULT;
	/* Off is what it is. */
	return va.vapic_addr ? -EOPNOTSUPP : 0;
}

static long vcpu_get_cpuid(struct vtl_vp *vp, unsigned int cmd,
			   unsigned long arg)
{
	return vtl_query_cpuid(vp->vtl[0].file, cmd, arg);
}

static const struct vcpu_forward vcpu_table[] = {
	{ KVM_RUN, HERE, vcpu_run },
	{ KVM_SET_CPUID2, HERE, vcpu_set_cpuid },
	{ KVM_SET_CPUID, HERE, vcpu_set_cpuid },
	{ KVM_GET_SUPPORTED_HV_CPUID, HERE, vcpu_get_cpuid },
	{ KVM_ENABLE_CAP, HERE, vcpu_enable_cap },
	{ KVM_SET_MSRS, HERE, vcpu_set_msrs },
	{ KVM_SET_SREGS, HERE, vcpu_set_sregs },
	{ KVM_SET_SREGS2, HERE, vcpu_set_sregs },
	{ KVM_SET_VAPIC_ADDR, HERE, vcpu_set_vapic },
	{ KVM_SET_TSC_KHZ, ALL },
	{ KVM_X86_SETUP_MCE, ALL },
	{ KVM_SET_SIGNAL_MASK, ALL },
	{ KVM_TRANSLATE, ACTIVE },
	{ KVM_GET_REGS, VTL0 },
	{ KVM_SET_REGS, VTL0 },
	{ KVM_GET_SREGS, VTL0 },
	{ KVM_GET_SREGS2, VTL0 },
	{ KVM_GET_MSRS, VTL0 },
	{ KVM_GET_CPUID2, VTL0 },
	{ KVM_GET_FPU, VTL0 },
	{ KVM_SET_FPU, VTL0 },
	{ KVM_GET_XSAVE, VTL0 },
	{ KVM_GET_XSAVE2, VTL0 },
	{ KVM_SET_XSAVE, VTL0 },
	{ KVM_GET_XCRS, VTL0 },
	{ KVM_SET_XCRS, VTL0 },
	{ KVM_GET_DEBUGREGS, VTL0 },
	{ KVM_SET_DEBUGREGS, VTL0 },
	{ KVM_GET_VCPU_EVENTS, VTL0 },
	{ KVM_SET_VCPU_EVENTS, VTL0 },
	{ KVM_GET_MP_STATE, HERE, vcpu_get_mp_state },
	{ KVM_SET_MP_STATE, HERE, vcpu_set_mp_state },
	{ KVM_GET_LAPIC, VTL0 },
	{ KVM_SET_LAPIC, VTL0 },
	{ KVM_GET_TSC_KHZ, VTL0 },
	{ KVM_X86_SET_MCE, VTL0 },
	{ KVM_INTERRUPT, VTL0 },
	{ KVM_NMI, VTL0 },
	{ KVM_KVMCLOCK_CTRL, VTL0 },
	{ KVM_GET_STATS_FD, VTL0 },
	{ KVM_HAS_DEVICE_ATTR, VTL0 },
	{ KVM_GET_DEVICE_ATTR, VTL0 },
	{ KVM_SET_DEVICE_ATTR, VTL0 },
};

static long vcpu_dispatch(struct vtl_vp *vp, const struct vcpu_forward *f,
			  unsigned int cmd, unsigned long arg)
{
	switch (f->policy) {
	case HERE:
		return f->handler(vp, cmd, arg);
	case ALL:
		return vcpu_all(vp, cmd, arg);
	case ACTIVE:
		return vcpu_inner(vp, vp->active_vtl, cmd, arg);
	default:
		return vcpu_vtl0(vp, cmd, arg);
	}
}

/* Commands that KVM_VTL_VCPU_IOCTL takes: state that a VTL has for itself. */
static const unsigned int state_cmds[] = {
	KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS,
	KVM_GET_SREGS2, KVM_SET_SREGS2, KVM_GET_MSRS, KVM_SET_MSRS,
	KVM_GET_FPU, KVM_SET_FPU, KVM_GET_XSAVE, KVM_GET_XSAVE2,
	KVM_SET_XSAVE, KVM_GET_XCRS, KVM_SET_XCRS, KVM_GET_DEBUGREGS,
	KVM_SET_DEBUGREGS, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
	KVM_GET_MP_STATE, KVM_SET_MP_STATE, KVM_GET_LAPIC, KVM_SET_LAPIC,
};

static bool is_state_cmd(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(state_cmds); i++)
		if (state_cmds[i] == cmd)
			return true;
	return false;
}

static const struct vcpu_forward *find_vcpu_cmd(unsigned int cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_table); i++)
		if (vcpu_table[i].cmd == cmd)
			return &vcpu_table[i];
	return NULL;
}

static int own_vcpu_ioctl(void *object, void *arg)
{
	const struct kvm_vtl_vcpu_ioctl *in = arg;
	struct vtl_vp *vp = object;
	long ret;

	if (!is_state_cmd(in->cmd))
		return -EOPNOTSUPP;
	if (in->vtl > vp->partition->max_vtl)
		return -ENOENT;
	if (!in->vtl)
		return vcpu_dispatch(vp, find_vcpu_cmd(in->cmd), in->cmd,
				     in->arg);
	/* The guest may be about to enable it from another VP. */
	if (!vtl_vp_has_vtl(vp, in->vtl))
		return -EBUSY;
	if (in->cmd == KVM_SET_MSRS)
		return set_msrs(vp, in->vtl, in->arg);
	ret = vcpu_view(vp, in->vtl, in->cmd, in->arg);
	if (!ret && (in->cmd == KVM_SET_SREGS || in->cmd == KVM_SET_SREGS2)) {
		vp->vtl[in->vtl].no_context = false;
		vp->vtl[in->vtl].mode.waits = false;
	}
	return ret;
}

static const struct vtl_own_ioctl vcpu_own[] = {
	{ KVM_VTL_GET_VP,
	  offsetofend(struct kvm_vtl_vp, pending_event), own_get_vp },
	{ KVM_VTL_SET_VP,
	  offsetofend(struct kvm_vtl_vp, pending_event), own_set_vp },
	{ KVM_VTL_VCPU_IOCTL,
	  offsetofend(struct kvm_vtl_vcpu_ioctl, arg), own_vcpu_ioctl },
};

static long vcpu_locked(struct vtl_vp *vp, unsigned int cmd, unsigned long arg)
{
	const struct vcpu_forward *f;

	if (vtl_uapi_is_own(cmd))
		return vtl_uapi_call(vcpu_own, ARRAY_SIZE(vcpu_own), vp, cmd,
				     arg);
	f = find_vcpu_cmd(cmd);
	if (f)
		return vcpu_dispatch(vp, f, cmd, arg);
	trace_kvm_vtl_refused(vp->partition->id, cmd);
	return -EOPNOTSUPP;
}

/**
 * vtl_forward_vcpu - a command on a VP
 * @vp: the VP
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Context: ioctl; may sleep.
 * Return: as KVM; -EIO for a dead partition or another process; -EOPNOTSUPP for
 * a command that is not forwarded; -EINTR.
 */
long vtl_forward_vcpu(struct vtl_vp *vp, unsigned int cmd, unsigned long arg)
{
	long ret;

	ret = vtl_partition_check(vp->partition);
	if (ret)
		return ret;
	if (mutex_lock_killable(&vp->mutex))
		return -EINTR;
	ret = vcpu_locked(vp, cmd, arg);
	mutex_unlock(&vp->mutex);
	return ret;
}
