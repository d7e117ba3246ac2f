// SPDX-License-Identifier: GPL-2.0-only
/*
 * CrInterceptControl: VTL1 is told of VTL0's accesses to registers, and they
 * have no effect.
 */
#include "vtl_test.h"

AREA(cr_intercept)

#define CR0_WRITE		BIT(0)
#define CR4_WRITE		BIT(1)
#define XCR0_WRITE		BIT(2)
#define MISC_ENABLE_WRITE	BIT(4)
#define LSTAR_READ		BIT(5)
#define LSTAR_WRITE		BIT(6)
#define GDTR_WRITE		BIT(15)
#define IDTR_WRITE		BIT(16)
#define LDTR_WRITE		BIT(17)
#define TR_WRITE		BIT(18)
#define TABLES		(GDTR_WRITE | IDTR_WRITE | LDTR_WRITE | TR_WRITE)
#define ALL			(BIT(29) - 1)
/* What LVBS locks */
#define LVBS			0x7fd543ULL

#define MSR_MISC_ENABLE		0x1a0
#define MSR_SGX_LC		0x8c
#define MSR_XSS			0xda0
#define MSR_S_CET		0x6a2
#define MSR_PL0_SSP		0x6a4
#define MSR_PL2_SSP		0x6a6
#define MSR_INT_SSP_TABLE	0x6a8

static u64 set_reg(u64 name, u64 value)
{
	return hv_set_register(HV_OWN_VTL, name, value, 0);
}

static u64 get_reg(u64 name, u64 b)
{
	return hv_reg(HV_OWN_VTL, name);
}

static void set(u32 name, u64 value)
{
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_reg, name, value));
	GUEST_EQ(value, vtl1_exec(get_reg, name, 0));
}

static void control(u64 bits)
{
	set(HV_REG_CR_INTERCEPT, bits);
}

/* --- what VTL0 meets ---------------------------------------------------- */

static u32 gps;

static struct hv_register_intercept *intercept(void)
{
	return (void *)vtl1[0].message.payload;
}

/* A denied instruction is left out. */
static void on_gp(struct guest_cpu *cpu, struct guest_regs *regs)
{
	gps++;
	GUEST_EQ(regs->rip, intercept()->rip);
	GUEST_NE(0, intercept()->length);
	regs->rip += intercept()->length;
}

static void init(void)
{
	vsm_init();
	guest_on(GP_VECTOR, on_gp);
}

static void expect_none(void)
{
	GUEST_EQ(0, gps);
	GUEST_EQ(0, vtl1[0].messages);
}

static void check_header(u32 access, u32 length)
{
	struct hv_register_intercept *i = intercept();

	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(64, vtl1[0].message.size);
	GUEST_EQ(0, i->vp);
	GUEST_EQ(length, i->length);
	GUEST_EQ(access, i->access);
	GUEST_EQ(0, i->state & HV_STATE_CPL);
	GUEST_EQ(HV_STATE_LMA, i->state & HV_STATE_LMA);
	GUEST_EQ(0, HV_STATE_VTL(i->state));
	GUEST_EQ(KERNEL_CS, i->cs.selector);
	GUEST_EQ(HV_ENTRY_INTERRUPT, vtl1[0].entry_reason);
	vtl1[0].messages = 0;
}

static void expect_register(u32 name, u64 value, u32 length)
{
	GUEST_EQ(1, gps);
	gps = 0;
	GUEST_EQ(HV_MSG_REGISTER_INTERCEPT, vtl1[0].message.type);
	GUEST_EQ(name, intercept()->name);
	GUEST_EQ(0, intercept()->flags);
	GUEST_EQ(value, intercept()->value);
	GUEST_EQ(0, intercept()->value_high);
	check_header(HV_ACCESS_WRITE, length);
}

/* --- the registers themselves ------------------------------------------- */

GUEST_TEST(cr_intercept, nothing_by_default)
{
	vsm_init();
	write_cr0(read_cr0() & ~CR0_WP);
	GUEST_EQ(0, read_cr0() & CR0_WP);
	write_cr0(read_cr0() | CR0_WP);
	write_cr4(read_cr4() ^ CR4_DE);
	wrmsr(MSR_LSTAR, 0x1234000);
	GUEST_EQ(0x1234000, rdmsr(MSR_LSTAR));
	wrmsr(MSR_STAR, 0x10ULL << 32);
	wrmsr(MSR_SFMASK, 0x200);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SCE);
	wrmsr(MSR_SYSENTER_EIP, 0x5678);
	GUEST_EQ(0, vtl1[0].interrupts);
	GUEST_EQ(0, vtl1[0].messages);
}

