// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL call and VTL return: when they are refused, what moves with the VTL and
 * what stays, that user space does not notice, interrupts and sleep.
 */
#include <sys/syscall.h>
#include "vtl_test.h"

AREA(switch)

/* --- refused with #UD ---------------------------------------------------- */

/* Bits of RCX beside the call code, and of RAX, that must be zero */
static const u64 bad_rcx[] = {
	HV_FAST, HV_VARHEAD(1), BIT(27), HV_NESTED, HV_REPS(1), BIT(44),
	HV_REP_START(1), BIT(60), BIT(63),
};

static const u64 bad_call_rax[] = { 1, 2, BIT(31), BIT(32), BIT(63) };
static const u64 bad_return_rax[] = { 2, 3, BIT(31), BIT(32), BIT(63) };

static void expect_ud(struct guest_trap trap)
{
	GUEST_EQ(UD_VECTOR, trap.vector);
	GUEST_EQ((uintptr_t)hv_direct(), this_cpu()->trap_rip);
}

GUEST_TEST(switch, call_without_vtl1)
{
	hv_init();
	expect_ud(vtl_try_call(HV_VTL_CALL, 0));
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	expect_ud(vtl_try_call(HV_VTL_CALL, 0));
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	vtl_call();
}

GUEST_TEST(switch, call_without_os_id)
{
	vsm_init();
	wrmsr(HV_MSR_GUEST_OS_ID, 0);
	vtl_try_call(HV_VTL_CALL, 0);
	GUEST_EQ(0, vtl1[0].calls);
	hv_init();
	vtl_call();
	GUEST_EQ(1, vtl1[0].calls);
}

GUEST_TEST(switch, call_with_bad_control)
{
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(bad_rcx); i++)
		expect_ud(vtl_try_call(HV_VTL_CALL | bad_rcx[i], 0));
	for (i = 0; i < ARRAY_LEN(bad_call_rax); i++)
		expect_ud(vtl_try_call(HV_VTL_CALL, bad_call_rax[i]));
	GUEST_EQ(0, vtl1[0].calls);
	vtl_call();
	GUEST_EQ(1, vtl1[0].calls);
}

static void user_call(void)
{
	if (hv_is_amd())
		asm volatile("vmmcall" : : "a" (0), "c" (HV_VTL_CALL));
	else
		asm volatile("vmcall" : : "a" (0), "c" (HV_VTL_CALL));
}

static void user_return(void)
{
	if (hv_is_amd())
		asm volatile("vmmcall" : : "a" (0), "c" (HV_VTL_RETURN));
	else
		asm volatile("vmcall" : : "a" (0), "c" (HV_VTL_RETURN));
}

GUEST_TEST(switch, call_from_user_mode)
{
	vsm_init();
	GUEST_TRAP(UD_VECTOR, run_user(user_call));
	GUEST_EQ(0, vtl1[0].calls);
}

static u64 call_in_vtl1(u64 a, u64 b)
{
	expect_ud(vtl_try_call(HV_VTL_CALL, 0));
	return 0;
}

GUEST_TEST(switch, call_from_the_highest)
{
	vsm_init();
	vtl1_exec(call_in_vtl1, 0, 0);
}

GUEST_TEST(switch, return_from_the_lowest)
{
	hv_init();
	expect_ud(vtl_try_call(HV_VTL_RETURN, 0));
	vsm_init();
	expect_ud(vtl_try_call(HV_VTL_RETURN, 0));
	expect_ud(vtl_try_call(HV_VTL_RETURN, 1));
}

static u64 bad_returns(u64 a, u64 b)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(bad_rcx); i++)
		expect_ud(vtl_try_call(HV_VTL_RETURN | bad_rcx[i], 0));
	for (i = 0; i < ARRAY_LEN(bad_return_rax); i++)
		expect_ud(vtl_try_call(HV_VTL_RETURN, bad_return_rax[i]));
	return 0;
}

GUEST_TEST(switch, return_with_bad_control)
{
	vsm_init();
	vtl1_exec(bad_returns, 0, 0);
}

static u64 return_by_user(u64 a, u64 b)
{
	GUEST_TRAP(UD_VECTOR, run_user(user_return));
	return 0;
}

GUEST_TEST(switch, return_from_user_mode)
{
	vsm_init();
	vtl1_exec(return_by_user, 0, 0);
}

/* --- call and return ----------------------------------------------------- */

static u64 add(u64 a, u64 b)
{
	GUEST_EQ(1, this_cpu()->vtl);
	return a + b;
}

GUEST_TEST(switch, round_trip)
{
	vsm_init();
	GUEST_EQ(0, this_cpu()->vtl);
	GUEST_EQ(5, vtl1_exec(add, 2, 3));
	GUEST_EQ(0, this_cpu()->vtl);
	GUEST_EQ(HV_ENTRY_CALL, vtl1[0].entry_reason);
	GUEST_EQ(1, vtl1[0].calls);
	GUEST_EQ(0, vtl1[0].interrupts);
}

static u64 return_by_page(u64 a, u64 b)
{
	this_cpu()->vtl_return = this_area()->hypercall_page;
	return 0;
}

GUEST_TEST(switch, through_the_page)
{
	struct hv_io io = { .rax = HV_VTL_CALL };

	vsm_init();
	/* VTL1 returns through offset 0 of its page: RCX 0x12, RAX 0. */
	vtl1_exec(return_by_page, 0, 0);
	vtl_call_by_page();
	GUEST_EQ(HV_VTL_CALL, vtl1[0].regs_seen.rcx);
	GUEST_EQ(0, vtl1[0].regs_seen.rax);
	/* A bad control value goes through the sequence, too. */
	io.rcx = 1;
	hv_insn(&io, this_area()->hypercall_page + vtl_call_offset(0));
	GUEST_TRAP(UD_VECTOR, io.trap);
	GUEST_EQ(2, vtl1[0].calls);
}

static u64 leave_by_sequence(u64 fast, u64 b)
{
	this_cpu()->vtl_return = this_area()->hypercall_page +
				 vtl_return_offset(0);
	this_vtl1()->return_by_rcx = true;
	this_vtl1()->fast_return = fast;
	return 0;
}

