// SPDX-License-Identifier: GPL-2.0-only
/*
 * MBEC: execution by VTL0's kernel and by its users are two rights.
 *
 * VTL0's page tables have the first 512 GiB twice: the kernel's, and from USER
 * on the users'.  So one page is executed from either side.
 *
 * SVM (GMET) goes by the privilege level, VMX by the address.  So on VMX KX has
 * to decide for all now and then, where on SVM a user keeps what UX says.
 */
#include "vtl_test.h"

#define MBEC_FLAG	1		/* of HvCallEnablePartitionVtl */
#define MBEC_VTLS	0x3ULL
#define ACTIVE_MBEC	BIT(4)		/* VsmVpStatus */
#define HV_RU		(HV_R | HV_UX)
#define HV_RWU		(HV_RW | HV_UX)
#define SECURE		HV_REG_VSM_SECURE_CONFIG_VTL0

#define USER		BIT(39)
#define KERNEL_CODE	0		/* RET */
#define USER_CODE	16		/* INT $0x80 */
#define REAL_CODE	32		/* OUT %al, $PORT; HLT */
#define PORT		0x77
#define BIG_PAGE(n)	((u8 *)GUEST_BIG + (n) * PAGE_SIZE)

#define MBEC_VM(...) \
	MBEC_TABLES(VTL_VM(.features = KVM_VTL_FEATURE_MBEC, ##__VA_ARGS__))
#define MBEC_TABLES(_vm)						\
({									\
	struct vm *__mbec = _vm;					\
									\
	split_tables(__mbec);						\
	__mbec;								\
})
#define MBEC_GUEST_TEST(name) __GUEST_TEST(mbec, name, MBEC_VM())

#define NX_HUGE_PAGES	"/sys/module/kvm/parameters/nx_huge_pages"
#define PREFIX_PARAMETER "/sys/module/kvm/parameters/force_emulation_prefix"

FIXTURE(mbec)
{
	char nx_huge_pages[16];
	char prefix[16];
};

FIXTURE_SETUP(mbec)
{
	if (!(host_features() & KVM_VTL_FEATURE_MBEC))
		SKIP(return, "this host has no MBEC");
	snprintf(self->nx_huge_pages, sizeof(self->nx_huge_pages), "%s",
		 read_file(NX_HUGE_PAGES));
	snprintf(self->prefix, sizeof(self->prefix), "%s",
		 read_file(PREFIX_PARAMETER));
}

FIXTURE_TEARDOWN(mbec)
{
	write_file(NX_HUGE_PAGES, self->nx_huge_pages);
	write_file(PREFIX_PARAMETER, self->prefix);
}

static u8 pages[4][PAGE_SIZE] __page;

static void split_tables(struct vm *vm)
{
	u64 *table = vm_hva(vm, GUEST_PAGE_TABLES_OF(0));

	table[USER >> 39] = table[0];
	table[0] &= ~PTE_U;
}

static void fill(u8 *page)
{
	static const u8 user[] = { 0xcd, USER_RETURN_VECTOR };
	static const u8 real[] = { 0xe6, PORT, 0xf4 };

	memset(page, 0xc3, PAGE_SIZE);
	memcpy(page + USER_CODE, user, sizeof(user));
	memcpy(page + REAL_CODE, real, sizeof(real));
}

static u64 set_in_vtl1(u64 name, u64 value)
{
	return hv_set_register(HV_OWN_VTL, name, value, 0);
}

static u64 get_in_vtl1(u64 name, u64 b)
{
	return hv_reg(HV_OWN_VTL, name);
}

static u64 set_secure(u64 value)
{
	return vtl1_exec(set_in_vtl1, SECURE, value);
}

/* VTL1 has enabled MBEC for the partition, not yet for the VP. */
static void init_partition(void)
{
	vsm_enable_flags = MBEC_FLAG;
	vsm_init();
	write_cr4(read_cr4() | CR4_SMEP);
}

static void init(void)
{
	init_partition();
	fill(pages[1]);
	GUEST_EQ(HV_REPS(1), set_secure(HV_SECURE_CONFIG_MBEC));
}

static void *at_user(const void *p)
{
	return (void *)(USER + (uintptr_t)p);
}

static struct guest_trap user_exec(const u8 *code)
{
	struct guest_area *area = this_area();

	return __run_user(at_user(code),
			  at_user(area->user_stack +
				  sizeof(area->user_stack) - 8));
}

static void check_denied(struct guest_trap trap, const u8 *page, u32 access)
{
	struct vtl_service *v = this_vtl1();

	GUEST_EQ(GP_VECTOR, trap.vector);
	GUEST_EQ(1, v->messages);
	GUEST_EQ(access, vtl1_intercept(v)->access);
	GUEST_EQ((uintptr_t)page, vtl1_intercept(v)->gpa & -PAGE_SIZE);
	v->messages = 0;
}

static void check_exec(const u8 *page, bool kernel, bool user)
{
	struct guest_trap trap = probe_exec(page + KERNEL_CODE);

	if (kernel)
		GUEST_EQ(NO_TRAP, trap.vector);
	else
		check_denied(trap, page, HV_ACCESS_EXECUTE);
	trap = user_exec(page + USER_CODE);
	if (user)
		GUEST_EQ(USER_RETURN_VECTOR, trap.vector);
	else
		check_denied(trap, page, HV_ACCESS_EXECUTE);
	GUEST_EQ(0, this_vtl1()->messages);
}

/* --- registers, calls ----------------------------------------------------- */

MBEC_GUEST_TEST(registers)
{
	hv_init();
	GUEST_EQ(MBEC_VTLS, hv_reg(0, HV_REG_VSM_CAPABILITIES) >> 1 & 0xffff);
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	init_partition();
	GUEST_EQ(MBEC_VTLS << 20 | 0x10003,
		 hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(0, vtl1_exec(get_in_vtl1, SECURE, 0));
	/* It must be as the partition has it. */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_secure(0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 set_secure(HV_SECURE_CONFIG_TLB_LOCK));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 set_secure(HV_SECURE_CONFIG_MBEC | BIT(2)));
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(1, vtl1_exec(get_in_vtl1, HV_REG_EMULATION_HINTS, 0));
	GUEST_EQ(HV_REPS(1), set_secure(HV_SECURE_CONFIG_MBEC |
					HV_SECURE_CONFIG_TLB_LOCK));
	/* VTL0 sees it, too. */
	GUEST_EQ(0x30000 | ACTIVE_MBEC, hv_reg(0, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(0x30001 | ACTIVE_MBEC,
		 vtl1_exec(get_in_vtl1, HV_REG_VSM_VP_STATUS, 0));
	GUEST_EQ(HV_SECURE_CONFIG_MBEC, vtl1_exec(get_in_vtl1, SECURE, 0));
	GUEST_EQ(3, vtl1_exec(get_in_vtl1, HV_REG_EMULATION_HINTS, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_secure(0));
	GUEST_EQ(0x30000 | ACTIVE_MBEC, hv_reg(0, HV_REG_VSM_VP_STATUS));
}

/* Offered, and VTL1 does not want it: all is as without. */
MBEC_GUEST_TEST(not_enabled)
{
	vsm_init();
	write_cr4(read_cr4() | CR4_SMEP);
	fill(pages[1]);
	GUEST_EQ(0x10003, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_secure(HV_SECURE_CONFIG_MBEC));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_protect(pages[1], 1, HV_RU));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_protect(pages[1], 1, HV_RWU));
	vtl1_close(pages[1], 1, HV_R | HV_KX);
	check_exec(pages[1], true, true);
	vtl1_close(pages[1], 1, HV_R);
	check_exec(pages[1], false, false);
}

MBEC_GUEST_TEST(flags)
{
	u32 legal = BIT(0x0) | BIT(0x1) | BIT(0x3) | BIT(0x9) | BIT(0xb) |
		    BIT(0xd) | BIT(0xf);
	u32 flags;

	init();
	for (flags = 0; flags < 16; flags++)
		GUEST_EQ(legal & BIT(flags) ? HV_REPS(1) :
					      HV_INVALID_REGISTER_VALUE,
			 vtl1_protect(pages[1], 1, flags));
}

/* --- what is executed ----------------------------------------------------- */

MBEC_GUEST_TEST(rights)
{
	static const u32 rights[] = {
		HV_NONE, HV_R, HV_RW, HV_RU, HV_RWU, HV_RX, HV_RWX, HV_RU,
		HV_R, HV_RX, HV_RU, HV_RWX,
	};
	u8 *page = pages[1];
	u32 i;

	init();
	check_exec(page, true, true);
	for (i = 0; i < ARRAY_LEN(rights); i++) {
		vtl1_close(page, 1, rights[i]);
		check_exec(page, rights[i] & HV_KX, rights[i] & HV_UX);
		/* A second time, when translations exist */
		check_exec(page, rights[i] & HV_KX, rights[i] & HV_UX);
		if (rights[i] & HV_W)
			GUEST_NO_TRAP(probe_write(page + 256, i));
		else
			check_denied(probe_write(page + 256, i), page,
				     HV_ACCESS_WRITE);
		if (rights[i] & HV_R)
			GUEST_NO_TRAP(probe_read(page, NULL));
		else
			check_denied(probe_read(page, NULL), page,
				     HV_ACCESS_READ);
	}
}

/* VTL1 may do what it likes with it. */
static u64 exec_in_vtl1(u64 p, u64 b)
{
	return probe_exec((void *)p).vector;
}

MBEC_GUEST_TEST(owner_is_free)
{
	init();
	vtl1_close(pages[1], 1, HV_RU);
	GUEST_EQ(NO_TRAP, vtl1_exec(exec_in_vtl1, (uintptr_t)pages[1], 0));
}

/* KX decides for both; but on SVM the user's right is looked at. */
static void check_kx_decides(const u8 *page, bool kernel, bool user)
{
	check_exec(page, kernel, hv_is_amd() ? user : kernel);
}

/* Enabled for the partition only: KX governs both. */
MBEC_GUEST_TEST(off_until_the_vp_has_it)
{
	init_partition();
	fill(pages[1]);
	vtl1_close(pages[1], 1, HV_RU);
	check_kx_decides(pages[1], false, true);
	vtl1_close(pages[1], 1, HV_RX);
	check_kx_decides(pages[1], true, true);
	vtl1_close(pages[1], 1, HV_RU);
	GUEST_EQ(HV_REPS(1), set_secure(HV_SECURE_CONFIG_MBEC));
	check_exec(pages[1], false, true);
}

/* VTL0's kernel could jump to a user's address. */
MBEC_GUEST_TEST(without_smep_kx_decides)
{
	struct guest_trap trap;

	init();
	vtl1_close(pages[1], 1, HV_RU);
	check_exec(pages[1], false, true);
	write_cr4(read_cr4() & ~CR4_SMEP);
	check_kx_decides(pages[1], false, true);
	trap = probe_exec(at_user(pages[1]));
	check_denied(trap, pages[1], HV_ACCESS_EXECUTE);
	write_cr4(read_cr4() | CR4_SMEP);
	check_exec(pages[1], false, true);
	GUEST_TRAP(PF_VECTOR, probe_exec(at_user(pages[1])));
	GUEST_EQ(0, vtl1[0].messages);
}

/* --- without paging ------------------------------------------------------- */

static u32 rights_without_paging;

static const struct __packed { u16 limit; u64 base; } no_idt;

/* MOV %cr0, %eax; AND $~PG, %eax; LIDT no_idt; MOV %eax, %cr0; JMP target */
static void write_code32(u8 *code, const u8 *target)
{
	static const u8 text[] = {
		0x0f, 0x20, 0xc0, 0x25, 0xff, 0xff, 0xff, 0x7f,
		0x0f, 0x01, 0x1d, 0, 0, 0, 0, 0x0f, 0x22, 0xc0,
		0xe9, 0, 0, 0, 0,
	};
	u32 idt = (uintptr_t)&no_idt;
	u32 offset = target - (code + sizeof(text));

	memcpy(code, text, sizeof(text));
	memcpy(code + 11, &idt, sizeof(idt));
	memcpy(code + sizeof(text) - 4, &offset, sizeof(offset));
}

static void without_paging(void)
{
	struct regs32 regs = { };

	init();
	write_code32(pages[3], pages[1] + REAL_CODE);
	vtl1_close(pages[1], 1, rights_without_paging);
	GUEST_SYNC(0);
	call32(&regs, pages[3]);
}

/* What KVM_RUN ends with */
static u32 run_without_paging(struct __test_metadata *_metadata, u32 rights,
			      u32 *messages)
{
	struct vm *vm = MBEC_VM(.entry = without_paging);
	struct vcpu *vcpu = &vm->vcpu[0];
	u32 reason;

	vm_var(vm, rights_without_paging) = rights;
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(0, vcpu_run_once(vcpu));
	reason = vcpu->run->exit_reason;
	*messages = vm_var(vm, vtl1[0].messages);
	vm_destroy(vm);
	return reason;
}

/* To the CPU all addresses are users' then. */
TEST_F(mbec, without_paging_kx_decides)
{
	u32 messages;

	EXPECT_EQ(KVM_EXIT_IO,
		  run_without_paging(_metadata, HV_RX, &messages));
	EXPECT_EQ(0, messages);
	/* VTL1's #GP finds no IDT. */
	EXPECT_EQ(KVM_EXIT_SHUTDOWN,
		  run_without_paging(_metadata, HV_RU, &messages));
	EXPECT_EQ(1, messages);
}

/* --- KVM writes its controls ---------------------------------------------- */

static void rewritten(void)
{
	init();
	vtl1_close(pages[1], 1, HV_RU);
	write_cr4(read_cr4() & ~CR4_SMEP);
	check_kx_decides(pages[1], false, true);
	GUEST_SYNC(0);
	check_kx_decides(pages[1], false, true);
	GUEST_SYNC(1);
	check_kx_decides(pages[1], false, true);
	apic_write(APIC_SVR, 0x1ff);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(10));
	check_kx_decides(pages[1], false, true);
	write_cr4(read_cr4() | CR4_SMEP);
	check_exec(pages[1], false, true);
}

TEST_F(mbec, after_dirty_log_and_apic_mode)
{
	struct vm *vm = MBEC_VM(.entry = rewritten, .big_area = true);
	u32 flags;

	for (flags = KVM_MEM_LOG_DIRTY_PAGES; ; flags = 0) {
		EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
		ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG,
					 GUEST_BIG_SIZE, vm->big, flags));
		if (!flags)
			break;
	}
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- huge pages ----------------------------------------------------------- */

static void close_2m(u32 rights)
{
	vtl1_close(BIG_PAGE(0), 256, rights);
	vtl1_close(BIG_PAGE(256), 256, rights);
}

/*
 * The first page's access maps all of it, the second one's execution may split
 * that; the third one has what the split gave it.
 */
static void check_big(u32 n, bool kernel, bool user)
{
	GUEST_NO_TRAP(probe_read(BIG_PAGE(n), NULL));
	check_exec(BIG_PAGE(n + 1), kernel, user);
	check_exec(BIG_PAGE(n + 2), kernel, user);
}

static void big(void)
{
	u32 i;

	init();
	for (i = 0; i < 512; i++)
		fill(BIG_PAGE(i));
	close_2m(HV_RU);
	check_big(0, false, true);
	GUEST_SYNC(0);		/* dirty logging: split */
	check_big(10, false, true);
	GUEST_SYNC(1);		/* and back */
	check_big(20, false, true);
	close_2m(HV_RX);
	check_big(30, true, true);
}

static void log_big(struct __test_metadata *_metadata)
{
	struct vm *vm = MBEC_VM(.entry = big, .big_area = true);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, KVM_MEM_LOG_DIRTY_PAGES));
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, 0));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(mbec, huge_pages) { log_big(_metadata); }