GUEST_TEST(cr_intercept, registers)
{
	u32 i;

	vsm_init();
	for (i = 0; i < 4; i++)
		GUEST_EQ(0, vtl1_exec(get_reg, HV_REG_CR_INTERCEPT + i, 0));
	for (i = 0; i < 29; i++)
		control(BIT(i));
	control(LVBS);
	control(ALL);
	for (i = 29; i < 64; i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set_reg, HV_REG_CR_INTERCEPT, BIT(i)));
	GUEST_EQ(ALL, vtl1_exec(get_reg, HV_REG_CR_INTERCEPT, 0));
	for (i = 0; i < 64; i++) {
		set(HV_REG_CR0_MASK, BIT(i));
		set(HV_REG_CR4_MASK, ~BIT(i));
		set(HV_REG_MISC_MASK, BIT(i));
	}
	control(0);
	set(HV_REG_CR0_MASK, 0);
}

GUEST_TEST(cr_intercept, not_from_vtl0)
{
	static const u32 names[] = {
		HV_REG_CR_INTERCEPT, HV_REG_CR0_MASK, HV_REG_CR4_MASK,
		HV_REG_MISC_MASK,
	};
	union hv_value value;
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(names); i++) {
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_set_register(HV_INPUT_VTL(1), names[i], 0, 0));
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_get_register(HV_INPUT_VTL(1), names[i], &value));
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_set_register(HV_OWN_VTL, names[i], 0, 0));
		GUEST_EQ(HV_ACCESS_DENIED,
			 hv_get_register(HV_OWN_VTL, names[i], &value));
	}
}

/* --- CR0 ---------------------------------------------------------------- */

static void clts(void) { asm volatile("clts" : : : "memory"); }

static void lmsw(u16 value)
{
	asm volatile("lmsw %%ax" : : "a" (value) : "memory");
}

/* Three bytes each */
static void mov_to_cr0(u64 value)
{
	asm volatile("mov %%rax, %%cr0" : : "a" (value) : "memory");
}

static void mov_to_cr4(u64 value)
{
	asm volatile("mov %%rax, %%cr4" : : "a" (value) : "memory");
}

GUEST_TEST(cr_intercept, cr0)
{
	u64 cr0;

	init();
	cr0 = read_cr0();
	GUEST_EQ(CR0_WP | CR0_PE, cr0 & (CR0_WP | CR0_PE));
	set(HV_REG_CR0_MASK, CR0_PE | CR0_WP | CR0_PG);
	control(CR0_WRITE);

	mov_to_cr0(cr0 & ~CR0_WP);
	expect_register(HV_REG_CR0, cr0 & ~CR0_WP, 3);
	GUEST_EQ(cr0, read_cr0());
	/* A longer form of the same */
	asm volatile("mov %0, %%r9; mov %%r9, %%cr0" : :
		     "r" (cr0 & ~CR0_WP) : "r9");
	expect_register(HV_REG_CR0, cr0 & ~CR0_WP, 4);
	mov_to_cr0(cr0 & ~CR0_PG);
	expect_register(HV_REG_CR0, cr0 & ~CR0_PG, 3);
	GUEST_EQ(cr0, read_cr0());

	/* What the mask does not name, and what does not change */
	mov_to_cr0(cr0);
	mov_to_cr0(cr0 ^ CR0_AM);
	GUEST_EQ(cr0 ^ CR0_AM, read_cr0());
	mov_to_cr0(cr0 | CR0_TS);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	clts();
	GUEST_EQ(cr0, read_cr0());
	expect_none();

	control(0);
	mov_to_cr0(cr0 & ~CR0_WP);
	GUEST_EQ(cr0 & ~CR0_WP, read_cr0());
	expect_none();
}

/* A value that the CPU would refuse; VTL1 is asked first. */
GUEST_TEST(cr_intercept, cr0_bad_value)
{
	u64 cr0;

	init();
	cr0 = read_cr0();
	set(HV_REG_CR0_MASK, CR0_PE);
	control(CR0_WRITE);
	mov_to_cr0(cr0 & ~CR0_PE);
	expect_register(HV_REG_CR0, cr0 & ~CR0_PE, 3);
}

/* TS and MP, which KVM leaves to the guest, by all that writes them */
GUEST_TEST(cr_intercept, task_switched)
{
	u64 cr0;

	init();
	cr0 = read_cr0() & ~CR0_TS;
	mov_to_cr0(cr0 | CR0_TS);
	set(HV_REG_CR0_MASK, CR0_TS | CR0_MP);
	control(CR0_WRITE);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());

	clts();
	expect_register(HV_REG_CR0, cr0, 2);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	lmsw(cr0 & 0xf);
	expect_register(HV_REG_CR0, cr0, 3);
	mov_to_cr0(cr0);
	expect_register(HV_REG_CR0, cr0, 3);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	mov_to_cr0((cr0 | CR0_TS) ^ CR0_MP);
	expect_register(HV_REG_CR0, (cr0 | CR0_TS) ^ CR0_MP, 3);

	/* Not in the mask any more, and not the guest's own yet */
	set(HV_REG_CR0_MASK, CR0_MP);
	clts();
	GUEST_EQ(cr0, read_cr0());
	mov_to_cr0(cr0 | CR0_TS);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	set(HV_REG_CR0_MASK, CR0_TS);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	set(HV_REG_CR0_MASK, 0);
	clts();
	GUEST_EQ(cr0, read_cr0());
	/* Clear already */
	set(HV_REG_CR0_MASK, CR0_TS);
	clts();
	lmsw(cr0 & 0xf);
	GUEST_EQ(cr0, read_cr0());
	expect_none();
}

