// SPDX-License-Identifier: GPL-2.0-only
/*
 * TranslateVirtualAddress, and the TLB lock.
 */
#include "vtl_test.h"

AREA(translate)

#define VALIDATE_READ		BIT(0)
#define VALIDATE_WRITE		BIT(1)
#define VALIDATE_EXECUTE	BIT(2)
#define PRIVILEGE_EXEMPT	BIT(3)
#define FLUSH_INHIBIT		BIT(5)
#define SUPERVISOR		BIT(6)
#define USER			BIT(7)
#define TARGET_VTL(n)		((u64)HV_INPUT_VTL(n) << 56)

#define NOT_PRESENT		1
#define PRIVILEGE_VIOLATION	2
#define GPA_UNMAPPED		4
#define NO_READ			5
#define NO_WRITE		6
#define WRITE_BACK		(6ULL << 32)

/* Nothing of the library's is here. */
#define SPARE			0x100000000UL

static u8 page[PAGE_SIZE] __page;

struct translate {
	u64 partition;
	u32 vp;
	u32 reserved;
	u64 flags;
	u64 gva_page;
};

static struct translate input;
static u64 output[2];

static void prepare(u64 gva, u64 flags)
{
	input = (struct translate) {
		.partition = HV_PARTITION_SELF, .vp = HV_VP_SELF,
		.flags = flags | TARGET_VTL(0), .gva_page = gva / PAGE_SIZE,
	};
}

static u64 call(u64 a, u64 b)
{
	struct guest_area *area = this_area();
	u64 result;

	memset(area->out, 0xee, sizeof(output));
	memcpy(area->in, &input, sizeof(input));
	result = hv_call_mem(HV_TRANSLATE_VA, area->in, area->out);
	memcpy(output, area->out, sizeof(output));
	return result;
}

/* The result that VTL1 gets for an address of VTL0's */
static u64 translate(u64 gva, u64 flags)
{
	prepare(gva, flags);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call, 0, 0));
	GUEST_EQ(WRITE_BACK, output[0] & ~0xffffffffULL);
	return (u32)output[0];
}

GUEST_TEST(translate, mapped)
{
	u64 va = (uintptr_t)page;

	vsm_init();
	GUEST_EQ(0, translate(va, VALIDATE_READ));
	GUEST_EQ(va / PAGE_SIZE, output[1]);
	GUEST_EQ(0, translate(va, VALIDATE_READ | VALIDATE_WRITE));
	GUEST_EQ(0, translate(va, 0));
	GUEST_EQ(0, translate((uintptr_t)call, VALIDATE_EXECUTE));
	GUEST_EQ((uintptr_t)call / PAGE_SIZE, output[1]);
}

static u64 call_fast(u64 a, u64 b)
{
	struct hv_io io = {
		.rcx = HV_TRANSLATE_VA | HV_FAST, .rdx = input.partition,
		.r8 = input.vp, .use_xmm = 1,
	};

	io.xmm[0][0] = input.flags;
	io.xmm[0][1] = input.gva_page;
	hv_insn(&io, hv_direct());
	memcpy(output, io.xmm[1], sizeof(output));
	return io.rax;
}

GUEST_TEST(translate, fast)
{
	vsm_init();
	prepare((uintptr_t)page, VALIDATE_READ);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call_fast, 0, 0));
	GUEST_EQ(WRITE_BACK, output[0]);
	GUEST_EQ((uintptr_t)page / PAGE_SIZE, output[1]);
}

/* The same answer in a larger output */
static u64 call_extended(u64 a, u64 b)
{
	struct guest_area *area = this_area();
	u64 *out = (u64 *)area->out;
	u64 result;
	u32 i;

	memset(out, 0xee, 72);
	memcpy(area->in, &input, sizeof(input));
	result = hv_call_mem(HV_TRANSLATE_VA_EX, area->in, out);
	for (i = 1; i < 8 && !result; i++)
		if (i != 6)
			GUEST_EQ(0, out[i]);
	GUEST_EQ(0xeeeeeeeeeeeeeeee, out[8]);
	output[0] = out[0];
	output[1] = out[6];
	return result;
}

GUEST_TEST(translate, extended)
{
	vsm_init();
	prepare((uintptr_t)page, VALIDATE_READ);
	GUEST_EQ(HV_ACCESS_DENIED, call_extended(0, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call_extended, 0, 0));
	GUEST_EQ(WRITE_BACK, output[0]);
	GUEST_EQ((uintptr_t)page / PAGE_SIZE, output[1]);
	vtl1_close(page, 1, HV_NONE);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call_extended, 0, 0));
	GUEST_EQ(WRITE_BACK | NO_READ, output[0]);
}

