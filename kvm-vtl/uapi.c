// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - how the module's own ioctls take their structs
 *
 * The only place that copies structs of the ABI from and to user space, each
 * once.  Commands are matched by number alone: the struct may grow.
 */
#include <linux/build_bug.h>
#include <linux/kvm_vtl.h>
#include <linux/uaccess.h>

#include "uapi.h"

/**
 * vtl_uapi_is_own - is a command one of this module, not of KVM?
 * @cmd: ioctl number
 *
 * Return: true for a command of this module.
 */
bool vtl_uapi_is_own(unsigned int cmd)
{
	return _IOC_TYPE(cmd) == KVM_VTL_IOC_TYPE;
}

/* The sum of the members: a hole would leak kernel memory or break the ABI. */
static void __maybe_unused build_check_abi(void)
{
	BUILD_BUG_ON(sizeof(struct kvm_vtl_info) != 4 * 4 + 2 * 8 + 2 * 4);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_config) != 4 * 4 + 8);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_partition) !=
		     4 * 4 + 8 * KVM_VTL_NR_VTLS + 2 * 4 + 8);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_range) != 2 * 8 + 2 * 4);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_protections) !=
		     4 * 4 + 2 * 8 + 2 * 4 + 8);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_ports) != 4 * 4 + 2 * 8);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_vp) !=
		     4 * 4 + 7 * 8 * KVM_VTL_NR_VTLS + 4 * 4);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_vcpu_ioctl) != 4 * 4 + 8);
	BUILD_BUG_ON(sizeof(struct kvm_vtl_info) > VTL_UAPI_MAX ||
		     sizeof(struct kvm_vtl_partition) > VTL_UAPI_MAX ||
		     sizeof(struct kvm_vtl_protections) > VTL_UAPI_MAX ||
		     sizeof(struct kvm_vtl_vp) > VTL_UAPI_MAX);
}

static const struct vtl_own_ioctl *find(const struct vtl_own_ioctl *table,
					unsigned int nr, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (_IOC_NR(table[i].cmd) == _IOC_NR(cmd) &&
		    _IOC_DIR(table[i].cmd) == _IOC_DIR(cmd))
			return &table[i];
	return NULL;
}

/**
 * vtl_uapi_call - run a command of the module
 * @table: the commands of the file
 * @nr: number of commands
 * @object: the file's object
 * @cmd: ioctl number
 * @arg: user pointer
 *
 * Context: ioctl; may sleep.
 * Return: what the handler returns; the errors of <linux/kvm_vtl.h> in their
 * order.
 */
long vtl_uapi_call(const struct vtl_own_ioctl *table, unsigned int nr,
		   void *object, unsigned int cmd, unsigned long arg)
{
	const struct vtl_own_ioctl *own = find(table, nr, cmd);
	u64 buf[VTL_UAPI_MAX / sizeof(u64)] = {};
	void __user *user = (void __user *)arg;
	u32 *header = (u32 *)buf;
	u32 size, known;
	int ret;

	if (!own)
		return -ENOTTY;
	known = _IOC_SIZE(own->cmd);
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < own->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(buf, known, user, size);
	if (ret)
		return ret;
	/* User space may have changed it since it was looked at. */
	header[0] = size;
	if (header[1])
		return -EINVAL;

	ret = own->handler(object, buf);
	/* Also after an error: how far it came. */
	if ((_IOC_DIR(own->cmd) & _IOC_READ) &&
	    copy_to_user(user, buf, min(size, known)))
		return ret ?: -EFAULT;
	return ret;
}