/* What VTL0 has changed before without an exit is not lost. */
GUEST_TEST(cr_intercept, earlier_values)
{
	u64 cr0, cr4;

	init();
	cr0 = read_cr0() & ~CR0_WP;
	mov_to_cr0(cr0);
	cr4 = read_cr4() ^ (CR4_DE | CR4_TSD);
	mov_to_cr4(cr4);
	set(HV_REG_CR0_MASK, ~0ULL);
	set(HV_REG_CR4_MASK, ~0ULL);
	control(CR0_WRITE | CR4_WRITE);
	GUEST_EQ(cr0, read_cr0());
	GUEST_EQ(cr4, read_cr4());
	mov_to_cr0(cr0 | CR0_WP);
	expect_register(HV_REG_CR0, cr0 | CR0_WP, 3);
	control(0);
	GUEST_EQ(cr0, read_cr0());
	GUEST_EQ(cr4, read_cr4());
	mov_to_cr0(cr0 | CR0_WP);
	GUEST_EQ(cr0 | CR0_WP, read_cr0());
	expect_none();
}

/* --- CR4 ---------------------------------------------------------------- */

GUEST_TEST(cr_intercept, cr4)
{
	static const u64 bits[] = {
		CR4_TSD, CR4_DE, CR4_PGE, CR4_OSXMMEXCPT,
	};
	u64 cr4;
	u32 i;

	init();
	cr4 = read_cr4();
	set(HV_REG_CR4_MASK, ~BIT(6));		/* all but MCE */
	control(CR4_WRITE);
	for (i = 0; i < ARRAY_LEN(bits); i++) {
		mov_to_cr4(cr4 ^ bits[i]);
		expect_register(HV_REG_CR4, cr4 ^ bits[i], 3);
		GUEST_EQ(cr4, read_cr4());
	}
	mov_to_cr4(cr4 ^ BIT(6));
	GUEST_EQ(cr4 ^ BIT(6), read_cr4());
	/* One bit only */
	set(HV_REG_CR4_MASK, CR4_DE);
	mov_to_cr4(cr4 ^ CR4_PGE);
	GUEST_EQ(cr4 ^ CR4_PGE, read_cr4());
	expect_none();
	mov_to_cr4(cr4 ^ CR4_DE);
	expect_register(HV_REG_CR4, cr4 ^ CR4_DE, 3);
}

static void allow(struct vtl_service *v);

static u64 set_xfem(u64 value, u64 b)
{
	return hv_set_register(HV_INPUT_VTL(0), HV_REG_XFEM, value, 0);
}

/* --- XCR0 --------------------------------------------------------------- */

GUEST_TEST(cr_intercept, xcr0)
{
	u64 was;

	guest_need_xcr0(3);
	init();
	was = xgetbv(0);
	control(XCR0_WRITE);
	/* No value is compared. */
	probe_xsetbv(0, was);
	expect_register(HV_REG_XFEM, was, 3);
	probe_xsetbv(0, 3);
	expect_register(HV_REG_XFEM, 3, 3);
	GUEST_EQ(was, xgetbv(0));
	control(ALL & ~XCR0_WRITE);
	GUEST_NO_TRAP(probe_xsetbv(0, 3));
	GUEST_EQ(3, xgetbv(0));
	expect_none();
	/* VTL1 writes it for VTL0. */
	control(XCR0_WRITE);
	vtl1[0].policy = allow;
	probe_xsetbv(0, 1);
	GUEST_EQ(1, xgetbv(0));
	GUEST_EQ(0, gps);
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_exec(set_xfem, 2, 0));
	GUEST_EQ(1, xgetbv(0));
}

/* --- MSRs --------------------------------------------------------------- */

struct msr {
	u32 index;
	u32 read, write;	/* number of the bit; 0: none */
	u64 value;		/* 0: what it has */
	bool absent;		/* #GP in any case */
};

