// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enabling VTL1 for the partition and for its VPs, the state VTL1 begins with,
 * the registers that tell about it.
 */
#include "vtl_test.h"

AREA(vsm)

/* --- EnablePartitionVtl -------------------------------------------------- */

/* Both forms of the call must agree. */
static u64 enable_partition(struct hv_enable_partition_vtl *in)
{
	struct hv_enable_partition_vtl *page = (void *)this_area()->in;
	u64 result = hv_call_xmm(HV_ENABLE_PARTITION_VTL, in, 2);

	if (result == HV_SUCCESS)
		return result;
	*page = *in;
	GUEST_EQ(result, hv_call_mem(HV_ENABLE_PARTITION_VTL, page, NULL));
	return result;
}

static struct hv_enable_partition_vtl partition_input(void)
{
	return (struct hv_enable_partition_vtl) {
		.partition = HV_PARTITION_SELF, .vtl = 1,
	};
}

GUEST_TEST(vsm, partition_enabled)
{
	struct hv_enable_partition_vtl in = partition_input();

	hv_init();
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(HV_SUCCESS, enable_partition(&in));
	GUEST_EQ(0x10003, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(0x10000, hv_reg(0, HV_REG_VSM_VP_STATUS));
}

GUEST_TEST(vsm, enable_partition_twice)
{
	struct hv_enable_partition_vtl in = partition_input();

	hv_init();
	GUEST_EQ(HV_SUCCESS, enable_partition(&in));
	GUEST_EQ(HV_INVALID_VTL_STATE, enable_partition(&in));
}

GUEST_TEST(vsm, enable_partition_bad_id)
{
	struct hv_enable_partition_vtl in = partition_input();

	hv_init();
	in.partition = 0x1234567812345678;
	GUEST_EQ(HV_INVALID_PARTITION_ID, enable_partition(&in));
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
}

GUEST_TEST(vsm, enable_partition_bad_vtl)
{
	struct hv_enable_partition_vtl in = partition_input();
	u64 result;
	u32 vtl;

	hv_init();
	in.vtl = 0;
	GUEST_EQ(HV_INVALID_PARAMETER, enable_partition(&in));
	/* Above what is offered: 6 or 5, the sources differ. */
	for (vtl = 2; vtl < 16; vtl++) {
		in.vtl = vtl;
		result = enable_partition(&in);
		GUEST_ASSERT(result == HV_ACCESS_DENIED ||
			     result == HV_INVALID_PARAMETER);
	}
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
}

/* MBEC, supervisor shadow stacks, HVPT are not offered, others unknown. */
GUEST_TEST(vsm, enable_partition_flags)
{
	struct hv_enable_partition_vtl in = partition_input();
	u64 result;
	u32 i;

	hv_init();
	for (i = 0; i < 8; i++) {
		in.flags = 1 << i;
		result = enable_partition(&in);
		if (result != HV_INVALID_PARAMETER)
			GUEST_FAIL("flag %lld: 0x%llx", i, result);
	}
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
}

GUEST_TEST(vsm, enable_partition_reserved)
{
	struct hv_enable_partition_vtl in = partition_input();
	u64 result;
	u32 i;

	hv_init();
	for (i = 0; i < 6; i++) {
		in.reserved[i] = 1;
		result = enable_partition(&in);
		GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
			     result == HV_INVALID_INPUT);
		in.reserved[i] = 0;
	}
	GUEST_EQ(HV_SUCCESS, enable_partition(&in));
}

static u64 enable_in_vtl1(u64 vtl, u64 b)
{
	struct hv_enable_partition_vtl in = partition_input();

	in.vtl = vtl;
	return enable_partition(&in);
}

GUEST_TEST(vsm, enable_partition_from_vtl1)
{
	u64 result;

	vsm_init();
	GUEST_EQ(HV_INVALID_VTL_STATE, vtl1_exec(enable_in_vtl1, 1, 0));
	result = vtl1_exec(enable_in_vtl1, 2, 0);
	GUEST_ASSERT(result == HV_ACCESS_DENIED ||
		     result == HV_INVALID_PARAMETER);
}

