// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall interface: the page, the input value, where parameters come
 * from, what is refused before a call's own rules.
 */
#include "vtl_test.h"

AREA(hypercall)

/* --- the page ------------------------------------------------------------ */

static void check_page(const u8 *page, u64 offsets)
{
	static const u8 call[] = { 0x48, 0x89, 0xc8, 0xb9, 0x11, 0, 0, 0 };
	static const u8 ret[] = { 0x48, 0x89, 0xc8, 0xb9, 0x12, 0, 0, 0 };
	const u8 insn[] = { 0x0f, 0x01, hv_is_amd() ? 0xd9 : 0xc1, 0xc3 };
	u32 call_at = offsets & 0xfff, return_at = offsets >> 12 & 0xfff;

	GUEST_EQ(0, memcmp(page, insn, sizeof(insn)));
	GUEST_EQ(0, offsets >> 24);
	GUEST_EQ(0, memcmp(page + call_at, call, sizeof(call)));
	GUEST_EQ(0, memcmp(page + call_at + 8, insn, sizeof(insn)));
	GUEST_EQ(0, memcmp(page + return_at, ret, sizeof(ret)));
	GUEST_EQ(0, memcmp(page + return_at + 8, insn, sizeof(insn)));
}

static u64 page_of_vtl1(u64 a, u64 b)
{
	u64 msr = rdmsr(HV_MSR_HYPERCALL);

	GUEST_EQ((uintptr_t)this_area()->hypercall_page | 1, msr);
	check_page(this_area()->hypercall_page,
		   hv_reg(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS));
	return msr;
}

GUEST_TEST(hypercall, page)
{
	hv_init();
	check_page(this_area()->hypercall_page,
		   hv_reg(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS));
}

GUEST_TEST(hypercall, page_of_each_vtl)
{
	u64 mine;

	vsm_init();
	mine = rdmsr(HV_MSR_HYPERCALL);
	GUEST_NE(mine, vtl1_exec(page_of_vtl1, 0, 0));
	GUEST_EQ(mine, rdmsr(HV_MSR_HYPERCALL));
	check_page(this_area()->hypercall_page,
		   hv_reg(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS));
}

static u64 first_byte(u64 p, u64 b)
{
	return *(u8 *)p;
}

/* errata.rst, "Overlay pages": written where other VTLs see it, and it stays */
GUEST_TEST(hypercall, page_is_memory)
{
	u8 *page = this_area()->hypercall_page;

	page[PAGE_SIZE - 1] = 0x77;
	vsm_init();
	GUEST_EQ(0x0f, page[0]);
	GUEST_EQ(0x0f, vtl1_exec(first_byte, (uintptr_t)page, 0));
	GUEST_EQ(0x77, page[PAGE_SIZE - 1]);
	wrmsr(HV_MSR_HYPERCALL, 0);
	GUEST_EQ(0x0f, page[0]);
	page[0] = 0;
	GUEST_EQ(0, page[0]);
}

/* Bit 1 keeps nobody from moving the page. */
GUEST_TEST(hypercall, locked_bit)
{
	u64 gpa = (uintptr_t)this_area()->hypercall_page;

	hv_init();
	wrmsr(HV_MSR_HYPERCALL, gpa | 3);
	wrmsr(HV_MSR_HYPERCALL, 0);
	GUEST_EQ(0, rdmsr(HV_MSR_HYPERCALL));
}

GUEST_TEST(hypercall, page_is_callable)
{
	struct hv_io io = { .rcx = 0x7fff };

	hv_init();
	hv_insn(&io, this_area()->hypercall_page);
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_INVALID_CODE, io.rax);
}

/* Plain KVM writes the first bytes only; so does the unconfigured device. */
static void plain_page(void)
{
	u8 *page = this_area()->hypercall_page;
	u32 i;

	hv_init();
	GUEST_EQ(0x0f, page[0]);
	for (i = 16; i < PAGE_SIZE; i++)
		GUEST_EQ(0, page[i]);
}

