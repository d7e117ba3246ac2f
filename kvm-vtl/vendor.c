// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - which CPU vendor's half is in use
 */
#include <linux/cpufeature.h>

#include "vendor.h"

/**
 * vtl_vendor - the vendor of this host
 *
 * Context: any.
 * Return: the ops, or NULL when the CPU has neither VMX nor SVM.
 */
const struct vtl_vendor_ops *vtl_vendor(void)
{
	if (boot_cpu_has(X86_FEATURE_VMX))
		return &vtl_vmx_ops;
	if (boot_cpu_has(X86_FEATURE_SVM))
		return &vtl_svm_ops;
	return NULL;
}
