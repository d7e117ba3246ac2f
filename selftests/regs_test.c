// SPDX-License-Identifier: GPL-2.0-only
/*
 * HvCallGetVpRegisters and HvCallSetVpRegisters: what VTL1 can read and write
 * of VTL0, who may access what, what is refused.
 */
#include "vtl_test.h"

AREA(regs)

#define OF_VTL0		HV_INPUT_VTL(0)
#define OF_VTL1		HV_INPUT_VTL(1)

static u64 get_in_vtl1(u64 vtl, u64 name)
{
	return hv_reg(vtl, name);
}

static u64 value_to_set;

static u64 set_in_vtl1(u64 vtl, u64 name)
{
	return hv_set_register(vtl, name, value_to_set, 0);
}

static u64 vtl1_get(u32 name)
{
	return vtl1_exec(get_in_vtl1, OF_VTL0, name);
}

static u64 vtl1_set(u32 name, u64 value)
{
	value_to_set = value;
	return vtl1_exec(set_in_vtl1, OF_VTL0, name);
}

/* --- registers of VTL0 --------------------------------------------------- */

struct reg {
	const char *text;
	u32 name;
	u32 msr;		/* or: */
	u64 (*get)(void);
	void (*set)(u64 value);
	u64 by_vtl0, by_vtl1;	/* values to try */
	u64 bad;		/* must be refused; 0: none */
};