GUEST_TEST(translate, not_present)
{
	vsm_init();
	GUEST_EQ(NOT_PRESENT, translate(SPARE, VALIDATE_READ));
	GUEST_EQ(0, output[1]);
	GUEST_EQ(NOT_PRESENT, translate(SPARE, PRIVILEGE_EXEMPT));
	/* Not canonical */
	GUEST_EQ(NOT_PRESENT, translate(1ULL << 50, VALIDATE_READ));
	/* More bits than a page number has */
	prepare((uintptr_t)page, VALIDATE_READ);
	input.gva_page |= 1ULL << 52;
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call, 0, 0));
	GUEST_EQ(NOT_PRESENT, (u32)output[0]);
}

static void rights_guest(void)
{
	vsm_init();
	/* Supervisor, read-only, not executable */
	GUEST_EQ(0, translate(SPARE, VALIDATE_READ));
	GUEST_EQ((uintptr_t)page / PAGE_SIZE, output[1]);
	GUEST_EQ(0, translate(SPARE, VALIDATE_READ | SUPERVISOR));
	GUEST_EQ(PRIVILEGE_VIOLATION, translate(SPARE, VALIDATE_READ | USER));
	GUEST_EQ(0, translate(SPARE, VALIDATE_READ | USER | PRIVILEGE_EXEMPT));
	GUEST_EQ(PRIVILEGE_VIOLATION, translate(SPARE, VALIDATE_WRITE));
	GUEST_EQ(PRIVILEGE_VIOLATION, translate(SPARE, VALIDATE_EXECUTE));
	/* Frames that are no memory */
	GUEST_EQ(GPA_UNMAPPED, translate(SPARE + PAGE_SIZE, VALIDATE_READ));
}