/* --- EnableVpVtl --------------------------------------------------------- */

static struct hv_enable_vp_vtl *vp_input(u32 vp)
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	in->vtl = 1;
	vsm_context(&in->context, vp == HV_VP_SELF ? this_cpu()->vp : vp);
	return in;
}

static u64 enable_vp(void)
{
	return hv_call_mem(HV_ENABLE_VP_VTL, this_area()->in, NULL);
}

GUEST_TEST(vsm, vp_enabled)
{
	hv_init();
	vsm_enable_partition();
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(0, this_vtl1()->calls);
}

GUEST_TEST(vsm, enable_vp_by_index)
{
	hv_init();
	vsm_enable_partition();
	vp_input(0);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	vtl_call();
}

GUEST_TEST(vsm, enable_vp_before_partition)
{
	hv_init();
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_INVALID_VTL_STATE, enable_vp());
	GUEST_EQ(0x10000, hv_reg(0, HV_REG_VSM_VP_STATUS));
}

GUEST_TEST(vsm, enable_vp_twice)
{
	u64 result;

	hv_init();
	vsm_enable_partition();
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	/* "Already", or VTL0 may not do it any more: both rules apply. */
	result = enable_vp();
	GUEST_ASSERT(result == HV_VTL_ALREADY_ENABLED ||
		     result == HV_ACCESS_DENIED);
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
}

static u64 enable_vp_in_vtl1(u64 vp, u64 b)
{
	vp_input(vp);
	return enable_vp();
}

GUEST_TEST(vsm, enable_vp_twice_by_vtl1)
{
	vsm_init();
	GUEST_EQ(HV_VTL_ALREADY_ENABLED,
		 vtl1_exec(enable_vp_in_vtl1, HV_VP_SELF, 0));
}

GUEST_TEST(vsm, enable_vp_bad_partition)
{
	hv_init();
	vsm_enable_partition();
	vp_input(HV_VP_SELF)->partition = 5;
	GUEST_EQ(HV_INVALID_PARTITION_ID, enable_vp());
}

GUEST_TEST(vsm, enable_vp_bad_vp)
{
	static const u32 bad[] = { 1, 2, 255, 256, 0x10000, 0xffffffff };
	u32 i;

	hv_init();
	vsm_enable_partition();
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		vp_input(HV_VP_SELF)->vp = bad[i];
		GUEST_EQ(HV_INVALID_VP_INDEX, enable_vp());
	}
}

GUEST_TEST(vsm, enable_vp_bad_vtl)
{
	u32 vtl;
	u64 result;

	hv_init();
	vsm_enable_partition();
	vp_input(HV_VP_SELF)->vtl = 0;
	GUEST_EQ(HV_INVALID_PARAMETER, enable_vp());
	for (vtl = 2; vtl < 16; vtl++) {
		vp_input(HV_VP_SELF)->vtl = vtl;
		result = enable_vp();
		GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
			     result == HV_ACCESS_DENIED);
	}
}

/* Contexts in which VTL1 could not run */
struct bad_context {
	const char *name;
	u32 offset;
	u64 value;
};