/* The mitigation that makes split pages executable again */
TEST_F(mbec, nx_huge_pages)
{
	if (write_file(NX_HUGE_PAGES, "force"))
		SKIP(return, "nx_huge_pages cannot be set");
	log_big(_metadata);
}

/* --- KVM's emulator ------------------------------------------------------- */

static const u8 prefix[] = { 0x0f, 0x0b, 0x6b, 0x76, 0x6d };	/* UD2; "kvm" */
static u8 stored;

/* The prefix ends pages[1]; pages[2] begins with MOVB $1, stored. */
static u8 *write_code(bool user)
{
	static const u8 int80[] = { 0xcd, USER_RETURN_VECTOR };
	u8 *start = pages[2] - sizeof(prefix), *code = pages[2];
	int offset = (uintptr_t)&stored - ((uintptr_t)code + 7);

	memset(code, 0xc3, PAGE_SIZE);
	memcpy(start, prefix, sizeof(prefix));
	code[0] = 0xc6;
	code[1] = 0x05;
	memcpy(code + 2, &offset, sizeof(offset));
	code[6] = 1;
	if (user)
		memcpy(code + 7, int80, sizeof(int80));
	stored = 0;
	return start;
}

/* RIP is on the second page when it is refused. */
static void back_from_gp(struct guest_cpu *cpu, struct guest_regs *regs)
{
	if (regs->cs & 3)
		GUEST_FAIL("#GP of a user");
	regs->rip = cpu->recover_rip;
	regs->rsp = cpu->recover_rsp;
	regs->rax = GP_VECTOR;
}

