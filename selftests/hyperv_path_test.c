// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM touches guest memory for Hyper-V's interfaces: hypercall parameters, and
 * the pages that VTL0 places by MSR.  None of it may reach what VTL1 closed.
 */
#include "vtl_test.h"

#define SECRET		0x5ec7e75ec7e75ec7ULL

static u8 victim[PAGE_SIZE] __page;
static u8 open_page[PAGE_SIZE] __page;

static void fill(void)
{
	u64 *p = (u64 *)victim;
	u32 i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		p[i] = SECRET;
}

/* As VTL1 sees it */
static u64 victim_is_intact(u64 a, u64 b)
{
	u64 *p = (u64 *)victim;
	u32 i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		if (p[i] != SECRET)
			return false;
	return true;
}

static u64 checksum(u64 a, u64 b)
{
	u64 *p = (u64 *)victim, sum = 0;
	u32 i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		sum = (sum << 7 | sum >> 57) ^ p[i];
	return sum;
}

/* --- pages placed by MSR ------------------------------------------------- */

FIXTURE(hyperv_path) { };
FIXTURE_SETUP(hyperv_path) { }
FIXTURE_TEARDOWN(hyperv_path) { }

FIXTURE_VARIANT(hyperv_path)
{
	u32 msr;
	u32 rights;
};

#define PLACE(name, _msr)						\
FIXTURE_VARIANT_ADD(hyperv_path, name##_no_access)			\
{									\
	.msr = HV_MSR_##_msr, .rights = HV_NONE,			\
};									\
FIXTURE_VARIANT_ADD(hyperv_path, name##_read_only)			\
{									\
	.msr = HV_MSR_##_msr, .rights = HV_RX,				\
}

PLACE(hypercall_page, HYPERCALL);
PLACE(assist_page, VP_ASSIST_PAGE);
PLACE(simp, SIMP);
PLACE(siefp, SIEFP);
PLACE(reference_tsc, REFERENCE_TSC);

static u32 msr, rights;

/* Placing it over a closed page is refused; the MSR keeps its value. */
static void place_guest(void)
{
	u64 before, value = (uintptr_t)victim | HV_MSR_ENABLE;

	fill();
	vsm_init();
	wrmsr(HV_MSR_SCONTROL, HV_MSR_ENABLE);
	vtl1_close(victim, 1, rights);
	before = rdmsr(msr);
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(msr, value));
	GUEST_EQ(before, rdmsr(msr));
	GUEST_ASSERT(vtl1_exec(victim_is_intact, 0, 0));
	/* An open page will do, and the same page once it is open. */
	GUEST_NO_TRAP(probe_wrmsr(msr, (uintptr_t)open_page | 1));
	vtl1_close(victim, 1, HV_RWX);
	GUEST_NO_TRAP(probe_wrmsr(msr, value));
	GUEST_EQ(value, rdmsr(msr));
}

TEST_F(hyperv_path, placed_on_closed)
{
	struct vm *vm;

	msr = variant->msr;
	rights = variant->rights;
	vm = VTL_VM(.entry = place_guest);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/*
 * Placed first, closed then: what KVM would write into it later must not
 * arrive.  VTL1 may also be told that such a page cannot be closed.
 */
static void close_guest(void)
{
	u64 result, sum;

	vsm_init();
	wrmsr(HV_MSR_SCONTROL, HV_MSR_ENABLE);
	apic_write(APIC_SVR, 0x1ff);
	wrmsr(msr, (uintptr_t)victim | HV_MSR_ENABLE);
	result = vtl1_protect(victim, 1, rights);
	if (HV_STATUS(result) == HV_OPERATION_DENIED)
		return;
	GUEST_EQ(HV_REPS(1), result);
	sum = vtl1_exec(checksum, 0, 0);
	GUEST_SYNC(1);		/* the host sets clocks, and so on */

	/* A message for VTL0, from its timer */
	if (msr != HV_MSR_SIMP)
		wrmsr(HV_MSR_SIMP, (uintptr_t)open_page | HV_MSR_ENABLE);
	wrmsr(HV_MSR_SINT0, 0x40);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_SINT(0) |
	      HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + 1000);
	result = rdmsr(HV_MSR_TIME_REF_COUNT) + 20000;
	while (rdmsr(HV_MSR_TIME_REF_COUNT) < result)
		irq_window();
	/* EOI assist */
	apic_write(APIC_ICR, 0x40000 | 0x44);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x44]);
	/* Rewriting the MSRs as they are */
	wrmsr(HV_MSR_GUEST_OS_ID, HV_TEST_OS_ID + 1);
	probe_wrmsr(msr, rdmsr(msr));
	GUEST_EQ(sum, vtl1_exec(checksum, 0, 0));
}