TEST_F(hypercall, plain_page)
{
	struct vm *vm = PLAIN_VM(.entry = plain_page);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(hypercall, unconfigured_page)
{
	struct vm *vm = VM_CREATE(.entry = plain_page);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- who may call -------------------------------------------------------- */

/* Without an identity there are no hypercalls; what comes back is KVM's. */
GUEST_TEST(hypercall, without_os_id)
{
	hv_try(HV_ENABLE_PARTITION_VTL | HV_FAST, HV_PARTITION_SELF, 1);
	hv_init();
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
}

static void user_hypercall(void)
{
	if (hv_is_amd())
		asm volatile("vmmcall" : : "c" (HV_GET_VP_REGISTERS));
	else
		asm volatile("vmcall" : : "c" (HV_GET_VP_REGISTERS));
}

GUEST_TEST(hypercall, from_user_mode)
{
	hv_init();
	GUEST_TRAP(UD_VECTOR, run_user(user_hypercall));
}

/* --- the input value ----------------------------------------------------- */

static struct hv_enable_partition_vtl enable_1 = {
	.partition = HV_PARTITION_SELF, .vtl = 1,
};

#define ENABLE_RDX	HV_PARTITION_SELF
#define ENABLE_R8	1		/* vtl */

GUEST_TEST(hypercall, unknown_codes)
{
	static const u16 codes[] = {
		0x00, 0x19, 0x4b, 0x53, 0x54, 0x91,
		0xcc, 0xcd, 0x103, 0x112, 0x7fff, 0xc001,
		0xffff,
	};
	u32 i;

	hv_init();
	for (i = 0; i < ARRAY_LEN(codes); i++) {
		u64 result = hv_call(codes[i], 0, 0);

		if (result != HV_INVALID_CODE)
			GUEST_FAIL("code 0x%llx: 0x%llx", codes[i], result);
		result = hv_call(codes[i] | HV_FAST, 0, 0);
		if (result != HV_INVALID_CODE)
			GUEST_FAIL("code 0x%llx, fast: 0x%llx", codes[i],
				   result);
	}
}

GUEST_TEST(hypercall, reserved_bits)
{
	static const u64 bits[] = {
		BIT(27), BIT(28), BIT(29), BIT(30), HV_NESTED, BIT(44),
		BIT(45), BIT(46), BIT(47), BIT(60), BIT(61), BIT(62), BIT(63),
	};
	u32 i;

	hv_init();
	for (i = 0; i < ARRAY_LEN(bits); i++) {
		GUEST_EQ(HV_INVALID_INPUT,
			 hv_call(HV_ENABLE_PARTITION_VTL | HV_FAST | bits[i],
				 ENABLE_RDX, ENABLE_R8));
		GUEST_EQ(HV_INVALID_INPUT,
			 HV_STATUS(hv_call_mem(HV_GET_VP_REGISTERS |
					       HV_REPS(1) | bits[i],
					       this_area()->in,
					       this_area()->out)));
	}
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
}

/* Simple calls take neither reps nor a variable header. */
GUEST_TEST(hypercall, simple_calls)
{
	static const u64 bits[] = {
		HV_REPS(1), HV_REP_START(1), HV_REPS(2) | HV_REP_START(1),
		HV_VARHEAD(1),
	};
	u32 i;

	hv_init();
	for (i = 0; i < ARRAY_LEN(bits); i++) {
		GUEST_EQ(HV_INVALID_INPUT,
			 HV_STATUS(hv_call(HV_ENABLE_PARTITION_VTL | HV_FAST |
					   bits[i], ENABLE_RDX, ENABLE_R8)));
		GUEST_EQ(HV_INVALID_INPUT,
			 HV_STATUS(hv_call_mem(HV_ENABLE_VP_VTL | bits[i],
					       this_area()->in, NULL)));
	}
}

/* Rep calls need reps, and a start below their count. */
GUEST_TEST(hypercall, rep_calls)
{
	static const u64 codes[] = {
		HV_GET_VP_REGISTERS, HV_SET_VP_REGISTERS, HV_MODIFY_PROTECTION,
	};
	static const u64 bits[] = {
		0, HV_REP_START(1), HV_REPS(1) | HV_REP_START(1),
		HV_REPS(2) | HV_REP_START(3), HV_REPS(1) | HV_VARHEAD(1),
	};
	u32 i, n;

	hv_init();
	for (i = 0; i < ARRAY_LEN(codes); i++)
		for (n = 0; n < ARRAY_LEN(bits); n++)
			GUEST_EQ(HV_INVALID_INPUT,
				 HV_STATUS(hv_call_mem(codes[i] | bits[n],
						       this_area()->in,
						       this_area()->out)));
}

/* --- memory -------------------------------------------------------------- */

GUEST_TEST(hypercall, memory_form)
{
	struct hv_enable_partition_vtl *in = (void *)this_area()->in;

	hv_init();
	*in = enable_1;
	GUEST_EQ(HV_SUCCESS, hv_call_mem(HV_ENABLE_PARTITION_VTL, in, NULL));
	GUEST_EQ(HV_INVALID_VTL_STATE,
		 hv_call_mem(HV_ENABLE_PARTITION_VTL, in, NULL));
}

GUEST_TEST(hypercall, input_alignment)
{
	u8 *in = this_area()->in;
	u32 i;

	hv_init();
	for (i = 1; i < 8; i++) {
		memcpy(in + i, &enable_1, sizeof(enable_1));
		GUEST_EQ(HV_INVALID_ALIGNMENT,
			 hv_call_mem(HV_ENABLE_PARTITION_VTL, in + i, NULL));
	}
	memcpy(in + 8, &enable_1, sizeof(enable_1));
	GUEST_EQ(HV_SUCCESS,
		 hv_call_mem(HV_ENABLE_PARTITION_VTL, in + 8, NULL));
}

static void get_header(void *p, u32 name)
{
	struct hv_vp_registers *in = p;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->name[0] = name;
}

GUEST_TEST(hypercall, output_alignment)
{
	struct guest_area *area = this_area();
	u32 i;

	hv_init();
	get_header(area->in, HV_REG_VSM_VP_STATUS);
	for (i = 1; i < 8; i++)
		GUEST_EQ(HV_INVALID_ALIGNMENT,
			 HV_STATUS(hv_call_mem(HV_GET_VP_REGISTERS |
					       HV_REPS(1), area->in,
					       area->out + i)));
	GUEST_EQ(HV_REPS(1), hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1),
					 area->in, area->out + 8));
	GUEST_EQ(0x10000, *(u64 *)(area->out + 8));
}

