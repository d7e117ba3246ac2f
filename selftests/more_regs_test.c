// SPDX-License-Identifier: GPL-2.0-only
/*
 * Get and SetVpRegisters: the registers beyond those that secure kernels of
 * today use, and calls that are long.
 */
#include "vtl_test.h"

AREA(more_regs)

#define OF_VTL0		HV_INPUT_VTL(0)

static union hv_value value_to_set;

static u64 set_in_vtl1(u64 name, u64 b)
{
	return hv_set_register(OF_VTL0, name, value_to_set.low,
			       value_to_set.high);
}

static u64 get_in_vtl1(u64 name, u64 b)
{
	return hv_reg(OF_VTL0, name);
}

static u64 vtl1_get(u32 name)
{
	return vtl1_exec(get_in_vtl1, name, 0);
}

static u64 vtl1_set(u32 name, u64 low)
{
	value_to_set.low = low;
	value_to_set.high = 0;
	return vtl1_exec(set_in_vtl1, name, 0);
}

/* --- x87 and SSE, which all VTLs share ----------------------------------- */

static u64 xmm[2] __aligned(16);

static u64 xmm_registers(u64 a, u64 b)
{
	union hv_value value;

	GUEST_EQ(HV_REPS(1), hv_set_register(OF_VTL0, HV_REG_XMM0 + 9,
					     0x1111222233334444, 0x55));
	asm volatile("movdqu %%xmm9, %0" : "=m" (xmm));
	GUEST_EQ(0x1111222233334444, xmm[0]);
	GUEST_EQ(0x55, xmm[1]);
	xmm[0] = 0x9999;
	asm volatile("movdqu %0, %%xmm15" : : "m" (xmm));
	GUEST_EQ(HV_REPS(1),
		 hv_get_register(OF_VTL0, HV_REG_XMM0 + 15, &value));
	GUEST_EQ(0x9999, value.low);
	GUEST_EQ(0x55, value.high);
	/* The neighbours are what they were. */
	GUEST_EQ(0x1111222233334444, hv_reg(OF_VTL0, HV_REG_XMM0 + 9));
	return 0;
}

GUEST_TEST(more_regs, xmm)
{
	vsm_init();
	vtl1_exec(xmm_registers, 0, 0);
	asm volatile("movdqu %%xmm9, %0" : "=m" (xmm));
	GUEST_EQ(0x1111222233334444, xmm[0]);
}

static u64 mmx_registers(u64 a, u64 b)
{
	u64 mm0 = 0;

	hv_set_reg(OF_VTL0, HV_REG_FP_MMX0, 0x123456789abcdef0);
	asm volatile("movq %%mm0, %0" : "=m" (mm0));
	GUEST_EQ(0x123456789abcdef0, mm0);
	mm0 = 0x4321;
	asm volatile("movq %0, %%mm7" : : "m" (mm0));
	GUEST_EQ(0x4321, hv_reg(OF_VTL0, HV_REG_FP_MMX0 + 7));
	asm volatile("emms");
	return 0;
}

GUEST_TEST(more_regs, mmx)
{
	vsm_init();
	vtl1_exec(mmx_registers, 0, 0);
}

static u64 set_mxcsr(u64 mxcsr, u64 rdp)
{
	return hv_set_register(OF_VTL0, HV_REG_XMM_CONTROL, rdp, mxcsr);
}

static u64 control_words(u64 a, u64 b)
{
	union hv_value value;
	u32 mxcsr;
	u16 fcw;

	/* x87: the initial values; nobody has used it yet. */
	GUEST_EQ(HV_REPS(1),
		 hv_get_register(OF_VTL0, HV_REG_FP_CONTROL, &value));
	GUEST_EQ(0x37f, (u16)value.low);
	hv_set_reg(OF_VTL0, HV_REG_FP_CONTROL, 0x27f);
	asm volatile("fnstcw %0" : "=m" (fcw));
	GUEST_EQ(0x27f, fcw);
	GUEST_EQ(HV_REPS(1), set_mxcsr(0x1f00, 0));
	asm volatile("stmxcsr %0" : "=m" (mxcsr));
	GUEST_EQ(0x1f00, mxcsr);
	GUEST_EQ(HV_REPS(1),
		 hv_get_register(OF_VTL0, HV_REG_XMM_CONTROL, &value));
	GUEST_EQ(0x1f00, (u32)value.high);
	GUEST_NE(0, value.high >> 32);
	/* What the processor would not load */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_mxcsr(0x11f80, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_mxcsr(0x80001f80, 0));
	asm volatile("stmxcsr %0" : "=m" (mxcsr));
	GUEST_EQ(0x1f00, mxcsr);
	GUEST_EQ(HV_REPS(1), set_mxcsr(0x1f80, 0));
	return 0;
}