#define CR(reg, v0, v1, bad) \
	{ #reg, HV_REG_##reg, 0, read_##reg, write_##reg, v0, v1, bad }
#define MSR(reg, v0, v1, bad) \
	{ #reg, HV_REG_##reg, MSR_##reg, NULL, NULL, v0, v1, bad }

#define read_CR0	read_cr0
#define write_CR0	write_cr0
#define read_CR3	read_cr3
#define write_CR3	write_cr3
#define read_CR8	read_cr8
#define write_CR8	write_cr8
#define read_DR7	read_dr7
#define write_DR7	write_dr7

#define NOT_CANONICAL	0x8000000000000000

static const struct reg regs[] = {
	CR(CR0, 0x80010033, 0x80050033, 0x180010033),
	CR(CR3, GUEST_PAGE_TABLES_OF(0), GUEST_PAGE_TABLES_OF(1),
	   0x0fff000000000000),
	CR(CR3, GUEST_PAGE_TABLES_OF(1), GUEST_PAGE_TABLES_OF(0), 0),
	CR(CR8, 5, 9, 0x10),
	CR(DR7, 0x30400, 0xf00400, 0x100000400),
	MSR(EFER, 0xd01, 0xd00, 0x10000d01),
	MSR(PAT, 0x0007040600070406, 0x0606060606060606, 0x0202020202020202),
	MSR(STAR, 1ULL << 32, 2ULL << 32, 0),
	MSR(LSTAR, 0x1000, 0x2000, NOT_CANONICAL),
	MSR(CSTAR, 0x3000, 0x4000, NOT_CANONICAL),
	MSR(SFMASK, 0x100, 0x200, 0),
	MSR(KERNEL_GS_BASE, 0x5000, 0x6000, NOT_CANONICAL),
	MSR(SYSENTER_CS, 0x10, 0x20, 0),
	MSR(SYSENTER_ESP, 0x7000, 0x8000, 0),
	MSR(SYSENTER_EIP, 0x9000, 0xa000, 0),
	MSR(TSC_AUX, 3, 4, 0),
};

static u64 native_get(const struct reg *r)
{
	return r->msr ? rdmsr(r->msr) : r->get();
}

static void native_set(const struct reg *r, u64 value)
{
	if (r->msr)
		wrmsr(r->msr, value);
	else
		r->set(value);
}

static void compare(const struct reg *r, const char *what, u64 want, u64 seen)
{
	if (want != seen)
		GUEST_FAIL("%s: %s: 0x%llx, not 0x%llx", (uintptr_t)r->text,
			   (uintptr_t)what, seen, want);
}

static void check_register(const struct reg *r)
{
	native_set(r, r->by_vtl0);
	compare(r, "VTL1 reads", r->by_vtl0, vtl1_get(r->name));
	compare(r, "VTL1 writes", HV_REPS(1), vtl1_set(r->name, r->by_vtl1));
	compare(r, "VTL0 has", r->by_vtl1, native_get(r));
	compare(r, "VTL1 reads back", r->by_vtl1, vtl1_get(r->name));
	if (!r->bad)
		return;
	compare(r, "bad value", HV_INVALID_REGISTER_VALUE,
		vtl1_set(r->name, r->bad));
	compare(r, "VTL0 still has", r->by_vtl1, native_get(r));
}

static bool exists(const struct reg *r)
{
	u64 value;

	return !r->msr || probe_rdmsr(r->msr, &value).vector == NO_TRAP;
}

GUEST_TEST(regs, of_vtl0)
{
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(regs); i++)
		if (exists(&regs[i]))
			check_register(&regs[i]);
}

GUEST_TEST(regs, cr4)
{
	struct reg r = {
		"CR4", HV_REG_CR4, 0, read_cr4, write_cr4,
		.by_vtl0 = read_cr4(), .by_vtl1 = read_cr4() ^ CR4_DE,
		.bad = read_cr4() | BIT(63),
	};

	vsm_init();
	check_register(&r);
}

/* What VTL1 changes takes effect without more ado: here, the address space. */
#define ALIAS		0x300000000

static u8 pages[2][PAGE_SIZE] __page;

static void cr3_guest(void)
{
	volatile u64 *p = (void *)ALIAS;

	*(u64 *)pages[0] = 100;
	*(u64 *)pages[1] = 101;
	vsm_init();
	GUEST_EQ(100, *p);
	GUEST_EQ(HV_REPS(1), vtl1_set(HV_REG_CR3, GUEST_PAGE_TABLES_OF(1)));
	GUEST_EQ(101, *p);
	GUEST_EQ(HV_REPS(1), vtl1_set(HV_REG_CR3, GUEST_PAGE_TABLES_OF(0)));
	GUEST_EQ(100, *p);
}

TEST_F(regs, cr3_takes_effect)
{
	struct vm *vm = VTL_VM(.entry = cr3_guest);

	*vm_pte(vm, 0, ALIAS) = (uintptr_t)pages[0] | PTE_P | PTE_W;
	*vm_pte(vm, 1, ALIAS) = (uintptr_t)pages[1] | PTE_P | PTE_W;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* RSP and RIP as they are at the call; a new RIP is where VTL0 goes on. */
static u64 rsp_and_rip(u64 a, u64 b)
{
	u64 rip = hv_reg(OF_VTL0, HV_REG_RIP);
	u64 rsp = hv_reg(OF_VTL0, HV_REG_RSP);
	struct guest_area *area = guest_area(0, 0);

	GUEST_EQ((uintptr_t)hv_direct() + 3, rip);
	GUEST_LT((uintptr_t)area->stack, rsp);
	GUEST_LT(rsp, (uintptr_t)area->stack + sizeof(area->stack));
	return rsp;
}

GUEST_TEST(regs, rsp_and_rip)
{
	vsm_init();
	vtl1_exec(rsp_and_rip, 0, 0);
}

/* VTL1 makes VTL0 go on in a function, with a stack and flags of its choice. */
static u64 resumed_rsp, resumed_flags;

static void elsewhere(void)
{
	asm volatile("mov %%rsp, %0" : "=r" (resumed_rsp));
	resumed_flags = read_rflags();
	for (;;)
		GUEST_SYNC(1);
}

static u64 redirect(u64 a, u64 b)
{
	struct guest_area *area = guest_area(0, 0);

	hv_set_reg(OF_VTL0, HV_REG_RIP, (uintptr_t)elsewhere);
	hv_set_reg(OF_VTL0, HV_REG_RSP, (uintptr_t)area->user_stack + 4096 - 8);
	hv_set_reg(OF_VTL0, HV_REG_RFLAGS, 0x40002);
	return 0;
}

static void redirected_guest(void)
{
	vsm_init();
	vtl1_exec(redirect, 0, 0);
	GUEST_FAIL("VTL0 went on where it was", 0);
}

TEST_F(regs, redirect_vtl0)
{
	struct vm *vm = VTL_VM(.entry = redirected_guest);
	u64 top = (uintptr_t)guest_area(0, 0)->user_stack + 4096;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_LT(top - 512, vm_var(vm, resumed_rsp));
	EXPECT_LT(vm_var(vm, resumed_rsp), top);
	EXPECT_EQ(0x40000, vm_var(vm, resumed_flags) & 0x40200);
	vm_destroy(vm);
}

/* --- segments and tables ------------------------------------------------- */

static union hv_value segment;

static u64 get_segment(u64 name, u64 vtl)
{
	return hv_get_register(vtl, name, &segment);
}

static u64 set_segment(u64 name, u64 vtl)
{
	return hv_set_register(vtl, name, segment.low, segment.high);
}

static void vtl1_get_segment(u32 name)
{
	memset(&segment, 0xff, sizeof(segment));
	GUEST_EQ(HV_REPS(1), vtl1_exec(get_segment, name, OF_VTL0));
}

static void check_segment(u32 name, u64 base, u32 limit, u16 sel, u16 attr)
{
	vtl1_get_segment(name);
	GUEST_EQ(base, segment.segment.base);
	GUEST_EQ(limit, segment.segment.limit);
	GUEST_EQ(sel, segment.segment.selector);
	GUEST_EQ(attr, segment.segment.attributes);
}

GUEST_TEST(regs, segments)
{
	struct guest_area *area = this_area();

	vsm_init();
	check_segment(HV_REG_CS, 0, 0xffffffff, KERNEL_CS, 0xa09b);
	check_segment(HV_REG_DS, 0, 0xffffffff, KERNEL_DS, 0xc093);
	check_segment(HV_REG_ES, 0, 0xffffffff, KERNEL_DS, 0xc093);
	check_segment(HV_REG_SS, 0, 0xffffffff, KERNEL_DS, 0xc093);
	check_segment(HV_REG_GS, (uintptr_t)this_cpu(), 0xffffffff, KERNEL_DS,
		      0xc093);
	check_segment(HV_REG_TR, (uintptr_t)area->tss, TSS_LIMIT, TSS_SEL,
		      0x8b);
}

GUEST_TEST(regs, set_segment)
{
	u64 es;

	vsm_init();
	wrmsr(MSR_FS_BASE, 0x1234000);
	vtl1_get_segment(HV_REG_FS);
	GUEST_EQ(0x1234000, segment.segment.base);
	segment.segment.base = 0x5678000;
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_segment, HV_REG_FS, OF_VTL0));
	GUEST_EQ(0x5678000, rdmsr(MSR_FS_BASE));
	segment.segment = (struct hv_segment) {
		.selector = USER_DS, .limit = 0xffffffff, .attributes = 0xc0f3,
	};
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_segment, HV_REG_ES, OF_VTL0));
	asm volatile("mov %%es, %0" : "=r" (es));
	GUEST_EQ(USER_DS, es);
	/* LDTR, unusable and not */
	segment.segment = (struct hv_segment) { };
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_segment, HV_REG_LDTR, OF_VTL0));
	segment.segment = (struct hv_segment) {
		.selector = LDT_SEL, .limit = 0xffff, .attributes = 0x82,
	};
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_segment, HV_REG_LDTR, OF_VTL0));
	asm volatile("sldt %0" : "=r" (es));
	GUEST_EQ(LDT_SEL, es & 0xffff);
}

