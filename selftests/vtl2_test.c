// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL2: alone above VTL0, and above VTL1, to which it is what VTL1 is to VTL0.
 */
#include "vtl_test.h"

AREA(vtl2)

#define VTL2_GUEST_TEST(name) __GUEST_TEST(vtl2, name, VTL2_VM())

#define TIMER_VECTOR	0x51

static u8 pages[3][PAGE_SIZE] __page;

/* --- bringing it up ------------------------------------------------------ */

static u64 bring_up_vtl2(u64 a, u64 b)
{
	vsm_bring_up(2);
	return 0;
}

/* As a chain of owners does: each enables the next one up. */
static void three_levels(void)
{
	vsm_init();
	vtl1_exec(bring_up_vtl2, 0, 0);
}

static void two_without_one(void)
{
	hv_init();
	vsm_bring_up(2);
}

/* In VTL1 */
static u64 pass_on(u64 fn, u64 a)
{
	return vtl_exec(2, (vtl_fn)(uintptr_t)fn, a, 0);
}

/* From VTL0, by way of VTL1 */
static u64 vtl2_exec(vtl_fn fn, u64 a)
{
	return vtl1_exec(pass_on, (uintptr_t)fn, a);
}

static u64 vp_status(u64 a, u64 b)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS);
}

static u64 partition_status(void)
{
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_STATUS);
}

/* p: a page, and rights in its low bits */
static u64 close_page(u64 p, u64 b)
{
	return hv_protect(p & -PAGE_SIZE, 1, p & 0xf);
}

static u64 write_page(u64 p, u64 value)
{
	return probe_write((void *)p, value).vector;
}

static u64 read_page(u64 p, u64 b)
{
	u64 value;

	return probe_read((void *)p, &value).vector;
}

/* --- enabling ------------------------------------------------------------ */

VTL2_GUEST_TEST(alone)
{
	hv_init();
	GUEST_EQ(0x20001, partition_status());
	vsm_bring_up(2);
	GUEST_EQ(0x20005, partition_status());
	GUEST_EQ(0x50000, vp_status(0, 0));
	GUEST_EQ(0x50002, vtl_exec(2, vp_status, 0, 0));
	GUEST_EQ(1, vtl2[0].calls);
	GUEST_EQ(HV_ENTRY_CALL, vtl2[0].entry_reason);

	GUEST_EQ(HV_REPS(1), vtl_exec(2, close_page, (uintptr_t)pages[0], 0));
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	GUEST_EQ(1, vtl2[0].messages);
	GUEST_EQ(0, HV_STATE_VTL(vtl1_intercept(&vtl2[0])->state));
}

/* Up one by one, down one by one */
VTL2_GUEST_TEST(up_and_down)
{
	u32 i;

	three_levels();
	GUEST_EQ(0x20007, partition_status());
	for (i = 1; i <= 10; i++) {
		GUEST_EQ(0x70000, vp_status(0, 0));
		GUEST_EQ(0x70001, vtl1_exec(vp_status, 0, 0));
		GUEST_EQ(0x70002, vtl2_exec(vp_status, 0));
		GUEST_EQ(i, vtl2[0].calls);
		GUEST_EQ(HV_ENTRY_CALL, vtl2[0].entry_reason);
	}
}

static u64 call_from_the_highest(u64 a, u64 b)
{
	return vtl_try_call(HV_VTL_CALL, 0).vector;
}

VTL2_GUEST_TEST(nothing_above)
{
	three_levels();
	GUEST_EQ(UD_VECTOR, vtl2_exec(call_from_the_highest, 0));
}

static u64 enable_partition(u64 vtl, u64 b)
{
	return vsm_enable_partition_vtl(vtl);
}

static u64 enable_vp(u64 vtl, u64 vp)
{
	return vsm_enable_vp_vtl(vp, vtl);
}

/* VTL0 must not put something above the VTL1 that it is subject to. */
VTL2_GUEST_TEST(partition_by_the_vtl_below)
{
	hv_init();
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_partition_vtl(2));
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	vtl_call();
	GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_partition_vtl(2));
	GUEST_EQ(0x20003, partition_status());
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_partition, 2, 0));
	GUEST_EQ(0x20007, partition_status());
	GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_vp_vtl(HV_VP_SELF, 2));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 2, HV_VP_SELF));
	GUEST_EQ(0x70000, vp_status(0, 0));
}