GUEST_TEST(switch, return_sequence)
{
	struct hv_io io = { .rcx = HV_VTL_CALL };

	vsm_init();
	vtl1_exec(leave_by_sequence, 0, 0);
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_VTL_CALL, io.rcx);
	vtl1_exec(leave_by_sequence, 1, 0);
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_VTL_RETURN, io.rcx);
	GUEST_EQ(1, io.rax);
}

static u64 assist_registers(u64 a, u64 b)
{
	struct hv_assist *assist = (void *)this_area()->assist;

	GUEST_EQ(HV_ENTRY_CALL, assist->entry_reason);
	/* As VTL0 left them */
	GUEST_EQ(0, assist->rax);
	GUEST_EQ(HV_VTL_CALL, assist->rcx);
	if (a) {
		assist->rax = a;
		assist->rcx = b;
	}
	return 0;
}

static void call_with(struct hv_io *io, vtl_fn fn, u64 a, u64 b)
{
	vtl1[0].args[0] = a;
	vtl1[0].args[1] = b;
	vtl1[0].fn = fn;
	io->rcx = HV_VTL_CALL;
	io->rax = 0;
	hv_insn(io, hv_direct());
	GUEST_NO_TRAP(io->trap);
}

GUEST_TEST(switch, slow_return_restores)
{
	struct hv_io io = { };

	vsm_init();
	call_with(&io, assist_registers, 0, 0);
	GUEST_EQ(0, io.rax);
	GUEST_EQ(HV_VTL_CALL, io.rcx);
	call_with(&io, assist_registers, 0x1234567890, 0xabcdef);
	GUEST_EQ(0x1234567890, io.rax);
	GUEST_EQ(0xabcdef, io.rcx);
}

GUEST_TEST(switch, fast_return_keeps)
{
	struct hv_io io = { };

	vsm_init();
	vtl1[0].fast_return = true;
	call_with(&io, assist_registers, 0x1234567890, 0xabcdef);
	GUEST_EQ(1, io.rax);
	GUEST_EQ(HV_VTL_RETURN, io.rcx);
}

/* No assist page is no reason to fail. */
GUEST_TEST(switch, slow_return_without_assist)
{
	struct hv_io io = { };

	vtl1[0].bare = true;
	vsm_init();
	call_with(&io, add, 1, 2);
	GUEST_EQ(3, vtl1[0].result);
	GUEST_EQ(0, io.rax);
	GUEST_EQ(HV_VTL_RETURN, io.rcx);
}

/* --- 10,000 times, and user space does not see it ------------------------ */

static void many_round_trips(void)
{
	u32 i;

	vsm_init();
	GUEST_SYNC(0);
	for (i = 0; i < 10000; i++)
		vtl_call();
	GUEST_SYNC(vtl1[0].calls);
}

TEST_F(switch, no_exit_to_user_space)
{
	struct vm *vm = VTL_VM(.entry = many_round_trips);
	struct vcpu *vcpu = &vm->vcpu[0];
	u64 before;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	before = vcpu->exits;
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(10000, vcpu->ucall.args[0]);
	EXPECT_EQ(1, vcpu->exits - before);
	vm_destroy(vm);
}

static void five_calls(void)
{
	u32 i;

	vsm_init();
	GUEST_SYNC(0);
	for (i = 0; i < 5; i++)
		vtl_call();
}

TEST_F(switch, traced)
{
	struct vm *vm = VTL_VM(.entry = five_calls);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, trace_start());
	EXPECT_UCALL(UCALL_DONE, vcpu);
	trace_stop();
	EXPECT_EQ(10, trace_count("kvm_vtl_switch", NULL)) {
		trace_dump();
	}
	vm_destroy(vm);
}

/* --- exits of VTL1 to user space ----------------------------------------- */

#define TEST_PORT	0x333

static u64 port_io(u64 a, u64 b)
{
	u32 value;

	outb(TEST_PORT, 0x5a);
	GUEST_EQ(0xa5, inb(TEST_PORT));
	outl(TEST_PORT + 4, 0x12345678);
	value = inl(TEST_PORT + 4);
	GUEST_EQ(0x87654321, value);
	return value;
}

static u64 mmio(u64 a, u64 b)
{
	volatile u64 *p = (void *)GUEST_MMIO;

	p[0] = 0x1122334455667788;
	GUEST_EQ(0x8877665544332211, p[1]);
	return p[1];
}

static void exits_of_vtl1(void)
{
	vsm_init();
	GUEST_EQ(0x87654321, vtl1_exec(port_io, 0, 0));
	GUEST_EQ(0x8877665544332211, vtl1_exec(mmio, 0, 0));
	/* and of VTL0, afterwards */
	port_io(0, 0);
	mmio(0, 0);
}

static int exits_seen;

static int serve_exits(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	void *data = (u8 *)run + run->io.data_offset;
	u64 value = 0x8877665544332211;

	exits_seen++;
	if (run->exit_reason == KVM_EXIT_MMIO) {
		if (run->mmio.len != 8)
			return -1;
		if (run->mmio.is_write)
			return run->mmio.phys_addr != GUEST_MMIO ||
			       *(u64 *)run->mmio.data != 0x1122334455667788;
		memcpy(run->mmio.data, &value, 8);
		return run->mmio.phys_addr != GUEST_MMIO + 8;
	}
	if (run->exit_reason != KVM_EXIT_IO)
		return -1;
	if (run->io.port == TEST_PORT && run->io.direction)
		return *(u8 *)data != 0x5a;
	if (run->io.port == TEST_PORT)
		return *(u8 *)data = 0xa5, 0;
	if (run->io.port == TEST_PORT + 4 && run->io.direction)
		return *(u32 *)data != 0x12345678;
	if (run->io.port == TEST_PORT + 4)
		return *(u32 *)data = 0x87654321, 0;
	return -1;
}

TEST_F(switch, exits_of_vtl1)
{
	struct vm *vm = VTL_VM(.entry = exits_of_vtl1);

	vm->vcpu[0].on_exit = serve_exits;
	exits_seen = 0;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	/* 4 port accesses, 3 of MMIO, from either VTL; SynIC pages are no. */
	EXPECT_LE(14, exits_seen);
	vm_destroy(vm);
}

/* The VMM resets the machine, whichever VTL asks for it. */
static u64 ask_for_reset(u64 a, u64 b)
{
	wrmsr(HV_MSR_RESET, 1);
	GUEST_FAIL("the machine goes on");
}