#define CONTEXT(member, value) \
	{ #member, offsetof(struct hv_context, member), value }

static const struct bad_context bad_contexts[] = {
	CONTEXT(rip, 0x8000000000000000),	/* not canonical */
	CONTEXT(rflags, 0x100000000),
	CONTEXT(cr0, 0x80010032),		/* paging without PE */
	CONTEXT(cr0, 0x100000000),
	CONTEXT(cr0, 0),			/* real mode */
	CONTEXT(cr4, 0),			/* long mode without PAE */
	CONTEXT(cr4, 0x8000000000000020),
	CONTEXT(cr3, 0xfff0000000000000),
	CONTEXT(efer, 0x1000000000),
	CONTEXT(efer, 0),			/* 32 bit */
	CONTEXT(efer, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | BIT(36)),
	CONTEXT(efer, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | BIT(12)),
	CONTEXT(pat, 0x0202020202020202),	/* reserved type */
};

GUEST_TEST(vsm, enable_vp_bad_context)
{
	const struct bad_context *c;
	u64 result;
	u32 i;

	hv_init();
	vsm_enable_partition();
	for (i = 0; i < ARRAY_LEN(bad_contexts); i++) {
		struct hv_enable_vp_vtl *in = vp_input(HV_VP_SELF);

		c = &bad_contexts[i];
		*(u64 *)((u8 *)&in->context + c->offset) = c->value;
		result = enable_vp();
		if (result != HV_INVALID_REGISTER_VALUE &&
		    result != HV_INVALID_VP_STATE &&
		    result != HV_INVALID_PARAMETER)
			GUEST_FAIL("%s = 0x%llx: 0x%llx", (uintptr_t)c->name,
				   c->value, result);
	}
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	vtl_call();
}

/* Modes other than 64 bit, all of whose parts fit together */
static void enable_in_mode(u64 cr0, u64 cr4, u16 cs_attributes)
{
	struct hv_enable_vp_vtl *in = vp_input(HV_VP_SELF);
	u64 result;

	in->context.cr0 = cr0;
	in->context.cr4 = cr4;
	in->context.efer = 0;
	in->context.cs.attributes = cs_attributes;
	result = enable_vp();
	GUEST_ASSERT(result == HV_INVALID_REGISTER_VALUE ||
		     result == HV_INVALID_VP_STATE ||
		     result == HV_INVALID_PARAMETER);
}

GUEST_TEST(vsm, enable_vp_not_64_bit)
{
	hv_init();
	vsm_enable_partition();
	enable_in_mode(CR0_ET | CR0_NE, 0, 0x009b);
	enable_in_mode(CR0_PE | CR0_ET | CR0_NE, 0, 0xc09b);
	enable_in_mode(CR0_PE | CR0_ET | CR0_NE | CR0_PG, 0, 0xc09b);
	GUEST_EQ(0x10000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	vtl_call();
}

/* --- more VPs ------------------------------------------------------------ */

static u32 arrived, go;

static u64 enable_other(u64 vp, u64 b)
{
	return enable_vp_in_vtl1(vp, 0);
}

static void first_vp(void)
{
	hv_init();
	vsm_enable_partition();
	/* VTL0 enables the first VP on itself only. */
	vp_input(1);
	GUEST_EQ(HV_ACCESS_DENIED, enable_vp());
	vp_input(HV_VP_SELF);
	GUEST_EQ(HV_SUCCESS, enable_vp());
	vtl_call();
	GUEST_WAIT(READ_ONCE(arrived));
	/* Once there is VTL1 the other VPs are its business. */
	vp_input(1);
	GUEST_EQ(HV_ACCESS_DENIED, enable_vp());
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_other, 1, 0));
	GUEST_EQ(HV_VTL_ALREADY_ENABLED, vtl1_exec(enable_other, 1, 0));
	WRITE_ONCE(go, 1);
	GUEST_WAIT(READ_ONCE(arrived) == 2);
}

static u64 vp_of_vtl1(u64 a, u64 b)
{
	GUEST_EQ(1, this_cpu()->vtl);
	GUEST_EQ(this_cpu()->vp, rdmsr(HV_MSR_VP_INDEX));
	return this_cpu()->vp;
}

static void second_vp(void)
{
	hv_init();
	GUEST_TRAP(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0));
	GUEST_EQ(0x10000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	WRITE_ONCE(arrived, 1);
	GUEST_WAIT(READ_ONCE(go));
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	vtl_call();
	GUEST_EQ(1, vtl1_exec(vp_of_vtl1, 0, 0));
	WRITE_ONCE(arrived, 2);
}

static void either_vp(void)
{
	if (this_cpu()->vp)
		second_vp();
	else
		first_vp();
}

