// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - a partition: one KVM VM per VTL over the same guest memory
 *
 * Teardown, when the last file of VM and VPs is closed:
 *
 *   1. mark KVM's VMs dead and make every vCPU leave: the VMM may hold leaked
 *      descriptors of them, which must neither run without hooks nor find a
 *      completion callback of this module;
 *   2. leave the registry: hooks take the VMs for foreign ones;
 *   3. wait for RCU: no hook uses the partition any more;
 *   4. give the hooks back; the last partition removes them, while the files
 *      still pin KVM;
 *   5. close KVM's vCPU and VM files; KVM frees its objects when the VMM's
 *      mappings and other descriptors are gone, too;
 *   6. free the memory.
 */
#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kvm_vtl.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "forward.h"
#include "hooks.h"
#include "kvm_glue.h"
#include "partition.h"
#include "port.h"
#include "trace.h"
#include "vp.h"

struct hlist_head vtl_registry[1 << VTL_REGISTRY_BITS];
static DEFINE_SPINLOCK(registry_lock);

static atomic64_t next_id = ATOMIC64_INIT(0);

/* One VM cannot belong to two partitions, nor twice to one. */
static int register_vms(struct vtl_partition *partition)
{
	struct vtl_vm *vm;
	int ret = 0;

	spin_lock(&registry_lock);
	vtl_for_each_vm(vm, partition) {
		if (vtl_registry_find_rcu(vm->kvm)) {
			ret = -EBUSY;
			break;
		}
		hlist_add_head_rcu(&vm->node, vtl_registry_bucket(vm->kvm));
	}
	spin_unlock(&registry_lock);
	return ret;
}

static void unregister_vms(struct vtl_partition *partition)
{
	struct vtl_vm *vm;

	spin_lock(&registry_lock);
	vtl_for_each_vm(vm, partition)
		if (!hlist_unhashed(&vm->node))
			hlist_del_init_rcu(&vm->node);
	spin_unlock(&registry_lock);
	synchronize_rcu();
}

/**
 * vtl_inner_file - take over a descriptor that KVM installed
 * @fd: descriptor, or the error that KVM returned
 *
 * Between KVM's install and this, another thread of the VMM may have put a
 * file of its own at the number: the caller verifies what it got.
 *
 * Context: ioctl.
 * Return: the file, referenced, or an ERR_PTR.
 */
struct file *vtl_inner_file(long fd)
{
	struct file *file;

	if (fd < 0)
		return ERR_PTR(fd);
	file = fget(fd);
	close_fd(fd);
	return file ?: ERR_PTR(-EBADF);
}

/**
 * vtl_partition_kill - a guarantee cannot be kept: end the partition
 * @partition: partition
 * @why: the reason, a string constant
 *
 * Context: any in which KVM may be asked to stop all vCPUs.
 */
void vtl_partition_kill(struct vtl_partition *partition, const char *why)
{
	struct vtl_vm *vm;

	if (cmpxchg(&partition->dead, NULL, why))
		return;
	pr_err("partition %llu is dead: %s\n", partition->id, why);
	trace_kvm_vtl_partition_dead(partition->id, why);
	vtl_for_each_vm(vm, partition)
		vtl_kvm_mark_dead(vm->kvm);
}

/**
 * vtl_partition_check - may the current process use the partition?
 * @partition: partition
 *
 * Return: 0, or -EIO when it is dead or belongs to another address space.
 */
int vtl_partition_check(struct vtl_partition *partition)
{
	if (partition->mm != current->mm || READ_ONCE(partition->dead))
		return -EIO;
	return 0;
}

/**
 * vtl_partition_get - take a reference
 * @partition: partition
 */
void vtl_partition_get(struct vtl_partition *partition)
{
	kref_get(&partition->ref);
}

static void stop_vms(struct vtl_partition *partition)
{
	struct kvm_vcpu *vcpu;
	struct vtl_vm *vm;
	unsigned long i;

	vtl_for_each_vm(vm, partition)
		vtl_kvm_mark_dead(vm->kvm);
	/* Also those that the VMM made with a leaked descriptor of the VM. */
	vtl_for_each_vm(vm, partition)
		kvm_for_each_vcpu(i, vcpu, vm->kvm)
			vtl_vcpu_stop(vcpu);
}

static void close_files(struct vtl_partition *partition)
{
	unsigned int i;
	u8 vtl;

	for (i = 0; i < VTL_MAX_VPS; i++)
		vtl_vp_destroy(partition->vps[i]);
	for (vtl = 0; vtl < VTL_LEVELS; vtl++) {
		if (partition->vm[vtl].file)
			fput(partition->vm[vtl].file);
		vtl_protect_destroy(&partition->protect[vtl]);
	}
}

static void destroy(struct kref *ref)
{
	struct vtl_partition *partition =
		container_of(ref, struct vtl_partition, ref);

	trace_kvm_vtl_partition_destroy(partition->id);
	stop_vms(partition);
	unregister_vms(partition);
	vtl_hooks_put();
	close_files(partition);
	vtl_port_destroy(partition);
	mutex_destroy(&partition->run_on_lock);
	mutex_destroy(&partition->lock);
	kfree(partition);
}

/**
 * vtl_partition_put - drop a reference; the last one destroys the partition
 * @partition: partition
 *
 * Context: may sleep.
 */