/* Also when both are enabled for the partition before there is a VTL1 */
VTL2_GUEST_TEST(vp_by_the_vtl_below)
{
	hv_init();
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition_vtl(2));
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_vp_vtl(HV_VP_SELF, 2));
	GUEST_EQ(0x30000, vp_status(0, 0));
	vtl_call();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 2, HV_VP_SELF));
	GUEST_EQ(0x70000, vp_status(0, 0));
}

static u32 vtl1_is_up, refused;

/* A VP without VTL1 is none that VTL1 has no say about. */
static void on_another_vp(void)
{
	hv_init();
	if (this_cpu()->vp) {
		GUEST_WAIT(READ_ONCE(vtl1_is_up));
		GUEST_EQ(HV_ACCESS_DENIED, vsm_enable_vp_vtl(HV_VP_SELF, 2));
		WRITE_ONCE(refused, 1);
		return;
	}
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition_vtl(2));
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp(HV_VP_SELF));
	WRITE_ONCE(vtl1_is_up, 1);
	GUEST_WAIT(READ_ONCE(refused));
	vtl_call();
	/* The first one is its own for VTL1, too. */
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(enable_vp, 2, 1));
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 2, HV_VP_SELF));
}

TEST_F(vtl2, vp_by_the_vtl_below_on_another_vp)
{
	struct vm *vm = VTL2_VM(.entry = on_another_vp, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

static u64 enable_vtl1(u64 a, u64 b)
{
	GUEST_EQ(HV_SUCCESS, vsm_enable_partition());
	return vsm_enable_vp(HV_VP_SELF);
}

/* VTL2 puts a VTL1 below itself, and gets there by its return. */
VTL2_GUEST_TEST(vtl1_comes_later)
{
	two_without_one();
	GUEST_EQ(HV_SUCCESS, vtl_exec(2, enable_vtl1, 0, 0));
	GUEST_EQ(0x70001, vtl1_exec(vp_status, 0, 0));
	GUEST_EQ(0x70002, vtl2_exec(vp_status, 0));
	GUEST_EQ(2, vtl1[0].calls);
	GUEST_EQ(2, vtl2[0].calls);
}

/* --- state --------------------------------------------------------------- */

static u64 set_state(u64 value, u64 b)
{
	GUEST_EQ(GUEST_PAGE_TABLES_OF(this_cpu()->vtl), read_cr3());
	wrmsr(MSR_LSTAR, value);
	write_dr0(value);
	return rdmsr(MSR_LSTAR);
}

static u64 get_lstar(u64 a, u64 b)
{
	return rdmsr(MSR_LSTAR);
}

VTL2_GUEST_TEST(private_and_shared)
{
	three_levels();
	set_state(0x1000, 0);
	GUEST_EQ(0x2000, vtl1_exec(set_state, 0x2000, 0));
	GUEST_EQ(0x3000, vtl2_exec(set_state, 0x3000));
	GUEST_EQ(0x1000, get_lstar(0, 0));
	GUEST_EQ(0x2000, vtl1_exec(get_lstar, 0, 0));
	GUEST_EQ(0x3000, vtl2_exec(get_lstar, 0));
	GUEST_EQ(0x3000, read_dr0());
}

static u64 registers_of(u64 vtl, u64 b)
{
	union hv_value value;
	u64 result;

	result = hv_get_register(HV_INPUT_VTL(vtl), HV_REG_LSTAR, &value);
	return result == HV_REPS(1) ? value.low : result;
}

static u64 write_register_of_vtl1(u64 value, u64 b)
{
	return hv_set_register(HV_INPUT_VTL(1), HV_REG_LSTAR, value, 0);
}

/* Downwards, and never upwards */
VTL2_GUEST_TEST(registers)
{
	three_levels();
	set_state(0x1000, 0);
	vtl1_exec(set_state, 0x2000, 0);
	vtl2_exec(set_state, 0x3000);
	GUEST_EQ(0x1000, vtl2_exec(registers_of, 0));
	GUEST_EQ(0x2000, vtl2_exec(registers_of, 1));
	GUEST_EQ(0x1000, vtl1_exec(registers_of, 0, 0));
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(registers_of, 2, 0));
	GUEST_EQ(HV_ACCESS_DENIED, registers_of(1, 0));
	GUEST_EQ(HV_ACCESS_DENIED, registers_of(2, 0));
	GUEST_EQ(HV_REPS(1), vtl2_exec(write_register_of_vtl1, 0x4000));
	GUEST_EQ(0x4000, vtl1_exec(get_lstar, 0, 0));
	GUEST_EQ(HV_ACCESS_DENIED,
		 vtl1_exec(write_register_of_vtl1, 0x5000, 0));
}

static u64 lock_lstar(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_CR_INTERCEPT, BIT(6));
	return 0;
}