struct table_register {
	u16 limit;
	u64 base;
} __packed;

GUEST_TEST(regs, tables)
{
	struct guest_area *area = this_area();
	struct table_register t;

	vsm_init();
	vtl1_get_segment(HV_REG_GDTR);
	GUEST_EQ((uintptr_t)area->gdt, segment.table.base);
	GUEST_EQ(sizeof(area->gdt) - 1, segment.table.limit);
	vtl1_get_segment(HV_REG_IDTR);
	GUEST_EQ((uintptr_t)area->idt, segment.table.base);
	GUEST_EQ(sizeof(area->idt) - 1, segment.table.limit);
	segment.table.limit = 0xfef;
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_segment, HV_REG_IDTR, OF_VTL0));
	asm volatile("sidt %0" : "=m" (t));
	GUEST_EQ(0xfef, t.limit);
	GUEST_EQ((uintptr_t)area->idt, t.base);
}

/* --- forms of the call --------------------------------------------------- */

static u64 several_at_once(u64 a, u64 b)
{
	static const u32 names[] = {
		HV_REG_LSTAR, HV_REG_STAR, HV_REG_CR0, HV_REG_RSP, HV_REG_GS,
	};
	union hv_value values[ARRAY_LEN(names)];

	GUEST_EQ(HV_REPS(5), hv_get_registers(OF_VTL0, names, 5, values));
	GUEST_EQ(0x1234, values[0].low);
	GUEST_EQ(0, values[0].high);
	GUEST_EQ(7ULL << 32, values[1].low);
	GUEST_EQ(KERNEL_DS, values[4].segment.selector);
	return 0;
}