static void reset_by_vtl1(void)
{
	vsm_init();
	vtl1_exec(ask_for_reset, 0, 0);
}

static void reset_by_vtl0(void)
{
	vsm_init();
	ask_for_reset(0, 0);
}

static void expect_reset(struct __test_metadata *_metadata,
			 void (*entry)(void))
{
	struct vm *vm = VTL_VM(.entry = entry);
	struct kvm_run *run = vm->vcpu[0].run;

	EXPECT_NE(UCALL_DONE, vcpu_run(&vm->vcpu[0]));
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, run->exit_reason);
	EXPECT_EQ(KVM_SYSTEM_EVENT_RESET, run->system_event.type);
	vm_destroy(vm);
}

TEST_F(switch, reset_msr)
{
	expect_reset(_metadata, reset_by_vtl0);
	expect_reset(_metadata, reset_by_vtl1);
}

/* --- whose FPU registers ------------------------------------------------- */

static void set_xmm9(u64 value)
{
	asm volatile("movq %0, %%xmm9" : : "r" (value));
}

static u64 get_xmm9(void)
{
	u64 value;

	asm volatile("movq %%xmm9, %0" : "=r" (value));
	return value;
}

/* VTL1 with an exit or without; what it leaves in XMM9 is VTL0's then. */
static u64 change_xmm9(u64 value, u64 exits)
{
	if (exits)
		port_io(0, 0);
	set_xmm9(value);
	return 0;
}

static u64 read_register(u64 name, u64 b)
{
	return hv_reg(HV_OWN_VTL, name);
}

static void guest_with_xmm9(void)
{
	vsm_init();
	GUEST_SYNC(0);
	vtl1_exec(change_xmm9, 0x1001, 0);
	GUEST_EQ(0x1001, get_xmm9());
	vtl1_exec(change_xmm9, 0x1002, 0);
	GUEST_SYNC(1);
	GUEST_EQ(0x1002, get_xmm9());
	vtl1_exec(change_xmm9, 0x1003, 1);
	GUEST_EQ(0x1003, get_xmm9());
	vtl1_exec(read_register, HV_REG_VSM_VP_STATUS, 0);
	GUEST_EQ(0x1003, get_xmm9());
	vtl1_exec(change_xmm9, 0x1004, 0);
	GUEST_SYNC(2);
	GUEST_EQ(0x1004, get_xmm9());
}

/* KVM_RUN, by the bare system call: the value that XMM9 has behind it */
static u64 run_with_xmm9(int fd, u64 value)
{
	long ret = SYS_ioctl;

	asm volatile("movq %1, %%xmm9\n\t"
		     "syscall\n\t"
		     "movq %%xmm9, %1"
		     : "+a" (ret), "+r" (value)
		     : "D" ((long)fd), "S" ((long)KVM_RUN), "d" (0L)
		     : "rcx", "r11", "memory");
	return value;
}