TEST_F(vsm, second_vp)
{
	struct vm *vm = VTL_VM(.entry = either_vp, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* VTL1 is enabled per VP: while one has it the other goes on without. */
static void independent_vps(void)
{
	if (this_cpu()->vp) {
		hv_init();
		GUEST_WAIT(READ_ONCE(arrived));
		GUEST_TRAP(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0));
		WRITE_ONCE(go, 1);
		return;
	}
	vsm_init();
	WRITE_ONCE(arrived, 1);
	GUEST_WAIT(READ_ONCE(go));
	vtl_call();
}

TEST_F(vsm, only_one_of_two_vps)
{
	struct vm *vm = VTL_VM(.entry = independent_vps, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- the initial context ------------------------------------------------- */

/*
 * VTL1's first code for these tests: stores what it finds, and returns by the
 * instruction itself.
 */
struct first_state {
	u64 rsp, rflags, cr0, cr3, cr4, cr8, dr7, dr6;
	u64 es, ds, fs, gs, ss, cs, tr, ldtr;
	struct {
		u16 limit;
		u64 base;
	} __packed gdt, idt;
	u64 efer, pat, fs_base, gs_base, kernel_gs_base;
	u64 star, lstar, cstar, sfmask, sysenter_cs, sysenter_esp,
	    sysenter_eip;
};

static struct first_state first;

static void __used look_around(u64 rsp)
{
	first.rsp = rsp;
	first.cr0 = read_cr0();
	first.cr3 = read_cr3();
	first.cr4 = read_cr4();
	first.cr8 = read_cr8();
	first.dr6 = read_dr6();
	first.dr7 = read_dr7();
	asm volatile("mov %%es, %0" : "=r" (first.es));
	asm volatile("mov %%ds, %0" : "=r" (first.ds));
	asm volatile("mov %%fs, %0" : "=r" (first.fs));
	asm volatile("mov %%gs, %0" : "=r" (first.gs));
	asm volatile("mov %%ss, %0" : "=r" (first.ss));
	asm volatile("mov %%cs, %0" : "=r" (first.cs));
	asm volatile("str %0" : "=r" (first.tr));
	asm volatile("sldt %0" : "=r" (first.ldtr));
	asm volatile("sgdt %0" : "=m" (first.gdt));
	asm volatile("sidt %0" : "=m" (first.idt));
	first.efer = rdmsr(MSR_EFER);
	first.pat = rdmsr(MSR_PAT);
	first.fs_base = rdmsr(MSR_FS_BASE);
	first.gs_base = rdmsr(MSR_GS_BASE);
	first.kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	first.star = rdmsr(MSR_STAR);
	first.lstar = rdmsr(MSR_LSTAR);
	first.cstar = rdmsr(MSR_CSTAR);
	first.sfmask = rdmsr(MSR_SFMASK);
	first.sysenter_cs = rdmsr(MSR_SYSENTER_CS);
	first.sysenter_esp = rdmsr(MSR_SYSENTER_ESP);
	first.sysenter_eip = rdmsr(MSR_SYSENTER_EIP);
	wrmsr(HV_MSR_GUEST_OS_ID, HV_TEST_OS_ID);
	vtl_try_call(HV_VTL_RETURN, 0);
	GUEST_FAIL("entered twice", 0);
}

extern const u8 first_entry[];
asm(".pushsection .text; .globl first_entry\n"
"first_entry: pushf; pop first+8(%rip); mov %rsp, %rdi; call look_around\n"
".popsection");

static struct hv_context *first_context(void)
{
	struct hv_context *context = &vp_input(HV_VP_SELF)->context;

	context->rip = (uintptr_t)first_entry;
	return context;
}

static void enter_first(void)
{
	hv_init();
	vsm_enable_partition();
	GUEST_EQ(HV_SUCCESS, enable_vp());
	vtl_call();
	GUEST_NE(0, first.rsp);
}

GUEST_TEST(vsm, context_is_loaded)
{
	struct hv_context *context = first_context(), c;

	/* VTL0's values of what is private and not in the context */
	wrmsr(MSR_KERNEL_GS_BASE, 0x1111000);
	wrmsr(MSR_STAR, 0x2222ULL << 32);
	wrmsr(MSR_LSTAR, 0x3333);
	wrmsr(MSR_CSTAR, 0x4444);
	wrmsr(MSR_SFMASK, 0x100);
	wrmsr(MSR_SYSENTER_CS, 0x10);
	wrmsr(MSR_SYSENTER_ESP, 0x5555);
	wrmsr(MSR_SYSENTER_EIP, 0x6666);
	write_cr8(7);
	context->rsp -= 0x100;
	context->rflags = 0x40002;
	context->cr0 |= CR0_AM;
	context->cr4 ^= CR4_DE;
	context->pat = 0x0606060606060606;
	context->fs.base = 0x777000;
	context->es.selector = USER_DS;
	context->es.attributes = 0xc0f3;
	context->gdtr.limit = 0x4f;
	context->idtr.limit = 0xfef;
	context->ldtr = (struct hv_segment) {
		.selector = LDT_SEL, .limit = 0xffff, .attributes = 0x82,
	};
	c = *context;
	enter_first();

	GUEST_EQ(c.rsp, first.rsp);
	GUEST_EQ(0x40002, first.rflags);
	GUEST_EQ(c.cr0, first.cr0);
	GUEST_EQ(c.cr3, first.cr3);
	GUEST_EQ(c.cr4, first.cr4);
	GUEST_EQ(c.efer, first.efer);
	GUEST_EQ(c.pat, first.pat);
	GUEST_EQ(c.fs.base, first.fs_base);
	GUEST_EQ(c.gs.base, first.gs_base);
	GUEST_EQ(c.es.selector, first.es);
	GUEST_EQ(c.ds.selector, first.ds);
	GUEST_EQ(c.ss.selector, first.ss);
	GUEST_EQ(c.cs.selector, first.cs);
	GUEST_EQ(c.tr.selector, first.tr);
	GUEST_EQ(LDT_SEL, first.ldtr);
	GUEST_EQ(c.gdtr.base, first.gdt.base);
	GUEST_EQ(c.gdtr.limit, first.gdt.limit);
	GUEST_EQ(c.idtr.base, first.idt.base);
	GUEST_EQ(c.idtr.limit, first.idt.limit);
	/* Reset values */
	GUEST_EQ(0, first.cr8);
	GUEST_EQ(0x400, first.dr7);
	GUEST_EQ(0, first.kernel_gs_base);
	GUEST_EQ(0, first.star);
	GUEST_EQ(0, first.lstar);
	GUEST_EQ(0, first.cstar);
	GUEST_EQ(0, first.sfmask);
	GUEST_EQ(0, first.sysenter_cs);
	GUEST_EQ(0, first.sysenter_esp);
	GUEST_EQ(0, first.sysenter_eip);
	/* VTL0 kept its own. */
	GUEST_EQ(7, read_cr8());
	GUEST_EQ(0x3333, rdmsr(MSR_LSTAR));
}

/* SS, LDTR and data segments with attributes 0 are unusable, not an error. */
GUEST_TEST(vsm, context_unusable_segments)
{
	struct hv_context *context = first_context();
	struct hv_segment none = { };

	context->ds = none;
	context->es = none;
	context->fs = none;
	context->ss = none;
	context->ldtr = none;
	context->gs.selector = 0;
	context->gs.attributes = 0;
	enter_first();
	GUEST_EQ(0, first.ss);
	GUEST_EQ(0, first.ds);
	GUEST_EQ(0, first.ldtr);
}

/* Linux's older VTL0 driver gives CS this way. */
GUEST_TEST(vsm, context_cs_without_granularity)
{
	struct hv_context *context = first_context();

	context->cs.attributes = 0x209b;
	context->cs.limit = 0xffff;
	enter_first();
}

GUEST_TEST(vsm, context_without_lma)
{
	first_context()->efer = EFER_SCE | EFER_LME | EFER_NX;
	enter_first();
	GUEST_EQ(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX, first.efer);
}

GUEST_TEST(vsm, context_pat_zero)
{
	first_context()->pat = 0;
	enter_first();
	GUEST_EQ(0, first.pat);
}

/* The context is taken at the call, not at the first entry. */
GUEST_TEST(vsm, context_is_copied)
{
	struct hv_context *context = first_context();

	hv_init();
	vsm_enable_partition();
	GUEST_EQ(HV_SUCCESS, enable_vp());
	memset(context, 0xff, sizeof(*context));
	vtl_call();
	GUEST_NE(0, first.rsp);
}

/* --- status registers ---------------------------------------------------- */

static u64 status_in_vtl1(u64 name, u64 vtl)
{
	return hv_reg(vtl, name);
}

GUEST_TEST(vsm, vp_status)
{
	vsm_init();
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(0x30001, vtl1_exec(status_in_vtl1, HV_REG_VSM_VP_STATUS, 0));
	GUEST_EQ(0x30001, vtl1_exec(status_in_vtl1, HV_REG_VSM_VP_STATUS,
				    HV_INPUT_VTL(0)));
}

GUEST_TEST(vsm, partition_status)
{
	vsm_init();
	GUEST_EQ(0x10003, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(0x10003,
		 vtl1_exec(status_in_vtl1, HV_REG_VSM_PARTITION_STATUS, 0));
}

/* DenyLowerVtlStartup, and no more */
GUEST_TEST(vsm, capabilities)
{
	u64 value;

	hv_init();
	value = hv_reg(0, HV_REG_VSM_CAPABILITIES);
	/* DenyLowerVtlStartup, InterceptPage, ReturnActionAvailable */
	GUEST_EQ(BIT(17) | BIT(27) | BIT(28), value);
	vsm_init();
	GUEST_EQ(value,
		 vtl1_exec(status_in_vtl1, HV_REG_VSM_CAPABILITIES, 0));
}

static u64 set_in_vtl1(u64 name, u64 value)
{
	return hv_set_register(HV_OWN_VTL, name, value, 0);
}

GUEST_TEST(vsm, status_is_read_only)
{
	static const u32 names[] = {
		HV_REG_VSM_VP_STATUS, HV_REG_VSM_PARTITION_STATUS,
		HV_REG_VSM_CAPABILITIES, HV_REG_CODE_PAGE_OFFSETS,
	};
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(names); i++) {
		GUEST_NE(HV_SUCCESS,
			 HV_STATUS(hv_set_register(0, names[i], 0x30001, 0)));
		GUEST_NE(HV_SUCCESS,
			 HV_STATUS(vtl1_exec(set_in_vtl1, names[i], 0x30001)));
	}
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
}

/* --- VsmPartitionConfig -------------------------------------------------- */

#define CONFIG	HV_REG_VSM_PARTITION_CONFIG
#define ENABLE_RWX (HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(HV_RWX))

GUEST_TEST(vsm, config)
{
	vtl1[0].no_protection = true;
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, CONFIG, ENABLE_RWX));
	GUEST_EQ(ENABLE_RWX, vtl1_exec(status_in_vtl1, CONFIG, 0) &
			     (HV_CONFIG_ENABLE_PROTECTION |
			      HV_CONFIG_DEFAULT(0xf)));
	/* The same value again is fine. */
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, CONFIG, ENABLE_RWX));
	/* Protection stays on. */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_in_vtl1, CONFIG, HV_CONFIG_DEFAULT(HV_RWX)));
}