GUEST_TEST(regs, get_several)
{
	vsm_init();
	wrmsr(MSR_LSTAR, 0x1234);
	wrmsr(MSR_STAR, 7ULL << 32);
	vtl1_exec(several_at_once, 0, 0);
}

static u64 set_two(u64 second_name, u64 b)
{
	struct hv_vp_registers *in = (void *)this_area()->in;

	memset(in, 0, 16 + 64);
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->vtl = OF_VTL0;
	in->set[0].name = HV_REG_LSTAR;
	in->set[0].value.low = 0x4321;
	in->set[1].name = second_name;
	in->set[1].value.low = 0x8765;
	return hv_call_mem(HV_SET_VP_REGISTERS | HV_REPS(2), in, NULL);
}

GUEST_TEST(regs, set_several)
{
	vsm_init();
	GUEST_EQ(HV_REPS(2), vtl1_exec(set_two, HV_REG_CSTAR, 0));
	GUEST_EQ(0x4321, rdmsr(MSR_LSTAR));
	GUEST_EQ(0x8765, rdmsr(MSR_CSTAR));
	/* The second fails, the first is done. */
	wrmsr(MSR_LSTAR, 0);
	GUEST_EQ(HV_REPS(1) | HV_INVALID_PARAMETER,
		 vtl1_exec(set_two, 0x12345678, 0));
	GUEST_EQ(0x4321, rdmsr(MSR_LSTAR));
}

static u64 set_by_xmm(u64 name, u64 value)
{
	u64 in[6] = {
		HV_PARTITION_SELF, HV_VP_SELF | (u64)OF_VTL0 << 32,
		name, 0, value, 0,
	};

	return hv_call_xmm(HV_SET_VP_REGISTERS | HV_REPS(1), in, 6);
}

static u64 get_by_xmm(u64 name, u64 b)
{
	struct hv_io io = {
		.rcx = HV_GET_VP_REGISTERS | HV_FAST | HV_REPS(1),
		.rdx = HV_PARTITION_SELF,
		.r8 = HV_VP_SELF | (u64)OF_VTL0 << 32,
		.use_xmm = 1,
	};

	io.xmm[0][0] = name;
	hv_insn(&io, hv_direct());
	GUEST_EQ(HV_REPS(1), io.rax);
	return io.xmm[1][0];
}

GUEST_TEST(regs, xmm_forms)
{
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_by_xmm, HV_REG_LSTAR, 0x777000));
	GUEST_EQ(0x777000, rdmsr(MSR_LSTAR));
	GUEST_EQ(0x777000, vtl1_exec(get_by_xmm, HV_REG_LSTAR, 0));
}

/* --- who may access what ------------------------------------------------- */

static const u32 architectural[] = {
	HV_REG_RSP, HV_REG_RIP, HV_REG_RFLAGS, HV_REG_CR0, HV_REG_CR3,
	HV_REG_CR4, HV_REG_CR8, HV_REG_DR7, HV_REG_CS, HV_REG_SS, HV_REG_GS,
	HV_REG_TR, HV_REG_LDTR, HV_REG_IDTR, HV_REG_GDTR, HV_REG_EFER,
	HV_REG_PAT, HV_REG_STAR, HV_REG_LSTAR, HV_REG_CSTAR, HV_REG_SFMASK,
	HV_REG_KERNEL_GS_BASE, HV_REG_SYSENTER_CS, HV_REG_SYSENTER_EIP,
	HV_REG_SYSENTER_ESP,
};

GUEST_TEST(regs, vtl0_has_no_access_to_vtl1)
{
	static const u32 more[] = {
		HV_REG_PENDING_EVENT0, HV_REG_VP_ASSIST_PAGE, HV_REG_SIMP,
		HV_REG_SINT0, HV_REG_SCONTROL, HV_REG_HYPERCALL,
		HV_REG_GUEST_OS_ID, HV_REG_VSM_VINA,
		HV_REG_VSM_SECURE_CONFIG_VTL0, HV_REG_VSM_PARTITION_CONFIG,
	};
	union hv_value value;
	u32 i, name;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(architectural) + ARRAY_LEN(more); i++) {
		name = i < ARRAY_LEN(architectural) ? architectural[i] :
		       more[i - ARRAY_LEN(architectural)];
		if (hv_get_register(OF_VTL1, name, &value) != HV_ACCESS_DENIED)
			GUEST_FAIL("VTL0 reads 0x%llx of VTL1", name);
		if (hv_set_register(OF_VTL1, name, 0, 0) != HV_ACCESS_DENIED)
			GUEST_FAIL("VTL0 writes 0x%llx of VTL1", name);
	}
	/* VTL1 goes on as before. */
	GUEST_EQ(HV_REPS(2), vtl1_exec(set_two, HV_REG_CSTAR, 0));
}