GUEST_TEST(more_regs, fpu_control)
{
	vsm_init();
	vtl1_exec(control_words, 0, 0);
}

/* --- MSRs ---------------------------------------------------------------- */

#define MSR_DEBUGCTL	0x1d9
#define MSR_MISC_ENABLE	0x1a0
#define MSR_SPEC_CTRL	0x48
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_TSC		0x10
#define MSR_TSC_ADJUST	0x3b
#define MSR_CRASH_P0	0x40000100
#define MSR_VP_RUNTIME	0x40000010
#define MSR_TSC_FREQUENCY 0x40000022
#define MSR_APIC_FREQUENCY 0x40000023

struct msr_reg {
	u32 name, msr;
	u64 value;		/* to write; 0: read it only */
	u64 bad;		/* refused; 0: none */
	bool shared;
};

static const struct msr_reg msr_regs[] = {
	{ HV_REG_MTRR_CAP, 0xfe },
	{ HV_REG_MTRR_DEF_TYPE, 0x2ff, 0xc06, 0x1c06, true },
	{ HV_REG_MTRR_BASE0, 0x200, 0xd0000006, 0xd0000002, true },
	{ HV_REG_MTRR_BASE0 + 7, 0x20e, 0xe0000006, 0, true },
	{ HV_REG_MTRR_MASK0, 0x201, 0xf0000800, 0, true },
	{ HV_REG_MTRR_MASK0 + 7, 0x20f, 0xf8000800, 0, true },
	{ HV_REG_MTRR_FIX0, 0x250, 0x0606060606060600, 2, true },
	{ HV_REG_MTRR_FIX0 + 3, 0x268, 0x0600060606060606, 0, true },
	{ HV_REG_MTRR_FIX0 + 10, 0x26f, 0x0606060606060006, 0, true },
	{ HV_REG_MISC_ENABLE, MSR_MISC_ENABLE, 0, 0, true },
	{ HV_REG_DEBUG_CTL, MSR_DEBUGCTL },
	{ HV_REG_SPEC_CTRL, MSR_SPEC_CTRL },
	{ HV_REG_TSC_DEADLINE, MSR_TSC_DEADLINE },
	{ HV_REG_TSC_ADJUST, MSR_TSC_ADJUST },
	{ HV_REG_CRASH_P0, MSR_CRASH_P0, 0x1234 },
	{ HV_REG_CRASH_P0 + 4, MSR_CRASH_P0 + 4, 0x4321 },
	{ HV_REG_STIMER0_COUNT, HV_MSR_STIMER0_COUNT, 0x7fffffffffffffff },
	{ HV_REG_STIMER0_CONFIG + 6, HV_MSR_STIMER0_CONFIG + 6, 0x30000 },
	{ HV_REG_TPR, HV_MSR_TPR, 0x50 },
	{ HV_REG_TSC_FREQUENCY, MSR_TSC_FREQUENCY },
	{ HV_REG_APIC_FREQUENCY, MSR_APIC_FREQUENCY },
};

static u64 read_msr(u64 msr, u64 b)
{
	return rdmsr(msr);
}

static void compare(const struct msr_reg *r, const char *what, u64 want,
		    u64 have)
{
	if (want != have)
		GUEST_FAIL("register 0x%llx, %s: 0x%llx, not 0x%llx", r->name,
			   (uintptr_t)what, have, want);
}

static void check_msr(const struct msr_reg *r)
{
	u64 was;

	/* Where KVM has no such MSR there is no such register. */
	if (probe_rdmsr(r->msr, &was).vector != NO_TRAP) {
		compare(r, "missing", HV_INVALID_REGISTER_VALUE,
			vtl1_set(r->name, 1));
		return;
	}
	compare(r, "VTL1 reads", was, vtl1_get(r->name));
	if (r->bad)
		compare(r, "bad value", HV_INVALID_REGISTER_VALUE,
			vtl1_set(r->name, r->bad));
	if (!r->value)
		return;
	compare(r, "VTL1 writes", HV_REPS(1), vtl1_set(r->name, r->value));
	compare(r, "VTL0 has", r->value, rdmsr(r->msr));
	compare(r, "VTL1 reads back", r->value, vtl1_get(r->name));
	if (r->shared)
		compare(r, "VTL1 has", r->value,
			vtl1_exec(read_msr, r->msr, 0));
	compare(r, "VTL1 puts back", HV_REPS(1), vtl1_set(r->name, was));
	compare(r, "VTL0 has again", was, rdmsr(r->msr));
}

