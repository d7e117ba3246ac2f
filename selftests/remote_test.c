// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and translations of other VPs: of one that runs, halts, waits to be
 * started or for the VMM, in VTL0 and in VTL1.
 */
#include "vtl_test.h"

AREA(remote)

#define OF_VTL0		HV_INPUT_VTL(0)
#define OF_VTL1		HV_INPUT_VTL(1)
#define MARK		0x77000
#define LSTAR_WRITE	BIT(6)	/* of CrInterceptControl */

static u32 ready, go, done;
static u64 counter, seen;

/* --- VTL1 of VP 0 with VP 1 ---------------------------------------------- */

static u64 get_of_vp1(u64 vtl, u64 name)
{
	union hv_value value = { };

	GUEST_EQ(HV_REPS(1), hv_get_vp_register(1, vtl, name, &value));
	return value.low;
}

static u64 value_to_set;

static u64 set_of_vp1(u64 vtl, u64 name)
{
	return hv_set_vp_register(1, vtl, name, value_to_set, 0);
}

static u64 remote_get(u32 name)
{
	return vtl1_exec(get_of_vp1, OF_VTL0, name);
}

static void remote_set(u32 name, u64 value)
{
	value_to_set = value;
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_of_vp1, OF_VTL0, name));
}

/* VP 0 does first(), VP 1 second(). */
#define TWO_VPS_TEST(name, first, second)				\
static void name##_guest(void)						\
{									\
	if (this_cpu()->vp)						\
		second();						\
	else								\
		first();						\
}									\
TEST_F_TIMEOUT(remote, name, 120)					\
{									\
	struct vm *vm = VTL_VM(.entry = name##_guest, .vcpus = 2);	\
									\
	RUN_VPS(vm);							\
	vm_destroy(vm);							\
}

#define WAITS_FOR_SIPI	1
#define HALTED		2

/* VP 1 goes on in fn, which does not return.  It halts between the calls. */
static void send_vp1(void (*fn)(void))
{
	struct guest_area *area = guest_area(1, 0);

	remote_set(HV_REG_ACTIVITY, HALTED);
	remote_set(HV_REG_RSP, (uintptr_t)area->stack + sizeof(area->stack) -
			       8);
	remote_set(HV_REG_RIP, (uintptr_t)fn);
	remote_set(HV_REG_ACTIVITY, 0);
}

static void let_time_pass(void)
{
	u32 i, a, b, c, d;

	for (i = 0; i < 300; i++)
		cpuid(0, 0, &a, &b, &c, &d);
}

/* --- a VP that runs ------------------------------------------------------ */

#define SPIN_BYTES	64

/* Counts, with a known RBX, until it is sent elsewhere. */
static noinline void spin(void)
{
	for (;;)
		asm volatile("incq %0" : "+m" (counter) : "b" (0x1234));
}

static void sent_here(void)
{
	GUEST_EQ(1, this_cpu()->vp);
	GUEST_EQ(MARK + 1, rdmsr(MSR_KERNEL_GS_BASE));
	GUEST_EQ(0x5555, READ_ONCE(seen));
	GUEST_DONE();
}

static void run_second(void)
{
	wrmsr(MSR_KERNEL_GS_BASE, MARK);
	spin();
}

static void run_first(void)
{
	u64 now;
	u32 i;

	vsm_init();
	GUEST_WAIT(READ_ONCE(counter));
	GUEST_EQ(MARK, remote_get(HV_REG_KERNEL_GS_BASE));
	GUEST_EQ(0x1234, remote_get(HV_REG_RAX + 3));
	for (i = 0; i < 20; i++) {
		GUEST_LT(remote_get(HV_REG_RIP) - (uintptr_t)spin, SPIN_BYTES);
		now = READ_ONCE(counter);
		GUEST_WAIT(READ_ONCE(counter) > now + 10);
	}
	remote_set(HV_REG_KERNEL_GS_BASE, MARK + 1);
	WRITE_ONCE(seen, 0x5555);
	send_vp1(sent_here);
}

TWO_VPS_TEST(running, run_first, run_second)

/* --- one that halts ------------------------------------------------------ */

static void on_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
	GUEST_EQ(MARK, rdmsr(MSR_LSTAR));
	WRITE_ONCE(done, 1);
	GUEST_DONE();
}

static void halt_second(void)
{
	guest_on(UD_VECTOR, on_ud);
	WRITE_ONCE(ready, 1);
	for (;;)
		asm volatile("cli; hlt" : : : "memory");
}