static const struct msr msrs[] = {
	{ MSR_LSTAR, 5, 6, 0x1234000 },
	{ MSR_STAR, 7, 8, 0x23001000000000 },
	{ MSR_CSTAR, 9, 10, 0x5678000 },
	{ MSR_APIC_BASE, 11, 12 },
	{ MSR_EFER, 13, 14 },
	{ MSR_SYSENTER_CS, 0, 19, 0x10 },
	{ MSR_SYSENTER_EIP, 0, 20, 0x9abc },
	{ MSR_SYSENTER_ESP, 0, 21, 0xdef0 },
	{ MSR_SFMASK, 0, 22, 0x4700 },
	{ MSR_TSC_AUX, 0, 23, 0x55 },
	{ MSR_SGX_LC, 0, 24, 1, true },
	{ MSR_SGX_LC + 3, 0, 24, 1, true },
	{ MSR_XSS, 0, 25, 0, true },
	{ MSR_S_CET, 0, 26, 1, true },
	{ MSR_PL0_SSP, 0, 27, 8, true },
	{ MSR_PL2_SSP, 0, 27, 8, true },
	{ MSR_INT_SSP_TABLE, 0, 28, 8, true },
};

static void expect_msr(u32 index, u32 access, u64 rax, u64 rdx)
{
	GUEST_EQ(HV_MSG_MSR_INTERCEPT, vtl1[0].message.type);
	GUEST_EQ(index, intercept()->msr);
	GUEST_EQ(0, intercept()->reserved);
	GUEST_EQ(rax, intercept()->rax);
	GUEST_EQ(rdx, intercept()->rdx);
	check_header(access, 2);
}

GUEST_TEST(cr_intercept, msr_writes)
{
	const struct msr *m;

	vsm_init();
	for (m = msrs; m < msrs + ARRAY_LEN(msrs); m++) {
		u64 was = m->absent ? 0 : rdmsr(m->index);
		u64 value = m->value ?: was;

		if (m->index == MSR_TSC_AUX &&
		    probe_wrmsr(m->index, was).vector != NO_TRAP)
			continue;
		control(BIT(m->write));
		GUEST_TRAP(GP_VECTOR, probe_wrmsr(m->index, value));
		expect_msr(m->index, HV_ACCESS_WRITE, (u32)value, value >> 32);
		if (m->absent)
			continue;
		GUEST_EQ(was, rdmsr(m->index));
		/* The others are none of its business. */
		control(ALL & ~BIT(m->write) & ~BIT(m->read));
		GUEST_NO_TRAP(probe_wrmsr(m->index, value));
		GUEST_EQ(value, rdmsr(m->index));
		expect_none();
		control(0);
	}
}

GUEST_TEST(cr_intercept, msr_reads)
{
	const struct msr *m;
	u64 value;

	vsm_init();
	for (m = msrs; m < msrs + ARRAY_LEN(msrs); m++) {
		if (!m->read)
			continue;
		control(BIT(m->read));
		GUEST_TRAP(GP_VECTOR, probe_rdmsr(m->index, &value));
		GUEST_EQ(HV_MSG_MSR_INTERCEPT, vtl1[0].message.type);
		GUEST_EQ(m->index, intercept()->msr);
		check_header(HV_ACCESS_READ, 2);
		GUEST_NO_TRAP(probe_wrmsr(m->index, m->value));
		control(0);
		GUEST_NO_TRAP(probe_rdmsr(m->index, &value));
		expect_none();
		if (m->index == MSR_CSTAR)
			break;
	}
}

GUEST_TEST(cr_intercept, misc_enable)
{
	u64 was, value;

	vsm_init();
	was = rdmsr(MSR_MISC_ENABLE);
	control(MISC_ENABLE_WRITE);
	/* The mask decides. */
	GUEST_NO_TRAP(probe_wrmsr(MSR_MISC_ENABLE, was ^ BIT(0)));
	GUEST_EQ(was ^ BIT(0), rdmsr(MSR_MISC_ENABLE));
	GUEST_NO_TRAP(probe_wrmsr(MSR_MISC_ENABLE, was));
	set(HV_REG_MISC_MASK, BIT(0));
	GUEST_NO_TRAP(probe_wrmsr(MSR_MISC_ENABLE, was));
	expect_none();
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_MISC_ENABLE, was ^ BIT(0)));
	expect_msr(MSR_MISC_ENABLE, HV_ACCESS_WRITE, (u32)was ^ 1, was >> 32);
	GUEST_EQ(was, rdmsr(MSR_MISC_ENABLE));
	control(BIT(3));
	GUEST_TRAP(GP_VECTOR, probe_rdmsr(MSR_MISC_ENABLE, &value));
	GUEST_EQ(MSR_MISC_ENABLE, intercept()->msr);
	check_header(HV_ACCESS_READ, 2);
}

/* VTL1's own registers are not intercepted. */
static u64 write_own(u64 a, u64 b)
{
	wrmsr(MSR_LSTAR, 0x2222000);
	GUEST_EQ(0x2222000, rdmsr(MSR_LSTAR));
	write_cr0(read_cr0() ^ CR0_AM);
	write_cr4(read_cr4() ^ CR4_DE);
	return 0;
}

GUEST_TEST(cr_intercept, not_for_vtl1)
{
	vsm_init();
	set(HV_REG_CR0_MASK, ~0ULL);
	set(HV_REG_CR4_MASK, ~0ULL);
	control(ALL);
	vtl1_exec(write_own, 0, 0);
	expect_none();
}

