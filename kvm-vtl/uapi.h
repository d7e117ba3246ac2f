/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - how the module's own ioctls take their structs
 */
#ifndef _KVM_VTL_UAPI_H
#define _KVM_VTL_UAPI_H

#include <linux/kvm_vtl.h>
#include <linux/types.h>

/* No struct of the ABI is larger. */
#define VTL_UAPI_MAX	256

/**
 * struct vtl_own_ioctl - a command of the module
 * @cmd: command; its size field is that of the struct
 * @min_size: size of the first version of the struct
 * @handler: does it, with the file's object and the struct in kernel memory,
 *	which begins with size and flags; flags are zero
 */
struct vtl_own_ioctl {
	unsigned int cmd;
	unsigned int min_size;
	int (*handler)(void *object, void *arg);
};

bool vtl_uapi_is_own(unsigned int cmd);
long vtl_uapi_call(const struct vtl_own_ioctl *table, unsigned int nr,
		   void *object, unsigned int cmd, unsigned long arg);

#endif /* _KVM_VTL_UAPI_H */
