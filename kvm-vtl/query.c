// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - what KVM says it can, with VTLs offered
 *
 * VMMs believe the answers: what cannot be had beside VTLs must not be reported
 * on any of the ways.
 */
#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/msr-index.h>

#include "common.h"
#include "compat_kvm.h"
#include "cpuid.h"
#include "query.h"

/* Reported as absent while VTLs are offered. */
static const u32 hidden_caps[] = {
	KVM_CAP_ASYNC_PF,
	KVM_CAP_ASYNC_PF_INT,
	KVM_CAP_VAPIC,
	KVM_CAP_X86_SMM,
	KVM_CAP_SET_GUEST_DEBUG,
	KVM_CAP_SET_GUEST_DEBUG2,
	KVM_CAP_SYNC_REGS,
	KVM_CAP_STEAL_TIME,
	KVM_CAP_NESTED_STATE,
	KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
	KVM_CAP_HYPERV_DIRECT_TLBFLUSH,
	KVM_CAP_VM_DISABLE_NX_HUGE_PAGES,
	KVM_CAP_DIRTY_LOG_RING,
	KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
	KVM_CAP_XEN_HVM,
	KVM_CAP_SGX_ATTRIBUTE,
	KVM_CAP_VM_COPY_ENC_CONTEXT_FROM,
	KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM,
	KVM_CAP_USER_MEMORY2,
	KVM_CAP_MEMORY_FAULT_INFO,
	KVM_CAP_MEMORY_ATTRIBUTES,
	KVM_CAP_GUEST_MEMFD,
	KVM_CAP_GUEST_MEMFD_FLAGS,
	KVM_CAP_ONE_REG,
	KVM_CAP_PRE_FAULT_MEMORY,
	KVM_CAP_PMU_CAPABILITY,
	KVM_CAP_PMU_EVENT_FILTER,
	KVM_CAP_PMU_EVENT_MASKED_EVENTS,
};

/**
 * vtl_query_extension - KVM_CHECK_EXTENSION with VTLs offered
 * @file: KVM's device or VM
 * @cap: KVM_CAP_*
 *
 * Context: ioctl.
 * Return: as KVM; 0 for what does not go with VTLs.
 */
long vtl_query_extension(struct file *file, unsigned long cap)
{
	long ret;
	int i;

	for (i = 0; i < ARRAY_SIZE(hidden_caps); i++)
		if (hidden_caps[i] == cap)
			return 0;

	ret = file->f_op->unlocked_ioctl(file, KVM_CHECK_EXTENSION, cap);
	switch (cap) {
	case KVM_CAP_NR_VCPUS:
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return min_t(long, ret, VTL_MAX_VPS);
	case KVM_CAP_VM_TYPES:
		return BIT(KVM_X86_DEFAULT_VM);
	}
	return ret;
}

/* CPUID queries: KVM fills the VMM's table, then it is filtered there. */

#define CPUID_ENTRIES_MAX	256

static long filter_cpuid(struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 *entries __free(kvfree) = NULL;
	size_t size;
	u32 nent;

	if (get_user(nent, &user->nent))
		return -EFAULT;
	nent = min_t(u32, nent, CPUID_ENTRIES_MAX);
	size = nent * sizeof(*entries);
	entries = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	if (copy_from_user(entries, user->entries, size))
		return -EFAULT;
	vtl_cpuid_filter(entries, nent);
	if (copy_to_user(user->entries, entries, size))
		return -EFAULT;
	return 0;
}

/**
 * vtl_query_cpuid - KVM_GET_*_CPUID with VTLs offered
 * @file: KVM's device or vCPU
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Context: ioctl; may sleep.
 * Return: as KVM; -ENOMEM; -EFAULT.
 */
long vtl_query_cpuid(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret = file->f_op->unlocked_ioctl(file, cmd, arg);

	return ret ?: filter_cpuid((struct kvm_cpuid2 __user *)arg);
}

/* MSR lists: the same, for nested VMX and KVM's own MSRs. */

#define MSR_LIST_MAX	4096

static bool is_hidden_msr(u32 msr)
{
	switch (msr) {
	case MSR_IA32_VMX_BASIC ... MSR_IA32_VMX_VMFUNC:
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
	case 0x4b564d00 ... 0x4b564dff:
		return true;
	}
	return false;
}

static long filter_msr_list(struct kvm_msr_list __user *user)
{
	u32 *indices __free(kvfree) = NULL;
	u32 nmsrs, i, n = 0;

	if (get_user(nmsrs, &user->nmsrs))
		return -EFAULT;
	nmsrs = min_t(u32, nmsrs, MSR_LIST_MAX);
	indices = kvmalloc_array(nmsrs, sizeof(u32), GFP_KERNEL_ACCOUNT);
	if (!indices)
		return -ENOMEM;
	if (copy_from_user(indices, user->indices, nmsrs * sizeof(u32)))
		return -EFAULT;
	for (i = 0; i < nmsrs; i++)
		if (!is_hidden_msr(indices[i]))
			indices[n++] = indices[i];
	if (copy_to_user(user->indices, indices, n * sizeof(u32)) ||
	    put_user(n, &user->nmsrs))
		return -EFAULT;
	return 0;
}

/**
 * vtl_query_msr_list - KVM_GET_MSR_*INDEX_LIST with VTLs offered
 * @file: KVM's device
 * @cmd: ioctl number
 * @arg: its argument
 *
 * Context: ioctl; may sleep.
 * Return: as KVM; -ENOMEM; -EFAULT.
 */
long vtl_query_msr_list(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret = file->f_op->unlocked_ioctl(file, cmd, arg);

	return ret ?: filter_msr_list((struct kvm_msr_list __user *)arg);
}