/* VTL0's tables count: VTL1's lead to another page. */
TEST_F(translate, rights_in_page_tables)
{
	struct vm *vm = VTL_VM(.entry = rights_guest);

	vm_map(vm, SPARE, (uintptr_t)page, PTE_P | PTE_NX);
	*vm_pte(vm, 1, SPARE) = 0;
	vm_map(vm, SPARE + PAGE_SIZE, 1ULL << 35, PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* A page of users, which VTL0's supervisor may not touch */
static u64 user_page_in_vtl1(u64 a, u64 b)
{
	/* The VMM turns SMAP and SMEP on in VTL0. */
	GUEST_SYNC(1);
	prepare(SPARE, VALIDATE_READ);
	GUEST_EQ(HV_SUCCESS, call(0, 0));
	GUEST_EQ(PRIVILEGE_VIOLATION, (u32)output[0]);
	prepare(SPARE, VALIDATE_EXECUTE | SUPERVISOR);
	GUEST_EQ(HV_SUCCESS, call(0, 0));
	GUEST_EQ(PRIVILEGE_VIOLATION, (u32)output[0]);
	prepare(SPARE, VALIDATE_READ | VALIDATE_EXECUTE | PRIVILEGE_EXEMPT);
	GUEST_EQ(HV_SUCCESS, call(0, 0));
	GUEST_EQ(0, (u32)output[0]);
	GUEST_EQ((uintptr_t)page / PAGE_SIZE, output[1]);
	prepare(SPARE, VALIDATE_READ | USER);
	GUEST_EQ(HV_SUCCESS, call(0, 0));
	GUEST_EQ(0, (u32)output[0]);
	GUEST_SYNC(2);
	return 0;
}

static void user_page_guest(void)
{
	u32 a, b, c, d;

	cpuid(7, 0, &a, &b, &c, &d);
	if (!(b & BIT(20)) || !(b & BIT(7)))
		GUEST_SKIP("no SMAP and SMEP");
	vsm_init();
	vtl1_exec(user_page_in_vtl1, 0, 0);
}

TEST_F(translate, user_page)
{
	struct vm *vm = VTL_VM(.entry = user_page_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_sregs sregs;
	enum ucall_cmd cmd;

	vm_map(vm, SPARE, (uintptr_t)page, PTE_P | PTE_U);
	cmd = vcpu_run(vcpu);
	if (cmd == UCALL_SKIP)
		SKIP(return, "%s", vcpu->ucall.text);
	ASSERT_EQ(UCALL_SYNC, cmd) {
		TH_LOG("%s", vcpu->error);
	}
	/* It is VTL0's that are got and set. */
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr4 |= BIT(20) | BIT(21);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	sregs.cr4 &= ~(BIT(20) | BIT(21));
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

GUEST_TEST(translate, protections)
{
	u64 va = (uintptr_t)page;

	vsm_init();
	vtl1_close(page, 1, HV_R);
	GUEST_EQ(0, translate(va, VALIDATE_READ));
	GUEST_EQ(NO_WRITE, translate(va, VALIDATE_READ | VALIDATE_WRITE));
	vtl1_close(page, 1, HV_NONE);
	GUEST_EQ(NO_READ, translate(va, VALIDATE_READ));
	/* Where it is may be asked. */
	GUEST_EQ(0, translate(va, 0));
	vtl1_close(page, 1, HV_RW);
	GUEST_EQ(0, translate(va, VALIDATE_READ | VALIDATE_WRITE));
	GUEST_NE(0, translate(va, VALIDATE_EXECUTE));
	/* VTL0 was not stopped by any of that. */
	GUEST_EQ(0, vtl1[0].messages);
}

/* VTL0's rights count for its page tables, too; VTL1 is not told. */
static u64 table;

static void closed_table_guest(void)
{
	vsm_init();
	GUEST_EQ(0, translate(SPARE, VALIDATE_READ));
	vtl1_close((void *)table, 1, HV_NONE);
	GUEST_EQ(NOT_PRESENT, translate(SPARE, VALIDATE_READ));
	GUEST_EQ(NOT_PRESENT, translate(SPARE, PRIVILEGE_EXEMPT));
	GUEST_EQ(0, vtl1[0].messages);
}

TEST_F(translate, closed_page_table)
{
	struct vm *vm = VTL_VM(.entry = closed_table_guest);

	vm_map(vm, SPARE, (uintptr_t)page, PTE_P | PTE_W);
	vm_var(vm, table) = ((u8 *)vm_pte(vm, 0, SPARE) - vm->ram) &
			    -PAGE_SIZE;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

GUEST_TEST(translate, bad_input)
{
	static const u64 bad_flags[] = {
		BIT(8), BIT(9), BIT(10), BIT(31), BIT(55), BIT(61), BIT(63),
	};
	u32 i;

	vsm_init();
	prepare((uintptr_t)page, 0);
	GUEST_EQ(HV_ACCESS_DENIED, call(0, 0));
	prepare((uintptr_t)page, 0);
	input.flags = TARGET_VTL(1);
	GUEST_EQ(HV_ACCESS_DENIED, call(0, 0));
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(call, 0, 0));
	/* The caller's own VTL */
	input.flags = 0;
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(call, 0, 0));
	for (i = 0; i < ARRAY_LEN(bad_flags); i++) {
		prepare((uintptr_t)page, bad_flags[i]);
		GUEST_EQ(HV_INVALID_PARAMETER, vtl1_exec(call, 0, 0));
	}
	prepare((uintptr_t)page, 0);
	input.reserved = 1;
	GUEST_EQ(HV_INVALID_PARAMETER, vtl1_exec(call, 0, 0));
	prepare((uintptr_t)page, 0);
	input.vp = 1;
	GUEST_EQ(HV_INVALID_VP_INDEX, vtl1_exec(call, 0, 0));
	prepare((uintptr_t)page, 0);
	input.partition = 1;
	GUEST_EQ(HV_INVALID_PARTITION_ID, vtl1_exec(call, 0, 0));
	/* No output after an error */
	GUEST_EQ(0xeeeeeeeeeeeeeeee, output[0]);
	prepare((uintptr_t)page, 0);
	input.vp = 0;
	GUEST_EQ(HV_SUCCESS, vtl1_exec(call, 0, 0));
}

/* --- the TLB lock -------------------------------------------------------- */

static u32 stage, flushed;

static u64 secure_config(void)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0);
}

/* Time passes, and the other VP asks for a flush. */
static void let_it_flush(u32 want)
{
	u32 i, a, b, c, d;

	WRITE_ONCE(stage, READ_ONCE(stage) + 1);
	for (i = 0; i < 3000; i++)
		cpuid(0, 0, &a, &b, &c, &d);
	GUEST_EQ(want, READ_ONCE(flushed));
}

static u64 lock_by_register(u64 unlock, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0, 2);
	GUEST_EQ(2, secure_config());
	/* Not for itself */
	GUEST_EQ(HV_SUCCESS, hv_flush(3));
	let_it_flush(0);
	if (unlock) {
		hv_set_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0, 0);
		GUEST_WAIT(READ_ONCE(flushed) == 1);
	}
	return 0;
}

static u64 lock_by_translation(u64 a, u64 b)
{
	prepare((uintptr_t)page, FLUSH_INHIBIT);
	GUEST_EQ(HV_SUCCESS, call(0, 0));
	GUEST_EQ(2, secure_config());
	let_it_flush(0);
	return 0;
}

static void flusher(u32 rounds)
{
	u32 i;

	hv_init();
	for (i = 1; i <= rounds; i++) {
		GUEST_WAIT(READ_ONCE(stage) == i);
		GUEST_EQ(HV_SUCCESS, hv_flush(3));
		WRITE_ONCE(flushed, 1);
	}
}