/* --- descriptor tables -------------------------------------------------- */

struct dtr {
	u16 limit;
	u64 base;
} __packed;

static struct dtr gdtr, idtr;

static void lgdt(void) { asm volatile("lgdt %0" : : "m" (gdtr) : "memory"); }
static void sgdt(void) { asm volatile("sgdt %0" : "=m" (gdtr)); }
static void lidt(void) { asm volatile("lidt %0" : : "m" (idtr) : "memory"); }
static void sidt(void) { asm volatile("sidt %0" : "=m" (idtr)); }

static u16 sldt(void)
{
	u16 selector;

	asm volatile("sldt %0" : "=r" (selector));
	return selector;
}

static u16 str(void)
{
	u16 selector;

	asm volatile("str %0" : "=r" (selector));
	return selector;
}

/* Three bytes each, of registers that need no prefix */
static void lldt(u16 selector)
{
	asm volatile("lldt %%ax" : : "a" (selector) : "memory");
}

static void ltr(u16 selector)
{
	asm volatile("ltr %%ax" : : "a" (selector) : "memory");
}

/* LTR wants a TSS that is not busy. */
static void free_tss(void)
{
	this_area()->gdt[TSS_SEL / 8] &= ~BIT(41);
}

static bool tss_is_busy(void)
{
	return this_area()->gdt[TSS_SEL / 8] & BIT(41);
}

static void load_all(void)
{
	lgdt();
	lidt();
	lldt(0);
	free_tss();
	ltr(TSS_SEL);
	GUEST_ASSERT(tss_is_busy());
}

static void store_all(void)
{
	struct dtr g = gdtr, i = idtr;

	sgdt();
	sidt();
	GUEST_EQ(g.base, gdtr.base);
	GUEST_EQ(g.limit, gdtr.limit);
	GUEST_EQ(i.base, idtr.base);
	GUEST_EQ(i.limit, idtr.limit);
	GUEST_EQ(0, sldt());
	GUEST_EQ(TSS_SEL, str());
}

/* What VTL0 would like to have, and has not got */
static void lgdt_evil(void)
{
	u64 base = gdtr.base;

	gdtr.base = 0x1000;
	lgdt();
	gdtr.base = base;
}

GUEST_TEST(cr_intercept, tables)
{
	init();
	sgdt();
	sidt();
	control(GDTR_WRITE);
	lgdt_evil();
	GUEST_EQ(HV_REG_GDTR, intercept()->name);
	expect_register(HV_REG_GDTR, 0, intercept()->length);
	store_all();
	lidt();
	lldt(0);
	expect_none();

	control(IDTR_WRITE);
	lidt();
	expect_register(HV_REG_IDTR, 0, intercept()->length);
	lgdt();
	store_all();
	expect_none();

	control(LDTR_WRITE);
	lldt(TSS_SEL);
	expect_register(HV_REG_LDTR, 0, 3);
	free_tss();
	ltr(TSS_SEL);
	store_all();
	expect_none();

	control(TR_WRITE);
	free_tss();
	ltr(TSS_SEL);
	expect_register(HV_REG_TR, 0, 3);
	/* No effect at all */
	GUEST_ASSERT(!tss_is_busy());
	lldt(0);
	store_all();
	expect_none();

	control(ALL & ~TABLES);
	load_all();
	store_all();
	expect_none();
}

static void lgdt_of_user(void) { asm volatile("lgdt %0" : : "m" (gdtr)); }
static void sgdt_of_user(void) { sgdt(); }

/* CPL 3 may not, whatever VTL1 wants. */
GUEST_TEST(cr_intercept, tables_and_users)
{
	vsm_init();
	sgdt();
	control(TABLES);
	GUEST_TRAP(GP_VECTOR, run_user(lgdt_of_user));
	GUEST_TRAP(USER_RETURN_VECTOR, run_user(sgdt_of_user));
	expect_none();
}

/* --- VTL0 tries to get rid of it ---------------------------------------- */

static void expect_all_tables(void)
{
	lgdt();
	expect_register(HV_REG_GDTR, 0, intercept()->length);
	lidt();
	expect_register(HV_REG_IDTR, 0, intercept()->length);
	lldt(0);
	expect_register(HV_REG_LDTR, 0, 3);
	ltr(TSS_SEL);
	expect_register(HV_REG_TR, 0, 3);
}

static void expect_cr0(void)
{
	u64 cr0 = read_cr0();

	mov_to_cr0(cr0 ^ CR0_WP);
	expect_register(HV_REG_CR0, cr0 ^ CR0_WP, 3);
	mov_to_cr0(cr0 ^ CR0_TS);
	expect_register(HV_REG_CR0, cr0 ^ CR0_TS, 3);
	GUEST_EQ(cr0, read_cr0());
}

static void lock(void)
{
	sgdt();
	sidt();
	set(HV_REG_CR0_MASK, CR0_WP | CR0_TS);
	control(TABLES | CR0_WRITE);
}