GUEST_TEST(more_regs, msrs)
{
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(msr_regs); i++)
		check_msr(&msr_regs[i]);
}

static void check_clock(u32 msr, u32 name)
{
	u64 before = rdmsr(msr), now = vtl1_get(name);

	if (now < before || now > rdmsr(msr))
		GUEST_FAIL("register 0x%llx: 0x%llx after 0x%llx", name, now,
			   before);
	GUEST_EQ(HV_INVALID_PARAMETER, vtl1_set(name, now));
}

GUEST_TEST(more_regs, clocks)
{
	vsm_init();
	check_clock(MSR_TSC, HV_REG_TSC);
	check_clock(HV_MSR_TIME_REF_COUNT, HV_REG_TIME_REF_COUNT);
	check_clock(MSR_VP_RUNTIME, HV_REG_VP_RUNTIME);
}

/* --- the local APIC ------------------------------------------------------ */

GUEST_TEST(more_regs, apic)
{
	static const u32 offsets[] = {
		0x30, 0x80, 0xa0, 0xd0, 0xf0, 0x100, 0x170, 0x1f0, 0x220, 0x280,
		0x320, 0x350, 0x370, 0x380, 0x3e0,
	};
	static const u32 bad[] = { 0, 0x10, 0x40, 0xb0, 0xe0, 0x310, 0x3f0 };
	union hv_value value;
	u32 i;

	vsm_init();
	apic_write(APIC_SVR, 0x1ef);
	apic_write(0x350, 0x10400);
	wrmsr(HV_MSR_TPR, 0x40);
	GUEST_EQ(0, vtl1_get(HV_REG_APIC(0x20)));
	GUEST_EQ(0, vtl1_get(HV_REG_APIC_ID));
	for (i = 0; i < ARRAY_LEN(offsets); i++)
		GUEST_EQ(apic_read(offsets[i]),
			 vtl1_get(HV_REG_APIC(offsets[i])));
	/* A self-IPI that waits, and what the ICR has of it */
	apic_write(APIC_ICR + 0x10, 3 << 24);
	apic_write(APIC_ICR, 0x40000 | 0x71);
	GUEST_EQ(BIT(0x11), vtl1_get(HV_REG_APIC(0x200 + 0x30)));
	GUEST_EQ(0x300000000000000 | 0x40071, vtl1_get(HV_REG_APIC(APIC_ICR)));
	for (i = 0; i < ARRAY_LEN(bad); i++)
		GUEST_EQ(HV_INVALID_PARAMETER,
			 hv_get_register(HV_OWN_VTL, HV_REG_APIC(bad[i]),
					 &value));
	GUEST_EQ(HV_INVALID_PARAMETER, vtl1_set(HV_REG_APIC(0x80), 0));
}

static u64 own_apic(u64 a, u64 b)
{
	return hv_reg(HV_OWN_VTL, HV_REG_APIC(APIC_SVR));
}

/* Each VTL has its own. */
GUEST_TEST(more_regs, apic_of_each_vtl)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ef);
	GUEST_EQ(0x1ff, vtl1_exec(own_apic, 0, 0));
	GUEST_EQ(0x1ef, vtl1_get(HV_REG_APIC(APIC_SVR)));
}

/* --- CPUID --------------------------------------------------------------- */

static void check_leaf(u32 name, u32 leaf)
{
	union hv_value value;
	u32 a, b, c, d;

	cpuid(leaf, 0, &a, &b, &c, &d);
	GUEST_EQ(HV_REPS(1), hv_get_register(HV_OWN_VTL, name, &value));
	GUEST_EQ(a | (u64)b << 32, value.low);
	GUEST_EQ(c | (u64)d << 32, value.high);
}

GUEST_TEST(more_regs, cpuid)
{
	u32 i;

	vsm_init();
	check_leaf(HV_REG_VERSION, 0x40000002);
	for (i = 0; i < 9; i++)
		check_leaf(HV_REG_FEATURES + i, 0x40000003 + i);
	GUEST_NE(0, hv_reg(HV_OWN_VTL, HV_REG_FEATURES));
}

/* --- long calls ---------------------------------------------------------- */

#define MANY_GETS	255
#define MANY_SETS	127

static u64 many_gets(u64 a, u64 b)
{
	static u32 names[MANY_GETS];
	static union hv_value values[MANY_GETS];
	u32 i;

	for (i = 0; i < MANY_GETS; i++)
		names[i] = i & 1 ? HV_REG_CR4 : HV_REG_CR3;
	GUEST_EQ(HV_REPS(MANY_GETS),
		 hv_get_registers(OF_VTL0, names, MANY_GETS, values));
	for (i = 0; i < MANY_GETS; i++)
		GUEST_EQ(i & 1 ? read_cr4() : GUEST_PAGE_TABLES_OF(0),
			 values[i].low);
	return 0;
}

