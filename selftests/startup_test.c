// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting VPs by hypercall: StartVirtualProcessor, GetVpIndexFromApicId.
 */
#include "vtl_test.h"

AREA(startup)

#define WAITS_FOR_SIPI	1	/* InternalActivityState */

static u32 started, go, asked;

/* --- machines whose second VP waits -------------------------------------- */

static struct vm *waiting_vm(struct __test_metadata *_metadata,
			     void (*entry)(void))
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = VTL_VM(.entry = entry, .vcpus = 2);

	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	return vm;
}

/* fn runs in VTL0 of VP 0, while VP 1 waits to be started. */
#define STARTUP_TEST(name)						\
static void startup_##name##_guest(void);				\
TEST_F(startup, name)							\
{									\
	struct vm *vm = waiting_vm(_metadata, startup_##name##_guest);	\
									\
	RUN_VPS(vm);							\
	vm_destroy(vm);							\
}									\
static void startup_##name##_guest(void)

/* --- StartVirtualProcessor ----------------------------------------------- */

static void second_vp(void)
{
	GUEST_EQ(1, this_cpu()->vp);
	GUEST_EQ(0, this_cpu()->vtl);
	WRITE_ONCE(started, READ_ONCE(started) + 1);
}

static struct hv_enable_vp_vtl *start_input(u32 vp)
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;

	memset(in, 0, sizeof(*in));
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	vsm_context_of_vtl0(&in->context, vp, second_vp);
	return in;
}

static u64 start_vp(void)
{
	return hv_call_mem(HV_START_VP, this_area()->in, NULL);
}

STARTUP_TEST(vtl0)
{
	hv_init();
	start_input(1);
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started));
	/* And only once */
	GUEST_EQ(HV_INVALID_VP_STATE, start_vp());
	GUEST_EQ(1, READ_ONCE(started));
}

static void check_registers(void)
{
	GUEST_EQ(0x5a5a, rdmsr(MSR_FS_BASE));
	GUEST_EQ(0x0007040600070406, rdmsr(0x277));
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), read_cr3());
	second_vp();
}

STARTUP_TEST(context_is_loaded)
{
	struct hv_enable_vp_vtl *in;

	hv_init();
	in = start_input(1);
	in->context.rip = (uintptr_t)check_registers;
	in->context.fs = in->context.ds;
	in->context.fs.base = 0x5a5a;
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started));
}

/* Nobody runs VP 1 when it is started: the caller has to wait. */
static void start_early(void)
{
	hv_init();
	start_input(1);
	WRITE_ONCE(asked, 1);
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_EQ(HV_INVALID_VP_STATE, start_vp());
}

static void *run_vp(void *vcpu)
{
	return (void *)(uintptr_t)vcpu_run(vcpu);
}

static pthread_t start_thread(struct __test_metadata *_metadata,
			      struct vcpu *vcpu)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, run_vp, vcpu));
	return thread;
}

static void join_thread(struct __test_metadata *_metadata, pthread_t thread,
			struct vcpu *vcpu)
{
	void *result;

	pthread_join(thread, &result);
	EXPECT_EQ(UCALL_DONE, (uintptr_t)result) {
		TH_LOG("%s", vcpu->error);
	}
}

/* VP 0 asks, while nobody runs VP 1. */
static pthread_t ask(struct __test_metadata *_metadata, struct vm *vm)
{
	pthread_t thread = start_thread(_metadata, &vm->vcpu[0]);

	while (!READ_ONCE(vm_var(vm, asked)))
		usleep(1000);
	return thread;
}

TEST_F(startup, vp_outside_of_kvm_run)
{
	struct vm *vm = waiting_vm(_metadata, start_early);
	pthread_t thread = ask(_metadata, vm);

	usleep(100000);
	EXPECT_EQ(0, vm_var(vm, started));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[1]);
	EXPECT_EQ(1, vm_var(vm, started));
	join_thread(_metadata, thread, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* The VMM resets the VP in the meantime: a later request is another one. */
TEST_F(startup, reset_before_the_start)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = waiting_vm(_metadata, start_early);
	pthread_t thread = ask(_metadata, vm);
	u32 i;

	for (i = 0; i < 20; i++) {
		usleep(5000);
		ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	}
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[1]);
	join_thread(_metadata, thread, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* A request that nobody makes any more is forgotten. */
TEST_F(startup, reset_of_all)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = waiting_vm(_metadata, start_early);

	/* It asks, and gets no answer: that is 1 s. */
	vm->vcpu[0].timeout = 1;
	EXPECT_EQ(UCALL_ABORT, vcpu_run(&vm->vcpu[0]));
	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	vm->vcpu[1].timeout = 1;
	EXPECT_EQ(UCALL_ABORT, vcpu_run(&vm->vcpu[1]));
	EXPECT_EQ(1, vm_var(vm, asked));
	EXPECT_EQ(0, vm_var(vm, started));
	vm_destroy(vm);
}