GUEST_TEST(vsm, config_from_vtl0)
{
	union hv_value value;

	vtl1[0].no_protection = true;
	vsm_init();
	GUEST_NE(HV_SUCCESS, HV_STATUS(hv_set_register(HV_OWN_VTL, CONFIG,
						       ENABLE_RWX, 0)));
	GUEST_EQ(HV_ACCESS_DENIED,
		 HV_STATUS(hv_set_register(HV_INPUT_VTL(1), CONFIG, ENABLE_RWX,
					   0)));
	GUEST_EQ(HV_ACCESS_DENIED,
		 HV_STATUS(hv_get_register(HV_INPUT_VTL(1), CONFIG, &value)));
}

/* The intercepts, from bit 7 on, are not offered. */
/*
 * ZeroMemoryOnReset, DenyLowerVtlStartup, InterceptVpStartup,
 * InterceptCpuidUnimplemented, InterceptPage
 */
#define CONFIG_BITS	(BIT(5) | BIT(6) | BIT(9) | BIT(10) | BIT(12))

GUEST_TEST(vsm, config_bits)
{
	u32 i;

	vtl1[0].no_protection = true;
	vsm_init();
	for (i = 5; i < 64; i++) {
		if (CONFIG_BITS & BIT(i)) {
			GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, CONFIG,
						       ENABLE_RWX | BIT(i)));
			GUEST_EQ(ENABLE_RWX | BIT(i),
				 vtl1_exec(status_in_vtl1, CONFIG, 0));
			continue;
		}
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_in_vtl1, CONFIG, ENABLE_RWX | BIT(i)));
	}
}