static void fill_list(struct hv_vp_registers *in, u64 base)
{
	u32 i;

	memset(in, 0, PAGE_SIZE);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->vtl = OF_VTL0;
	for (i = 0; i < MANY_SETS; i++) {
		in->set[i].name = HV_REG_LSTAR;
		in->set[i].value.low = base + i * PAGE_SIZE;
	}
}

static u64 many_sets(u64 a, u64 b)
{
	struct hv_vp_registers *in = (void *)this_area()->in;

	fill_list(in, 0);
	/* The last one is bad: the others are done, each once. */
	in->set[MANY_SETS - 1].name = 0x12345678;
	return hv_call_mem(HV_SET_VP_REGISTERS | HV_REPS(MANY_SETS), in, NULL);
}

static void long_calls(void)
{
	vsm_init();
	vtl1_exec(many_gets, 0, 0);
	GUEST_SYNC(1);
	GUEST_EQ(HV_REPS(MANY_SETS - 1) | HV_INVALID_PARAMETER,
		 vtl1_exec(many_sets, 0, 0));
	GUEST_EQ((MANY_SETS - 2) * PAGE_SIZE, rdmsr(MSR_LSTAR));
}

/* The guest gets the CPU back in the middle, and goes on. */
TEST_F(more_regs, continued)
{
	struct vm *vm = VTL_VM(.entry = long_calls);
	struct vcpu *vcpu = &vm->vcpu[0];

	ASSERT_EQ(0, trace_start());
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_LT(0, trace_count("kvm_vtl_hypercall",
				 "code 0x0050 memory status 0xfffe"));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	trace_stop();
	EXPECT_EQ(1, trace_count("kvm_vtl_hypercall",
				 "code 0x0051 memory status 0x5 reps 126"));
	EXPECT_EQ(1, trace_count("kvm_vtl_hypercall",
				 "code 0x0050 memory status 0x0 reps 255"));
	vm_destroy(vm);
}

/*
 * The first element writes RDX, where the list is.  The rest is still that of
 * the list that was given.
 */
static u8 other_list[PAGE_SIZE] __aligned(PAGE_SIZE);

static u64 sets_that_move(u64 a, u64 b)
{
	struct hv_vp_registers *in = (void *)this_area()->in;
	struct hv_io io = {
		.rcx = HV_SET_VP_REGISTERS | HV_REPS(MANY_SETS),
		.rdx = (uintptr_t)in,
	};

	fill_list((void *)other_list, 0x66000000);
	fill_list(in, 0x11000000);
	in->set[0].name = HV_REG_RAX + 2;
	in->set[0].value.low = (uintptr_t)other_list;
	hv_insn(&io, hv_direct());
	GUEST_EQ(HV_REPS(MANY_SETS), io.rax);
	GUEST_EQ((uintptr_t)other_list, io.rdx);
	return 0;
}

GUEST_TEST(more_regs, own_parameters)
{
	vsm_init();
	vtl1_exec(sets_that_move, 0, 0);
	GUEST_EQ(0x11000000 + (MANY_SETS - 1) * PAGE_SIZE, rdmsr(MSR_LSTAR));
}

static u64 set_register_page(u64 value, u64 vtl)
{
	return hv_set_register(vtl, HV_REG_REG_PAGE, value, 0);
}

static u64 get_register_page(u64 a, u64 b)
{
	return hv_reg(HV_OWN_VTL, HV_REG_REG_PAGE);
}

/* It is accepted, and the page stays as it is: its registers are not valid. */
GUEST_TEST(more_regs, register_page)
{
	u64 *page = (u64 *)this_area()->out, i;
	u64 value = (uintptr_t)page | HV_MSR_ENABLE;

	vsm_init();
	memset(page, 0, PAGE_SIZE);
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_register_page, value, HV_OWN_VTL));
	GUEST_EQ(value, vtl1_exec(get_register_page, 0, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_register_page, value | 2, HV_OWN_VTL));
	GUEST_EQ(value, vtl1_exec(get_register_page, 0, 0));
	for (i = 0; i < PAGE_SIZE / sizeof(*page); i++)
		GUEST_EQ(0, page[i]);
	/* VTL0 has none, and not VTL1's. */
	GUEST_EQ(HV_ACCESS_DENIED, set_register_page(value, HV_OWN_VTL));
	GUEST_EQ(HV_ACCESS_DENIED, set_register_page(value, HV_INPUT_VTL(1)));
}

TEST_HARNESS_MAIN