static u64 enable_vp1(u64 a, u64 b)
{
	return vsm_enable_vp(1);
}

static u64 start_from_vtl1(u64 a, u64 b)
{
	start_input(1);
	return start_vp();
}

/* VTL1 of the VP has been there when VTL0 begins. */
static void after_vtl1(void)
{
	GUEST_ASSERT(READ_ONCE(guest_area(1, 1)->cpu.vtl_return));
	GUEST_EQ(0x30000, hv_reg(0, HV_REG_VSM_VP_STATUS));
	second_vp();
}

static u64 start_after_vtl1(u64 a, u64 b)
{
	struct hv_enable_vp_vtl *in = start_input(1);

	in->context.rip = (uintptr_t)after_vtl1;
	return start_vp();
}

STARTUP_TEST(highest_vtl_first)
{
	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	GUEST_EQ(NULL, guest_area(1, 1)->cpu.vtl_return);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_after_vtl1, 0, 0));
	GUEST_WAIT(READ_ONCE(started));
}

/* The same when VTL0 asks. */
STARTUP_TEST(highest_vtl_first_for_vtl0)
{
	struct hv_enable_vp_vtl *in;

	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	in = start_input(1);
	in->context.rip = (uintptr_t)after_vtl1;
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started));
}

/* The stack of a VP that has ended holds no way back. */
static void second_time(void)
{
	second_vp();
	GUEST_DONE();
}

/* The VMM has the VP wait again: VTL1, which has run, is not entered. */
static void start_again(void)
{
	struct hv_enable_vp_vtl *in;

	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	in = start_input(1);
	in->context.rip = (uintptr_t)after_vtl1;
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started) == 1);
	GUEST_SYNC(1);
	guest_area(1, 1)->cpu.vtl_return = NULL;
	vtl1[1].calls = 0;
	start_input(1)->context.rip = (uintptr_t)second_time;
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started) == 2);
	GUEST_EQ(NULL, guest_area(1, 1)->cpu.vtl_return);
	GUEST_EQ(0, vtl1[1].calls);
	GUEST_EQ(0, vtl1[1].interrupts);
}

TEST_F(startup, started_again)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = waiting_vm(_metadata, start_again);
	enum ucall_cmd expected[] = { UCALL_SYNC, UCALL_DONE };
	pthread_t thread;
	u32 i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
		thread = start_thread(_metadata, &vm->vcpu[1]);
		EXPECT_UCALL(expected[i], &vm->vcpu[0]);
		join_thread(_metadata, thread, &vm->vcpu[1]);
	}
	vm_destroy(vm);
}

/* --- INIT and SIPI ------------------------------------------------------- */

#define ICR_INIT	0x4500
#define ICR_SIPI	0x4600
#define WAKE_VECTOR	0x60

static u32 beats, wakes;

static void icr(u32 vp, u32 low)
{
	apic_write(APIC_ICR + 0x10, vp << 24);
	apic_write(APIC_ICR, low);
}

static void send_init_and_sipi(u32 vp)
{
	icr(vp, ICR_INIT);
	icr(vp, ICR_SIPI | 0x10);
}

static void let_time_pass(void)
{
	u32 i, a, b, c, d;

	for (i = 0; i < 500; i++)
		cpuid(0, 0, &a, &b, &c, &d);
}

/* VP 1 lives, and still knows what it was told. */
static void expect_beats(void)
{
	u32 now;

	let_time_pass();
	now = READ_ONCE(beats);
	GUEST_WAIT(READ_ONCE(beats) > now + 10);
}

static void beat(void)
{
	u32 a, b, c, d;

	second_vp();
	wrmsr(MSR_LSTAR, 0x77000);
	while (!READ_ONCE(go)) {
		WRITE_ONCE(beats, READ_ONCE(beats) + 1);
		cpuid(0, 0, &a, &b, &c, &d);
		GUEST_EQ(0x77000, rdmsr(MSR_LSTAR));
	}
}

static void start_vp1_with(void (*fn)(void))
{
	start_input(1)->context.rip = (uintptr_t)fn;
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started));
}