static void emulated(void)
{
	u8 *code;

	init();
	code = write_code(true);
	vtl1_close(pages[1], 2, HV_RU);
	GUEST_TRAP(USER_RETURN_VECTOR, user_exec(code));
	GUEST_EQ(1, stored);
	GUEST_EQ(0, vtl1[0].messages);
	stored = 0;
	vtl1_close(pages[2], 1, HV_R);
	check_denied(user_exec(code), pages[2], HV_ACCESS_EXECUTE);
	GUEST_EQ(0, stored);

	vtl1_close(pages[1], 2, HV_RWX);
	code = write_code(false);
	GUEST_NO_TRAP(probe_exec(code));
	GUEST_EQ(1, stored);
	stored = 0;
	guest_on(GP_VECTOR, back_from_gp);
	vtl1_close(pages[2], 1, HV_RU);
	check_denied(probe_exec(code), pages[2], HV_ACCESS_EXECUTE);
	GUEST_EQ(0, stored);
}

/* Rings 1 and 2 are no users to page tables. */
#define RING1_CS	0x51		/* selectors behind CODE32_SEL */
#define RING1_SS	0x59

static u64 ring1_gdt[12];

static void back_from_ring1(struct guest_cpu *cpu, struct guest_regs *regs)
{
	GUEST_EQ(RING1_CS, regs->cs);
	cpu->handler[GP_VECTOR] = back_from_gp;
	regs->cs = KERNEL_CS;
	regs->ss = KERNEL_DS;
	back_from_gp(cpu, regs);
}