static u64 write_register_of_vtl0(u64 name, u64 value)
{
	return hv_set_register(HV_INPUT_VTL(0), name, value, 0);
}

static u64 set_lstar_of_vtl0(u64 value, u64 b)
{
	return write_register_of_vtl0(HV_REG_LSTAR, value);
}

/* What VTL2 locked VTL1 does not write for VTL0 either. */
VTL2_GUEST_TEST(locked_registers)
{
	three_levels();
	set_state(0x1000, 0);
	vtl2_exec(lock_lstar, 0);
	GUEST_EQ(HV_ACCESS_DENIED,
		 vtl1_exec(write_register_of_vtl0, HV_REG_LSTAR, 0x9000));
	GUEST_EQ(0x1000, get_lstar(0, 0));
	GUEST_EQ(HV_REPS(1),
		 vtl1_exec(write_register_of_vtl0, HV_REG_SFMASK, 0x200));
	GUEST_EQ(HV_REPS(1), vtl2_exec(set_lstar_of_vtl0, 0xa000));
	GUEST_EQ(0xa000, get_lstar(0, 0));
}

#define MSR_MTRR_DEF_TYPE	0x2ff

static u64 get_mtrr(u64 a, u64 b)
{
	return rdmsr(MSR_MTRR_DEF_TYPE);
}

static u64 set_mtrr(u64 value, u64 b)
{
	wrmsr(MSR_MTRR_DEF_TYPE, value);
	return 0;
}

/* A write reaches all VTLs, whichever runs next. */
VTL2_GUEST_TEST(shared_msrs)
{
	three_levels();
	set_mtrr(0xc00, 0);
	GUEST_EQ(0xc00, vtl1_exec(get_mtrr, 0, 0));
	GUEST_EQ(0xc00, vtl2_exec(get_mtrr, 0));
	GUEST_EQ(0xc00, get_mtrr(0, 0));
	vtl2_exec(set_mtrr, 0xc06);
	GUEST_EQ(0xc06, get_mtrr(0, 0));
	GUEST_EQ(0xc06, vtl1_exec(get_mtrr, 0, 0));
	vtl1_exec(set_mtrr, 0x800, 0);
	GUEST_EQ(0x800, get_mtrr(0, 0));
	GUEST_EQ(0x800, vtl2_exec(get_mtrr, 0));
}

/* --- memory -------------------------------------------------------------- */

static void check_told(struct vtl_service *told, struct vtl_service *other,
		       u32 vtl)
{
	GUEST_EQ(1, told->messages);
	GUEST_EQ(0, other->messages);
	GUEST_EQ(vtl, HV_STATE_VTL(vtl1_intercept(told)->state));
	GUEST_EQ(HV_ENTRY_INTERRUPT, told->entry_reason);
	told->messages = 0;
}

VTL2_GUEST_TEST(closed_to_both)
{
	three_levels();
	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page, (uintptr_t)pages[0] | HV_R));
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	check_told(&vtl2[0], &vtl1[0], 0);
	GUEST_EQ(GP_VECTOR, vtl1_exec(write_page, (uintptr_t)pages[0], 1));
	check_told(&vtl2[0], &vtl1[0], 1);
	/* What VTL1 allows opens nothing. */
	vtl1_close(pages[0], 1, HV_RWX);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	GUEST_EQ(GP_VECTOR, vtl1_exec(write_page, (uintptr_t)pages[0], 1));
	GUEST_EQ(0, *(volatile u64 *)pages[0]);
	GUEST_EQ(NO_TRAP, vtl2_exec((vtl_fn)write_page, (uintptr_t)pages[0]));
	GUEST_EQ(HV_REPS(1),
		 vtl2_exec(close_page, (uintptr_t)pages[0] | HV_RWX));
	GUEST_NO_TRAP(probe_write(pages[0], 1));
	GUEST_EQ(NO_TRAP, vtl1_exec(write_page, (uintptr_t)pages[0], 2));
}