STARTUP_TEST(init_is_dropped)
{
	u32 i;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	start_vp1_with(beat);
	for (i = 0; i < 5; i++) {
		send_init_and_sipi(1);
		expect_beats();
		/* Broadcast to all others, and INIT alone */
		apic_write(APIC_ICR, 0xc0000 | ICR_INIT);
		expect_beats();
	}
	start_input(1);
	GUEST_EQ(HV_INVALID_VP_STATE, start_vp());
	GUEST_EQ(1, READ_ONCE(started));
	WRITE_ONCE(go, 1);
}

static void on_wake(struct guest_cpu *cpu, struct guest_regs *regs)
{
	WRITE_ONCE(wakes, READ_ONCE(wakes) + 1);
}

static void halt(void)
{
	guest_on(WAKE_VECTOR, on_wake);
	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	second_vp();
	while (!READ_ONCE(go)) {
		irq_wait();
		WRITE_ONCE(beats, READ_ONCE(beats) + 1);
	}
}

/*
 * A VP that halts goes on halting.  One HLT that begins just then may end
 * (errata.rst, "INIT, SIPI, DenyLowerVtlStartup").
 */
STARTUP_TEST(init_of_a_halted_vp)
{
	u32 i;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	start_vp1_with(halt);
	for (i = 1; i < 10; i++) {
		let_time_pass();
		send_init_and_sipi(1);
		let_time_pass();
		GUEST_EQ(i - 1, READ_ONCE(wakes));
		GUEST_LE(READ_ONCE(beats), i - 1 + i);
		if (i == 9)
			WRITE_ONCE(go, 1);
		icr(1, 0x4000 | WAKE_VECTOR);
		GUEST_WAIT(READ_ONCE(wakes) == i);
	}
}

/* A VP that waits goes on waiting, for the hypercall. */
STARTUP_TEST(sipi_is_dropped)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	send_init_and_sipi(1);
	let_time_pass();
	icr(1, ICR_SIPI | 0x10);
	let_time_pass();
	GUEST_EQ(0, READ_ONCE(started));
	start_vp1_with(after_vtl1);
}

/* The first VP, and itself */
STARTUP_TEST(init_of_oneself)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	wrmsr(MSR_LSTAR, 0x77000);
	icr(0, ICR_INIT);
	let_time_pass();
	GUEST_EQ(0x77000, rdmsr(MSR_LSTAR));
	start_vp1_with(second_vp);
}

/* Without VTL1 on the VP INIT works: it can be started again. */
static void forget(void)
{
	second_vp();
	for (;;)
		irq_wait();
}

STARTUP_TEST(init_without_vtl1_on_the_vp)
{
	u64 result;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	start_vp1_with(forget);
	icr(1, ICR_INIT);
	start_input(1);
	do
		result = start_vp();
	while (result == HV_INVALID_VP_STATE);
	GUEST_EQ(HV_SUCCESS, result);
	GUEST_WAIT(READ_ONCE(started) == 2);
}

/* --- DenyLowerVtlStartup ------------------------------------------------- */

static u64 deny_startup(u64 deny, u64 b)
{
	u64 config = HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(HV_RWX);

	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   config | (deny ? HV_CONFIG_DENY_LOWER_STARTUP : 0));
	return 0;
}

STARTUP_TEST(denied)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	vtl1_exec(deny_startup, 1, 0);
	start_input(1);
	GUEST_EQ(HV_ACCESS_DENIED, start_vp());
	/* Nor by INIT and SIPI, on a VP that does not have VTL1 */
	send_init_and_sipi(1);
	let_time_pass();
	GUEST_EQ(0, READ_ONCE(started));
	/* VTL1 may. */
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_from_vtl1, 0, 0));
	GUEST_WAIT(READ_ONCE(started));
	vtl1_exec(deny_startup, 0, 0);
	start_input(1);
	GUEST_EQ(HV_INVALID_VP_STATE, start_vp());
}

/* The state that the VMM sees is not that of the INIT. */
static void sync_then_init(void)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	GUEST_SYNC(1);
	send_init_and_sipi(1);
	GUEST_SYNC(2);
}

TEST_F(startup, init_and_the_vmm)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vm *vm = waiting_vm(_metadata, sync_then_init);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_GET_MP_STATE, &state));
	EXPECT_EQ(KVM_MP_STATE_RUNNABLE, state.mp_state);
	vm_destroy(vm);
}

/* --- more of StartVirtualProcessor --------------------------------------- */

STARTUP_TEST(without_vtl1_on_the_vp)
{
	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_from_vtl1, 0, 0));
	GUEST_WAIT(READ_ONCE(started));
	GUEST_EQ(NULL, guest_area(1, 1)->cpu.vtl_return);
}