/* A call that ends in a return, one that exits, one with a hypercall */
TEST_F(switch, fpu_of_the_vmm)
{
	struct vm *vm = VTL_VM(.entry = guest_with_xmm9);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_run *run = vcpu->run;
	u32 i;

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	/* Two reports and four port accesses */
	for (i = 0; i < 6; i++) {
		run->exit_reason = KVM_EXIT_UNKNOWN;
		ASSERT_EQ(0xf00d + i, run_with_xmm9(vcpu->fd, 0xf00d + i));
		ASSERT_EQ(KVM_EXIT_IO, run->exit_reason);
		if (run->io.port != UCALL_PORT)
			ASSERT_EQ(0, serve_exits(vcpu));
	}
	/* The guest has found its own. */
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- private and shared state -------------------------------------------- */

GUEST_TEST(switch, general_registers)
{
	struct hv_io io = {
		.rcx = HV_VTL_CALL, .rdx = 2, .r8 = 8, .rbx = 3, .rbp = 4,
		.rsi = 5, .rdi = 6, .r9 = { 9, 10, 11, 12, 13, 14, 15 },
	}, before;
	struct guest_regs *seen = &vtl1[0].regs_seen;

	vsm_init();
	before = io;
	hv_insn(&io, hv_direct());
	GUEST_EQ(2, seen->rdx);
	GUEST_EQ(8, seen->r8);
	GUEST_EQ(3, seen->rbx);
	GUEST_EQ(4, seen->rbp);
	GUEST_EQ(5, seen->rsi);
	GUEST_EQ(6, seen->rdi);
	GUEST_EQ(9, seen->r9);
	GUEST_EQ(10, seen->r10);
	GUEST_EQ(11, seen->r11);
	GUEST_EQ(12, seen->r12);
	GUEST_EQ(13, seen->r13);
	GUEST_EQ(14, seen->r14);
	GUEST_EQ(15, seen->r15);
	/* VTL1 kept them, and RAX, RCX came back. */
	GUEST_EQ(0, memcmp(&io, &before, offsetof(struct hv_io, xmm)));
}

static u64 change_registers(u64 a, u64 b)
{
	struct guest_regs *regs = this_vtl1()->regs;

	regs->rbx = 103;
	regs->rdx = 102;
	regs->rsi = 105;
	regs->rdi = 106;
	regs->rbp = 104;
	regs->r8 = 108;
	regs->r9 = 109;
	regs->r10 = 110;
	regs->r11 = 111;
	regs->r12 = 112;
	regs->r13 = 113;
	regs->r14 = 114;
	regs->r15 = 115;
	return 0;
}

GUEST_TEST(switch, general_registers_of_vtl1)
{
	struct hv_io io = { };
	u32 i;

	vsm_init();
	call_with(&io, change_registers, 0, 0);
	GUEST_EQ(103, io.rbx);
	GUEST_EQ(102, io.rdx);
	GUEST_EQ(105, io.rsi);
	GUEST_EQ(106, io.rdi);
	GUEST_EQ(104, io.rbp);
	GUEST_EQ(108, io.r8);
	for (i = 0; i < 7; i++)
		GUEST_EQ(109 + i, io.r9[i]);
}

struct reg {
	const char *name;
	u64 (*get)(void);
	void (*set)(u64 value);
	u64 in_vtl0, in_vtl1;
};

#define MSR_REG(msr)							\
static u64 get_##msr(void) { return rdmsr(MSR_##msr); }			\
static void set_##msr(u64 value) { wrmsr(MSR_##msr, value); }

MSR_REG(SYSENTER_CS)
MSR_REG(SYSENTER_ESP)
MSR_REG(SYSENTER_EIP)
MSR_REG(PAT)
MSR_REG(EFER)
MSR_REG(STAR)
MSR_REG(LSTAR)
MSR_REG(CSTAR)
MSR_REG(SFMASK)
MSR_REG(FS_BASE)
MSR_REG(KERNEL_GS_BASE)

#define HV_REG_OF(msr)							\
static u64 get_##msr(void) { return rdmsr(HV_MSR_##msr); }		\
static void set_##msr(u64 value) { wrmsr(HV_MSR_##msr, value); }

HV_REG_OF(GUEST_OS_ID)
HV_REG_OF(HYPERCALL)
HV_REG_OF(SCONTROL)
HV_REG_OF(SIMP)
HV_REG_OF(SIEFP)
HV_REG_OF(SINT0)
HV_REG_OF(REFERENCE_TSC)

static u64 get_sint7(void) { return rdmsr(HV_MSR_SINT0 + 7); }
static void set_sint7(u64 value) { wrmsr(HV_MSR_SINT0 + 7, value); }
static u64 get_apic_tpr(void) { return apic_read(APIC_TPR); }
static void set_apic_tpr(u64 value) { apic_write(APIC_TPR, value); }
static u64 get_lvt(void) { return apic_read(APIC_LVT_TIMER); }
static void set_lvt(u64 value) { apic_write(APIC_LVT_TIMER, value); }

static u64 get_rflags(void) { return read_rflags() & ~0x8d5ULL; }

static void set_rflags(u64 value)
{
	asm volatile("push %0; popf" : : "r" (value) : "memory", "cc");
}

#define SEGMENT_REG(seg)						\
static u64 get_##seg(void)						\
{									\
	u64 value;							\
									\
	asm volatile("mov %%" #seg ", %0" : "=r" (value));		\
	return value;							\
}									\
static void set_##seg(u64 value)					\
{									\
	asm volatile("mov %0, %%" #seg : : "r" (value));		\
}

SEGMENT_REG(ds)
SEGMENT_REG(es)
SEGMENT_REG(fs)

static u64 get_ldtr(void)
{
	u64 value;

	asm volatile("sldt %0" : "=r" (value));
	return value;
}

static void set_ldtr(u64 value)
{
	asm volatile("lldt %w0" : : "r" (value));
}

static const struct reg private_regs[] = {
	{ "CR0", read_cr0, write_cr0, 0x80010033, 0x80040033 },
	{ "CR8", read_cr8, write_cr8, 3, 0 },
	{ "DR7", read_dr7, write_dr7, 0x30400, 0xf00400 },
	{ "RFLAGS", get_rflags, set_rflags, 0x242002, 2 },
	{ "DS", get_ds, set_ds, 0, KERNEL_DS },
	{ "ES", get_es, set_es, USER_DS, 0 },
	{ "FS", get_fs, set_fs, KERNEL_DS, USER_DS },
	{ "LDTR", get_ldtr, set_ldtr, LDT_SEL, 0 },
	{ "SYSENTER_CS", get_SYSENTER_CS, set_SYSENTER_CS, 0x10, 0x20 },
	{ "SYSENTER_ESP", get_SYSENTER_ESP, set_SYSENTER_ESP, 1, 2 },
	{ "SYSENTER_EIP", get_SYSENTER_EIP, set_SYSENTER_EIP, 3, 4 },
	{ "PAT", get_PAT, set_PAT, 0x0606060606060606, 0x0007040600070406 },
	{ "EFER", get_EFER, set_EFER, 0xd01, 0xd00 },
	{ "STAR", get_STAR, set_STAR, 5ULL << 32, 6ULL << 32 },
	{ "LSTAR", get_LSTAR, set_LSTAR, 0x7000, 0x8000 },
	{ "CSTAR", get_CSTAR, set_CSTAR, 0x9000, 0xa000 },
	{ "SFMASK", get_SFMASK, set_SFMASK, 0x100, 0x200 },
	{ "FS_BASE", get_FS_BASE, set_FS_BASE, 0xb000, 0xc000 },
	{ "KERNEL_GS_BASE", get_KERNEL_GS_BASE, set_KERNEL_GS_BASE, 0xd000,
	  0xe000 },
	{ "APIC TPR", get_apic_tpr, set_apic_tpr, 0x20, 0 },
	{ "APIC LVT timer", get_lvt, set_lvt, 0x10040, 0x10050 },
	{ "GUEST_OS_ID", get_GUEST_OS_ID, set_GUEST_OS_ID, 0x8100000000000005,
	  0x8100000000000006 },
	{ "HYPERCALL", get_HYPERCALL, set_HYPERCALL, 0xc00001, 0xc01001 },
	{ "SIMP", get_SIMP, set_SIMP, 0xc02001, 0xc03001 },
	{ "SIEFP", get_SIEFP, set_SIEFP, 0xc04001, 0xc05001 },
	{ "REFERENCE_TSC", get_REFERENCE_TSC, set_REFERENCE_TSC, 0xc06001,
	  0xc07001 },
	{ "SCONTROL", get_SCONTROL, set_SCONTROL, 0, 1 },
	{ "SINT0", get_SINT0, set_SINT0, 0x10055, 0x20030 },
	{ "SINT7", get_sint7, set_sint7, 0x10066, 0x10077 },
};

static u64 in_vtl1(u64 reg, u64 want)
{
	const struct reg *r = (void *)reg;
	u64 was = r->get();

	if (want)
		return was;
	r->set(r->in_vtl1);
	return was;
}

static void check_private(const struct reg *r)
{
	u64 value;

	r->set(r->in_vtl0);
	vtl1_exec(in_vtl1, (uintptr_t)r, 0);
	value = r->get();
	if (value != r->in_vtl0)
		GUEST_FAIL("%s in VTL0 became 0x%llx, not 0x%llx",
			   (uintptr_t)r->name, value, r->in_vtl0);
	value = vtl1_exec(in_vtl1, (uintptr_t)r, 1);
	if (value != r->in_vtl1)
		GUEST_FAIL("%s in VTL1 became 0x%llx, not 0x%llx",
			   (uintptr_t)r->name, value, r->in_vtl1);
}

static void private_state(void)
{
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(private_regs); i++)
		check_private(&private_regs[i]);
}

TEST_F(switch, private_state)
{
	struct vm *vm = VTL_VM(.entry = private_state);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

GUEST_TEST(switch, private_cr4)
{
	struct reg r = { "CR4", read_cr4, write_cr4 };

	vsm_init();
	r.in_vtl0 = read_cr4() ^ CR4_DE;
	r.in_vtl1 = read_cr4() ^ CR4_PGE;
	check_private(&r);
}

GUEST_TEST(switch, private_cr3_and_tables)
{
	vsm_init();
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), read_cr3());
	GUEST_EQ(GUEST_PAGE_TABLES_OF(1),
		 vtl1_exec((vtl_fn)(void *)read_cr3, 0, 0));
}

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static u64 tables(u64 a, u64 b)
{
	struct table_register gdt, idt;
	struct guest_area *area = this_area();
	u64 tr;

	asm volatile("sgdt %0" : "=m" (gdt));
	asm volatile("sidt %0" : "=m" (idt));
	asm volatile("str %0" : "=r" (tr));
	GUEST_EQ((uintptr_t)area->gdt, gdt.base);
	GUEST_EQ(sizeof(area->gdt) - 1, gdt.limit);
	GUEST_EQ((uintptr_t)area->idt, idt.base);
	GUEST_EQ(sizeof(area->idt) - 1, idt.limit);
	GUEST_EQ(TSS_SEL, tr);
	return 0;
}

GUEST_TEST(switch, private_tables)
{
	vsm_init();
	tables(0, 0);
	vtl1_exec(tables, 0, 0);
	tables(0, 0);
}

GUEST_TEST(switch, private_tsc_aux)
{
	u64 value;

	if (probe_rdmsr(MSR_TSC_AUX, &value).vector != NO_TRAP)
		GUEST_SKIP("no TSC_AUX");
	vsm_init();
	wrmsr(MSR_TSC_AUX, 7);
	vtl1_exec((vtl_fn)(void *)wrmsr, MSR_TSC_AUX, 8);
	GUEST_EQ(7, rdmsr(MSR_TSC_AUX));
	GUEST_EQ(8,
		 vtl1_exec((vtl_fn)(void *)rdmsr, MSR_TSC_AUX, 0));
}

/* DR6 is private or shared, as VsmCapabilities says. */
GUEST_TEST(switch, dr6_as_capabilities)
{
	bool shared;
	u64 in_1;

	vsm_init();
	shared = hv_reg(0, HV_REG_VSM_CAPABILITIES) & 1;
	write_dr6(0xffff0ff1);
	in_1 = vtl1_exec((vtl_fn)(void *)read_dr6, 0, 0);
	GUEST_EQ(shared ? 0xffff0ff1 : 0xffff0ff0, in_1);
	vtl1_exec((vtl_fn)(void *)write_dr6, 0xffff0ff2, 0);
	GUEST_EQ(shared ? 0xffff0ff2 : 0xffff0ff1, read_dr6());
}

static u64 get_fcw(void)
{
	u16 value;

	asm volatile("fnstcw %0" : "=m" (value));
	return value;
}

static void set_fcw(u64 value)
{
	u16 word = value;

	asm volatile("fldcw %0" : : "m" (word));
}

static u64 get_mxcsr(void)
{
	u32 value;

	asm volatile("stmxcsr %0" : "=m" (value));
	return value;
}

static void set_mxcsr(u64 value)
{
	u32 word = value;

	asm volatile("ldmxcsr %0" : : "m" (word));
}

static const struct reg shared_regs[] = {
	{ "CR2", read_cr2, write_cr2, 0x12345000, 0x54321000 },
	{ "DR0", read_dr0, write_dr0, 0x1000, 0x2000 },
	{ "DR1", read_dr1, write_dr1, 0x3000, 0x4000 },
	{ "DR2", read_dr2, write_dr2, 0x5000, 0x6000 },
	{ "DR3", read_dr3, write_dr3, 0x7000, 0x8000 },
	{ "FCW", get_fcw, set_fcw, 0x27f, 0x37e },
	{ "MXCSR", get_mxcsr, set_mxcsr, 0x1f00, 0x3f80 },
};

static void check_shared(const struct reg *r)
{
	u64 value;

	r->set(r->in_vtl0);
	value = vtl1_exec(in_vtl1, (uintptr_t)r, 0);
	if (value != r->in_vtl0)
		GUEST_FAIL("VTL1 sees %s as 0x%llx, not 0x%llx",
			   (uintptr_t)r->name, value, r->in_vtl0);
	value = r->get();
	if (value != r->in_vtl1)
		GUEST_FAIL("VTL0 sees %s as 0x%llx, not 0x%llx",
			   (uintptr_t)r->name, value, r->in_vtl1);
}

GUEST_TEST(switch, shared_state)
{
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(shared_regs); i++)
		check_shared(&shared_regs[i]);
}