/* Lists that cross a page: 3 or 4, the sources differ. */
static void crosses(u64 result)
{
	GUEST_ASSERT(HV_STATUS(result) == HV_INVALID_INPUT ||
		     HV_STATUS(result) == HV_INVALID_ALIGNMENT);
	GUEST_EQ(0, HV_REPS_DONE(result));
}

static u8 three_pages[3 * PAGE_SIZE] __page;

GUEST_TEST(hypercall, page_crossing)
{
	struct guest_area *area = this_area();
	u8 *edge = three_pages + PAGE_SIZE;

	hv_init();
	memcpy(edge - 8, &enable_1, sizeof(enable_1));
	crosses(hv_call_mem(HV_ENABLE_PARTITION_VTL, edge - 8, NULL));
	memcpy(edge - 16, &enable_1, sizeof(enable_1));
	GUEST_EQ(HV_SUCCESS,
		 hv_call_mem(HV_ENABLE_PARTITION_VTL, edge - 16, NULL));

	get_header(edge - 16, 0);
	crosses(hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1), edge - 16,
			    area->out));
	get_header(area->in, HV_REG_VSM_VP_STATUS);
	crosses(hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1), area->in,
			    edge - 8));
	GUEST_EQ(HV_REPS(1), hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1),
					 area->in, edge - 16));
	/* 511 pages do not fit behind a header of 16 bytes. */
	crosses(hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(511), area->in,
			    NULL));
}