/* A VTL does not write its own state this way. */
static u64 set_own(u64 a, u64 b)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(architectural); i++)
		if (hv_set_register(HV_OWN_VTL, architectural[i], 0, 0) !=
		    HV_ACCESS_DENIED)
			GUEST_FAIL("VTL%lld writes its own 0x%llx",
				   this_cpu()->vtl, architectural[i]);
	GUEST_EQ(HV_INVALID_PARAMETER,
		 hv_set_register(HV_OWN_VTL, HV_REG_PENDING_EVENT0,
				 HV_EVENT_EXCEPTION(UD_VECTOR), 0));
	return 0;
}

GUEST_TEST(regs, own_state)
{
	vsm_init();
	set_own(0, 0);
	vtl1_exec(set_own, 0, 0);
}

static u64 synthetic_of_both(u64 a, u64 b)
{
	struct guest_area *mine = this_area(), *lower = guest_area(0, 0);

	GUEST_EQ((uintptr_t)mine->assist | 1,
		 hv_reg(HV_OWN_VTL, HV_REG_VP_ASSIST_PAGE));
	GUEST_EQ((uintptr_t)mine->simp | 1, hv_reg(HV_OWN_VTL, HV_REG_SIMP));
	GUEST_EQ((uintptr_t)lower->simp | 1, hv_reg(OF_VTL0, HV_REG_SIMP));
	GUEST_EQ((uintptr_t)lower->assist | 1,
		 hv_reg(OF_VTL0, HV_REG_VP_ASSIST_PAGE));
	GUEST_EQ((uintptr_t)lower->hypercall_page | 1,
		 hv_reg(OF_VTL0, HV_REG_HYPERCALL));
	GUEST_EQ(0x10077, hv_reg(OF_VTL0, HV_REG_SINT0 + 7));
	GUEST_EQ(HV_SINT_MASKED, hv_reg(HV_OWN_VTL, HV_REG_SINT0 + 7));
	hv_set_reg(OF_VTL0, HV_REG_SINT0 + 7, 0x10088);
	GUEST_EQ(0, hv_reg(HV_OWN_VTL, HV_REG_VP_INDEX));
	return 0;
}

GUEST_TEST(regs, synthetic)
{
	vsm_init();
	hv_assist_init();
	hv_synic_init(0x40);
	wrmsr(HV_MSR_SINT0 + 7, 0x10077);
	vtl1_exec(synthetic_of_both, 0, 0);
	GUEST_EQ(0x10088, rdmsr(HV_MSR_SINT0 + 7));
	GUEST_EQ((uintptr_t)this_area()->assist | 1,
		 hv_reg(HV_OWN_VTL, HV_REG_VP_ASSIST_PAGE));
}

static u64 apic_base(u64 a, u64 b)
{
	u64 value = hv_reg(OF_VTL0, HV_REG_APIC_BASE);

	GUEST_EQ(APIC_BASE, value & ~0xfffULL);
	GUEST_EQ(HV_REPS(1),
		 hv_set_register(OF_VTL0, HV_REG_APIC_BASE, value, 0));
	GUEST_NE(HV_SUCCESS,
		 HV_STATUS(hv_set_register(OF_VTL0, HV_REG_APIC_BASE,
					   value + PAGE_SIZE, 0)));
	return value;
}

GUEST_TEST(regs, apic_base)
{
	vsm_init();
	GUEST_EQ(rdmsr(MSR_APIC_BASE), vtl1_exec(apic_base, 0, 0));
}

/* --- what is refused ----------------------------------------------------- */

static u64 get_raw(u64 partition, u64 vp_and_vtl)
{
	struct hv_vp_registers *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = partition;
	*(u64 *)&in->vp = vp_and_vtl;
	in->name[0] = HV_REG_VSM_VP_STATUS;
	return hv_call_mem(HV_GET_VP_REGISTERS | HV_REPS(1), in,
			   this_area()->out);
}