/* MSRs of the processor, which KVM keeps per vCPU */
#define MSR_MISC_ENABLE		0x1a0
#define MSR_MTRR_BASE0		0x200
#define MSR_MTRR_MASK0		0x201
#define MSR_MTRR_FIX64K		0x250
#define MSR_MTRR_FIX4K_F8	0x26f
#define MSR_MTRR_DEF_TYPE	0x2ff

MSR_REG(MISC_ENABLE)
MSR_REG(MTRR_BASE0)
MSR_REG(MTRR_MASK0)
MSR_REG(MTRR_FIX64K)
MSR_REG(MTRR_FIX4K_F8)
MSR_REG(MTRR_DEF_TYPE)

static const struct reg shared_msrs[] = {
	{ "MTRR base 0", get_MTRR_BASE0, set_MTRR_BASE0, 0xd0000000,
	  0xe0000004 },
	{ "MTRR mask 0", get_MTRR_MASK0, set_MTRR_MASK0, 0xf0000800, 0 },
	{ "MTRR fixed 64K", get_MTRR_FIX64K, set_MTRR_FIX64K,
	  0x0606060606060606, 0x0404040404040404 },
	{ "MTRR fixed F8", get_MTRR_FIX4K_F8, set_MTRR_FIX4K_F8,
	  0x0505050505050505, 0x0606060606060606 },
	{ "MTRR default", get_MTRR_DEF_TYPE, set_MTRR_DEF_TYPE, 0xc06, 0x806 },
};