/* The default must be a legal set of rights with R and W. */
GUEST_TEST(vsm, config_default_mask)
{
	static const u32 bad[] = { 0, HV_R, HV_W, HV_KX | HV_UX, HV_RX };
	u32 i;

	vtl1[0].no_protection = true;
	vsm_init();
	for (i = 0; i < ARRAY_LEN(bad); i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_in_vtl1, CONFIG,
				   HV_CONFIG_ENABLE_PROTECTION |
				   HV_CONFIG_DEFAULT(bad[i])));
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, CONFIG, ENABLE_RWX));
	/* Write once */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_in_vtl1, CONFIG, HV_CONFIG_ENABLE_PROTECTION |
			   HV_CONFIG_DEFAULT(HV_RW)));
}

/* --- VsmVpSecureConfigVtl0 ----------------------------------------------- */

#define SECURE	HV_REG_VSM_SECURE_CONFIG_VTL0

GUEST_TEST(vsm, secure_config)
{
	union hv_value value;
	u32 i;

	vsm_init();
	GUEST_EQ(0, vtl1_exec(status_in_vtl1, SECURE, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, SECURE, 0));
	/* The TLB lock lasts until the return to VTL0. */
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, SECURE, 2));
	GUEST_EQ(0, vtl1_exec(status_in_vtl1, SECURE, 0));
	/* MBEC is not enabled for the partition; the rest is not offered. */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_exec(set_in_vtl1, SECURE, 1));
	for (i = 2; i < 64; i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_in_vtl1, SECURE, BIT(i)));
	GUEST_EQ(HV_ACCESS_DENIED,
		 HV_STATUS(hv_get_register(HV_INPUT_VTL(1), SECURE, &value)));
	GUEST_EQ(HV_ACCESS_DENIED,
		 HV_STATUS(hv_get_register(HV_OWN_VTL, SECURE, &value)));
}