static void halt_first(void)
{
	u32 i;

	vsm_init();
	GUEST_WAIT(READ_ONCE(ready));
	GUEST_WAIT(remote_get(HV_REG_ACTIVITY) == HALTED);
	/* That does not wake it. */
	for (i = 0; i < 10; i++)
		GUEST_EQ(HALTED, remote_get(HV_REG_ACTIVITY));
	remote_set(HV_REG_LSTAR, MARK);
	GUEST_EQ(HALTED, remote_get(HV_REG_ACTIVITY));
	GUEST_EQ(0, READ_ONCE(done));
	remote_set(HV_REG_PENDING_EVENT0, HV_EVENT_EXCEPTION(UD_VECTOR));
	GUEST_WAIT(READ_ONCE(done));
}

TWO_VPS_TEST(halted, halt_first, halt_second)

/* InternalActivityState can be written: a HLT from outside, and its end */
static void stop_first(void)
{
	u64 now;

	vsm_init();
	GUEST_WAIT(READ_ONCE(counter));
	remote_set(HV_REG_ACTIVITY, HALTED);
	now = READ_ONCE(counter);
	let_time_pass();
	GUEST_EQ(now, READ_ONCE(counter));
	remote_set(HV_REG_ACTIVITY, 0);
	GUEST_WAIT(READ_ONCE(counter) > now);
	value_to_set = WAITS_FOR_SIPI;
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_of_vp1, OF_VTL0, HV_REG_ACTIVITY));
	value_to_set = 4;
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 vtl1_exec(set_of_vp1, OF_VTL0, HV_REG_ACTIVITY));
	remote_set(HV_REG_KERNEL_GS_BASE, MARK + 1);
	WRITE_ONCE(seen, 0x5555);
	send_vp1(sent_here);
}

TWO_VPS_TEST(stopped, stop_first, run_second)

/* --- one outside of KVM_RUN ---------------------------------------------- */

static void idle_guest(void)
{
	vsm_init();
	remote_set(HV_REG_LSTAR, MARK);
	GUEST_EQ(MARK, remote_get(HV_REG_LSTAR));
	GUEST_EQ(0, remote_get(HV_REG_ACTIVITY));
}

/* Nobody runs VP 1. */
TEST_F(remote, idle)
{
	struct vm *vm = VTL_VM(.entry = idle_guest, .vcpus = 2);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

static void waiting_guest(void)
{
	vsm_init();
	GUEST_EQ(WAITS_FOR_SIPI, remote_get(HV_REG_ACTIVITY));
	remote_set(HV_REG_LSTAR, MARK);
	GUEST_EQ(MARK, remote_get(HV_REG_LSTAR));
	WRITE_ONCE(done, 1);
}

static void *run_vp(void *vcpu)
{
	return (void *)(uintptr_t)vcpu_run(vcpu);
}

/* It stays what it is, and waits on. */
TEST_F(remote, waits_for_sipi)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = VTL_VM(.entry = waiting_guest, .vcpus = 2);
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	vm->vcpu[1].timeout = 3;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_vp, &vm->vcpu[1]));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	pthread_join(thread, &result);
	EXPECT_EQ(UCALL_ABORT, (uintptr_t)result);
	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_GET_MP_STATE, &state));
	EXPECT_EQ(KVM_MP_STATE_UNINITIALIZED, state.mp_state);
	vm_destroy(vm);
}

/* In the middle of an OUT the VP is waited for: its RIP is about to change. */
static void after_exit(void)
{
	WRITE_ONCE(ready, 2);
	GUEST_DONE();
}

static void exit_guest(void)
{
	if (this_cpu()->vp) {
		WRITE_ONCE(ready, 1);
		GUEST_SYNC(1);
		GUEST_WAIT(READ_ONCE(done));
		GUEST_FAIL("VP 1 goes on where it was", 0);
	}
	vsm_init();
	GUEST_WAIT(READ_ONCE(go));
	send_vp1(after_exit);
	WRITE_ONCE(done, 1);
	GUEST_WAIT(READ_ONCE(ready) == 2);
}

TEST_F_TIMEOUT(remote, in_the_middle_of_an_exit, 120)
{
	struct vm *vm = VTL_VM(.entry = exit_guest, .vcpus = 2);
	pthread_t thread;
	void *result;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[1]);
	vm_var(vm, go) = 1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_vp, &vm->vcpu[0]));
	usleep(300000);
	EXPECT_EQ(0, READ_ONCE(vm_var(vm, done)));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[1]);
	pthread_join(thread, &result);
	EXPECT_EQ(UCALL_DONE, (uintptr_t)result) {
		TH_LOG("%s", vm->vcpu[0].error);
	}
	vm_destroy(vm);
}