GUEST_TEST(switch, shared_msrs)
{
	struct reg r = { "MISC_ENABLE", get_MISC_ENABLE, set_MISC_ENABLE };
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(shared_msrs); i++)
		check_shared(&shared_msrs[i]);
	r.in_vtl1 = get_MISC_ENABLE();
	r.in_vtl0 = r.in_vtl1 ^ 1;
	check_shared(&r);
}

/* What VTL0 wrote before there was a VTL1 */
GUEST_TEST(switch, shared_msrs_at_first_entry)
{
	hv_init();
	set_MTRR_FIX64K(0x0404040404040404);
	vsm_init();
	GUEST_EQ(0x0404040404040404,
		 vtl1_exec((vtl_fn)(void *)rdmsr, MSR_MTRR_FIX64K, 0));
}

/* Protection keys: no page has one, so that any value will do. */
#define CR4_PKE			BIT(22)

static u64 get_pkru(void)
{
	u32 value, edx;

	asm volatile("rdpkru" : "=a" (value), "=d" (edx) : "c" (0));
	return value;
}

static void set_pkru(u64 value)
{
	asm volatile("wrpkru" : : "a" ((u32)value), "c" (0), "d" (0));
}

static u64 enable_pke(u64 a, u64 b)
{
	write_cr4(read_cr4() | CR4_PKE);
	return 0;
}

GUEST_TEST(switch, shared_pkru)
{
	static const struct reg r = {
		"PKRU", get_pkru, set_pkru, 0x5554, 0xaaa0,
	};
	u32 a, b, c, d;

	cpuid(7, 0, &a, &b, &c, &d);
	if (!(c & BIT(3)))
		GUEST_SKIP("no protection keys");
	vsm_init();
	enable_pke(0, 0);
	vtl1_exec(enable_pke, 0, 0);
	check_shared(&r);
}

static u64 xcr0_in_vtl1(u64 value, u64 b)
{
	u64 was = xgetbv(0);

	GUEST_NO_TRAP(probe_xsetbv(0, value));
	return was;
}

GUEST_TEST(switch, shared_xcr0)
{
	guest_need_xcr0(3);
	vsm_init();
	GUEST_NO_TRAP(probe_xsetbv(0, 3));
	GUEST_EQ(3, vtl1_exec(xcr0_in_vtl1, 1, 0));
	GUEST_EQ(1, xgetbv(0));
}

static u64 xmm_in_vtl1[16][2];

static u64 exchange_xmm(u64 a, u64 b)
{
	struct hv_io io = { .use_xmm = 1 };
	static const u8 ret = 0xc3;
	u32 i;

	/* hv_insn() with a bare RET: loads nothing, stores what is there. */
	asm volatile("movups %%xmm0, 0x00(%0); movups %%xmm1, 0x10(%0);"
		     "movups %%xmm7, 0x70(%0); movups %%xmm15, 0xf0(%0)"
		     : : "r" (xmm_in_vtl1) : "memory");
	for (i = 0; i < 16; i++) {
		io.xmm[i][0] = 1000 + i;
		io.xmm[i][1] = 2000 + i;
	}
	hv_insn(&io, &ret);
	return 0;
}

GUEST_TEST(switch, shared_xmm)
{
	struct hv_io io = { .use_xmm = 1 };
	u32 i;

	vsm_init();
	for (i = 0; i < 16; i++) {
		io.xmm[i][0] = 100 + i;
		io.xmm[i][1] = 200 + i;
	}
	call_with(&io, exchange_xmm, 0, 0);
	for (i = 0; i < 16; i++) {
		GUEST_EQ(1000 + i, io.xmm[i][0]);
		GUEST_EQ(2000 + i, io.xmm[i][1]);
	}
	GUEST_EQ(100, xmm_in_vtl1[0][0]);
	GUEST_EQ(201, xmm_in_vtl1[1][1]);
	GUEST_EQ(107, xmm_in_vtl1[7][0]);
	GUEST_EQ(215, xmm_in_vtl1[15][1]);
}

static u64 ymm_in_vtl1(u64 a, u64 b)
{
	static u64 value[4];

	asm volatile("vmovups %%ymm5, (%0)" : : "r" (value) : "memory");
	GUEST_EQ(a, value[3]);
	value[3] = b;
	asm volatile("vmovups (%0), %%ymm5" : : "r" (value) : "memory");
	return 0;
}

GUEST_TEST(switch, shared_ymm)
{
	static u64 value[4] = { 1, 2, 3, 4 };

	guest_need_xcr0(7);
	vsm_init();
	GUEST_NO_TRAP(probe_xsetbv(0, 7));
	asm volatile("vmovups (%0), %%ymm5" : : "r" (value) : "memory");
	vtl1_exec(ymm_in_vtl1, 4, 44);
	asm volatile("vmovups %%ymm5, (%0)" : : "r" (value) : "memory");
	GUEST_EQ(1, value[0]);
	GUEST_EQ(44, value[3]);
}

/* Page faults in VTL1 leave their address in the CR2 that both share. */
static u64 fault_in_vtl1(u64 va, u64 b)
{
	GUEST_TRAP(PF_VECTOR, probe_read((void *)va, NULL));
	return 0;
}

GUEST_TEST(switch, cr2_of_a_fault)
{
	vsm_init();
	write_cr2(0);
	vtl1_exec(fault_in_vtl1, 0x10000001000, 0);
	GUEST_EQ(0x10000001000, read_cr2());
}

/* --- the local APIC of VTL1 ---------------------------------------------- */

static u64 apic_of_vtl1(u64 id, u64 b)
{
	GUEST_EQ(0x1ff, apic_read(APIC_SVR));
	GUEST_EQ(id, apic_read(APIC_ID));
	GUEST_EQ(APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0xfffULL);
	return 0;
}

GUEST_TEST(switch, apic_of_vtl1)
{
	vsm_init();
	GUEST_EQ(0xff, apic_read(APIC_SVR));
	vtl1_exec(apic_of_vtl1, apic_read(APIC_ID), 0);
	GUEST_EQ(0xff, apic_read(APIC_SVR));
}

#define SELF_IPI(vector)	(0x40000 | (vector))

static u64 self_ipi(u64 vector, u64 b)
{
	apic_write(APIC_ICR, SELF_IPI(vector));
	return apic_read(APIC_IRR + vector / 32 * 16) >> vector % 32 & 1;
}

