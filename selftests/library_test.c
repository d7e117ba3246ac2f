// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest library itself, on plain /dev/kvm: what the other tests build on
 * must hold without the module.
 */
#include "vtl_test.h"

AREA(library)

PLAIN_GUEST_TEST(library, runs)
{
	GUEST_EQ(0, this_cpu()->vp);
	GUEST_EQ(0, this_cpu()->vtl);
	GUEST_PRINT("hello from %s, RFLAGS 0x%llx", (uintptr_t)"the guest",
		    read_rflags());
}

static void failing(void)
{
	GUEST_EQ(1, 2);
}

TEST_F(library, failures_are_seen)
{
	struct vm *vm = PLAIN_VM(.entry = failing);

	EXPECT_EQ(UCALL_ABORT, vcpu_run(&vm->vcpu[0]));
	EXPECT_NE(NULL, strstr(vm->vcpu[0].error, "expected 1 == 2"));
	vm_destroy(vm);
}

static void endless(void)
{
	irq_enable();
	for (;;)
		cpu_pause();
}

TEST_F(library, time_limit)
{
	struct vm *vm = PLAIN_VM(.entry = endless);

	vm->vcpu[0].timeout = 1;
	EXPECT_EQ(UCALL_ABORT, vcpu_run(&vm->vcpu[0]));
	EXPECT_NE(NULL, strstr(vm->vcpu[0].error, "no answer"));
	vm_destroy(vm);
}

static void syncs(void)
{
	GUEST_SYNC(1, 2);
	GUEST_SYNC(3);
}

TEST_F(library, sync)
{
	struct vm *vm = PLAIN_VM(.entry = syncs);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(2, vcpu->ucall.args[1]);
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(3, vcpu->ucall.args[0]);
	EXPECT_UCALL(UCALL_DONE, vcpu);
	EXPECT_EQ(3, vcpu->exits);
	vm_destroy(vm);
}

static u8 page[PAGE_SIZE] __page;

PLAIN_GUEST_TEST(library, probes)
{
	u64 value = 0;

	*(u64 *)page = 0x1122334455667788;
	GUEST_NO_TRAP(probe_read(page, &value));
	GUEST_EQ(0x1122334455667788, value);
	GUEST_NO_TRAP(probe_write(page + 8, 7));
	GUEST_EQ(7, page[8]);
	page[0] = 0xc3;
	GUEST_NO_TRAP(probe_exec(page));
	page[0] = 0x0f;		/* UD2 */
	page[1] = 0x0b;
	GUEST_TRAP(UD_VECTOR, probe_exec(page));
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(0x12345678, 0));
	GUEST_TRAP(GP_VECTOR, probe_rdmsr(0x12345678, &value));
	GUEST_TRAP(PF_VECTOR, probe_read((void *)0x10000000000, &value));
	GUEST_EQ(0x10000000000, this_cpu()->trap_cr2);
	GUEST_TRAP(GP_VECTOR, probe_read((void *)0x8000000000000000, &value));
}

static void user_ok(void)
{
}

static void user_bad(void)
{
	read_cr0();
}

PLAIN_GUEST_TEST(library, user_mode)
{
	u64 stack = this_cpu()->count[USER_RETURN_VECTOR];

	GUEST_TRAP(USER_RETURN_VECTOR, run_user(user_ok));
	GUEST_TRAP(GP_VECTOR, run_user(user_bad));
	GUEST_EQ(stack + 1, this_cpu()->count[USER_RETURN_VECTOR]);
}

/* Interrupts may arrive anywhere, also in leaf functions with a red zone. */
static void count_up(struct guest_cpu *cpu, struct guest_regs *regs)
{
	volatile u8 space[256];

	memset((void *)space, 0xff, sizeof(space));
	GUEST_SYNC(space[3]);
}

static noinline u64 leaf(u64 n)
{
	volatile u64 red[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u64 i, sum = 0;

	asm volatile("int $0x41" : : : "memory");
	for (i = 0; i < 8; i++)
		sum += red[i];
	return sum * n;
}

static void interrupts(void)
{
	guest_on(0x41, count_up);
	hv_init();
	GUEST_EQ(360, leaf(10));
	GUEST_EQ(1, this_cpu()->count[0x41]);
}

TEST_F(library, interrupts)
{
	struct vm *vm = PLAIN_VM(.entry = interrupts);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

PLAIN_GUEST_TEST(library, map)
{
	u64 value;

	GUEST_TRAP(PF_VECTOR, probe_read((void *)0x200000000, &value));
}

static void mapped(void)
{
	u64 value;

	*(u64 *)page = 77;
	GUEST_NO_TRAP(probe_read((void *)0x200000000, &value));
	GUEST_EQ(77, value);
	GUEST_TRAP(PF_VECTOR, probe_write((void *)0x200000000, 1));
}

TEST_F(library, map_page)
{
	struct vm *vm = PLAIN_VM(.entry = mapped);

	vm_map(vm, 0x200000000, (uintptr_t)page, PTE_P);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

PLAIN_GUEST_TEST(library, hypercall)
{
	struct hv_io io = { .rcx = HV_NOTIFY_LONG_SPIN_WAIT | HV_FAST };

	hv_init();
	GUEST_EQ(HV_SUCCESS, hv_call(HV_NOTIFY_LONG_SPIN_WAIT | HV_FAST, 1, 0));
	GUEST_EQ(HV_INVALID_CODE, hv_call(0x7fff, 0, 0));
	io.use_xmm = 1;
	io.xmm[5][1] = 5;
	io.r9[6] = 15;
	io.rbx = 3;
	io.rdi = 4;
	hv_insn(&io, this_area()->hypercall_page);
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_SUCCESS, io.rax);
	GUEST_EQ(5, io.xmm[5][1]);
	GUEST_EQ(15, io.r9[6]);
	GUEST_EQ(3, io.rbx);
	GUEST_EQ(4, io.rdi);
}

/* XMM input: a cluster IPI to ourselves, in the extended form. */
PLAIN_GUEST_TEST(library, xmm_hypercall)
{
	u64 in[4] = { 0x42, 0, 1, 1 };	/* vector, sparse, bank 0, VP 0 */

	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, hv_call_xmm(0x15 | HV_VARHEAD(1), in, 4));
	irq_window();
	GUEST_EQ(1, this_cpu()->count[0x42]);
}

PLAIN_GUEST_TEST(library, synic_timer)
{
	struct hv_message *slot = (void *)this_area()->simp;

	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	hv_synic_init(0x30 | HV_SINT_AUTO_EOI);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_SINT(0) |
	      HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + 1000);
	irq_wait();
	GUEST_EQ(1, this_cpu()->count[0x30]);
	GUEST_EQ(HV_MSG_TIMER, slot->type);
}

static void two_vps(void)
{
	static u32 arrived;

	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	GUEST_WAIT(READ_ONCE(arrived) == 2);
	GUEST_EQ(this_cpu()->vp, rdmsr(HV_MSR_VP_INDEX));
}

TEST_F(library, two_vps)
{
	struct vm *vm = PLAIN_VM(.vcpus = 2, .entry = two_vps);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