GUEST_TEST(regs, header)
{
	static const u32 bad_vps[] = { 1, 2, 63, 64, 255, 256, 0xffffffff };
	u64 result;
	u32 i;

	vsm_init();
	GUEST_EQ(HV_REPS(1), get_raw(HV_PARTITION_SELF, HV_VP_SELF));
	GUEST_EQ(HV_REPS(1), get_raw(HV_PARTITION_SELF, 0));
	for (i = 0; i < ARRAY_LEN(bad_vps); i++)
		GUEST_EQ(HV_INVALID_VP_INDEX,
			 get_raw(HV_PARTITION_SELF, bad_vps[i]));
	result = get_raw(77, 0);
	GUEST_ASSERT(result == HV_ACCESS_DENIED ||
		     result == HV_INVALID_PARTITION_ID);
	/* Target VTL: unused number, own, above, reserved bits */
	GUEST_EQ(HV_REPS(1), get_raw(HV_PARTITION_SELF, 0x01ULL << 32));
	GUEST_EQ(HV_REPS(1), get_raw(HV_PARTITION_SELF, 0x10ULL << 32));
	GUEST_EQ(HV_ACCESS_DENIED, get_raw(HV_PARTITION_SELF, 0x12ULL << 32));
	for (i = 5; i < 8; i++)
		GUEST_NE(HV_SUCCESS, HV_STATUS(get_raw(HV_PARTITION_SELF,
						       BIT(32 + i))));
	for (i = 8; i < 32; i++)
		GUEST_NE(HV_SUCCESS, HV_STATUS(get_raw(HV_PARTITION_SELF,
						       BIT(32 + i))));
	GUEST_EQ(HV_REPS(1), vtl1_exec(get_raw, HV_PARTITION_SELF, HV_VP_SELF));
}

static void check_unknown(const u32 *names, u32 count)
{
	union hv_value value;
	u32 i;

	vsm_init();
	for (i = 0; i < count; i++) {
		GUEST_EQ(HV_INVALID_PARAMETER,
			 hv_get_register(HV_OWN_VTL, names[i], &value));
		GUEST_EQ(HV_INVALID_PARAMETER,
			 hv_set_register(HV_OWN_VTL, names[i], 0, 0));
		value_to_set = 0;
		GUEST_EQ(HV_INVALID_PARAMETER, vtl1_set(names[i], 0));
	}
}

GUEST_TEST(regs, unknown_names)
{
	static const u32 names[] = {
		0x00090005, 0x000d0000, 0x000d0012, 0x000e0004, 0x00020012,
		0x00060008, 0x00100000, 0x7fffffff, 0xffffffff,
	};

	check_unknown(names, ARRAY_LEN(names));
}

/* Not for VTL0, and nobody sets them. */
GUEST_TEST(regs, emulation_hints)
{
	union hv_value value;

	vsm_init();
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_get_register(HV_OWN_VTL, HV_REG_EMULATION_HINTS, &value));
	GUEST_EQ(1, vtl1_exec(get_in_vtl1, OF_VTL1, HV_REG_EMULATION_HINTS));
	value_to_set = 0;
	GUEST_EQ(HV_INVALID_PARAMETER,
		 vtl1_exec(set_in_vtl1, OF_VTL1, HV_REG_EMULATION_HINTS));
}

/* errata.rst, "Registers that are not there" */
GUEST_TEST(regs, not_there)
{
	static const u32 names[] = {
		0x00000000, 0x00000001, 0x00000003,	/* *Suspend */
		0x00000250, 0x00000260,	/* GuestIdle, DebugDeviceOptions */
		0x00010005, 0x00010008, 0x00010009,	/* PendingEvent1 to 3 */
		0x00010006, 0x00010007,	/* DeliverabilityNotifications */
		0x00041000, 0x00041002, 0x00041003, 0x00041004,
		0x00080080, 0x00080083,	/* SGX */
		0x0008008c, 0x0008008d, 0x00080093,	/* CET */
		0x00080098, 0x00080099, 0x0008009a,	/* UMWAIT, Xfd */
		0x00090014, 0x00090018, 0x00090019, 0x0009001a, 0x0009001b,
		0x000a0015,		/* Sirbp */
		0x000b0100, 0x000b0101,	/* time-unhalted timer */
		0x000d0008,		/* GuestVsmPartitionConfig */
		0x000d0100,		/* IsolationCapabilities */
	};

	check_unknown(names, ARRAY_LEN(names));
}