/* VTL1 of VP 1 with the context of the start; then VTL0, which waits */
static u64 start_vtl1_of_vp1(u64 marker, u64 b)
{
	struct hv_enable_vp_vtl *in = start_input(1);

	vsm_context(&in->context, 1);
	in->context.fs = in->context.ds;
	in->context.fs.base = marker;
	in->vtl = 1;
	return start_vp();
}

STARTUP_TEST(vtl1)
{
	u64 *returned = (u64 *)&guest_area(1, 1)->cpu.vtl_return;

	vsm_init();
	GUEST_EQ(HV_INVALID_VP_STATE, vtl1_exec(start_vtl1_of_vp1, 0x77, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_vtl1_of_vp1, 0x77, 0));
	GUEST_WAIT(READ_ONCE(*returned));
	GUEST_EQ(0, READ_ONCE(started));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_from_vtl1, 0, 0));
	GUEST_WAIT(READ_ONCE(started));
	GUEST_EQ(HV_INVALID_VP_STATE, vtl1_exec(start_from_vtl1, 0, 0));
	GUEST_EQ(HV_INVALID_VP_STATE, vtl1_exec(start_vtl1_of_vp1, 0x77, 0));
}

/* VTL1 of VP 1: begins with VTL0 itself, as a VMM in VTL2 does. */
static void vtl1_of_vp1(void)
{
	struct hv_io io = { .rcx = HV_VTL_RETURN, .rax = 1 };
	u64 stack = (uintptr_t)guest_area(1, 0)->stack;

	hv_init();
	GUEST_EQ(WAITS_FOR_SIPI, hv_reg(HV_INPUT_VTL(0), HV_REG_ACTIVITY));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 hv_set_register(HV_INPUT_VTL(0), HV_REG_ACTIVITY,
				 WAITS_FOR_SIPI, 0));
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RIP, (uintptr_t)second_vp);
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RSP,
		   stack + sizeof(guest_area(1, 0)->stack) - 8);
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_ACTIVITY, 0);
	GUEST_EQ(0, hv_reg(HV_INPUT_VTL(0), HV_REG_ACTIVITY));
	hv_insn(&io, hv_direct());
	GUEST_FAIL("VTL1 was entered again: %lld", io.trap.vector);
}

static u64 start_vtl1_that_starts_vtl0(u64 a, u64 b)
{
	struct hv_enable_vp_vtl *in = start_input(1);

	vsm_context(&in->context, 1);
	in->context.rip = (uintptr_t)vtl1_of_vp1;
	in->vtl = 1;
	return start_vp();
}

static u64 end_wait(u64 a, u64 b)
{
	return hv_set_vp_register(1, HV_INPUT_VTL(0), HV_REG_ACTIVITY, 0, 0);
}

STARTUP_TEST(by_activity)
{
	vsm_init();
	/* Only where a VTL above runs */
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_exec(end_wait, 0, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, vtl1_exec(end_wait, 0, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(start_vtl1_that_starts_vtl0, 0, 0));
	GUEST_WAIT(READ_ONCE(started));
	GUEST_EQ(HV_INVALID_VP_STATE, vtl1_exec(start_from_vtl1, 0, 0));
}

STARTUP_TEST(bad_input)
{
	static const u32 bad_vp[] = { 0, 2, 255, 4096, HV_VP_SELF, ~0U };
	struct hv_enable_vp_vtl *in;
	u32 i;

	hv_init();
	start_input(1)->partition = 5;
	GUEST_EQ(HV_INVALID_PARTITION_ID, start_vp());
	for (i = 0; i < ARRAY_SIZE(bad_vp); i++) {
		start_input(1)->vp = bad_vp[i];
		GUEST_EQ(HV_INVALID_VP_INDEX, start_vp());
	}
	for (i = 0; i < 3; i++) {
		start_input(1)->reserved[i] = 1;
		GUEST_EQ(HV_INVALID_PARAMETER, start_vp());
	}
	for (i = 1; i < 256; i++) {
		start_input(1)->vtl = i;
		GUEST_EQ(HV_ACCESS_DENIED, start_vp());
	}
	start_input(1)->context.cr0 &= ~CR0_PE;
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, start_vp());
	start_input(1)->context.cr4 = ~0ULL;
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, start_vp());
	in = start_input(1);
	in->context.pat = ~0ULL;
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, start_vp());
	GUEST_EQ(0, READ_ONCE(started));
	/* Nothing is lost by that. */
	start_input(1);
	GUEST_EQ(HV_SUCCESS, start_vp());
	GUEST_WAIT(READ_ONCE(started));
}

static void nothing(void)
{
}