GUEST_TEST(cr_intercept, after_apic_mode)
{
	u64 base;

	init();
	lock();
	base = rdmsr(MSR_APIC_BASE);
	wrmsr(MSR_APIC_BASE, base | APIC_ENABLE_X2);
	expect_all_tables();
	expect_cr0();
	wrmsr(MSR_APIC_BASE, base & ~APIC_ENABLE_X2);
	wrmsr(MSR_APIC_BASE, base);
	expect_all_tables();
	expect_cr0();
}

GUEST_TEST(cr_intercept, after_control_registers)
{
	init();
	lock();
	mov_to_cr4(read_cr4() ^ CR4_DE);
	mov_to_cr4(read_cr4() ^ BIT(6));
	mov_to_cr0(read_cr0() ^ CR0_AM);
	mov_to_cr0(read_cr0() ^ CR0_NE);
	expect_all_tables();
	expect_cr0();
}

static void dirty_log_guest(void)
{
	init();
	lock();
	GUEST_SYNC(1);
	expect_all_tables();
	GUEST_SYNC(2);
	expect_all_tables();
	expect_cr0();
}

TEST_F(cr_intercept, after_dirty_log)
{
	struct vm *vm = VTL_VM(.entry = dirty_log_guest, .big_area = true);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, KVM_MEM_LOG_DIRTY_PAGES));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, 0));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* VMLOAD loads TR, LDTR and MSRs from memory. */
static u8 vmcb[PAGE_SIZE] __page;
static u32 uds;

static void on_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
	uds++;
	regs->rip += 3;
}

GUEST_TEST(cr_intercept, no_vmload)
{
	u64 lstar, star;

	init();
	guest_on(UD_VECTOR, on_ud);
	lstar = rdmsr(MSR_LSTAR);
	star = rdmsr(MSR_STAR);
	/* Before anything is locked, too: the state stays as it is. */
	asm volatile("vmload" : : "a" (vmcb) : "memory");
	asm volatile("vmsave" : : "a" (vmcb) : "memory");
	GUEST_EQ(2, uds);
	control(ALL);
	memset(vmcb, 0x11, sizeof(vmcb));
	asm volatile("vmload" : : "a" (vmcb) : "memory");
	GUEST_EQ(3, uds);
	control(0);
	GUEST_EQ(lstar, rdmsr(MSR_LSTAR));
	GUEST_EQ(star, rdmsr(MSR_STAR));
	GUEST_EQ(TSS_SEL, str());
	expect_none();
}

/* VTL0 sends itself an SMI.  Its handler would be at 0x38000. */
static void send_smi(u64 mode)
{
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_ICR + 0x10, 0);
	apic_write(APIC_ICR, mode);
	irq_window();
}

GUEST_TEST(cr_intercept, no_smm)
{
	u64 cr0;

	init();
	lock();
	cr0 = read_cr0();
	send_smi(0x4200);
	GUEST_EQ(cr0, read_cr0());
	expect_all_tables();
	expect_cr0();
}

/* Single steps: no trap of the next instruction, no sign of it in DR6 */
static u64 gp_dr6;
static u32 traps;

static void on_gp_step(struct guest_cpu *cpu, struct guest_regs *regs)
{
	gp_dr6 = read_dr6();
	GUEST_ASSERT(regs->rflags & BIT(8));
	regs->rflags &= ~BIT(8);
	on_gp(cpu, regs);
}

static void on_trap(struct guest_cpu *cpu, struct guest_regs *regs)
{
	traps++;
	regs->rflags &= ~BIT(8);
}

GUEST_TEST(cr_intercept, single_step)
{
	u64 cr0, dr6;

	init();
	lock();
	cr0 = read_cr0();
	dr6 = read_dr6();
	guest_on(GP_VECTOR, on_gp_step);
	guest_on(DB_VECTOR, on_trap);
	asm volatile("pushf; orq $0x100, (%%rsp); popf; mov %%rax, %%cr0" : :
		     "a" (cr0 ^ CR0_WP) : "memory", "cc");
	GUEST_EQ(0, traps);
	GUEST_EQ(dr6, gp_dr6);
	expect_register(HV_REG_CR0, cr0 ^ CR0_WP, 3);
}

/* VTL0 has KVM's emulator execute the instruction. */
#define FEP ".byte 0x0f, 0x0b, 0x6b, 0x76, 0x6d; "
#define PREFIX_PARAMETER "/sys/module/kvm/parameters/force_emulation_prefix"

