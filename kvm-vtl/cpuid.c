// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - CPUID of a partition with VTLs
 *
 * Hidden, in what the device reports and in what the VMM sets:
 *
 *   VMX, SVM and their leaves   Windows would start a hypervisor of its own
 *   KVM's paravirtual features  KVM writes guest pages on paths that cannot be
 *                               checked
 *   CET, AMX                    state that is shared in part, or not in the
 *                               exchanged FPU state
 *   performance counters        a thread's counters go on in every VTL that it
 *                               runs
 *   SGX, Hyper-V's debugger     more ways for KVM and the VMM to touch guest
 *                               pages, for nobody's good
 *   MSR_IMM                     an intercepted access to an MSR is told of by
 *                               its registers
 *
 * Added when the VMM offers what VSM needs (SynIC, hypercall and VP index
 * MSRs): AccessVsm, AccessVpRegisters, XMM input and output for hypercalls.
 */
#include <linux/kvm_host.h>
#include <asm/kvm_para.h>

#include "cpuid.h"
#include "hooks.h"
#include "tlfs.h"

#define HV_FEATURES_NEEDED \
	(HV_FEATURE_EAX_SYNIC | HV_FEATURE_EAX_HYPERCALL_MSRS | \
	 HV_FEATURE_EAX_VP_INDEX)

enum cpuid_reg { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

/**
 * struct hidden - bits that the guest must not see
 * @function: leaf
 * @index: subleaf
 * @reg: register
 * @bits: mask
 */
struct hidden {
	u32 function;
	u32 index;
	enum cpuid_reg reg;
	u32 bits;
};

static const struct hidden hidden[] = {
	{ 0x00000001, 0, REG_ECX, BIT(5) },		/* VMX */
	{ 0x00000001, 0, REG_ECX, BIT(15) },		/* PDCM */
	{ 0x80000001, 0, REG_ECX, BIT(2) },		/* SVM */
	{ 0x80000001, 0, REG_ECX, BIT(23) | BIT(24) | BIT(28) }, /* PMU */
	{ 0x80000022, 0, REG_EAX, ~0U },		/* PerfMonV2 */
	{ 0x80000022, 0, REG_EBX, ~0U },
	{ 0x0000000a, 0, REG_EAX, ~0U },		/* PMU */
	{ 0x0000000a, 0, REG_EBX, ~0U },
	{ 0x0000000a, 0, REG_ECX, ~0U },
	{ 0x0000000a, 0, REG_EDX, ~0U },
	{ 0x8000000a, 0, REG_EAX, ~0U },		/* SVM features */
	{ 0x8000000a, 0, REG_EBX, ~0U },
	{ 0x8000000a, 0, REG_EDX, ~0U },
	{ 0x4000000a, 0, REG_EAX, ~0U },		/* nested Hyper-V */
	{ 0x4000000a, 0, REG_EBX, ~0U },
	{ 0x40000082, 0, REG_EAX, BIT(1) },		/* synthetic debugger */
	{ 0x00000007, 0, REG_EBX, BIT(2) },		/* SGX */
	{ 0x00000007, 0, REG_ECX, BIT(30) },		/* SGX_LC */
	{ 0x00000007, 0, REG_ECX, BIT(7) },		/* CET_SS */
	{ 0x00000007, 0, REG_EDX, BIT(20) },		/* CET_IBT */
	{ 0x00000007, 0, REG_EDX, BIT(22) | BIT(24) | BIT(25) }, /* AMX */
	{ 0x00000007, 1, REG_EAX, BIT(21) },		/* AMX_FP16 */
	{ 0x00000007, 1, REG_ECX, BIT(5) },		/* MSR_IMM */
	{ 0x00000007, 1, REG_EDX, BIT(8) },		/* AMX_COMPLEX */
	{ 0x0000000d, 0, REG_EAX, BIT(17) | BIT(18) },	/* XTILE state */
	{ 0x0000000d, 1, REG_EAX, BIT(4) },		/* XFD */
	{ 0x0000000d, 1, REG_ECX, BIT(11) | BIT(12) },	/* CET state */
};

static u32 *entry_reg(struct kvm_cpuid_entry2 *e, enum cpuid_reg reg)
{
	u32 *const regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

/* KVM finds an entry without the flag under every index. */
static bool matches(const struct hidden *h, const struct kvm_cpuid_entry2 *e)
{
	return h->function == e->function &&
	       (h->index == e->index ||
		!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX));
}

static void hide_bits(struct kvm_cpuid_entry2 *e)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		if (matches(&hidden[i], e))
			*entry_reg(e, hidden[i].reg) &= ~hidden[i].bits;
}

static bool is_kvm_signature(const struct kvm_cpuid_entry2 *e)
{
	u32 sig[3] = { e->ebx, e->ecx, e->edx };

	return (e->function & 0xffff00ff) == 0x40000000 &&
	       !memcmp(sig, KVM_SIGNATURE, 12);
}

static void hide_kvm_leaf(struct kvm_cpuid_entry2 *entries, int nent, u32 leaf)
{
	int i;

	for (i = 0; i < nent; i++)
		if (entries[i].function == leaf) {
			entries[i].eax = 0;
			entries[i].edx = 0;
		}
}

static void hide_kvm_features(struct kvm_cpuid_entry2 *entries, int nent)
{
	int i;

	for (i = 0; i < nent; i++)
		if (is_kvm_signature(&entries[i]))
			hide_kvm_leaf(entries, nent, entries[i].function + 1);
}

/**
 * vtl_cpuid_filter - hide what a partition with VTLs must not have
 * @entries: CPUID table
 * @nent: number of entries
 */
void vtl_cpuid_filter(struct kvm_cpuid_entry2 *entries, int nent)
{
	int i;

	for (i = 0; i < nent; i++)
		hide_bits(&entries[i]);
	hide_kvm_features(entries, nent);
}

static void offer_vsm(struct kvm_cpuid_entry2 *entries, int nent)
{
	int i;

	for (i = 0; i < nent; i++) {
		struct kvm_cpuid_entry2 *e = &entries[i];

		if (e->function != HYPERV_CPUID_FEATURES ||
		    (e->eax & HV_FEATURES_NEEDED) != HV_FEATURES_NEEDED)
			continue;
		e->ebx |= HV_FEATURE_EBX_ACCESS_VSM |
			  HV_FEATURE_EBX_ACCESS_VP_REGS |
			  HV_FEATURE_EBX_START_VP;
		e->edx |= HV_FEATURE_EDX_XMM_INPUT |
			  HV_FEATURE_EDX_XMM_OUTPUT | HV_FEATURE_EDX_PAT;
	}
}

int vtl_hook_kvm_set_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *e2,
			   int nent)
{
	vtl_cpuid_filter(e2, nent);
	offer_vsm(e2, nent);
	return VTL_PASS(vtl_orig_kvm_set_cpuid(vcpu, e2, nent));
}
