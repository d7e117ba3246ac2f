// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - Hyper-V-style Virtual Secure Mode for stock KVM
 */
#include <linux/module.h>

#include "dev.h"
#include "hooks.h"
#include "vendor.h"

static int __init kvm_vtl_init(void)
{
	int ret;

	if (!vtl_vendor()) {
		pr_err("this CPU has neither VMX nor SVM\n");
		return -EOPNOTSUPP;
	}
	ret = vtl_dev_init();
	if (ret)
		return ret;
	pr_info("loaded, VTLs 0 to %d\n", VTL_MAX);
	return 0;
}
module_init(kvm_vtl_init);

static void __exit kvm_vtl_exit(void)
{
	vtl_dev_exit();
	vtl_hooks_exit();
	pr_info("unloaded\n");
}
module_exit(kvm_vtl_exit);

MODULE_AUTHOR("The kvm-vtl developers");
MODULE_DESCRIPTION("Hyper-V-style Virtual Secure Mode for stock KVM");
MODULE_VERSION("0.1");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: kvm");