static void emulated_guest(void)
{
	u64 cr0, cr4, was;

	init();
	sgdt();
	sidt();
	set(HV_REG_CR0_MASK, CR0_WP | CR0_TS);
	set(HV_REG_CR4_MASK, CR4_DE);
	control(ALL);
	cr0 = read_cr0();
	cr4 = read_cr4();
	asm volatile(FEP "mov %%rax, %%cr0" : : "a" (cr0 ^ CR0_WP));
	expect_register(HV_REG_CR0, cr0 ^ CR0_WP, 3);
	asm volatile(FEP "lmsw %%ax" : : "a" ((u16)(cr0 ^ CR0_TS)));
	expect_register(HV_REG_CR0, cr0 ^ CR0_TS, 3);
	asm volatile(FEP "mov %%rax, %%cr4" : : "a" (cr4 ^ CR4_DE));
	expect_register(HV_REG_CR4, cr4 ^ CR4_DE, 3);
	GUEST_EQ(cr0, read_cr0());
	GUEST_EQ(cr4, read_cr4());
	asm volatile(FEP "lgdt (%%rax)" : : "a" (&gdtr));
	expect_register(HV_REG_GDTR, 0, 3);
	asm volatile(FEP "lidt (%%rax)" : : "a" (&idtr));
	expect_register(HV_REG_IDTR, 0, 3);
	asm volatile(FEP "lldt %%ax" : : "a" (0));
	expect_register(HV_REG_LDTR, 0, 3);
	free_tss();
	asm volatile(FEP "ltr %%ax" : : "a" (TSS_SEL));
	expect_register(HV_REG_TR, 0, 3);

	asm volatile(FEP "wrmsr" : : "c" (MSR_LSTAR), "a" (1), "d" (2));
	GUEST_EQ(1, gps);
	gps = 0;
	expect_msr(MSR_LSTAR, HV_ACCESS_WRITE, 1, 2);
	control(0);
	was = rdmsr(MSR_LSTAR);
	GUEST_EQ(0, was);
	store_all();
	expect_none();
	/* The prefix is no fault by itself. */
	asm volatile(FEP "lgdt (%%rax)" : : "a" (&gdtr));
	asm volatile(FEP "mov %%rax, %%cr0" : : "a" (cr0 ^ CR0_WP));
	GUEST_EQ(cr0 ^ CR0_WP, read_cr0());
	expect_none();
}

static void run_emulated(struct __test_metadata *_metadata, void (*entry)(void))
{
	struct vm *vm;

	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	vm = VTL_VM(.entry = entry);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
	EXPECT_EQ(0, write_file(PREFIX_PARAMETER, "0"));
}

TEST_F(cr_intercept, emulated)
{
	run_emulated(_metadata, emulated_guest);
}

/* No intercept, but it is read where they are found. */
static u64 emulated_clock(u64 a, u64 b)
{
	u32 low, high;

	asm volatile(FEP "rdmsr" : "=a" (low), "=d" (high)
		     : "c" (HV_MSR_TIME_REF_COUNT));
	return (u64)high << 32 | low;
}

static void clock_guest(void)
{
	u64 before, within, after;
	u32 i;

	vsm_init();
	for (i = 0; i < 50; i++) {
		before = rdmsr(HV_MSR_TIME_REF_COUNT);
		within = vtl1_exec(emulated_clock, 0, 0);
		after = emulated_clock(0, 0);
		GUEST_LE(before, within);
		GUEST_LE(within, after);
	}
}

TEST_F(cr_intercept, emulated_clock)
{
	run_emulated(_metadata, clock_guest);
}

static u64 try_clock(u64 a, u64 b)
{
	return probe_rdmsr(HV_MSR_TIME_REF_COUNT, NULL).vector;
}

static void filtered_guest(void)
{
	vsm_init();
	GUEST_EQ((u64)NO_TRAP, vtl1_exec(try_clock, 0, 0));
	GUEST_SYNC(0);
	GUEST_EQ(GP_VECTOR, try_clock(0, 0));
	GUEST_EQ(GP_VECTOR, vtl1_exec(try_clock, 0, 0));
}

/* The VMM's filter holds for the clock of every VTL. */
TEST_F(cr_intercept, filtered_clock)
{
	struct vm *vm = VTL_VM(.entry = filtered_guest);
	u8 bitmap = 0;
	struct kvm_msr_filter filter = {
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_READ, .nmsrs = 1,
			.base = HV_MSR_TIME_REF_COUNT, .bitmap = &bitmap,
		},
	};

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- what VTL1 can do about it ------------------------------------------ */

/* As LVBS: the value is fine, write it and go on. */
static void allow(struct vtl_service *v)
{
	struct hv_register_intercept *i = (void *)v->message.payload;
	bool is_msr = v->message.type == HV_MSG_MSR_INTERCEPT;

	if (is_msr)
		hv_set_reg(HV_INPUT_VTL(0), HV_REG_LSTAR,
			   (u32)i->rax | i->rdx << 32);
	else
		hv_set_reg(HV_INPUT_VTL(0), i->name, i->value);
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RIP, i->rip + i->length);
}