/* No memory there: an error, nothing else happens. */
GUEST_TEST(hypercall, parameters_outside_memory)
{
	u64 result;

	hv_init();
	result = hv_call(HV_ENABLE_PARTITION_VTL, GUEST_MMIO, 0);
	GUEST_NE(HV_SUCCESS, HV_STATUS(result));
	get_header(this_area()->in, HV_REG_VSM_VP_STATUS);
	result = hv_call(HV_GET_VP_REGISTERS | HV_REPS(1),
			 (uintptr_t)this_area()->in, GUEST_MMIO);
	GUEST_NE(HV_SUCCESS, HV_STATUS(result));
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
}

/* --- registers ----------------------------------------------------------- */

GUEST_TEST(hypercall, fast_form)
{
	hv_init();
	GUEST_EQ(HV_SUCCESS, hv_call(HV_ENABLE_PARTITION_VTL | HV_FAST,
				     ENABLE_RDX, ENABLE_R8));
}

/* 240 bytes fit no register form. */
GUEST_TEST(hypercall, too_large_for_fast)
{
	hv_init();
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	GUEST_EQ(HV_INVALID_INPUT,
		 HV_STATUS(hv_call(HV_ENABLE_VP_VTL | HV_FAST,
				   HV_PARTITION_SELF, 0x1fffffffe)));
	GUEST_EQ(0x10000, hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS));
}

/* Input ends in XMM0 (with one or two names), output begins in XMM1. */
GUEST_TEST(hypercall, xmm_get)
{
	struct hv_io io = {
		.rcx = HV_GET_VP_REGISTERS | HV_FAST | HV_REPS(1),
		.rdx = HV_PARTITION_SELF, .r8 = HV_VP_SELF, .use_xmm = 1,
	};
	u32 i;

	hv_init();
	for (i = 0; i < 16; i++)
		io.xmm[i][1] = 0x1111111111111111ULL * i;
	io.xmm[0][0] = HV_REG_VSM_PARTITION_STATUS |
		       (u64)HV_REG_VSM_VP_STATUS << 32;
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_REPS(1), io.rax);
	GUEST_EQ(0x10001, io.xmm[1][0]);
	GUEST_EQ(0, io.xmm[1][1]);
	for (i = 2; i < 16; i++)
		GUEST_EQ(0x1111111111111111ULL * i, io.xmm[i][1]);

	io.rcx = HV_GET_VP_REGISTERS | HV_FAST | HV_REPS(2);
	io.rdx = HV_PARTITION_SELF;
	io.r8 = HV_VP_SELF;
	hv_insn(&io, hv_direct());
	GUEST_EQ(HV_REPS(2), io.rax);
	GUEST_EQ(0x10001, io.xmm[1][0]);
	GUEST_EQ(0x10000, io.xmm[2][0]);
}

/* 16 bytes of header and 4 a name: in 7 registers of 16 bytes, with output. */
GUEST_TEST(hypercall, xmm_too_much)
{
	struct hv_io io = {
		.rcx = HV_GET_VP_REGISTERS | HV_FAST | HV_REPS(25),
		.rdx = HV_PARTITION_SELF, .r8 = HV_VP_SELF, .use_xmm = 1,
	};

	hv_init();
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_INVALID_INPUT, HV_STATUS(io.rax));
	/* The input fits, the output does not. */
	io.rcx = HV_GET_VP_REGISTERS | HV_FAST | HV_REPS(6);
	io.rdx = HV_PARTITION_SELF;
	io.r8 = HV_VP_SELF;
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_INVALID_INPUT, HV_STATUS(io.rax));
	/* Set: 32 bytes an element, so three of them fit, four do not. */
	io.rcx = HV_SET_VP_REGISTERS | HV_FAST | HV_REPS(4);
	io.rdx = HV_PARTITION_SELF;
	io.r8 = HV_VP_SELF;
	hv_insn(&io, hv_direct());
	GUEST_EQ(HV_INVALID_INPUT, HV_STATUS(io.rax));
}

