// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts by hypercall into a VTL that is named: AssertVirtualInterrupt,
 * cluster IPIs.
 */
#include "vtl_test.h"

AREA(interrupt)

#define VECTOR			0x51
#define TYPE_FIXED		0
#define TYPE_NMI		4
#define LEVEL_TRIGGERED		BIT(32)
#define LOGICAL			BIT(33)

static void apic_on(void)
{
	apic_write(APIC_SVR, 0x1ff);
}

static u32 count_in(u32 vp, u32 vtl, u32 vector)
{
	return READ_ONCE(guest_area(vp, vtl)->cpu.count[vector]);
}

/* --- AssertVirtualInterrupt ---------------------------------------------- */

struct assert_interrupt {
	u64 partition;
	u64 control;
	u64 destination;
	u32 vector;
	u8 vtl;
	u8 reserved[3];
};

static struct assert_interrupt input;

static void fixed(u64 destination)
{
	input = (struct assert_interrupt) {
		.partition = HV_PARTITION_SELF, .destination = destination,
		.vector = VECTOR,
	};
}

static u64 assert_here(u64 a, u64 b)
{
	struct assert_interrupt *in = (void *)this_area()->in;

	*in = input;
	return hv_call_mem(HV_ASSERT_INTERRUPT, in, NULL);
}

static u64 assert_in_vtl1(void)
{
	return vtl1_exec(assert_here, 0, 0);
}

GUEST_TEST(interrupt, assert_fixed)
{
	vsm_init();
	apic_on();
	fixed(0);
	GUEST_EQ(HV_SUCCESS, assert_in_vtl1());
	/* It waits for RFLAGS.IF of VTL0. */
	GUEST_EQ(0, count_in(0, 0, VECTOR));
	irq_window();
	GUEST_EQ(1, count_in(0, 0, VECTOR));
	GUEST_EQ(0, count_in(0, 1, VECTOR));
}

static u64 assert_by_xmm(u64 a, u64 b)
{
	return hv_call_xmm(HV_ASSERT_INTERRUPT, &input, 4);
}

GUEST_TEST(interrupt, assert_fast)
{
	vsm_init();
	apic_on();
	fixed(0);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(assert_by_xmm, 0, 0));
	irq_window();
	GUEST_EQ(1, count_in(0, 0, VECTOR));
}

GUEST_TEST(interrupt, assert_logical)
{
	vsm_init();
	apic_on();
	apic_write(APIC_DFR, ~0U);
	apic_write(APIC_LDR, 4U << 24);
	fixed(4);
	input.control = LOGICAL;
	GUEST_EQ(HV_SUCCESS, assert_in_vtl1());
	irq_window();
	GUEST_EQ(1, count_in(0, 0, VECTOR));
	/* to nobody */
	fixed(8);
	input.control = LOGICAL;
	GUEST_EQ(HV_SUCCESS, assert_in_vtl1());
	irq_window();
	GUEST_EQ(1, count_in(0, 0, VECTOR));
}

static u32 nmis;

static void on_nmi(struct guest_cpu *cpu, struct guest_regs *regs)
{
	nmis++;
}

/* An NMI does not wait for RFLAGS.IF; its vector is not looked at. */
GUEST_TEST(interrupt, assert_nmi)
{
	vsm_init();
	/* KVM gives nothing to an APIC that software has disabled. */
	apic_on();
	guest_on(NMI_VECTOR, on_nmi);
	fixed(0);
	input.control = TYPE_NMI;
	input.vector = 0;
	GUEST_EQ(HV_SUCCESS, assert_in_vtl1());
	GUEST_EQ(1, READ_ONCE(nmis));
	GUEST_EQ(0, count_in(0, 1, NMI_VECTOR));
}

static bool other_is_ready;

static void other_vp(void)
{
	if (this_cpu()->vp) {
		hv_init();
		apic_on();
		WRITE_ONCE(other_is_ready, true);
		irq_wait();
		GUEST_EQ(1, count_in(1, 0, VECTOR));
		return;
	}
	vsm_init();
	fixed(1);
	GUEST_WAIT(READ_ONCE(other_is_ready));
	GUEST_EQ(HV_SUCCESS, assert_in_vtl1());
	GUEST_WAIT(count_in(1, 0, VECTOR));
	GUEST_EQ(1, count_in(1, 0, VECTOR));
	GUEST_EQ(0, count_in(0, 0, VECTOR));
}