GUEST_TEST(cr_intercept, allowed)
{
	u64 cr0, cr4;

	init();
	vtl1[0].policy = allow;
	set(HV_REG_CR0_MASK, CR0_WP | CR0_TS);
	set(HV_REG_CR4_MASK, CR4_DE);
	control(CR0_WRITE | CR4_WRITE | LSTAR_WRITE);
	cr0 = read_cr0();
	cr4 = read_cr4();
	mov_to_cr0(cr0 ^ CR0_WP);
	GUEST_EQ(cr0 ^ CR0_WP, read_cr0());
	mov_to_cr0(cr0 | CR0_TS);
	GUEST_EQ(cr0 | CR0_TS, read_cr0());
	clts();
	GUEST_EQ(cr0, read_cr0());
	mov_to_cr4(cr4 ^ CR4_DE);
	GUEST_EQ(cr4 ^ CR4_DE, read_cr4());
	wrmsr(MSR_LSTAR, 0x123456789abc);
	GUEST_EQ(0x123456789abc, rdmsr(MSR_LSTAR));
	GUEST_EQ(5, vtl1[0].messages);
	GUEST_EQ(0, gps);
}

/* A value for RDMSR: RAX comes from the assist page, RDX is shared. */
static void answer(struct vtl_service *v)
{
	struct hv_register_intercept *i = (void *)v->message.payload;
	struct hv_assist *assist = (void *)this_area()->assist;

	assist->rax = 0x9abcdef0;
	v->regs->rdx = 0x1234;
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RIP, i->rip + i->length);
}

GUEST_TEST(cr_intercept, read_is_answered)
{
	vsm_init();
	vtl1[0].policy = answer;
	control(LSTAR_READ);
	GUEST_EQ(0x12349abcdef0, rdmsr(MSR_LSTAR));
	GUEST_EQ(1, vtl1[0].messages);
}

/* Nobody takes the message: the access is refused all the same. */
GUEST_TEST(cr_intercept, undeliverable)
{
	u64 cr0;

	vtl1[0].bare = true;
	vsm_init();
	set(HV_REG_CR0_MASK, CR0_WP);
	control(LSTAR_WRITE | CR0_WRITE | GDTR_WRITE);
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x1234000));
	GUEST_EQ(0, rdmsr(MSR_LSTAR));
	intercept()->length = 3;
	guest_on(GP_VECTOR, on_gp);
	cr0 = read_cr0();
	sgdt();
	asm volatile("lea 1f(%%rip), %%rdx; mov %%rdx, %1\n"
		     "1: mov %%rax, %%cr0" : :
		     "a" (cr0 ^ CR0_WP), "m" (intercept()->rip) : "rdx");
	GUEST_EQ(cr0, read_cr0());
	asm volatile("lea 1f(%%rip), %%rdx; mov %%rdx, %1\n"
		     "1: lgdt (%%rax)" : :
		     "a" (&gdtr), "m" (intercept()->rip) : "rdx");
	GUEST_EQ(2, gps);
	GUEST_EQ(0, vtl1[0].messages);
}

/* --- the VMM ------------------------------------------------------------ */

static void locked_guest(void)
{
	init();
	lock();
	GUEST_SYNC(1);
	/* The VMM has cleared all. */
	lgdt();
	mov_to_cr0(read_cr0() ^ CR0_TS);
	expect_none();
	GUEST_SYNC(2);
	expect_all_tables();
	expect_cr0();
}

static int set_vp(struct vcpu *vcpu, struct kvm_vtl_vp *vp)
{
	return ioctl(vcpu->fd, KVM_VTL_SET_VP, vp) ? -errno : 0;
}

TEST_F(cr_intercept, state)
{
	struct kvm_vtl_vp vp = { .size = sizeof(vp) }, none, bad;
	struct vm *vm = VTL_VM(.entry = locked_guest);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_VTL_GET_VP, &vp));
	EXPECT_EQ(TABLES | CR0_WRITE, vp.cr_intercept[4]);
	EXPECT_EQ(CR0_WP | CR0_TS, vp.cr_intercept[5]);
	EXPECT_EQ(0, vp.cr_intercept[6] | vp.cr_intercept[7]);
	EXPECT_EQ(0, vp.cr_intercept[0]);

	bad = vp;
	bad.cr_intercept[0] = 1;
	EXPECT_EQ(-EINVAL, set_vp(vcpu, &bad));
	bad = vp;
	bad.cr_intercept[4] |= BIT(29);
	EXPECT_EQ(-EINVAL, set_vp(vcpu, &bad));
	bad = vp;
	bad.cr_intercept[8] = 1;
	EXPECT_EQ(-EINVAL, set_vp(vcpu, &bad));

	none = vp;
	memset(none.cr_intercept, 0, sizeof(none.cr_intercept));
	EXPECT_EQ(0, set_vp(vcpu, &none));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(0, set_vp(vcpu, &vp));
	/* A VMM of before keeps what it does not know. */
	vp.size = offsetof(struct kvm_vtl_vp, cr_intercept);
	EXPECT_EQ(0, set_vp(vcpu, &vp));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