static void round_of(vtl_fn fn, u64 arg)
{
	WRITE_ONCE(flushed, 0);
	vtl1_exec(fn, arg, 0);
	/* The return to VTL0 has released it. */
	GUEST_WAIT(READ_ONCE(flushed) == 1);
}

static void two_vps(void)
{
	if (this_cpu()->vp) {
		flusher(3);
		return;
	}
	vsm_init();
	/* Nobody holds it. */
	GUEST_EQ(HV_SUCCESS, hv_flush(3));
	round_of(lock_by_register, 0);
	round_of(lock_by_register, 1);
	round_of(lock_by_translation, 0);
}

TEST_F_TIMEOUT(translate, tlb_lock, 120)
{
	struct vm *vm = VTL_VM(.entry = two_vps, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- VsmVpWaitForTlbLock -------------------------------------------------- */

static u32 enabled, locked, asked, resumed, interrupted;

static u64 wait_reg(void)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_WAIT_FOR_TLB_LOCK);
}

/* VTL1 of VP 1: VTL0 of VP 0 does not run while there is the lock. */
static u64 hold_lock(u64 a, u64 b)
{
	u32 reg = HV_REG_VSM_SECURE_CONFIG_VTL0, i, w, x, y, z;

	hv_set_reg(HV_OWN_VTL, reg, 2);
	WRITE_ONCE(locked, 1);
	GUEST_WAIT(READ_ONCE(asked));
	for (i = 0; i < 3000; i++)
		cpuid(0, 0, &w, &x, &y, &z);
	GUEST_EQ(0, READ_ONCE(resumed));
	/* Its VTL1 does. */
	apic_write(APIC_ICR + 0x10, 0);
	apic_write(APIC_ICR, VTL1_SINT_VECTOR + 1);
	GUEST_WAIT(READ_ONCE(interrupted));
	GUEST_EQ(0, READ_ONCE(resumed));
	hv_set_reg(HV_OWN_VTL, reg, 0);
	GUEST_WAIT(READ_ONCE(resumed));
	return 0;
}

static void on_ipi(struct guest_cpu *cpu, struct guest_regs *regs)
{
	WRITE_ONCE(interrupted, 1);
}

static u64 ask(u64 a, u64 b)
{
	GUEST_EQ(0, wait_reg());
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 hv_set_register(HV_OWN_VTL, HV_REG_VSM_WAIT_FOR_TLB_LOCK, 2,
				 0));
	guest_on(VTL1_SINT_VECTOR + 1, on_ipi);
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_WAIT_FOR_TLB_LOCK, 1);
	GUEST_EQ(1, wait_reg());
	WRITE_ONCE(asked, 1);
	return 0;
}

static u64 enable_vp1(u64 a, u64 b)
{
	return vsm_enable_vp(1);
}

static u64 get_wait_reg(u64 a, u64 b)
{
	return wait_reg();
}

static void waiting(void)
{
	union hv_value value;

	if (this_cpu()->vp) {
		GUEST_WAIT(READ_ONCE(enabled));
		hv_init();
		vtl_call();
		vtl1_exec(hold_lock, 0, 0);
		return;
	}
	vsm_init();
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_get_register(HV_OWN_VTL, HV_REG_VSM_WAIT_FOR_TLB_LOCK,
				 &value));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(locked));
	vtl1_exec(ask, 0, 0);
	WRITE_ONCE(resumed, 1);
	/* Once */
	GUEST_EQ(0, vtl1_exec(get_wait_reg, 0, 0));
}

TEST_F_TIMEOUT(translate, wait_for_tlb_lock, 120)
{
	struct vm *vm = VTL_VM(.entry = waiting, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

static u64 show_wait(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_WAIT_FOR_TLB_LOCK, 1);
	GUEST_SYNC(1);
	GUEST_EQ(0, wait_reg());
	GUEST_SYNC(2);
	GUEST_EQ(1, wait_reg());
	return 0;
}

static void wait_state(void)
{
	vsm_init();
	vtl1_exec(show_wait, 0, 0);
	/* Nobody holds a lock. */
	GUEST_EQ(0, vtl1_exec(get_wait_reg, 0, 0));
}

/* As the VMM sees it: only VTLs that are enabled, and not VTL0 */
TEST_F(translate, wait_state)
{
	struct vm *vm = VTL_VM(.entry = wait_state);
	struct kvm_vtl_vp vp = { .size = sizeof(vp) };
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_VTL_GET_VP, &vp));
	EXPECT_EQ(2, vp.tlb_waits);
	vp.tlb_waits = 1;
	EXPECT_EQ(-1, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_EQ(EINVAL, errno);
	vp.tlb_waits = 4;
	EXPECT_EQ(-1, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_EQ(EINVAL, errno);
	vp.tlb_waits = 0;
	EXPECT_EQ(0, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	vp.tlb_waits = 2;
	EXPECT_EQ(0, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