static const struct {
	u32 name;
	u64 value;
} bad_values[] = {
	{ HV_REG_RFLAGS, 0x100000002 },
	{ HV_REG_RIP, NOT_CANONICAL },
	{ HV_REG_CR0, 0x80000032 },		/* PG without PE */
	{ HV_REG_CR0, 0xa0010033 },		/* NW without CD */
	{ HV_REG_CR4, 0x800000000 },
	{ HV_REG_CR4, 0 },			/* no PAE in long mode */
	{ HV_REG_EFER, 0 },			/* no LME with paging on */
	{ HV_REG_CR3, 0x0010000000000000 },
};

GUEST_TEST(regs, bad_values)
{
	u64 result;
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(bad_values); i++) {
		result = vtl1_set(bad_values[i].name, bad_values[i].value);
		if (result != HV_INVALID_REGISTER_VALUE)
			GUEST_FAIL("0x%llx = 0x%llx: 0x%llx",
				   bad_values[i].name, bad_values[i].value,
				   result);
	}
	GUEST_EQ(0, this_cpu()->vtl);
}

/* --- the mode of the processor ------------------------------------------- */

static const u32 mode_regs[] = {
	HV_REG_CS, HV_REG_CR0, HV_REG_EFER, HV_REG_CR4,
};

static union hv_value long_mode[ARRAY_LEN(mode_regs)];

static void set_mode_reg(u32 i, const union hv_value *to)
{
	union hv_value value;

	GUEST_EQ(HV_REPS(1), hv_set_register(OF_VTL0, mode_regs[i], to->low,
					     to->high));
	GUEST_EQ(HV_REPS(1), hv_get_register(OF_VTL0, mode_regs[i], &value));
	if (value.low != to->low || value.high != to->high)
		GUEST_FAIL("0x%llx = 0x%llx, read 0x%llx", mode_regs[i],
			   to->low, value.low);
}

static void leave_long_mode(void)
{
	union hv_value to[ARRAY_LEN(mode_regs)];

	GUEST_EQ(HV_REPS(4), hv_get_registers(OF_VTL0, mode_regs, 4,
					      long_mode));
	memcpy(to, long_mode, sizeof(to));
	to[0].segment.attributes = 0xc09b;
	to[1].low &= ~CR0_PG;
	to[2].low = 0;
	to[3].low &= ~CR4_PAE;
	set_mode_reg(0, &to[0]);
	set_mode_reg(1, &to[1]);
	set_mode_reg(2, &to[2]);
	set_mode_reg(3, &to[3]);
}

/* order: two bits for each of the four registers */
static u64 to_and_fro(u64 order, u64 b)
{
	u32 i;

	leave_long_mode();
	for (i = 0; i < 4; i++, order >>= 2)
		set_mode_reg(order & 3, &long_mode[order & 3]);
	return 0;
}

GUEST_TEST(regs, mode_in_any_order)
{
	u64 order, i, seen, n = 0;

	vsm_init();
	for (order = 0; order < 256; order++) {
		for (i = 0, seen = 0; i < 4; i++)
			seen |= BIT(order >> 2 * i & 3);
		if (seen != 0xf)
			continue;
		vtl1_exec(to_and_fro, order, 0);
		n++;
	}
	GUEST_EQ(24, n);
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), read_cr3());
}