/* VTL1 closes to VTL0 alone. */
VTL2_GUEST_TEST(closed_by_vtl1)
{
	three_levels();
	vtl1_close(pages[0], 1, HV_NONE);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	check_told(&vtl1[0], &vtl2[0], 0);
	GUEST_EQ(NO_TRAP, vtl1_exec(write_page, (uintptr_t)pages[0], 1));
	GUEST_EQ(NO_TRAP, vtl2_exec((vtl_fn)write_page, (uintptr_t)pages[0]));
}

/* A right must come from both; the lower of those that deny is told. */
VTL2_GUEST_TEST(intersection)
{
	u64 p = (uintptr_t)pages[1], value;

	three_levels();
	vtl1_close(pages[1], 1, HV_RX);
	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page, p | HV_KX | HV_UX | HV_R));
	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page, p));
	GUEST_TRAP(GP_VECTOR, probe_read(pages[1], &value));
	check_told(&vtl2[0], &vtl1[0], 0);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[1], 1));
	check_told(&vtl1[0], &vtl2[0], 0);
	GUEST_EQ(GP_VECTOR, vtl1_exec(read_page, p, 0));
	check_told(&vtl2[0], &vtl1[0], 1);

	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page, p | HV_RW));
	GUEST_NO_TRAP(probe_read(pages[1], &value));
	GUEST_TRAP(GP_VECTOR, probe_write(pages[1], 1));
	check_told(&vtl1[0], &vtl2[0], 0);
	GUEST_TRAP(GP_VECTOR, probe_exec(pages[1]));
	check_told(&vtl2[0], &vtl1[0], 0);
	GUEST_EQ(NO_TRAP, vtl1_exec(write_page, p, 1));
}

static u64 protect_for_vtl2(u64 p, u64 b)
{
	struct {
		u64 partition;
		u32 flags;
		u8 vtl;
		u8 reserved[3];
		u64 gfn;
	} *in = (void *)this_area()->in;

	in->partition = HV_PARTITION_SELF;
	in->flags = HV_RWX;
	in->vtl = HV_INPUT_VTL(2);
	memset(in->reserved, 0, sizeof(in->reserved));
	in->gfn = p / PAGE_SIZE;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(1), in, NULL);
}

VTL2_GUEST_TEST(vtl1_opens_nothing_for_vtl2)
{
	u64 p = (uintptr_t)pages[0];

	three_levels();
	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page, p));
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(protect_for_vtl2, p, 0));
	GUEST_EQ(GP_VECTOR, vtl1_exec(read_page, p, 0));
}

/* What KVM and the module read for VTL1 is VTL1's access. */
static u64 hypercall_from_closed_page(u64 a, u64 b)
{
	u64 before = this_vtl2()->messages;

	GUEST_EQ(0x70001, vp_status(0, 0));
	return this_vtl2()->messages - before;
}

VTL2_GUEST_TEST(hypercall_input_of_vtl1)
{
	three_levels();
	vtl2[0].policy = vtl1_allow;
	GUEST_EQ(HV_REPS(1), vtl2_exec(close_page,
				       (uintptr_t)guest_area(0, 1)->in));
	GUEST_EQ(1, vtl1_exec(hypercall_from_closed_page, 0, 0));
	check_told(&vtl2[0], &vtl1[0], 1);
}

#define SECRET		0x5a5a5a5a5a5a5a5aULL

static u64 move_assist(u64 p, u64 b)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, p | 1);
	return 0;
}

static u64 close_with_secret(u64 p, u64 b)
{
	GUEST_EQ(HV_REPS(1), close_page(p, 0));
	memset((void *)p, 0x5a, PAGE_SIZE);
	return 0;
}

static u64 secret_is_whole(u64 p, u64 b)
{
	const u64 *word = (const u64 *)p;
	u32 i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != SECRET)
			return 0;
	return 1;
}

/* VTL1's assist page, closed later, is neither written nor read for it. */
VTL2_GUEST_TEST(assist_page_of_vtl1)
{
	struct hv_io io = { .rcx = HV_VTL_CALL };
	u64 p = (uintptr_t)pages[2];

	three_levels();
	vtl1_exec(move_assist, p, 0);
	vtl2_exec(close_with_secret, p);
	hv_insn(&io, hv_direct());
	GUEST_NO_TRAP(io.trap);
	GUEST_NE(SECRET, io.rax);
	GUEST_NE(SECRET, io.rcx);
	GUEST_EQ(1, vtl2_exec(secret_is_whole, p));
}