static void set_clock(struct vm *vm)
{
	struct kvm_clock_data clock = { };

	ioctl(vm->fd, KVM_GET_CLOCK, &clock);
	clock.flags = 0;
	clock.clock += 1000000000;
	ioctl(vm->fd, KVM_SET_CLOCK, &clock);
}

TEST_F(hyperv_path, closed_when_placed)
{
	enum ucall_cmd cmd;
	struct vm *vm;

	msr = variant->msr;
	rights = variant->rights;
	vm = VTL_VM(.entry = close_guest);
	cmd = vcpu_run(&vm->vcpu[0]);
	if (cmd != UCALL_DONE) {
		ASSERT_EQ(UCALL_SYNC, cmd) {
			TH_LOG("%s", vm->vcpu[0].error);
		}
		set_clock(vm);
		EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	}
	vm_destroy(vm);
}

/* --- hypercall parameters ------------------------------------------------ */

AREA(hypercall_path)

/* An intercept (which VTL1 denies with #GP) or a status, but no success */
static void refused(struct hv_io *io)
{
	if (io->trap.vector == NO_TRAP)
		GUEST_NE(HV_SUCCESS, HV_STATUS(io->rax));
	else
		GUEST_EQ(GP_VECTOR, io->trap.vector);
}

static void call(u64 control, const void *in, void *out, struct hv_io *io)
{
	*io = (struct hv_io) {
		.rcx = control, .rdx = (uintptr_t)in, .r8 = (uintptr_t)out,
		.use_xmm = 1,
	};
	hv_insn(io, hv_direct());
}

static void get_header(void *p, u32 name)
{
	struct hv_vp_registers *in = p;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->name[0] = name;
}

/* The list of a register call would tell what the page holds. */
GUEST_TEST(hypercall_path, input_closed)
{
	struct hv_io io;

	vsm_init();
	get_header(victim, HV_REG_VSM_VP_STATUS);
	vtl1_close(victim, 1, HV_NONE);
	memset(open_page, 0x55, PAGE_SIZE);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), victim, open_page, &io);
	refused(&io);
	GUEST_EQ(0x5555555555555555, *(u64 *)open_page);
	vtl1_close(victim, 1, HV_R);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), victim, open_page, &io);
	GUEST_EQ(HV_REPS(1), io.rax);
	GUEST_EQ(0x30000, *(u64 *)open_page);
}

static void output_closed(u32 mask)
{
	struct hv_io io;

	fill();
	vsm_init();
	vtl1_close(victim, 1, mask);
	get_header(open_page, HV_REG_VSM_VP_STATUS);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), open_page, victim, &io);
	refused(&io);
	GUEST_ASSERT(vtl1_exec(victim_is_intact, 0, 0));
	vtl1_close(victim, 1, HV_RW);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), open_page, victim, &io);
	GUEST_EQ(HV_REPS(1), io.rax);
	GUEST_EQ(0x30000, *(u64 *)victim);
}

GUEST_TEST(hypercall_path, output_read_only) { output_closed(HV_R); }
GUEST_TEST(hypercall_path, output_no_access) { output_closed(HV_NONE); }

/* VTL1 is told about it as about any other access. */
static void told(struct hv_io *io, u32 access)
{
	GUEST_TRAP(GP_VECTOR, io->trap);
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(access, vtl1_intercept(&vtl1[0])->access);
	GUEST_EQ((uintptr_t)victim, vtl1_intercept(&vtl1[0])->gpa & ~0xfffULL);
}

GUEST_TEST(hypercall_path, input_intercept)
{
	struct hv_io io;

	vsm_init();
	get_header(victim, HV_REG_VSM_VP_STATUS);
	vtl1_close(victim, 1, HV_NONE);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), victim, open_page, &io);
	told(&io, HV_ACCESS_READ);
}

GUEST_TEST(hypercall_path, output_intercept)
{
	struct hv_io io;

	vsm_init();
	get_header(open_page, HV_REG_VSM_VP_STATUS);
	vtl1_close(victim, 1, HV_R);
	call(HV_GET_VP_REGISTERS | HV_REPS(1), open_page, victim, &io);
	told(&io, HV_ACCESS_WRITE);
}

/* Calls that KVM itself implements: cluster IPI, flush of a list */
GUEST_TEST(hypercall_path, ipi_input_closed)
{
	u64 *in = (u64 *)victim;
	struct hv_io io;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	in[0] = 0x42;
	in[1] = 1;
	call(0x0b, victim, NULL, &io);
	GUEST_EQ(HV_SUCCESS, io.rax);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
	vtl1_close(victim, 1, HV_NONE);
	call(0x0b, victim, NULL, &io);
	refused(&io);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
}