TEST_F(interrupt, assert_other_vp)
{
	struct vm *vm = VTL_VM(.entry = other_vp, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

GUEST_TEST(interrupt, assert_denied)
{
	vsm_init();
	apic_on();
	fixed(0);
	/* VTL0 has none below it, */
	GUEST_EQ(HV_ACCESS_DENIED, assert_here(0, 0));
	input.vtl = 1;
	GUEST_EQ(HV_ACCESS_DENIED, assert_here(0, 0));
	/* VTL1 does not interrupt itself this way. */
	GUEST_EQ(HV_ACCESS_DENIED, assert_in_vtl1());
	input.vtl = 2;
	GUEST_EQ(HV_ACCESS_DENIED, assert_in_vtl1());
	irq_window();
	GUEST_EQ(0, count_in(0, 0, VECTOR));
	GUEST_EQ(0, count_in(0, 1, VECTOR));
}

GUEST_TEST(interrupt, assert_bad_input)
{
	static const u64 control[] = {
		1, 2, 3, 5, 6, 7, 8, 9, 10, 0xffffffff, LEVEL_TRIGGERED,
		LEVEL_TRIGGERED | TYPE_NMI, BIT(34), BIT(63),
	};
	static const u32 vector[] = { 0, 15, 256, 0x80000051 };
	u32 i;

	vsm_init();
	apic_on();
	fixed(0);
	input.partition = 3;
	GUEST_EQ(HV_INVALID_PARTITION_ID, assert_in_vtl1());
	for (i = 0; i < ARRAY_LEN(control); i++) {
		fixed(0);
		input.control = control[i];
		GUEST_EQ(HV_INVALID_PARAMETER, assert_in_vtl1());
	}
	for (i = 0; i < ARRAY_LEN(vector); i++) {
		fixed(0);
		input.vector = vector[i];
		GUEST_EQ(HV_INVALID_PARAMETER, assert_in_vtl1());
	}
	fixed(BIT(32));
	GUEST_EQ(HV_INVALID_PARAMETER, assert_in_vtl1());
	for (i = 0; i < 3; i++) {
		fixed(0);
		input.reserved[i] = 1;
		GUEST_EQ(HV_INVALID_PARAMETER, assert_in_vtl1());
	}
	irq_window();
	GUEST_EQ(0, count_in(0, 0, VECTOR));
}

/* --- cluster IPIs -------------------------------------------------------- */

#define SET_SPARSE		0
#define SET_ALL			1

static u64 ipi_input[6], ipi_control;

static u64 ipi(u64 a, u64 b)
{
	u64 *in = (u64 *)this_area()->in;

	memcpy(in, ipi_input, sizeof(ipi_input));
	if (ipi_control & HV_FAST)
		return hv_call_xmm(ipi_control, in, 6);
	return hv_call_mem(ipi_control, in, NULL);
}

static void simple_ipi(u64 vector, u64 input_vtl, u64 vps)
{
	memset(ipi_input, 0, sizeof(ipi_input));
	ipi_control = HV_SEND_IPI;
	ipi_input[0] = vector | input_vtl << 32;
	ipi_input[1] = vps;
}

static void extended_ipi(u64 input_vtl, u64 format, u64 valid, u64 bank)
{
	memset(ipi_input, 0, sizeof(ipi_input));
	ipi_control = HV_SEND_IPI_EX |
		      HV_VARHEAD(__builtin_popcountll(valid));
	ipi_input[0] = VECTOR | input_vtl << 32;
	ipi_input[1] = format;
	ipi_input[2] = valid;
	ipi_input[3] = bank;
}

/* VTL1 sends; n is how often VTL0 has got it then. */
static void expect_ipi(u64 status, u32 n)
{
	GUEST_EQ(status, vtl1_exec(ipi, 0, 0));
	irq_window();
	GUEST_EQ(n, count_in(0, 0, VECTOR));
}

GUEST_TEST(interrupt, ipi_to_vtl0)
{
	vsm_init();
	apic_on();
	simple_ipi(VECTOR, HV_INPUT_VTL(0), 1);
	expect_ipi(HV_SUCCESS, 1);
	ipi_control |= HV_FAST;
	expect_ipi(HV_SUCCESS, 2);
	/* To VPs that are not there */
	simple_ipi(VECTOR, HV_INPUT_VTL(0), ~1ULL);
	expect_ipi(HV_SUCCESS, 2);
	GUEST_EQ(0, count_in(0, 1, VECTOR));
}

/* The VTL may also be named when it is the caller's own. */
GUEST_TEST(interrupt, ipi_to_own_vtl)
{
	vsm_init();
	apic_on();
	simple_ipi(VECTOR, HV_INPUT_VTL(0), 1);
	ipi_control |= HV_FAST;
	GUEST_EQ(HV_SUCCESS, ipi(0, 0));
	irq_window();
	GUEST_EQ(1, count_in(0, 0, VECTOR));
	simple_ipi(VECTOR, HV_INPUT_VTL(1), 1);
	expect_ipi(HV_SUCCESS, 1);
	GUEST_EQ(1, count_in(0, 1, VECTOR));
}

GUEST_TEST(interrupt, extended_ipi_to_vtl0)
{
	vsm_init();
	apic_on();
	extended_ipi(HV_INPUT_VTL(0), SET_SPARSE, 1, 1);
	expect_ipi(HV_SUCCESS, 1);
	ipi_control |= HV_FAST;
	expect_ipi(HV_SUCCESS, 2);
	extended_ipi(HV_INPUT_VTL(0), SET_ALL, 0, 0);
	expect_ipi(HV_SUCCESS, 3);
	/* Only bank 1, then banks 0 and 70: the word for bank 0 is first. */
	extended_ipi(HV_INPUT_VTL(0), SET_SPARSE, 2, 1);
	expect_ipi(HV_SUCCESS, 3);
	extended_ipi(HV_INPUT_VTL(0), SET_SPARSE, 1 | BIT(63), 1);
	expect_ipi(HV_SUCCESS, 4);
	extended_ipi(HV_INPUT_VTL(0), SET_SPARSE, 0, 0);
	expect_ipi(HV_SUCCESS, 4);
}

GUEST_TEST(interrupt, ipi_bad_input)
{
	vsm_init();
	apic_on();
	simple_ipi(15, HV_INPUT_VTL(0), 1);
	expect_ipi(HV_INVALID_INPUT, 0);
	simple_ipi(256, HV_INPUT_VTL(0), 1);
	expect_ipi(HV_INVALID_INPUT, 0);
	simple_ipi(VECTOR, 0x20, 1);
	expect_ipi(HV_INVALID_PARAMETER, 0);
	simple_ipi(VECTOR, HV_INPUT_VTL(2), 1);
	expect_ipi(HV_ACCESS_DENIED, 0);
	/* The header says one word, the mask two. */
	extended_ipi(HV_INPUT_VTL(0), SET_SPARSE, 1, 1);
	ipi_input[2] = 3;
	expect_ipi(HV_INVALID_INPUT, 0);
	simple_ipi(VECTOR, HV_INPUT_VTL(1), 1);
	GUEST_EQ(HV_ACCESS_DENIED, ipi(0, 0));
	GUEST_EQ(0, count_in(0, 1, VECTOR));
}

/* VP 1 is in VTL1 when VTL0 of it is interrupted: it waits until the return. */
static u32 in_vtl1, sent;

static u64 stay_in_vtl1(u64 a, u64 b)
{
	WRITE_ONCE(in_vtl1, 1);
	GUEST_WAIT(READ_ONCE(sent));
	GUEST_EQ(0, count_in(1, 0, VECTOR));
	return 0;
}

static u64 enable_vp1(u64 a, u64 b)
{
	return vsm_enable_vp(1);
}

static void two_vps(void)
{
	if (this_cpu()->vp) {
		hv_init();
		apic_on();
		GUEST_WAIT(READ_ONCE(sent) == 2);
		WRITE_ONCE(sent, 0);
		vtl_call();
		irq_enable();
		vtl1_exec(stay_in_vtl1, 0, 0);
		GUEST_WAIT(count_in(1, 0, VECTOR));
		return;
	}
	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	WRITE_ONCE(sent, 2);
	GUEST_WAIT(READ_ONCE(in_vtl1));
	/* From VTL0, too, which does not reach VTL1. */
	simple_ipi(VECTOR, HV_INPUT_VTL(0), 2);
	GUEST_EQ(HV_SUCCESS, ipi(0, 0));
	WRITE_ONCE(sent, 1);
	GUEST_WAIT(count_in(1, 0, VECTOR));
	GUEST_EQ(0, count_in(1, 1, VECTOR));
}

TEST_F(interrupt, ipi_waits_for_vtl0)
{
	struct vm *vm = VTL_VM(.entry = two_vps, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* Where the VMM enforces CPUID, what it does not recommend is refused. */
static void enforced_guest(void)
{
	vsm_init();
	apic_on();
	simple_ipi(VECTOR, HV_INPUT_VTL(0), 1);
	expect_ipi(HV_ACCESS_DENIED, 0);
	extended_ipi(HV_INPUT_VTL(0), SET_ALL, 0, 0);
	expect_ipi(HV_ACCESS_DENIED, 0);
	GUEST_SYNC(1);
	simple_ipi(VECTOR, HV_INPUT_VTL(0), 1);
	expect_ipi(HV_SUCCESS, 1);
	extended_ipi(HV_INPUT_VTL(0), SET_ALL, 0, 0);
	expect_ipi(HV_SUCCESS, 2);
}

static int recommend_nothing(struct vm *vm)
{
	struct kvm_cpuid2 *c = vm->cpuid;
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 0x40000004)
			c->entries[i].eax = 0;
	return ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, c);
}

TEST_F(interrupt, ipi_not_recommended)
{
	struct vm *vm = VTL_VM(.entry = enforced_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_HYPERV_ENFORCE_CPUID, .args = { 1 },
	};

	ASSERT_EQ(0, recommend_nothing(vm));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	cap.args[0] = 0;
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