/* Two VPs ask for the third: one of them is told that it was not first. */
static void race(void)
{
	u64 result;

	hv_init();
	__sync_fetch_and_add(&go, 1);
	GUEST_WAIT(READ_ONCE(go) == 2);
	start_input(2)->context.rip = (uintptr_t)nothing;
	result = start_vp();
	GUEST_ASSERT(result == HV_SUCCESS || result == HV_INVALID_VP_STATE);
	__sync_fetch_and_add(&asked, result == HV_SUCCESS ? 0x100 : 1);
	GUEST_WAIT(READ_ONCE(asked) == 0x101);
}

TEST_F_TIMEOUT(startup, two_callers, 120)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = VTL_VM(.entry = race, .vcpus = 3);

	ASSERT_EQ(0, ioctl(vm->vcpu[2].fd, KVM_SET_MP_STATE, &state));
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- GetVpIndexFromApicId ------------------------------------------------ */

struct apic_ids {
	u64 partition;
	u8 vtl;
	u8 reserved[7];
	u32 id[4];
};

static struct apic_ids *ids_input(void)
{
	struct apic_ids *in = (void *)this_area()->in;

	memset(in, 0, sizeof(*in));
	in->partition = HV_PARTITION_SELF;
	in->id[0] = 1;
	in->id[1] = 0;
	return in;
}

static u64 get_indices(u32 reps)
{
	memset(this_area()->out, 0xff, 16);
	return hv_call_mem(HV_VP_INDEX_FROM_APIC_ID | HV_REPS(reps),
			   this_area()->in, this_area()->out);
}

static void two_vps(void (*fn)(void))
{
	if (this_cpu()->vp)
		return;
	hv_init();
	fn();
}

static void indices(void)
{
	u32 *out = (void *)this_area()->out;

	ids_input();
	GUEST_EQ(HV_REPS(2), get_indices(2));
	GUEST_EQ(1, out[0]);
	GUEST_EQ(0, out[1]);
	GUEST_EQ(~0U, out[2]);
	ids_input()->id[1] = 2;
	GUEST_EQ(HV_REPS(1) | HV_INVALID_PARAMETER, get_indices(2));
	GUEST_EQ(1, out[0]);
	ids_input()->id[0] = ~0U;
	GUEST_EQ(HV_INVALID_PARAMETER, get_indices(2));
	ids_input()->partition = 0;
	GUEST_EQ(HV_INVALID_PARTITION_ID, get_indices(1));
	ids_input()->reserved[6] = 1;
	GUEST_EQ(HV_INVALID_PARAMETER, get_indices(1));
	ids_input()->vtl = 0x11;
	GUEST_EQ(HV_ACCESS_DENIED, get_indices(1));
	ids_input()->vtl = 0x10;
	GUEST_EQ(HV_REPS(1), get_indices(1));
}

static void apic_ids_guest(void)
{
	two_vps(indices);
}

TEST_F(startup, apic_ids)
{
	struct vm *vm = VTL_VM(.entry = apic_ids_guest, .vcpus = 2);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

static u64 index_of_vp1_vtl1(u64 vtl, u64 b)
{
	ids_input()->vtl = vtl;
	return get_indices(1);
}

/* A VTL that is named must be there. */
static void named_vtl(void)
{
	vsm_init();
	GUEST_EQ(HV_INVALID_PARAMETER, vtl1_exec(index_of_vp1_vtl1, 0x11, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(index_of_vp1_vtl1, 0x10, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(index_of_vp1_vtl1, 0, 0));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(index_of_vp1_vtl1, 0x11, 0));
}

TEST_F(startup, apic_id_of_a_vtl)
{
	struct vm *vm = VTL_VM(.entry = named_vtl, .vcpus = 2);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* Fast: results of 4 bytes behind the input, the rest of the register stays. */
static void fast_indices(void)
{
	struct hv_io io = {
		.rcx = HV_VP_INDEX_FROM_APIC_ID | HV_FAST | HV_REPS(2),
		.rdx = HV_PARTITION_SELF, .r8 = 0, .use_xmm = 1,
	};

	io.xmm[0][0] = 1;	/* ids 1 and 0 */
	io.xmm[0][1] = 0x1111;
	io.xmm[1][0] = ~0ULL;
	io.xmm[1][1] = 0x2222;
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_EQ(HV_REPS(2), io.rax);
	GUEST_EQ(1, io.xmm[0][0]);
	GUEST_EQ(0x1111, io.xmm[0][1]);
	GUEST_EQ(1, io.xmm[1][0]);
	GUEST_EQ(0x2222, io.xmm[1][1]);
}

static void fast_guest(void)
{
	two_vps(fast_indices);
}

TEST_F(startup, apic_ids_fast)
{
	struct vm *vm = VTL_VM(.entry = fast_guest, .vcpus = 2);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