/* --- register intercepts ------------------------------------------------- */

#define LSTAR_WRITE	BIT(6)

static u64 intercept_lstar(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_CR_INTERCEPT, LSTAR_WRITE);
	return 0;
}

static u64 write_lstar(u64 value, u64 b)
{
	return probe_wrmsr(MSR_LSTAR, value).vector;
}

VTL2_GUEST_TEST(register_intercepts)
{
	three_levels();
	vtl1_exec(set_state, 0x2000, 0);
	vtl2_exec(intercept_lstar, 0);
	GUEST_EQ(GP_VECTOR, vtl1_exec(write_lstar, 0x6000, 0));
	check_told(&vtl2[0], &vtl1[0], 1);
	GUEST_EQ(0x2000, vtl1_exec(get_lstar, 0, 0));
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x7000));
	check_told(&vtl2[0], &vtl1[0], 0);
	/* When both want to know, the lower one is told. */
	vtl1_exec(intercept_lstar, 0, 0);
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x7000));
	check_told(&vtl1[0], &vtl2[0], 0);
	GUEST_EQ(NO_TRAP, vtl2_exec(write_lstar, 0x8000));
}

#define PORT		0x600

static u64 intercept_port(u64 access, u64 b)
{
	u64 in[3] = { HV_PARTITION_SELF, access, PORT };

	return hv_call_xmm(HV_INSTALL_INTERCEPT, in, 3);
}

static u64 use_port(u64 a, u64 b)
{
	return probe_outb(PORT, 1).vector;
}

VTL2_GUEST_TEST(port_intercepts)
{
	three_levels();
	GUEST_EQ(HV_SUCCESS, vtl2_exec(intercept_port, 2));
	GUEST_EQ(GP_VECTOR, vtl1_exec(use_port, 0, 0));
	check_told(&vtl2[0], &vtl1[0], 1);
	GUEST_EQ(GP_VECTOR, use_port(0, 0));
	check_told(&vtl2[0], &vtl1[0], 0);
	/* The lower one of two */
	GUEST_EQ(HV_SUCCESS, vtl1_exec(intercept_port, 2, 0));
	GUEST_EQ(GP_VECTOR, use_port(0, 0));
	check_told(&vtl1[0], &vtl2[0], 0);
	GUEST_EQ(GP_VECTOR, vtl1_exec(use_port, 0, 0));
	check_told(&vtl2[0], &vtl1[0], 1);
}

/* --- interrupts ---------------------------------------------------------- */

static u64 now(void)
{
	return rdmsr(HV_MSR_TIME_REF_COUNT);
}

/* One shot, for the VTL that calls */
static u64 start_timer(u64 ms, u64 b)
{
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, now() + ms * TIMER_TICK);
	return 0;
}

static u32 timers_of(u32 vtl)
{
	return READ_ONCE(guest_area(0, vtl)->cpu.count[TIMER_VECTOR]);
}

static u64 wait_for_timer_of_vtl2(u64 a, u64 b)
{
	GUEST_WAIT(timers_of(2) == 1);
	return 0;
}

VTL2_GUEST_TEST(preempts_vtl1)
{
	three_levels();
	vtl2_exec(start_timer, 20);
	vtl1_exec(wait_for_timer_of_vtl2, 0, 0);
	GUEST_EQ(1, vtl2[0].interrupts);
	GUEST_EQ(0, vtl1[0].interrupts);
	GUEST_EQ(HV_ENTRY_INTERRUPT, vtl2[0].entry_reason);
}

/*
 * VTL2 preempts VTL0, and its return goes to the next VTL down, which is VTL1
 * (errata.rst, "VTL return past VTL1").
 */
VTL2_GUEST_TEST(preempts_vtl0)
{
	u32 entries;

	three_levels();
	vtl2_exec(start_timer, 20);
	entries = vtl1[0].calls + vtl1[0].interrupts;
	GUEST_WAIT(timers_of(2) == 1);
	GUEST_EQ(1, vtl2[0].interrupts);
	GUEST_EQ(entries + 1, vtl1[0].calls + vtl1[0].interrupts);
	GUEST_EQ(0x70000, vp_status(0, 0));
}