void vtl_partition_put(struct vtl_partition *partition)
{
	kref_put(&partition->ref, destroy);
}

static int vm_release(struct inode *inode, struct file *file)
{
	vtl_partition_put(file->private_data);
	return 0;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vtl_forward_vm(file->private_data, cmd, arg);
}

static const struct file_operations vm_fops = {
	.owner		= THIS_MODULE,
	.release	= vm_release,
	.unlocked_ioctl	= vm_ioctl,
	.llseek		= noop_llseek,
};

static int adopt_vm(struct vtl_partition *partition, u8 vtl, struct file *file)
{
	struct vtl_vm *vm = &partition->vm[vtl];

	if (IS_ERR(file))
		return PTR_ERR(file);
	vm->file = file;
	if (!vtl_kvm_file_is_kvm(file))
		return -EBADF;
	vm->kvm = file->private_data;
	vm->partition = partition;
	vm->vtl = vtl;
	if (vm->kvm->mm != current->mm || vm->kvm->created_vcpus)
		return -EBADF;
	vtl_kvm_disable_pmu(vm->kvm);
	return 0;
}

/*
 * All descriptors exist before the first is closed: KVM names its debugfs
 * folders after their numbers.
 */
static int create_vms(struct vtl_partition *partition, struct file *kvm_file,
		      unsigned long type)
{
	long fds[VTL_LEVELS];
	int ret = 0, err;
	u8 vtl;

	for (vtl = 0; vtl <= partition->max_vtl; vtl++)
		fds[vtl] = kvm_file->f_op->unlocked_ioctl(kvm_file,
							  KVM_CREATE_VM, type);
	for (vtl = 0; vtl <= partition->max_vtl; vtl++) {
		err = adopt_vm(partition, vtl, vtl_inner_file(fds[vtl]));
		ret = ret ?: err;
	}
	return ret;
}

/*
 * Posted interrupts reach a vCPU that is not loaded without telling anyone,
 * so the APIC is emulated.  KVM never takes this reason back.
 */
static void inhibit_apicv(struct vtl_partition *partition)
{
	struct vtl_vm *vm;

	const enum kvm_apicv_inhibit why = APICV_INHIBIT_REASON_DISABLED;

	vtl_for_each_vm(vm, partition)
		vtl_kvm_kvm_set_or_clear_apicv_inhibit(vm->kvm, why, true);
}

/* KVM may be told not to use what the CPU has: kvm_intel.mbec, kvm_amd.gmet. */
static int choose_features(struct vtl_partition *partition,
			   const struct vtl_offer *offer)
{
	partition->features = offer->features;
	if (vtl_compat_uses_mbec())
		return 0;
	partition->features &= ~KVM_VTL_FEATURE_MBEC;
	return offer->exact && offer->features != partition->features ?
	       -EOPNOTSUPP : 0;
}

static struct vtl_partition *create(struct file *kvm_file, unsigned long type,
				    const struct vtl_offer *offer)
{
	struct vtl_partition *partition;
	int ret;
	u8 vtl;

	partition = kzalloc(sizeof(*partition), GFP_KERNEL_ACCOUNT);
	if (!partition)
		return ERR_PTR(-ENOMEM);
	kref_init(&partition->ref);
	mutex_init(&partition->lock);
	mutex_init(&partition->run_on_lock);
	partition->id = atomic64_inc_return(&next_id);
	partition->mm = current->mm;
	partition->max_vtl = offer->max_vtl;
	partition->enabled_vtls = BIT(0);
	for (vtl = 0; vtl < VTL_LEVELS; vtl++)
		vtl_protect_init(&partition->protect[vtl]);

	ret = vtl_hooks_get();
	if (ret)
		goto err_free;
	ret = choose_features(partition, offer);
	if (ret)
		goto err_close;
	ret = create_vms(partition, kvm_file, type);
	if (ret)
		goto err_close;
	inhibit_apicv(partition);
	ret = register_vms(partition);
	if (ret)
		goto err_unregister;
	trace_kvm_vtl_partition_create(partition->id, offer->max_vtl);
	return partition;

err_unregister:
	unregister_vms(partition);
err_close:
	vtl_hooks_put();
	close_files(partition);
err_free:
	mutex_destroy(&partition->run_on_lock);
	mutex_destroy(&partition->lock);
	kfree(partition);
	return ERR_PTR(ret);
}

/**
 * vtl_partition_create_fd - the VMM's KVM_CREATE_VM, with VTLs offered
 * @kvm_file: open file of /dev/kvm
 * @type: KVM's VM type; only 0
 * @offer: what it may enable, VTL1 at least
 *
 * Context: ioctl; may sleep.
 * Return: a file descriptor; -EOPNOTSUPP for another type; -ENOENT or -EBUSY
 * when KVM cannot be hooked (the log says why); an error of KVM.
 */
int vtl_partition_create_fd(struct file *kvm_file, unsigned long type,
			    const struct vtl_offer *offer)
{
	struct vtl_partition *partition;
	int fd;

	if (type)
		return -EOPNOTSUPP;
	partition = create(kvm_file, type, offer);
	if (IS_ERR(partition))
		return PTR_ERR(partition);
	fd = anon_inode_getfd("kvm-vtl-vm", &vm_fops, partition,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vtl_partition_put(partition);
	return fd;
}
