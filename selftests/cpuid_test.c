// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest finds in CPUID: the offer of VSM, and nothing that would keep
 * it from taking it.
 */
#include "vtl_test.h"

AREA(cpuid)

static u32 eax, ebx, ecx, edx;

static void get(u32 leaf, u32 index)
{
	cpuid(leaf, index, &eax, &ebx, &ecx, &edx);
}

GUEST_TEST(cpuid, hypervisor)
{
	get(1, 0);
	GUEST_ASSERT(ecx & BIT(31));
	get(0x40000000, 0);
	GUEST_LE(0x40000005, eax);
	get(0x40000001, 0);
	GUEST_EQ(0x31237648, eax);		/* "Hv#1" */
}

GUEST_TEST(cpuid, offers_vsm)
{
	get(HV_CPUID_FEATURES, 0);
	/* SynIC, APIC MSRs, hypercall MSRs, VP index */
	GUEST_EQ(0x74, eax & 0x74);
	GUEST_ASSERT(ebx & HV_EBX_ACCESS_VSM);
	GUEST_ASSERT(ebx & HV_EBX_ACCESS_VP_REGISTERS);
	GUEST_ASSERT(ebx & HV_EBX_START_VP);
	GUEST_ASSERT(edx & HV_EDX_XMM_INPUT);
	GUEST_ASSERT(edx & HV_EDX_XMM_OUTPUT);
	GUEST_ASSERT(edx & HV_EDX_PAT_REGISTER);
	/* No flush of other VTLs, no TranslateGvaFlags */
	GUEST_EQ(0, edx & (BIT(28) | BIT(30)));
	/* No root partition, no CPU management, no isolation */
	GUEST_EQ(0, ebx & (BIT(0) | BIT(12) | BIT(22)));
}

GUEST_TEST(cpuid, hides_nesting)
{
	get(1, 0);
	GUEST_EQ(0, ecx & BIT(5));
	get(0x80000001, 0);
	GUEST_EQ(0, ecx & BIT(2));
	get(0x80000000, 0);
	if (eax >= 0x8000000a) {
		get(0x8000000a, 0);
		GUEST_EQ(0, eax);
		GUEST_EQ(0, edx);
	}
	get(0x40000000, 0);
	if (eax >= 0x4000000a) {
		get(0x4000000a, 0);
		GUEST_EQ(0, eax);
	}
}

GUEST_TEST(cpuid, hides_what_is_not_shared)
{
	get(7, 0);
	GUEST_EQ(0, ebx & BIT(2));		/* SGX */
	GUEST_EQ(0, ecx & (BIT(7) | BIT(30)));	/* CET_SS, SGX_LC */
	GUEST_EQ(0, edx & BIT(20));		/* CET_IBT */
	GUEST_EQ(0, edx & (BIT(22) | BIT(24) | BIT(25)));	/* AMX */
	get(7, 1);
	GUEST_EQ(0, ecx & BIT(5));		/* MSR_IMM */
}

static u64 leaf_in_vtl1(u64 leaf, u64 reg)
{
	u32 regs[4];

	cpuid(leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3]);
	return regs[reg];
}

/* Both VTLs see the same. */
GUEST_TEST(cpuid, same_in_vtl1)
{
	static const u32 leaves[] = {
		0, 1, 7, 0x40000000, 0x40000001, 0x40000003, 0x40000004,
		0x80000001, 0x80000008,
	};
	u32 i, reg;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(leaves); i++)
		for (reg = 0; reg < 4; reg++)
			GUEST_EQ(leaf_in_vtl1(leaves[i], reg),
				 vtl1_exec(leaf_in_vtl1, leaves[i], reg));
}

/* A VMM that insists on VMX and SVM does not get them through. */
static void insisted_guest(void)
{
	get(1, 0);
	GUEST_EQ(0, ecx & BIT(5));
	get(0x80000001, 0);
	GUEST_EQ(0, ecx & BIT(2));
	get(7, 0);
	GUEST_EQ(0, ecx & BIT(7));
	get(HV_CPUID_FEATURES, 0);
	GUEST_ASSERT(ebx & HV_EBX_ACCESS_VSM);
}

TEST_F(cpuid, set_cpuid_is_filtered)
{
	struct vm *vm = VTL_VM(.entry = insisted_guest);
	struct kvm_cpuid2 *c = vm->cpuid;
	u32 i;

	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1)
			e->ecx |= BIT(5);
		if (e->function == 0x80000001)
			e->ecx |= BIT(2);
	}
	ASSERT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	/* The same again after it ran, as VMMs do */
	EXPECT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
	vm_destroy(vm);
}

/* KVM's own paravirtual features, wherever the VMM puts their leaves */
#define KVM_LEAF	0x40000100

static void kvm_leaf_guest(void)
{
	get(KVM_LEAF, 0);
	GUEST_EQ(0x4b4d564b, ebx);		/* "KVMK" */
	get(KVM_LEAF + 1, 0);
	GUEST_EQ(0, eax);
	GUEST_EQ(0, edx);
}

