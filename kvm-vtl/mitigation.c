// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - side channels between the VTLs of a VP
 *
 * For KVM a VTL switch is a change to another vCPU of another VM: it issues the
 * IBPB and asks for the L1D flush that the host's own mitigations have for
 * that.  A host that trusts its VMs may have none.  VTL1 does not trust VTL0.
 */
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "mitigation.h"

static const char * const policies[] = { "host", "always" };

static DEFINE_STATIC_KEY_FALSE(always);

static int set_policy(const char *val, const struct kernel_param *kp)
{
	int policy = sysfs_match_string(policies, val);

	if (policy < 0)
		return policy;
	if (policy)
		static_branch_enable(&always);
	else
		static_branch_disable(&always);
	if (policy && !boot_cpu_has(X86_FEATURE_IBPB))
		pr_warn("mitigations=always: this CPU has no IBPB\n");
	return 0;
}

static int get_policy(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n",
			  policies[static_key_enabled(&always)]);
}

static const struct kernel_param_ops policy_ops = {
	.set = set_policy,
	.get = get_policy,
};

module_param_cb(mitigations, &policy_ops, NULL, 0644);
MODULE_PARM_DESC(mitigations,
		 "on a VTL switch: host, as the host has for a change of vCPU (default); always an IBPB and an L1D flush, where the CPU has them");

/**
 * vtl_mitigate_switch - part two VTLs of a VP, whatever the host does
 *
 * For the CPU that the thread is on.
 *
 * Context: any; no vCPU loaded.
 */
void vtl_mitigate_switch(void)
{
	if (!static_branch_unlikely(&always))
		return;
	if (boot_cpu_has(X86_FEATURE_IBPB))
		wrmsr(MSR_IA32_PRED_CMD, PRED_CMD_IBPB, 0);
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsr(MSR_IA32_FLUSH_CMD, L1D_FLUSH, 0);
}