/* --- VTL1 of the other VP ------------------------------------------------ */

/* The secret is in registers, nowhere else. */
#define SECRET		0x5ec2e75ec2e7

static noinline void hold_secret(void)
{
	u64 secret = SECRET;

	asm volatile("mov %0, %%rbx; movq %%rbx, %%xmm9; mov %%rbx, %%dr1\n"
		     "1: pause; cmpl $0, %1; je 1b; xor %%ebx, %%ebx"
		     : : "r" (secret), "m" (go) : "rbx", "memory");
}

static u64 in_vtl1(u64 a, u64 b)
{
	GUEST_EQ(1, this_cpu()->vtl);
	WRITE_ONCE(ready, 1);
	hold_secret();
	GUEST_EQ(0x10055, hv_reg(HV_OWN_VTL, HV_REG_SINT0 + 5));
	return 0;
}

static u64 vtl1_of_vp1(u64 a, u64 b)
{
	union hv_value value;

	GUEST_EQ(1, get_of_vp1(OF_VTL1, HV_REG_VSM_VP_STATUS) & 0xf);
	GUEST_EQ((uintptr_t)guest_area(1, 1)->assist | 1,
		 get_of_vp1(OF_VTL1, HV_REG_VP_ASSIST_PAGE));
	GUEST_EQ(GUEST_PAGE_TABLES_OF(1), get_of_vp1(OF_VTL1, HV_REG_CR3));
	GUEST_EQ(GUEST_PAGE_TABLES_OF(0), get_of_vp1(OF_VTL0, HV_REG_CR3));
	/* Nor VTL0's share of what VTL1 has in use now; of VTL1 it may read */
	GUEST_EQ(HV_INVALID_VP_STATE,
		 hv_get_vp_register(1, OF_VTL0, HV_REG_RAX + 3, &value));
	value_to_set = 0;
	GUEST_EQ(HV_INVALID_VP_STATE, set_of_vp1(OF_VTL0, HV_REG_RAX + 3));
	GUEST_EQ(HV_INVALID_VP_STATE, set_of_vp1(OF_VTL0, HV_REG_XMM0 + 9));
	GUEST_EQ(SECRET, get_of_vp1(OF_VTL1, HV_REG_RAX + 3));
	value_to_set = 0x10055;
	GUEST_EQ(HV_REPS(1), set_of_vp1(OF_VTL1, HV_REG_SINT0 + 5));
	/* Not what only a VTL above may write */
	GUEST_EQ(HV_ACCESS_DENIED, set_of_vp1(OF_VTL1, HV_REG_LSTAR));
	GUEST_EQ(HV_ACCESS_DENIED, set_of_vp1(OF_VTL1, HV_REG_RIP));
	GUEST_EQ(HV_INVALID_PARAMETER,
		 hv_get_vp_register(1, OF_VTL0, HV_REG_VSM_VINA, &value));
	WRITE_ONCE(go, 1);
	return 0;
}

static u64 enable_vp1(u64 a, u64 b)
{
	union hv_value value;

	GUEST_EQ(HV_INVALID_VTL_STATE,
		 hv_get_vp_register(1, OF_VTL1, HV_REG_SINT0, &value));
	GUEST_EQ(HV_INVALID_VTL_STATE,
		 hv_get_vp_register(1, OF_VTL1, HV_REG_CODE_PAGE_OFFSETS,
				    &value));
	/* Where the VTL does not matter it need not be there. */
	GUEST_EQ(0x10000, get_of_vp1(OF_VTL1, HV_REG_VSM_VP_STATUS));
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp(1));
	return 0;
}

static u32 enabled;

/* VTL0 learns nothing of a VP that is in VTL1, and does not take it out. */
static void vtl0_sees_nothing(void)
{
	static const u32 names[] = {
		HV_REG_RAX + 3, HV_REG_XMM0 + 9, HV_REG_CR2, HV_REG_DR1,
		HV_REG_XFEM, HV_REG_MISC_ENABLE, HV_REG_MTRR_DEF_TYPE,
		HV_REG_LSTAR, HV_REG_RIP, HV_REG_SINT0, HV_REG_VSM_VP_STATUS,
	};
	union hv_value value;
	u32 i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		value.low = 0;
		GUEST_EQ(HV_INVALID_VP_STATE,
			 hv_get_vp_register(1, OF_VTL0, names[i], &value));
		GUEST_EQ(0, value.low);
	}
	GUEST_EQ(HV_INVALID_VP_STATE,
		 hv_set_vp_register(1, OF_VTL0, HV_REG_SINT0 + 3, 0x10033, 0));
}