/* An interrupt for VTL1 waits for VTL2, and is not lost. */
static u64 wait_with_timer_of_vtl1(u64 a, u64 b)
{
	u64 end = now() + 60 * TIMER_TICK;

	while (now() < end)
		cpu_pause();
	return timers_of(1);
}

static u64 vtl1_with_timer(u64 a, u64 b)
{
	start_timer(20, 0);
	irq_enable();
	GUEST_EQ(0, vtl_exec(2, wait_with_timer_of_vtl1, 0, 0));
	GUEST_WAIT(timers_of(1) == 1);
	irq_disable();
	return 0;
}

VTL2_GUEST_TEST(waits_for_vtl2)
{
	three_levels();
	vtl1_exec(vtl1_with_timer, 0, 0);
	GUEST_EQ(0, vtl2[0].interrupts);
}

/* --- more VPs ------------------------------------------------------------ */

static u32 started;

static void other_vp(void)
{
	GUEST_EQ(1, this_cpu()->vp);
	hv_init();
	GUEST_EQ(0x70000, vp_status(0, 0));
	GUEST_EQ(0x70002, vtl2_exec(vp_status, 0));
	/* Once to begin with, in turn */
	GUEST_EQ(1, vtl1[1].calls);
	GUEST_EQ(1, vtl2[1].calls);
	WRITE_ONCE(started, 1);
}

static u64 start_other(u64 a, u64 b)
{
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp_vtl(1, 1));
	GUEST_EQ(HV_SUCCESS, vsm_enable_vp_vtl(1, 2));
	return vsm_start_vp(1, other_vp);
}

/* The other VP begins in its highest VTL, and comes down step by step. */
static void starts_another(void)
{
	three_levels();
	GUEST_EQ(HV_SUCCESS, vtl2_exec(start_other, 0));
	GUEST_WAIT(READ_ONCE(started));
}

TEST_F(vtl2, start_of_another_vp)
{
	struct vm *vm = VTL2_VM(.entry = starts_another, .vcpus = 2);
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };

	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- the TLB lock -------------------------------------------------------- */

static u64 tlb_locks(void)
{
	u32 reg = HV_REG_VSM_SECURE_CONFIG_VTL0;
	union hv_value value;
	u64 of_vtl0 = hv_reg(HV_OWN_VTL, reg);

	if (this_cpu()->vtl == 2)
		return of_vtl0 | hv_reg(HV_OWN_VTL, reg + 1) << 8;
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_get_register(HV_OWN_VTL, reg + 1, &value));
	return of_vtl0;
}

static u64 lock_in_vtl2(u64 a, u64 b)
{
	u32 reg = HV_REG_VSM_SECURE_CONFIG_VTL0;

	GUEST_EQ(0, tlb_locks());
	hv_set_reg(HV_OWN_VTL, reg, 2);
	hv_set_reg(HV_OWN_VTL, reg + 1, 2);
	GUEST_SYNC(1);
	return tlb_locks();
}

static u64 lock_in_vtl1(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0, 2);
	GUEST_EQ(0x202, vtl_exec(2, lock_in_vtl2, 0, 0));
	/* VTL2 let go of its own. */
	GUEST_EQ(2, tlb_locks());
	GUEST_SYNC(2);
	return 0;
}

static void locks(void)
{
	three_levels();
	vtl1_exec(lock_in_vtl1, 0, 0);
	GUEST_SYNC(3);
}

TEST_F(vtl2, tlb_locks)
{
	static const u8 want[][KVM_VTL_NR_VTLS] = {
		{ 0, 1, 3 }, { 0, 1, 0 }, { 0, 0, 0 },
	};
	struct vm *vm = VTL2_VM(.entry = locks);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_vtl_vp vp = { .size = sizeof(vp) };
	u32 i;

	for (i = 0; i < ARRAY_LEN(want); i++) {
		EXPECT_UCALL(UCALL_SYNC, vcpu);
		ASSERT_EQ(0, ioctl(vcpu->fd, KVM_VTL_GET_VP, &vp));
		EXPECT_EQ(7, vp.enabled_vtls);
		EXPECT_EQ(2 - i, vp.active_vtl);
		EXPECT_EQ(0, memcmp(want[i], vp.tlb_locks,
				    sizeof(vp.tlb_locks)));
		EXPECT_EQ(0, ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp));
	}
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- reset --------------------------------------------------------------- */