/* IRETQ to ring 1 at code; the #GP there ends it as it ends probe_exec(). */
static void write_ring1(u8 *p, const u8 *code)
{
	static const u8 push[] = { 0x68, 0, 0, 0, 0 };
	static const u8 iretq[] = { 0x48, 0xcf };
	const u32 frame[] = {
		RING1_SS, (uintptr_t)this_area()->user_stack + PAGE_SIZE, 2,
		RING1_CS, (uintptr_t)code,
	};
	u32 i;

	for (i = 0; i < ARRAY_LEN(frame); i++, p += sizeof(push)) {
		memcpy(p, push, sizeof(push));
		memcpy(p + 1, &frame[i], sizeof(frame[i]));
	}
	memcpy(p, iretq, sizeof(iretq));
}

static void load_ring1_gdt(void)
{
	struct __packed { u16 limit; u64 base; } gdt = {
		sizeof(ring1_gdt) - 1, (uintptr_t)ring1_gdt,
	};

	memcpy(ring1_gdt, this_area()->gdt, sizeof(this_area()->gdt));
	ring1_gdt[RING1_CS / 8] = 0x00afbb000000ffff;
	ring1_gdt[RING1_SS / 8] = 0x00cfb3000000ffff;
	asm volatile("lgdt %0" : : "m" (gdt));
}