static void vtl1_first(void)
{
	union hv_value value;

	vsm_init();
	vtl1_exec(enable_vp1, 0, 0);
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(ready));
	/* VTL0 has no access to VTL1, here nor there; to VTL0 it has. */
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_get_vp_register(1, OF_VTL1, HV_REG_LSTAR, &value));
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_set_vp_register(1, OF_VTL1, HV_REG_SINT0, 0x10000, 0));
	vtl0_sees_nothing();
	vtl1_exec(vtl1_of_vp1, 0, 0);
	/* Back in VTL0 */
	GUEST_WAIT(READ_ONCE(ready) == 2);
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_set_vp_register(1, OF_VTL0, HV_REG_LSTAR, 0, 0));
	GUEST_EQ(HV_REPS(1),
		 hv_get_vp_register(1, OF_VTL0, HV_REG_LSTAR, &value));
	WRITE_ONCE(done, 1);
}

static void vtl1_second(void)
{
	hv_init();
	GUEST_WAIT(READ_ONCE(enabled));
	vtl_call();
	vtl1_exec(in_vtl1, 0, 0);
	WRITE_ONCE(ready, 2);
	GUEST_WAIT(READ_ONCE(done));
}

TWO_VPS_TEST(in_vtl1, vtl1_first, vtl1_second)

/* --- intercepts that VTL1 sets up for all VPs ---------------------------- */

static u64 lock_lstar(u64 a, u64 b)
{
	value_to_set = LSTAR_WRITE;
	return set_of_vp1(OF_VTL1, HV_REG_CR_INTERCEPT);
}

static void lock_first(void)
{
	vsm_init();
	vtl1_exec(enable_vp1, 0, 0);
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(ready));
	GUEST_EQ(HV_REPS(1), vtl1_exec(lock_lstar, 0, 0));
	/* On that VP only */
	wrmsr(MSR_LSTAR, 0x5000);
	GUEST_EQ(0, vtl1[0].messages);
	WRITE_ONCE(go, 1);
}

static void lock_second(void)
{
	hv_init();
	GUEST_WAIT(READ_ONCE(enabled));
	vtl_call();
	wrmsr(MSR_LSTAR, 0x4000);
	WRITE_ONCE(ready, 1);
	GUEST_WAIT(READ_ONCE(go));
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x6000));
	GUEST_EQ(1, vtl1[1].messages);
	GUEST_EQ(0x4000, rdmsr(MSR_LSTAR));
}

TWO_VPS_TEST(intercepts, lock_first, lock_second)

/* --- VPs that ask each other --------------------------------------------- */

#define ROUNDS		50

static u64 enable_others(u64 vps, u64 b)
{
	u32 vp;

	for (vp = 1; vp < vps; vp++)
		GUEST_EQ(HV_SUCCESS, vsm_enable_vp(vp));
	return 0;
}

/* Each writes a register of its own of all others, and reads it back. */
static u64 ask_all(u64 vps, u64 round)
{
	u32 me = this_cpu()->vp, vp, name = HV_REG_SINT0 + 8 + me;
	union hv_value value = { };
	u64 want = 0x10000 | (0x40 + round % 64);

	for (vp = 0; vp < vps; vp++) {
		GUEST_EQ(HV_REPS(1), hv_set_vp_register(vp, OF_VTL0, name,
							want, 0));
		GUEST_EQ(HV_REPS(1), hv_get_vp_register(vp, OF_VTL0, name,
							&value));
		GUEST_EQ(want, value.low);
	}
	return 0;
}

static u32 nr_vps, finished;

static void ask_each_other(void)
{
	u32 i;

	hv_init();
	if (!this_cpu()->vp) {
		vsm_init();
		vtl1_exec(enable_others, nr_vps, 0);
		WRITE_ONCE(enabled, 1);
	} else {
		GUEST_WAIT(READ_ONCE(enabled));
		vtl_call();
	}
	for (i = 0; i < ROUNDS; i++)
		vtl1_exec(ask_all, nr_vps, i);
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	/* Whoever is asked must be there. */
	GUEST_WAIT(READ_ONCE(finished) == nr_vps);
}