static u64 stop_here(u64 a, u64 b)
{
	GUEST_EQ(HV_REPS(1), close_page((uintptr_t)pages[0], 0));
	GUEST_EQ(HV_REPS(1), close_page((uintptr_t)pages[1] | HV_RX, 0));
	GUEST_SYNC(1);
	return 0;
}

static u64 zero_on_reset(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_ZERO_MEMORY |
		   HV_CONFIG_DEFAULT(HV_RWX));
	return 0;
}

/* VTL1's secret is in a page that VTL2 does not let it write. */
static void reset_in_vtl2(void)
{
	three_levels();
	vtl1_exec(zero_on_reset, 0, 0);
	*(u64 *)pages[1] = 1;
	vtl1_close(pages[1], 1, HV_NONE);
	vtl2_exec(stop_here, 0);
	GUEST_FAIL("ran on after the reset", 0);
}

static void after_reset(void)
{
	GUEST_NO_TRAP(probe_write(pages[0], 3));
	GUEST_EQ(0, *(u64 *)pages[1]);
	memset(vtl1, 0, sizeof(vtl1));
	memset(vtl2, 0, sizeof(vtl2));
	hv_init();
	GUEST_EQ(0x20001, partition_status());
	GUEST_EQ(0x10000, vp_status(0, 0));
	GUEST_TRAP(UD_VECTOR, vtl_try_call(HV_VTL_CALL, 0));
	three_levels();
	GUEST_EQ(0x70002, vtl2_exec(vp_status, 0));
}

TEST_F(vtl2, reset)
{
	struct vm *vm = VTL2_VM(.entry = reset_in_vtl2);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	ASSERT_EQ(0, vcpu_write_reset_state(vcpu));
	ASSERT_EQ(0, vcpu_set_entry(vcpu, after_reset));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- a VTL in between that is not there ----------------------------------- */

static u64 translate_for_vtl1(u64 a, u64 b)
{
	u64 *in = (u64 *)this_area()->in;

	in[0] = HV_PARTITION_SELF;
	in[1] = HV_VP_SELF;
	/* Read, TLB flush inhibited */
	in[2] = (u64)HV_INPUT_VTL(1) << 56 | 0x21;
	in[3] = (uintptr_t)pages[0] / PAGE_SIZE;
	GUEST_EQ(HV_INVALID_VTL_STATE,
		 hv_call_mem(HV_TRANSLATE_VA, in, this_area()->out));
	/* And nothing is locked. */
	return hv_reg(HV_OWN_VTL, HV_REG_VSM_SECURE_CONFIG_VTL0 + 1);
}

VTL2_GUEST_TEST(translation_without_vtl1)
{
	two_without_one();
	GUEST_EQ(0, vtl_exec(2, translate_for_vtl1, 0, 0));
}

/* --- VINA of VTL2, when VTL1 has preempted VTL0 --------------------------- */

#define VINA_VECTOR	0x61
#define EXPIRES		(50 * TIMER_TICK)

static u64 told;

static u64 watch(u64 a, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_VINA, VINA_VECTOR | BIT(8));
	return 0;
}

static u64 wait_to_be_told(u64 until, u64 b)
{
	irq_enable();
	while (rdmsr(HV_MSR_TIME_REF_COUNT) < until &&
	       !READ_ONCE(this_cpu()->count[VINA_VECTOR]))
		cpu_pause();
	irq_disable();
	return this_cpu()->count[VINA_VECTOR];
}

static void ask_vtl2(struct vtl_service *v)
{
	u64 until = rdmsr(HV_MSR_TIME_REF_COUNT) + 4 * EXPIRES;

	told = vtl_exec(2, wait_to_be_told, until, 0);
	vtl1_deny(v);
}

/* The timer is that of VTL0's APIC, which VTL1 does not care about. */
VTL2_GUEST_TEST(vina_past_vtl1)
{
	three_levels();
	vtl2_exec(watch, 0);
	vtl1_close(pages[0], 1, HV_R);
	vtl1[0].policy = ask_vtl2;
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, TIMER_VECTOR);
	apic_write(APIC_TIMER_INIT, 2 * EXPIRES * 100);
	irq_enable();
	GUEST_TRAP(GP_VECTOR, probe_write(pages[0], 1));
	irq_disable();
	GUEST_EQ(1, told);
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
}

TEST_HARNESS_MAIN
