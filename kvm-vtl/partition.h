/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - a partition: one KVM VM per VTL over the same guest memory
 */
#ifndef _KVM_VTL_PARTITION_H
#define _KVM_VTL_PARTITION_H

#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>

#include "common.h"
#include "protect.h"

struct vtl_ports;
struct vtl_vp;
struct vtl_partition;

/**
 * struct vtl_offer - what the partitions of an open /dev/kvm-vtl may enable
 * @max_vtl: highest VTL; 0: the file is /dev/kvm
 * @exact: the VMM asked for @features: all of them, or no VM
 * @features: mask of optional KVM_VTL_FEATURE_*
 */
struct vtl_offer {
	u8 max_vtl;
	bool exact;
	u64 features;
};

/**
 * struct vtl_vm - the KVM VM of one VTL
 * @node: entry of the registry; RCU, written under registry_lock
 * @kvm: KVM's object; immutable, referenced by @file
 * @file: KVM's file; immutable
 * @partition: owner; immutable
 * @vtl: level; immutable
 */
struct vtl_vm {
	struct hlist_node node;
	struct kvm *kvm;
	struct file *file;
	struct vtl_partition *partition;
	u8 vtl;
};

/**
 * struct vtl_partition - a VM as the guest sees it
 * @ref: the VM's and the VPs' open files
 * @rcu: delays the free until hooks that looked it up are done
 * @id: for traces; immutable
 * @mm: the address space that created it, as KVM demands; only compared
 * @max_vtl: highest VTL that may be enabled, at least 1; immutable
 * @features: mask of optional KVM_VTL_FEATURE_* that it offers; immutable
 * @vm: per VTL; entries 0 to @max_vtl are set
 * @lock: protects @config, @vps against creation, memory slots, protections
 * @run_on_lock: a VP asks another one for something; taken by trylock
 * @enabled_vtls: EnabledVtlSet; written under @lock, read without it: a VTL
 *	that a reader misses has no protections
 * @mbec_vtls: mask of the VTLs that have MBEC: enabled with it; written under
 *	@lock, read without it
 * @config: per VTL, HvRegisterVsmPartitionConfig
 * @protect: per VTL, what it allows the lower ones
 * @ports: per VTL, the ports that it intercepts; written under @lock, once
 * @vps: by KVM's vCPU id; published once, never replaced
 * @dead: why the partition died, NULL while it lives; written once
 */
struct vtl_partition {
	struct kref ref;
	struct rcu_head rcu;
	u64 id;
	struct mm_struct *mm;
	u8 max_vtl;
	u64 features;
	struct vtl_vm vm[VTL_LEVELS];
	struct mutex lock;	/* see above */
	struct mutex run_on_lock;	/* see above */
	u16 enabled_vtls;
	u16 mbec_vtls;
	u64 config[VTL_LEVELS];
	struct vtl_protect protect[VTL_LEVELS];
	struct vtl_ports *ports[VTL_LEVELS];
	struct vtl_vp *vps[VTL_MAX_VPS];
	const char *dead;
};

/* Walks the VMs of a partition from the lowest VTL up. */
#define vtl_for_each_vm(vm_, partition_)				\
	for ((vm_) = &(partition_)->vm[0];				\
	     (vm_) <= &(partition_)->vm[(partition_)->max_vtl]; (vm_)++)

/*
 * KVM VMs of partitions with VTLs.  Looked up by the ftrace callback for every
 * VM of the host, so keep it small and flat.
 */
#define VTL_REGISTRY_BITS	6
extern struct hlist_head vtl_registry[1 << VTL_REGISTRY_BITS];

static __always_inline struct hlist_head *vtl_registry_bucket(struct kvm *kvm)
{
	return &vtl_registry[hash_ptr(kvm, VTL_REGISTRY_BITS)];
}

/**
 * vtl_registry_find_rcu - look up a KVM VM
 * @kvm: VM
 *
 * Context: RCU read side or preemption disabled; also the ftrace callback.
 * Return: the partition's VM, or NULL when @kvm is foreign.
 */
static __always_inline struct vtl_vm *vtl_registry_find_rcu(struct kvm *kvm)
{
	struct vtl_vm *vm;

	hlist_for_each_entry_rcu_notrace(vm, vtl_registry_bucket(kvm), node)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

int vtl_partition_create_fd(struct file *kvm_file, unsigned long type,
			    const struct vtl_offer *offer);
void vtl_partition_get(struct vtl_partition *partition);
void vtl_partition_put(struct vtl_partition *partition);
void vtl_partition_kill(struct vtl_partition *partition, const char *why);
int vtl_partition_check(struct vtl_partition *partition);
struct file *vtl_inner_file(long fd);

/**
 * vtl_partition_vp - look up a VP
 * @partition: partition
 * @index: KVM's vCPU id
 *
 * Context: any in which @partition cannot go away.
 * Return: the VP, or NULL.
 */
static inline struct vtl_vp *vtl_partition_vp(struct vtl_partition *partition,
					      u32 index)
{
	if (index >= VTL_MAX_VPS)
		return NULL;
	/* Pairs with vtl_vp_create_fd(). */
	return smp_load_acquire(&partition->vps[index]);
}

/* May this VTL give rights to users that the kernel does not have? */
static inline bool vtl_partition_has_mbec(const struct vtl_partition *partition,
					  u8 vtl)
{
	return READ_ONCE(partition->mbec_vtls) & BIT(vtl);
}

static inline bool vtl_partition_has_vtl(const struct vtl_partition *partition,
					 u8 vtl)
{
	return READ_ONCE(partition->enabled_vtls) & BIT(vtl);
}

#endif /* _KVM_VTL_PARTITION_H */