/* VTL1 leaves with an interrupt pending, IF = 0: it comes back at once. */
GUEST_TEST(switch, pending_interrupt_re_enters)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	vtl1_exec(self_ipi, 0x50, 0);
	GUEST_EQ(1, vtl1[0].interrupts);
	GUEST_EQ(HV_ENTRY_INTERRUPT, vtl1[0].entry_reason);
	GUEST_EQ(1, cpu1->count[0x50]);
	GUEST_EQ(0, this_cpu()->count[0x50]);
}

/* The same when VTL1 takes interrupts as soon as it runs. */
GUEST_TEST(switch, pending_interrupt_with_if)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	cpu1->vtl_flags = RFLAGS_IF | 2;
	vtl1_exec(self_ipi, 0x50, 0);
	GUEST_EQ(1, cpu1->count[0x50]);
}

static u64 set_tpr(u64 tpr, u64 vector)
{
	apic_write(APIC_TPR, tpr);
	if (vector)
		apic_write(APIC_ICR, SELF_IPI(vector));
	return 0;
}

/* Only VTL1's own TPR holds its interrupts back. */
GUEST_TEST(switch, tpr_of_vtl1_blocks)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	vtl1_exec(set_tpr, 0x60, 0x50);
	GUEST_EQ(0, vtl1[0].interrupts);
	GUEST_EQ(0, cpu1->count[0x50]);
	vtl1_exec(set_tpr, 0, 0);
	GUEST_EQ(1, cpu1->count[0x50]);
}

GUEST_TEST(switch, tpr_of_vtl0_does_not_block)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	write_cr8(15);
	vtl1_exec(self_ipi, 0x50, 0);
	GUEST_EQ(1, cpu1->count[0x50]);
}

/* --- interrupts and sleep ------------------------------------------------ */

#define TIMER_VECTOR	0x51

static u64 now(void)
{
	return rdmsr(HV_MSR_TIME_REF_COUNT);
}

/* One shot after that many units of 100 ns, direct mode */
static u64 synic_timer(u64 delay, u64 b)
{
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, now() + delay);
	return 0;
}

/* through SINT1, with a message */
static u64 synic_message_timer(u64 delay, u64 b)
{
	wrmsr(HV_MSR_SINT0 + 1, TIMER_VECTOR);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_SINT(1) |
	      HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, now() + delay);
	return 0;
}

/* KVM's APIC timer counts nanoseconds. */
static u64 apic_timer(u64 delay, u64 b)
{
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, TIMER_VECTOR);
	apic_write(APIC_TIMER_INIT, delay * 100);
	return 0;
}

static u64 fired_at;

static void note_time(struct guest_cpu *cpu, struct guest_regs *regs)
{
	fired_at = now();
}

static u64 note_in_vtl1(u64 vector, u64 b)
{
	guest_on(vector, note_time);
	return 0;
}

/*
 * VTL0 sleeps until its own timer, which comes later than VTL1's: VTL1 must
 * have run in between.
 */
static void sleep_with(vtl_fn timer)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;
	u64 start;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	vtl1_exec(note_in_vtl1, TIMER_VECTOR, 0);
	start = now();
	synic_timer(100 * TIMER_TICK, 0);
	vtl1_exec(timer, 10 * TIMER_TICK, 0);
	GUEST_EQ(0, cpu1->count[TIMER_VECTOR]);
	irq_wait();
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
	GUEST_EQ(1, cpu1->count[TIMER_VECTOR]);
	GUEST_EQ(1, vtl1[0].interrupts);
	GUEST_LE(start + 9 * TIMER_TICK, fired_at);
	GUEST_LT(fired_at, start + 95 * TIMER_TICK);
	GUEST_LE(start + 100 * TIMER_TICK, now());
}

GUEST_TEST(switch, synic_timer_wakes)
{
	sleep_with(synic_timer);
}

GUEST_TEST(switch, synic_message_timer_wakes)
{
	sleep_with(synic_message_timer);
}

GUEST_TEST(switch, apic_timer_wakes)
{
	sleep_with(apic_timer);
}

/* A sleeping VTL0 without interrupts of its own: VTL1 ends the sleep. */
static void inject_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_PENDING_EVENT0,
		   HV_EVENT_EXCEPTION(UD_VECTOR));
}

static u64 inject_on_timer(u64 a, u64 b)
{
	guest_on(TIMER_VECTOR, inject_ud);
	return 0;
}

static struct guest_trap halt_trapped(void)
{
	static const u8 code[] __page = { 0xf4, 0xc3 };	/* HLT; RET */

	return probe_exec(code);
}

GUEST_TEST(switch, pending_event_ends_halt)
{
	vsm_init();
	vtl1_exec(inject_on_timer, 0, 0);
	/* Long enough for a busy machine to get to the HLT */
	vtl1_exec(synic_timer, 40 * TIMER_TICK, 0);
	GUEST_TRAP(UD_VECTOR, halt_trapped());
	GUEST_EQ(1, vtl1[0].interrupts);
}

static void preempt_with(vtl_fn timer)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	irq_disable();
	vtl1_exec(timer, TIMER_TICK, 0);
	GUEST_WAIT(READ_ONCE(vtl1[0].interrupts));
	GUEST_EQ(1, cpu1->count[TIMER_VECTOR]);
	GUEST_EQ(0, read_rflags() & RFLAGS_IF);
}

GUEST_TEST(switch, synic_timer_preempts)
{
	preempt_with(synic_timer);
}

GUEST_TEST(switch, apic_timer_preempts)
{
	preempt_with(apic_timer);
}

/* VTL1's registers at an interrupt are VTL0's, and VTL0 keeps its own. */
GUEST_TEST(switch, preempted_registers)
{
	struct guest_regs *seen = &vtl1[0].regs_seen;
	u64 value = 0x1234, loops;
	u32 tries = 0;

	vsm_init();
	do {	/* until VTL1 came in the middle of it */
		GUEST_LT(tries++, 20);
		vtl1[0].interrupts = 0;
		vtl1_exec(synic_timer, 5 * TIMER_TICK, 0);
		/* With IF = 1, see guest_relax(); VTL0 has no interrupts. */
		asm volatile("sti; 1: add $1, %1; cmpl $0, %2; je 1b; cli"
			     : "+a" (value), "=c" (loops)
			     : "m" (vtl1[0].interrupts), "1" (0), "b" (0x77)
			     : "memory", "cc");
		GUEST_EQ(0x1234, value);
	} while (seen->rbx != 0x77);
	GUEST_EQ(0x1234, seen->rax);
	GUEST_LE(seen->rcx, loops);
	GUEST_LE(loops, seen->rcx + 1);
}