static u64 half_way(u64 n, u64 b)
{
	u32 i;

	leave_long_mode();
	for (i = 0; i < n; i++)
		set_mode_reg(i, &long_mode[i]);
	/* Others can be set meanwhile, and what is wrong by itself cannot. */
	GUEST_EQ(HV_REPS(1), hv_set_register(OF_VTL0, HV_REG_CR8, 3, 0));
	GUEST_EQ(3, hv_reg(OF_VTL0, HV_REG_CR8));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 hv_set_register(OF_VTL0, HV_REG_CR0, CR0_PG, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 hv_set_register(OF_VTL0, HV_REG_CR4, 0x800000000, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 hv_set_register(OF_VTL0, HV_REG_EFER, 0x10000d01, 0));
	return 0;
}

static void half_way_guest(void)
{
	vsm_init();
	vtl1_exec(half_way, 3, 0);
}

/* It is not entered. */
TEST_F(regs, mode_half_way)
{
	struct vm *vm = VTL_VM(.entry = half_way_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_ABORT, vcpu);
	EXPECT_NE(NULL, strstr(vcpu->error, strerror(EIO))) {
		TH_LOG("%s", vcpu->error);
	}
	vm_destroy(vm);
}

/* --- PendingEvent0 ------------------------------------------------------- */

static u64 inject_high;

static u64 inject(u64 low, u64 b)
{
	return hv_set_register(OF_VTL0, HV_REG_PENDING_EVENT0, low,
			       inject_high);
}

/* VTL0 meets the event when it goes on, at the end of its VTL call. */
static struct guest_trap call_with_event(u64 low, u64 high)
{
	struct guest_trap trap;

	inject_high = high;
	vtl1[0].args[0] = low;
	vtl1[0].fn = inject;
	trap = vtl_try_call(HV_VTL_CALL, 0);
	GUEST_EQ(HV_REPS(1), vtl1[0].result);
	return trap;
}

GUEST_TEST(regs, pending_event)
{
	struct guest_trap trap;

	vsm_init();
	trap = call_with_event(HV_EVENT_EXCEPTION(UD_VECTOR), 0);
	GUEST_EQ(UD_VECTOR, trap.vector);
	GUEST_EQ((uintptr_t)hv_direct() + 3, this_cpu()->trap_rip);
	trap = call_with_event(0x000d0101, 0);	/* as LVBS writes it */
	GUEST_EQ(GP_VECTOR, trap.vector);
	GUEST_EQ(0, trap.error);
	trap = call_with_event(HV_EVENT_EXCEPTION(GP_VECTOR) |
			       HV_EVENT_HAS_ERROR | 0x5678ULL << 32, 0);
	GUEST_EQ(GP_VECTOR, trap.vector);
	GUEST_EQ(0x5678, trap.error);
	write_cr2(0);
	trap = call_with_event(HV_EVENT_EXCEPTION(PF_VECTOR) |
			       HV_EVENT_HAS_ERROR | 2ULL << 32, 0x123456789000);
	GUEST_EQ(PF_VECTOR, trap.vector);
	GUEST_EQ(2, trap.error);
	GUEST_EQ(0x123456789000, this_cpu()->trap_cr2);
	/* Delivered once */
	GUEST_NO_TRAP(vtl_try_call(HV_VTL_CALL, 0));
}

static u64 inject_and_take_back(u64 a, u64 b)
{
	u64 event = HV_EVENT_EXCEPTION(UD_VECTOR);

	GUEST_EQ(0, hv_reg(OF_VTL0, HV_REG_PENDING_EVENT0));
	inject(event, 0);
	GUEST_EQ(event, hv_reg(OF_VTL0, HV_REG_PENDING_EVENT0));
	inject(0, 0);
	GUEST_EQ(0, hv_reg(OF_VTL0, HV_REG_PENDING_EVENT0));
	return 0;
}

GUEST_TEST(regs, pending_event_taken_back)
{
	vsm_init();
	vtl1_exec(inject_and_take_back, 0, 0);
}

static void refused(u64 low)
{
	u64 result = vtl1_exec(inject, low, 0);

	if (result != HV_INVALID_REGISTER_VALUE &&
	    result != HV_INVALID_PARAMETER)
		GUEST_FAIL("event 0x%llx: 0x%llx", low, result);
}

GUEST_TEST(regs, bad_pending_events)
{
	u64 ud = HV_EVENT_EXCEPTION(UD_VECTOR);
	u32 i;

	vsm_init();
	inject_high = 0;
	for (i = 1; i < 8; i++)			/* not exceptions */
		refused(ud | i << 1);
	for (i = 4; i < 8; i++)			/* reserved */
		refused(ud | BIT(i));
	for (i = 9; i < 16; i++)
		refused(ud | BIT(i));
	refused(HV_EVENT_EXCEPTION(32));	/* no exceptions */
	refused(HV_EVENT_EXCEPTION(256));
	refused(HV_EVENT_EXCEPTION(0xffff));
	refused(HV_EVENT_EXCEPTION(2));		/* NMI */
	refused(HV_EVENT_EXCEPTION(3));		/* of an instruction */
	refused(HV_EVENT_EXCEPTION(4));
	refused(HV_EVENT_EXCEPTION(9));		/* reserved */
	refused(HV_EVENT_EXCEPTION(15));
	refused(HV_EVENT_EXCEPTION(22));
	refused(ud | HV_EVENT_HAS_ERROR);
	refused(HV_EVENT_EXCEPTION(GP_VECTOR));	/* has an error code */
	refused(HV_EVENT_EXCEPTION(PF_VECTOR));
}

TEST_HARNESS_MAIN