static void emulated_in_ring1(void)
{
	u8 *code;

	init();
	code = write_code(false);
	load_ring1_gdt();
	write_ring1(pages[3], code);
	guest_on(GP_VECTOR, back_from_ring1);
	vtl1_close(pages[2], 1, HV_RU);
	check_denied(probe_exec(pages[3]), pages[2], HV_ACCESS_EXECUTE);
	GUEST_EQ(0, stored);
}

TEST_F(mbec, emulator_in_ring_1)
{
	struct vm *vm;

	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	vm = MBEC_VM(.entry = emulated_in_ring1);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(mbec, emulator)
{
	struct vm *vm;

	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	vm = MBEC_VM(.entry = emulated);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- TranslateVirtualAddress ---------------------------------------------- */

#define VALIDATE_EXECUTE	BIT(2)
#define PRIVILEGE_EXEMPT	BIT(3)
#define BY_SUPERVISOR		BIT(6)
#define BY_USER			BIT(7)
#define NO_READ			5

static u64 translate(u64 gva, u64 flags)
{
	u64 *in = (u64 *)this_area()->in, *out = (u64 *)this_area()->out;

	in[0] = HV_PARTITION_SELF;
	in[1] = HV_VP_SELF;
	in[2] = flags | VALIDATE_EXECUTE | (u64)HV_INPUT_VTL(0) << 56;
	in[3] = gva / PAGE_SIZE;
	GUEST_EQ(HV_SUCCESS, hv_call_mem(HV_TRANSLATE_VA, in, out));
	return (u32)out[0];
}

MBEC_GUEST_TEST(translate)
{
	u64 kernel = (uintptr_t)pages[1], user = kernel + USER;

	init();
	GUEST_EQ(0, vtl1_exec(translate, kernel, BY_SUPERVISOR));
	GUEST_EQ(0, vtl1_exec(translate, user, BY_USER));
	vtl1_close(pages[1], 1, HV_RU);
	GUEST_EQ(NO_READ, vtl1_exec(translate, kernel, BY_SUPERVISOR));
	GUEST_EQ(0, vtl1_exec(translate, user, BY_USER));
	write_cr4(read_cr4() & ~CR4_SMEP);
	GUEST_EQ(hv_is_amd() ? 0 : NO_READ,
		 vtl1_exec(translate, user, BY_USER));
	GUEST_EQ(NO_READ, vtl1_exec(translate, user, BY_SUPERVISOR));
	write_cr4(read_cr4() | CR4_SMEP);
	/* As whoever may */
	GUEST_EQ(0, vtl1_exec(translate, user, PRIVILEGE_EXEMPT));
	GUEST_EQ(NO_READ, vtl1_exec(translate, kernel, PRIVILEGE_EXEMPT));
}

/* --- two VPs -------------------------------------------------------------- */

static u32 stage;

static u64 enable_vp_in_vtl1(u64 vp, u64 b)
{
	return vsm_enable_vp(vp);
}

static void first_vp(void)
{
	init();
	vtl1_close(pages[1], 1, HV_RU);
	check_exec(pages[1], false, true);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp_in_vtl1, 1, 0));
	WRITE_ONCE(stage, 1);
	GUEST_WAIT(READ_ONCE(stage) == 2);
	/* The other one's tries have changed nothing. */
	check_exec(pages[1], false, true);
	WRITE_ONCE(stage, 3);
	GUEST_WAIT(READ_ONCE(stage) == 4);
	check_exec(pages[1], false, true);
}