static u64 spin_in_vtl1(u64 until, u64 b)
{
	while (now() < until)
		cpu_pause();
	return guest_area(0, 0)->cpu.count[TIMER_VECTOR];
}

/* VTL0's interrupts wait until VTL0 runs. */
GUEST_TEST(switch, vtl0_interrupt_waits)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	/* Long enough for a busy machine to be in VTL1 before it expires. */
	synic_timer(50 * TIMER_TICK, 0);
	irq_enable();
	GUEST_EQ(0, vtl1_exec(spin_in_vtl1, now() + 100 * TIMER_TICK, 0));
	irq_disable();
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
	GUEST_EQ(0, cpu1->count[TIMER_VECTOR]);
}

/* HLT in VTL1: its own timer wakes it. */
static u64 sleep_in_vtl1(u64 delay, u64 b)
{
	synic_timer(delay, 0);
	irq_wait();
	return this_cpu()->count[TIMER_VECTOR];
}

GUEST_TEST(switch, vtl1_sleeps)
{
	vsm_init();
	GUEST_EQ(1, vtl1_exec(sleep_in_vtl1, 2 * TIMER_TICK, 0));
	GUEST_EQ(0, vtl1[0].interrupts);
}

/* --- time ---------------------------------------------------------------- */

static u64 tsc_in_vtl1(u64 a, u64 b)
{
	return rdtsc();
}

static u64 now_in_vtl1(u64 a, u64 b)
{
	return now();
}

GUEST_TEST(switch, tsc_is_one)
{
	u64 before, within, after;
	u32 i;

	vsm_init();
	for (i = 0; i < 200; i++) {
		before = rdtsc();
		within = vtl1_exec(tsc_in_vtl1, 0, 0);
		after = rdtsc();
		GUEST_LT(before, within);
		GUEST_LT(within, after);
	}
}

GUEST_TEST(switch, reference_time_is_one)
{
	u64 before, within, after;
	u32 i;

	vsm_init();
	for (i = 0; i < 200; i++) {
		before = now();
		within = vtl1_exec(now_in_vtl1, 0, 0);
		after = now();
		GUEST_LE(before, within);
		GUEST_LE(within, after);
	}
}

struct tsc_page {
	u32 sequence;
	u32 reserved;
	u64 scale;
	u64 offset;
};

static u64 tsc_page(u64 a, u64 b)
{
	struct guest_area *area = this_area();

	wrmsr(HV_MSR_REFERENCE_TSC, (uintptr_t)area->reference_tsc | 1);
	return (uintptr_t)area->reference_tsc;
}

GUEST_TEST(switch, reference_tsc_is_one)
{
	struct tsc_page *p0, *p1;

	vsm_init();
	p0 = (void *)tsc_page(0, 0);
	p1 = (void *)vtl1_exec(tsc_page, 0, 0);
	GUEST_NE((uintptr_t)p0, (uintptr_t)p1);
	GUEST_EQ(!p0->sequence, !p1->sequence);
	GUEST_EQ(p0->scale, p1->scale);
	GUEST_EQ(p0->offset, p1->offset);
}

/* --- a VM without VTLs --------------------------------------------------- */

static void no_vtls(void)
{
	hv_init();
	GUEST_EQ(HV_INVALID_CODE, hv_call(HV_VTL_CALL, 0, 0));
	GUEST_EQ(HV_INVALID_CODE, hv_call(HV_VTL_RETURN, 0, 0));
}

/* Plain KVM knows neither call: the answer is a status, not #UD. */
TEST_F(switch, plain_kvm)
{
	struct vm *vm = PLAIN_VM(.entry = no_vtls);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(switch, not_configured)
{
	struct vm *vm = VM_CREATE(.entry = no_vtls);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- an instruction that KVM cannot read -------------------------------- */

#define CODE_ALIAS	0x200000000ULL

static u8 code[PAGE_SIZE] __page;
static volatile u64 *code_pte;
static u32 calls_made;

static void map_code(struct guest_cpu *cpu, struct guest_regs *regs)
{
	GUEST_EQ(CODE_ALIAS, read_cr2() & -PAGE_SIZE);
	*code_pte |= PTE_P;
}

static void call_from_unmapped_code(void)
{
	u32 i;

	vsm_init();
	memcpy(code, hv_direct(), 16);
	code[16] = 0xc3;	/* RET */
	guest_on(PF_VECTOR, map_code);
	calls_made = vtl1[0].calls;
	for (i = 0; i < 20; i++) {
		struct hv_io io = { .rcx = HV_VTL_CALL };

		GUEST_NO_TRAP(probe_exec((void *)(CODE_ALIAS + 16)));
		*code_pte &= ~PTE_P;
		hv_insn(&io, (void *)CODE_ALIAS);
		GUEST_NO_TRAP(io.trap);
		GUEST_EQ(++calls_made, vtl1[0].calls);
		*code_pte |= PTE_P;
	}
}

/*
 * The CPU has the translation in its TLB, and the page tables have none.  A
 * processor that does not tell the next RIP has KVM fetch the instruction: it
 * gives up, as for every hypercall, and no call is made.  Others make it once.
 */
TEST_F(switch, call_from_unmapped_code)
{
	struct vm *vm = VTL_VM(.entry = call_from_unmapped_code);
	struct vcpu *vcpu = &vm->vcpu[0];
	enum ucall_cmd cmd;

	vm_map(vm, CODE_ALIAS, (uintptr_t)code, PTE_P | PTE_W);
	vm_var(vm, code_pte) = (void *)((u8 *)vm_pte(vm, 0, CODE_ALIAS) -
					vm->ram);
	cmd = vcpu_run(vcpu);
	if (cmd == UCALL_ABORT && strstr(vcpu->error, "internal error 1"))
		cmd = UCALL_DONE;
	EXPECT_EQ(UCALL_DONE, cmd) {
		TH_LOG("%s", vcpu->error);
	}
	EXPECT_EQ(vm_var(vm, calls_made), vm_var(vm, vtl1[0].calls));
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