TEST_F(cpuid, hides_kvm_features)
{
	struct vm *vm = VTL_VM(.entry = kvm_leaf_guest);
	struct kvm_cpuid2 *c = vm->cpuid;

	/* The library has room for 128. */
	ASSERT_GE(120, c->nent);
	c->entries[c->nent++] = (struct kvm_cpuid_entry2) {
		.function = KVM_LEAF, .eax = KVM_LEAF + 1, .ebx = 0x4b4d564b,
		.ecx = 0x564b4d56, .edx = 0x4d,
	};
	c->entries[c->nent++] = (struct kvm_cpuid_entry2) {
		.function = KVM_LEAF + 1, .eax = ~0U, .edx = ~0U,
	};
	ASSERT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* They are not reported as supported, either. */
TEST_F(cpuid, no_kvm_features_supported)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} c = { .head.nent = 128 };
	struct vm *vm = VTL_VM();
	u32 i, found = 0;

	ASSERT_EQ(0, ioctl(vm->dev, KVM_GET_SUPPORTED_CPUID, &c));
	for (i = 0; i < c.head.nent; i++) {
		if (c.entries[i].function != 0x40000001)
			continue;
		found++;
		EXPECT_EQ(0, c.entries[i].eax);
		EXPECT_EQ(0, c.entries[i].edx);
	}
	EXPECT_EQ(1, found);
	vm_destroy(vm);
}

static void set_without_synic(struct vm *vm, struct __test_metadata *_metadata)
{
	struct kvm_cpuid2 *c = vm->cpuid;
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == HV_CPUID_FEATURES)
			c->entries[i].eax &= ~BIT(2);
	ASSERT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
}

/* Without SynIC in the VMM's table there is no offer, */
static void no_offer_guest(void)
{
	get(HV_CPUID_FEATURES, 0);
	GUEST_EQ(0, ebx & HV_EBX_ACCESS_VSM);
}

TEST_F(cpuid, no_synic_no_offer)
{
	struct vm *vm = VTL_VM(.entry = no_offer_guest);

	set_without_synic(vm, _metadata);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* nor on a device that was not configured. */
TEST_F(cpuid, not_configured_no_offer)
{
	struct vm *vm = VM_CREATE(.entry = no_offer_guest);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* What is offered works, what is not does not: the calls ask the same bit. */
static void no_calls_guest(void)
{
	hv_init();
	GUEST_NE(HV_SUCCESS, HV_STATUS(vsm_enable_partition()));
	GUEST_EQ(HV_ACCESS_DENIED, hv_call(HV_START_VP | HV_FAST, 0, 0));
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_call(HV_VP_INDEX_FROM_APIC_ID | HV_FAST, 0, 0));
}

TEST_F(cpuid, no_offer_no_calls)
{
	struct vm *vm = VTL_VM(.entry = no_calls_guest);

	set_without_synic(vm, _metadata);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/*
 * Performance counters would count in all VTLs.  Whatever the VMM says about
 * them, the guest sees none.
 */
static void no_pmu_guest(void)
{
	get(1, 0);
	GUEST_EQ(0, ecx & BIT(15));
	get(0xa, 0);
	GUEST_EQ(0, eax | ebx | ecx | edx);
	get(0x80000001, 0);
	GUEST_EQ(0, ecx & (BIT(23) | BIT(24) | BIT(28)));
}

TEST_F(cpuid, hides_pmu)
{
	struct vm *vm = VTL_VM(.entry = no_pmu_guest);
	struct kvm_cpuid2 *c = vm->cpuid;
	struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; i < c->nent; i++) {
		e = &c->entries[i];
		if (e->function == 1)
			e->ecx |= BIT(15);
		if (e->function == 0x80000001)
			e->ecx |= BIT(23) | BIT(24) | BIT(28);
		/* Counters even where the host has none */
		if (e->function == 2)
			*e = (struct kvm_cpuid_entry2) {
				.function = 0xa, .eax = 0x07300402,
				.ebx = 1, .edx = 0x603,
			};
	}
	ASSERT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	EXPECT_EQ(0, ioctl(vm->dev, KVM_CHECK_EXTENSION,
			   KVM_CAP_PMU_CAPABILITY));
	EXPECT_EQ(0, ioctl(vm->fd, KVM_CHECK_EXTENSION,
			   KVM_CAP_PMU_EVENT_FILTER));
	vm_destroy(vm);
}

/* KVM finds an entry without "index matters" under every index. */
TEST_F(cpuid, hides_under_any_index)
{
	struct vm *vm = VTL_VM(.entry = cpuid_hides_nesting_guest);
	struct kvm_cpuid2 *c = vm->cpuid;
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1) {
			c->entries[i].index = 5;
			c->entries[i].ecx |= BIT(5);
		}
	ASSERT_EQ(0, ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* XSAVE areas: leaf 0xD follows XCR0, in both VTLs. */
static u64 xsave_size(u64 a, u64 b)
{
	u32 regs[4];

	cpuid(0xd, 0, &regs[0], &regs[1], &regs[2], &regs[3]);
	return regs[1];
}

GUEST_TEST(cpuid, xsave_size_follows_xcr0)
{
	u64 with_sse, with_avx;

	guest_need_xcr0(7);
	vsm_init();
	GUEST_NO_TRAP(probe_xsetbv(0, 3));
	with_sse = xsave_size(0, 0);
	GUEST_EQ(with_sse, vtl1_exec(xsave_size, 0, 0));
	GUEST_NO_TRAP(probe_xsetbv(0, 7));
	with_avx = xsave_size(0, 0);
	GUEST_LT(with_sse, with_avx);
	GUEST_EQ(with_avx, vtl1_exec(xsave_size, 0, 0));
}

TEST_HARNESS_MAIN