TEST_F_TIMEOUT(remote, each_other, 120)
{
	struct vm *vm = VTL_VM(.entry = ask_each_other, .vcpus = 4);

	vm_var(vm, nr_vps) = 4;
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- the TLB lock, set from outside -------------------------------------- */

static u64 set_lock(u64 lock, u64 b)
{
	value_to_set = lock ? 2 : 0;
	GUEST_EQ(HV_REPS(1),
		 set_of_vp1(OF_VTL1, HV_REG_VSM_SECURE_CONFIG_VTL0));
	GUEST_EQ(value_to_set,
		 get_of_vp1(OF_VTL1, HV_REG_VSM_SECURE_CONFIG_VTL0));
	return 0;
}

/* It holds up VP 1 itself, too, until VTL1 lets go. */
static void tlb_first(void)
{
	vsm_init();
	vtl1_exec(enable_vp1, 0, 0);
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(ready) == 1);
	vtl1_exec(set_lock, 1, 0);
	WRITE_ONCE(go, 1);
	let_time_pass();
	GUEST_EQ(0, READ_ONCE(done));
	vtl1_exec(set_lock, 0, 0);
	GUEST_WAIT(READ_ONCE(done) == 1);
	/* Once more: VTL1 of VP 1 comes and goes. */
	vtl1_exec(set_lock, 1, 0);
	WRITE_ONCE(go, 2);
	GUEST_WAIT(READ_ONCE(done) == 2);
	GUEST_EQ(0, vtl1_exec(get_of_vp1, OF_VTL1,
			      HV_REG_VSM_SECURE_CONFIG_VTL0));
	WRITE_ONCE(go, 3);
}

static u64 nothing(u64 a, u64 b)
{
	return 0;
}

static void tlb_second(void)
{
	hv_init();
	GUEST_WAIT(READ_ONCE(enabled));
	vtl_call();
	GUEST_EQ(HV_SUCCESS, hv_flush(3));
	WRITE_ONCE(ready, 1);
	GUEST_WAIT(READ_ONCE(go) == 1);
	GUEST_EQ(HV_SUCCESS, hv_flush(3));
	WRITE_ONCE(done, 1);
	GUEST_WAIT(READ_ONCE(go) == 2);
	vtl1_exec(nothing, 0, 0);
	GUEST_EQ(HV_SUCCESS, hv_flush(3));
	WRITE_ONCE(done, 2);
	GUEST_WAIT(READ_ONCE(go) == 3);
}

TWO_VPS_TEST(tlb_lock, tlb_first, tlb_second)

/* --- translations -------------------------------------------------------- */

#define ALIAS		0x300000000

static u8 pages[2][PAGE_SIZE] __page;

struct translate {
	u64 partition;
	u32 vp, reserved;
	u64 flags, page;
};

static u64 gpa_in(u64 vp, u64 b)
{
	struct translate *in = (void *)this_area()->in;
	u64 *out = (void *)this_area()->out;

	memset(in, 0, sizeof(*in));
	in->partition = HV_PARTITION_SELF;
	in->vp = vp;
	in->flags = (u64)OF_VTL0 << 56 | 1;
	in->page = ALIAS / PAGE_SIZE;
	GUEST_EQ(HV_SUCCESS, hv_call_mem(0x52, in, out));
	GUEST_EQ(0, (u32)out[0]);
	return out[1] * PAGE_SIZE;
}

static void translate_first(void)
{
	vsm_init();
	GUEST_WAIT(READ_ONCE(ready));
	GUEST_EQ((uintptr_t)pages[0], vtl1_exec(gpa_in, 0, 0));
	GUEST_EQ((uintptr_t)pages[0], vtl1_exec(gpa_in, HV_VP_SELF, 0));
	GUEST_EQ((uintptr_t)pages[1], vtl1_exec(gpa_in, 1, 0));
	WRITE_ONCE(go, 1);
}

static void translate_second(void)
{
	write_cr3(GUEST_PAGE_TABLES_OF(1));
	WRITE_ONCE(ready, 1);
	GUEST_WAIT(READ_ONCE(go));
}

static void translate_guest(void)
{
	if (this_cpu()->vp)
		translate_second();
	else
		translate_first();
}

/* By the other VP's page tables */
TEST_F_TIMEOUT(remote, translations, 120)
{
	struct vm *vm = VTL_VM(.entry = translate_guest, .vcpus = 2);

	*vm_pte(vm, 0, ALIAS) = (uintptr_t)pages[0] | PTE_P | PTE_W;
	*vm_pte(vm, 1, ALIAS) = (uintptr_t)pages[1] | PTE_P | PTE_W;
	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
