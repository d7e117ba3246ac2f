// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several VPs at once, two to eight: the ways in which secure kernels bring
 * them up, VTLs of their own, interrupts and intercepts among them.
 */
#include "vtl_test.h"

#define ROUNDS		100
#define VECTOR		0x70

FIXTURE(smp) { };

FIXTURE_VARIANT(smp)
{
	u32 vps;
};

FIXTURE_VARIANT_ADD(smp, two) { .vps = 2 };
FIXTURE_VARIANT_ADD(smp, four) { .vps = 4 };
FIXTURE_VARIANT_ADD(smp, eight) { .vps = 8 };

FIXTURE_SETUP(smp) { }
FIXTURE_TEARDOWN(smp) { }

static u32 nr_vps, enabled, finished;
static u8 page[PAGE_SIZE] __page;

static void count(u32 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

/* --- what all VPs do ----------------------------------------------------- */

static u64 add_in_vtl1(u64 a, u64 b)
{
	GUEST_EQ(1, this_cpu()->vtl);
	GUEST_EQ(b, this_cpu()->vp);
	GUEST_EQ(GUEST_PAGE_TABLES_OF(1), read_cr3());
	wrmsr(MSR_LSTAR, (a + 1) << 12);
	return a + b;
}

static void switch_often(u32 vp)
{
	u64 lstar = 0x1000000 + vp * PAGE_SIZE;
	u32 i, calls = vtl1[vp].calls;

	wrmsr(MSR_LSTAR, lstar);
	for (i = 0; i < ROUNDS; i++) {
		GUEST_EQ(i + vp, vtl1_exec(add_in_vtl1, i, vp));
		GUEST_EQ(lstar, rdmsr(MSR_LSTAR));
		GUEST_EQ(GUEST_PAGE_TABLES_OF(0), read_cr3());
		GUEST_EQ(0, this_cpu()->vtl);
	}
	GUEST_EQ(calls + ROUNDS, vtl1[vp].calls);
}

/* VTL1 of the same VP is told. */
static void attack(u32 vp)
{
	GUEST_EQ(0, vtl1[vp].messages);
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[vp].messages);
	GUEST_EQ(vp, vtl1_intercept(&vtl1[vp])->vp);
	GUEST_EQ(0, page[0]);
}

static void work(void)
{
	u32 vp = this_cpu()->vp;

	hv_init();
	apic_write(APIC_SVR, 0x1ff);
	switch_often(vp);
	attack(vp);
	count(&finished);
	while (!READ_ONCE(this_cpu()->count[VECTOR]))
		irq_wait();
	GUEST_EQ(1, this_cpu()->count[VECTOR]);
	GUEST_EQ(0, guest_area(vp, 1)->cpu.count[VECTOR]);
}

/* VP 0 stays in VTL1 while the others go up and down; then it wakes them. */
static u64 lead(u64 vps, u64 b)
{
	u64 *in = (u64 *)this_area()->in;

	GUEST_WAIT(READ_ONCE(finished) == vps - 1);
	in[0] = VECTOR | (u64)HV_INPUT_VTL(0) << 32;
	in[1] = (BIT(vps) - 1) & ~1ULL;
	return hv_call_mem(HV_SEND_IPI, in, NULL);
}

/* Every step-th VP from the step-th on */
static u64 enable_vps(u64 vps, u64 step)
{
	u32 vp;

	for (vp = step; vp < vps; vp += step)
		GUEST_EQ(HV_SUCCESS, vsm_enable_vp(vp));
	return 0;
}

/* VP 0, whose VTL1 prepares the others by fn(number of VPs, step) */
static void lead_and_work(u64 (*fn)(u64, u64), u64 step)
{
	vsm_init();
	vtl1_close(page, 1, HV_R);
	vtl1_exec(fn, nr_vps, step);
	WRITE_ONCE(enabled, 1);
	switch_often(0);
	GUEST_EQ(HV_SUCCESS, vtl1_exec(lead, nr_vps, 0));
	GUEST_EQ(0, this_cpu()->count[VECTOR]);
	attack(0);
}

/* Another VP, which runs in VTL0 when VTL1 comes to it */
static void join_and_work(void)
{
	GUEST_WAIT(READ_ONCE(enabled));
	hv_init();
	vtl_call();
	work();
}

static struct vm *machine(struct __test_metadata *_metadata, u32 vps,
			  void (*entry)(void))
{
	struct vm *vm = VTL_VM(.entry = entry, .vcpus = vps);

	vm_var(vm, nr_vps) = vps;
	return vm;
}

/* --- as Windows: VTL1 starts VPs that never ran -------------------------- */

static u64 start_others(u64 vps, u64 step)
{
	u32 vp;

	enable_vps(vps, step);
	for (vp = 1; vp < vps; vp++)
		GUEST_EQ(HV_SUCCESS, vsm_start_vp(vp, work));
	return 0;
}

static void windows(void)
{
	lead_and_work(start_others, 1);
}

TEST_F_TIMEOUT(smp, started_by_vtl1, 120)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = machine(_metadata, variant->vps, windows);
	u32 i;

	for (i = 1; i < variant->vps; i++)
		ASSERT_EQ(0, ioctl(vm->vcpu[i].fd, KVM_SET_MP_STATE, &state));
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- as LVBS: VTL1 comes to VPs that run --------------------------------- */

static void lvbs(void)
{
	if (this_cpu()->vp)
		join_and_work();
	else
		lead_and_work(enable_vps, 1);
}

TEST_F_TIMEOUT(smp, enabled_while_running, 120)
{
	struct vm *vm = machine(_metadata, variant->vps, lvbs);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- VTL1 on every other VP ---------------------------------------------- */

static void odd_vp(void)
{
	hv_init();
	GUEST_TRAP(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0));
	/* The page is closed here, too, and nobody can be asked. */
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(0, page[0]);
	count(&finished);
}

static void subset(void)
{
	u32 vp = this_cpu()->vp;

	if (!vp) {
		lead_and_work(enable_vps, 2);
	} else if (vp & 1) {
		GUEST_WAIT(READ_ONCE(enabled));
		odd_vp();
	} else {
		join_and_work();
	}
}

TEST_F_TIMEOUT(smp, subset, 120)
{
	struct vm *vm = machine(_metadata, variant->vps, subset);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