/* A hypercall changes RAX and nothing else. */
GUEST_TEST(hypercall, keeps_registers)
{
	struct hv_io io = {
		.rcx = HV_ENABLE_PARTITION_VTL | HV_FAST,
		.rdx = ENABLE_RDX, .r8 = ENABLE_R8, .rax = 77,
		.rbx = 3, .rbp = 4, .rsi = 5, .rdi = 6,
		.r9 = { 9, 10, 11, 12, 13, 14, 15 }, .use_xmm = 1,
	}, before;
	u32 i;

	hv_init();
	for (i = 0; i < 16; i++)
		io.xmm[i][0] = i;
	before = io;
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_SUCCESS, io.rax);
	io.rax = 77;
	GUEST_EQ(0, memcmp(&io, &before, offsetof(struct hv_io, use_xmm)));
}

/* --- rep calls ----------------------------------------------------------- */

/* Names from the start index on; what was done before is not touched. */
GUEST_TEST(hypercall, rep_start)
{
	struct guest_area *area = this_area();
	struct hv_vp_registers *in = (void *)area->in;
	union hv_value *out = (void *)area->out;

	hv_init();
	get_header(in, 0xdeadbeef);
	in->name[1] = HV_REG_VSM_PARTITION_STATUS;
	out[0].low = 77;
	GUEST_EQ(HV_REPS(2), hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(2) |
					 HV_REP_START(1), in, out));
	GUEST_EQ(77, out[0].low);
	GUEST_EQ(0x10001, out[1].low);
}

/* The failing element ends the call; those before it are done. */
GUEST_TEST(hypercall, rep_failure)
{
	struct guest_area *area = this_area();
	struct hv_vp_registers *in = (void *)area->in;
	union hv_value *out = (void *)area->out;

	hv_init();
	get_header(in, HV_REG_VSM_PARTITION_STATUS);
	in->name[1] = 0xdeadbeef;
	in->name[2] = HV_REG_VSM_PARTITION_STATUS;
	memset(out, 0x55, 48);
	GUEST_EQ(HV_REPS(1) | HV_INVALID_PARAMETER,
		 hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(3), in, out));
	GUEST_EQ(0x10001, out[0].low);
	GUEST_EQ(0x5555555555555555, out[2].low);
}

/* --- tracing and stock calls --------------------------------------------- */

static void two_hypercalls(void)
{
	hv_init();
	GUEST_SYNC(0);
	vsm_enable_partition();
	hv_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_STATUS);
}

TEST_F(hypercall, traced)
{
	struct vm *vm = VTL_VM(.entry = two_hypercalls);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, trace_start());
	EXPECT_UCALL(UCALL_DONE, vcpu);
	trace_stop();
	EXPECT_EQ(2, trace_count("kvm_vtl_hypercall", NULL)) {
		trace_dump();
	}
	vm_destroy(vm);
}

/* Cluster IPIs stay in their VTL (the target VTL is in bits 39:32). */
static u64 ipi_in_vtl1(u64 vtl, u64 b)
{
	u64 *in = (u64 *)this_area()->in;

	in[0] = 0x42 | vtl << 32;
	in[1] = 1;
	return hv_call_mem(0x0b, in, NULL);
}

GUEST_TEST(hypercall, ipi_stays_in_its_vtl)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, ipi_in_vtl1(0, 0));
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
	GUEST_EQ(HV_ACCESS_DENIED, ipi_in_vtl1(HV_INPUT_VTL(1), 0));
	GUEST_EQ(0, cpu1->count[0x42]);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(ipi_in_vtl1, 0, 0));
	GUEST_EQ(1, cpu1->count[0x42]);
	GUEST_EQ(1, this_cpu()->count[0x42]);
	GUEST_EQ(1, cpu1->count[0x42]);
}

/* What stock KVM answers stays as it is. */
static void stock_calls(void)
{
	u64 ipi[2] = { 0x42, 1 }, flush[3] = { 0, 3, 1 };

	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, hv_call(HV_NOTIFY_LONG_SPIN_WAIT | HV_FAST, 1, 0));
	GUEST_EQ(HV_SUCCESS, hv_call(0x0b | HV_FAST, ipi[0], ipi[1]));
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
	GUEST_EQ(HV_SUCCESS, hv_call_xmm(0x02, flush, 3));
}

TEST_F(hypercall, stock_calls)
{
	struct vm *vm = VTL_VM(.entry = stock_calls);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
	vm = PLAIN_VM(.entry = stock_calls);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