static void second_vp(void)
{
	GUEST_WAIT(READ_ONCE(stage) == 1);
	hv_init();
	vtl_call();
	write_cr4(read_cr4() | CR4_SMEP);
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	check_kx_decides(pages[1], false, true);
	WRITE_ONCE(stage, 2);
	GUEST_WAIT(READ_ONCE(stage) == 3);
	check_kx_decides(pages[1], false, true);
	GUEST_EQ(HV_REPS(1), set_secure(HV_SECURE_CONFIG_MBEC));
	check_exec(pages[1], false, true);
	WRITE_ONCE(stage, 4);
}

static void each_vp(void)
{
	if (this_cpu()->vp)
		second_vp();
	else
		first_vp();
}

TEST_F(mbec, each_vp_for_itself)
{
	struct vm *vm = MBEC_VM(.vcpus = 2, .entry = each_vp);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- the end of it -------------------------------------------------------- */

static u64 disable_partition(u64 a, u64 b)
{
	struct hv_enable_partition_vtl in = {
		.partition = HV_PARTITION_SELF, .vtl = 1,
	};

	hv_call_xmm(HV_DISABLE_PARTITION_VTL, &in, 2);
	return 0;
}

/* VTL1 goes, and a new one does not want it. */
MBEC_GUEST_TEST(ends_with_the_vtl)
{
	init();
	vtl1_close(pages[1], 1, HV_RU);
	check_exec(pages[1], false, true);
	vtl1[0].fn = disable_partition;
	vtl_call();
	GUEST_EQ(0x10001, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(0x10000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	check_exec(pages[1], true, true);
	vsm_enable_flags = 0;
	write_cr4(read_cr4() & ~CR4_SMEP);
	vsm_bring_up(1);
	write_cr4(read_cr4() | CR4_SMEP);
	GUEST_EQ(0x10003, hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_protect(pages[1], 1, HV_RU));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set_secure(HV_SECURE_CONFIG_MBEC));
}

/* --- state ---------------------------------------------------------------- */

static void open_page(void)
{
	init();
	vtl1_close(pages[1], 1, HV_RU);
	GUEST_SYNC(0);
	check_exec(pages[1], false, true);
}

static int partition_ioctl(struct vm *vm, unsigned long cmd,
			   struct kvm_vtl_partition *p)
{
	p->size = sizeof(*p);
	return ioctl(vm->fd, cmd, p) ? -errno : 0;
}

static int vp_ioctl(struct vm *vm, unsigned long cmd, struct kvm_vtl_vp *vp)
{
	vp->size = sizeof(*vp);
	return ioctl(vm->vcpu[0].fd, cmd, vp) ? -errno : 0;
}

static int protect_ioctl(struct vm *vm, unsigned long cmd,
			 struct kvm_vtl_range *range)
{
	struct kvm_vtl_protections p = {
		.size = sizeof(p), .vtl = 1, .nr_ranges = 1,
		.ranges = (uintptr_t)range,
	};

	return ioctl(vm->fd, cmd, &p) ? -errno : p.out_nr_ranges;
}

/* What one machine has, another one gets. */
TEST_F(mbec, state)
{
	struct vm *vm = MBEC_VM(.entry = open_page), *copy;
	struct kvm_vtl_partition p = {}, q = {};
	struct kvm_vtl_range range, other;
	struct kvm_vtl_vp vp = {}, wp = {};

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, partition_ioctl(vm, KVM_VTL_GET_PARTITION, &p));
	EXPECT_EQ(BIT(1), p.mbec_vtls);
	EXPECT_EQ(KVM_VTL_FEATURE_MBEC, p.out_features);
	ASSERT_EQ(0, vp_ioctl(vm, KVM_VTL_GET_VP, &vp));
	EXPECT_EQ(1, vp.mbec);
	ASSERT_EQ(1, protect_ioctl(vm, KVM_VTL_GET_PROTECTIONS, &range));
	EXPECT_EQ(HV_RU, range.prot);

	copy = MBEC_VM();
	EXPECT_EQ(-EBUSY, vp_ioctl(copy, KVM_VTL_SET_VP, &vp));
	p.mbec_vtls = BIT(0);
	EXPECT_EQ(-EINVAL, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	p.mbec_vtls = BIT(2);
	EXPECT_EQ(-EINVAL, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	p.mbec_vtls = BIT(1);
	EXPECT_EQ(0, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	EXPECT_EQ(0, vp_ioctl(copy, KVM_VTL_SET_VP, &vp));
	EXPECT_EQ(1, protect_ioctl(copy, KVM_VTL_SET_PROTECTIONS, &range));
	ASSERT_EQ(0, partition_ioctl(copy, KVM_VTL_GET_PARTITION, &q));
	EXPECT_EQ(0, memcmp(&p, &q, sizeof(p)));
	ASSERT_EQ(0, vp_ioctl(copy, KVM_VTL_GET_VP, &wp));
	EXPECT_EQ(0, memcmp(&vp, &wp, sizeof(vp)));
	ASSERT_EQ(1, protect_ioctl(copy, KVM_VTL_GET_PROTECTIONS, &other));
	EXPECT_EQ(0, memcmp(&range, &other, sizeof(range)));
	/* No way back, and none around by a shorter struct */
	p.mbec_vtls = 0;
	EXPECT_EQ(-EBUSY, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	p.size = offsetof(struct kvm_vtl_partition, mbec_vtls);
	EXPECT_EQ(0, ioctl(copy->fd, KVM_VTL_SET_PARTITION, &p));
	ASSERT_EQ(0, partition_ioctl(copy, KVM_VTL_GET_PARTITION, &q));
	EXPECT_EQ(BIT(1), q.mbec_vtls);
	vm_destroy(copy);

	/* Nor can a VTL get it that was enabled without. */
	copy = MBEC_VM();
	EXPECT_EQ(0, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	EXPECT_EQ(-EINVAL, protect_ioctl(copy, KVM_VTL_SET_PROTECTIONS,
					 &range));
	EXPECT_EQ(-EBUSY, vp_ioctl(copy, KVM_VTL_SET_VP, &vp));
	p.mbec_vtls = BIT(1);
	EXPECT_EQ(-EBUSY, partition_ioctl(copy, KVM_VTL_SET_PARTITION, &p));
	vm_destroy(copy);

	/* The first one never noticed. */
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* What KVM_VTL_SET_VP sets is in effect. */
static void set_vp_guest(void)
{
	init_partition();
	fill(pages[1]);
	vtl1_close(pages[1], 1, HV_RU);
	check_kx_decides(pages[1], false, true);
	GUEST_SYNC(0);
	check_exec(pages[1], false, true);
	GUEST_SYNC(1);
	check_kx_decides(pages[1], false, true);
}

TEST_F(mbec, set_vp)
{
	struct vm *vm = MBEC_VM(.entry = set_vp_guest);
	struct kvm_vtl_vp vp = {};

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vp_ioctl(vm, KVM_VTL_GET_VP, &vp));
	EXPECT_EQ(0, vp.mbec);
	vp.mbec = 1;
	ASSERT_EQ(0, vp_ioctl(vm, KVM_VTL_SET_VP, &vp));
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	vp.mbec = 0;
	ASSERT_EQ(0, vp_ioctl(vm, KVM_VTL_SET_VP, &vp));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- VTL2 ----------------------------------------------------------------- */

static u64 set_in_vtl2(u64 name, u64 value)
{
	return hv_set_register(HV_OWN_VTL, name, value, 0);
}

/* VTL2 has not asked for it, and VTL0 cannot impose it by enabling VTL1. */
static void vtl2_guest(void)
{
	struct hv_enable_partition_vtl in = {
		.partition = HV_PARTITION_SELF, .vtl = 1, .flags = MBEC_FLAG,
	};

	hv_init();
	vsm_bring_up(2);
	GUEST_EQ(HV_SUCCESS, hv_call_xmm(HV_ENABLE_PARTITION_VTL, &in, 2));
	GUEST_EQ(MBEC_VTLS << 20 | 0x20007,
		 hv_reg(0, HV_REG_VSM_PARTITION_STATUS));
	GUEST_EQ(HV_REPS(1), vtl_exec(2, set_in_vtl2, SECURE,
				      HV_SECURE_CONFIG_TLB_LOCK));
	GUEST_EQ(HV_REPS(1), vtl_exec(2, set_in_vtl2, SECURE, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl_exec(2, set_in_vtl2, SECURE, HV_SECURE_CONFIG_MBEC));
	GUEST_EQ(HV_REPS(1), vtl_exec(2, vtl_protect, (uintptr_t)pages[1],
				      1ULL << 32 | HV_R | HV_KX));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 HV_STATUS(vtl_exec(2, vtl_protect, (uintptr_t)pages[1],
				    1ULL << 32 | HV_RU)));
}

TEST_F(mbec, of_each_vtl)
{
	struct vm *vm = MBEC_TABLES(VTL2_VM(.entry = vtl2_guest,
					    .features = KVM_VTL_FEATURE_MBEC));

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* A reset leaves none of it. */
TEST_F(mbec, reset)
{
	struct vm *vm = MBEC_VM(.entry = open_page);
	struct kvm_vtl_partition p = {};
	struct kvm_vtl_vp vp = {};

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vcpu_write_reset_state(&vm->vcpu[0]));
	ASSERT_EQ(0, partition_ioctl(vm, KVM_VTL_GET_PARTITION, &p));
	EXPECT_EQ(1, p.enabled_vtls);
	EXPECT_EQ(0, p.mbec_vtls);
	ASSERT_EQ(0, vp_ioctl(vm, KVM_VTL_GET_VP, &vp));
	EXPECT_EQ(0, vp.mbec);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