/* --- VsmVina ------------------------------------------------------------- */

GUEST_TEST(vsm, vina)
{
	union hv_value value;

	vsm_init();
	GUEST_EQ(0, vtl1_exec(status_in_vtl1, HV_REG_VSM_VINA, 0));
	/* All flags, and a reserved bit, which is preserved */
	GUEST_EQ(HV_REPS(1),
		 vtl1_exec(set_in_vtl1, HV_REG_VSM_VINA, 0x741 | BIT(40)));
	GUEST_EQ(0x741 | BIT(40),
		 vtl1_exec(status_in_vtl1, HV_REG_VSM_VINA, 0));
	/* No vector for an APIC, which matters when it is enabled */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_in_vtl1, HV_REG_VSM_VINA, 0x10f));
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, HV_REG_VSM_VINA, 0x00f));
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_in_vtl1, HV_REG_VSM_VINA, 0));
	GUEST_EQ(HV_INVALID_PARAMETER,
		 HV_STATUS(hv_get_register(HV_OWN_VTL, HV_REG_VSM_VINA,
					   &value)));
	GUEST_EQ(HV_ACCESS_DENIED,
		 HV_STATUS(hv_get_register(HV_INPUT_VTL(1), HV_REG_VSM_VINA,
					   &value)));
}

TEST_HARNESS_MAIN