GUEST_TEST(hypercall_path, extended_ipi_input_closed)
{
	u64 *in = (u64 *)victim;
	struct hv_io io;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	in[0] = 0x42;
	in[1] = 0;
	in[2] = 1;
	in[3] = 1;
	call(0x15 | HV_VARHEAD(1), victim, NULL, &io);
	GUEST_EQ(HV_SUCCESS, io.rax);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
	vtl1_close(victim, 1, HV_NONE);
	call(0x15 | HV_VARHEAD(1), victim, NULL, &io);
	refused(&io);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
}

GUEST_TEST(hypercall_path, flush_input_closed)
{
	u64 *in = (u64 *)victim;
	struct hv_io io;

	vsm_init();
	in[0] = 0;
	in[1] = 3;
	in[2] = 1;
	call(0x02, victim, NULL, &io);
	GUEST_EQ(HV_SUCCESS, io.rax);
	vtl1_close(victim, 1, HV_NONE);
	call(0x02, victim, NULL, &io);
	refused(&io);
}

/* Exits to the VMM, which would read the page: never with a closed one. */
static bool saw_hypercall;

static int watch_hypercalls(struct vcpu *vcpu)
{
	if (vcpu->run->exit_reason == KVM_EXIT_HYPERV &&
	    vcpu->run->hyperv.type == KVM_EXIT_HYPERV_HCALL)
		saw_hypercall = true;
	return -1;
}

static void post_guest(void)
{
	struct hv_io io;

	vsm_init();
	fill();
	vtl1_close(victim, 1, HV_NONE);
	call(HV_POST_MESSAGE, victim, NULL, &io);
	refused(&io);
}

TEST_F(hypercall_path, post_message_closed)
{
	struct vm *vm = VTL_VM(.entry = post_guest);

	saw_hypercall = false;
	vm->vcpu[0].on_exit = watch_hypercalls;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	EXPECT_FALSE(saw_hypercall);
	vm_destroy(vm);
}

/* The message begins on an open page: the VMM would read on behind it. */
static u8 two_pages[2][PAGE_SIZE] __page;

static void post_across_guest(void)
{
	struct hv_io io;

	vsm_init();
	vtl1_close(two_pages[1], 1, HV_NONE);
	call(HV_POST_MESSAGE, two_pages[1] - 8, NULL, &io);
	refused(&io);
	call(HV_POST_MESSAGE, two_pages[1] - 248, NULL, &io);
	refused(&io);
}

TEST_F(hypercall_path, post_message_across)
{
	struct vm *vm = VTL_VM(.entry = post_across_guest);

	saw_hypercall = false;
	vm->vcpu[0].on_exit = watch_hypercalls;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	EXPECT_FALSE(saw_hypercall);
	vm_destroy(vm);
}

/* With nothing closed the VMM gets it. */
static void post_open_guest(void)
{
	struct hv_io io;

	vsm_init();
	call(HV_POST_MESSAGE, two_pages[0], NULL, &io);
}

TEST_F(hypercall_path, post_message_open)
{
	struct vm *vm = VTL_VM(.entry = post_open_guest);

	saw_hypercall = false;
	vm->vcpu[0].on_exit = watch_hypercalls;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	EXPECT_TRUE(saw_hypercall);
	vm_destroy(vm);
}

/* --- KVM's own paravirtual interfaces are hidden ------------------------- */

static const u32 kvm_msrs[] = {
	0x11, 0x12,				/* old wall and system clock */
	0x4b564d00, 0x4b564d01,			/* the same, new */
	0x4b564d02, 0x4b564d06, 0x4b564d07,	/* async page faults */
	0x4b564d03,				/* steal time */
	0x4b564d04,				/* EOI */
};

static void kvm_msrs_guest(void)
{
	u32 i;

	fill();
	vsm_init();
	vtl1_close(victim, 1, HV_R);
	for (i = 0; i < ARRAY_LEN(kvm_msrs); i++) {
		GUEST_TRAP(GP_VECTOR, probe_wrmsr(kvm_msrs[i],
						  (uintptr_t)victim | 1));
		GUEST_SYNC(i);
	}
	GUEST_ASSERT(vtl1_exec(victim_is_intact, 0, 0));
}

TEST_F(hypercall_path, kvm_msrs)
{
	struct vm *vm = VTL_VM(.entry = kvm_msrs_guest);
	u32 i;

	for (i = 0; i < ARRAY_LEN(kvm_msrs); i++) {
		EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	}
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
