// SPDX-License-Identifier: GPL-2.0-only
/*
 * VtlReturnActions: events that a VTL has signalled when it returns.
 */
#include "vtl_test.h"

AREA(return_action)

#define SINT	5
#define VECTOR	0x55
#define FLAG	77

/* --- who gets them ------------------------------------------------------- */

static void events_on(void)
{
	hv_synic_init(0x44);
	wrmsr(HV_MSR_SINT0 + SINT, VECTOR);
	apic_write(APIC_SVR, 0x1ff);
}

static u64 *flags_of(u32 vp, u8 vtl, u32 sint)
{
	return (u64 *)(guest_area(vp, vtl)->siefp + sint * 256);
}

static u64 events(u32 vp, u8 vtl)
{
	return READ_ONCE(guest_area(vp, vtl)->cpu.count[VECTOR]);
}

static bool is_signalled(u32 vp, u8 vtl, u32 flag)
{
	return flags_of(vp, vtl, SINT)[flag / 64] >> flag % 64 & 1;
}

static void take_interrupts(void)
{
	irq_window();
}

/* --- who signals them ---------------------------------------------------- */

static struct hv_return_action *action(u32 i)
{
	return &((struct hv_assist *)this_area()->assist)->actions[i];
}

static void put(u32 i, u64 type, u32 vp, u8 vtl, u8 sint, u16 flag)
{
	*action(i) = (struct hv_return_action) {
		.type = type, .vp = vp, .vtl = vtl, .sint = sint, .flag = flag,
	};
}

static void put_event(u32 i, u16 flag)
{
	put(i, HV_ACTION_SIGNAL_EVENT, 0, 0, SINT, flag);
}

static u64 one_event(u64 flag, u64 b)
{
	put_event(0, flag);
	return 0;
}

/* Is the list empty? */
static u64 actions_left(u64 a, u64 b)
{
	u64 left = 0;
	u32 i;

	for (i = 0; i < 16; i++)
		left += !!action(i)->type;
	return left;
}

static void vsm_with_events(void)
{
	vsm_init();
	events_on();
}

GUEST_TEST(return_action, event)
{
	u32 i;

	vsm_with_events();
	for (i = 0; i < 2048 / 8; i++)
		GUEST_EQ(0, guest_area(0, 0)->siefp[i]);
	vtl1_exec(one_event, FLAG, 0);
	GUEST_EQ(1, is_signalled(0, 0, FLAG));
	GUEST_EQ(BIT(FLAG % 64), flags_of(0, 0, SINT)[FLAG / 64]);
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
	GUEST_EQ(0, events(0, 1));
	/* Once */
	GUEST_EQ(0, vtl1_exec(actions_left, 0, 0));
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
}

GUEST_TEST(return_action, fast_return)
{
	vtl1[0].fast_return = true;
	vsm_with_events();
	vtl1_exec(one_event, 2047, 0);
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
	GUEST_EQ(1, is_signalled(0, 0, 2047));
}

/* What is not taken yet is not raised again. */
GUEST_TEST(return_action, flag_is_set)
{
	vsm_with_events();
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
	flags_of(0, 0, SINT)[FLAG / 64] = 0;
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	GUEST_EQ(2, events(0, 0));
}

static u64 full_list(u64 a, u64 b)
{
	u32 i;

	for (i = 0; i < 16; i++)
		put_event(i, i * 100);
	return 0;
}

GUEST_TEST(return_action, sixteen)
{
	u32 i;

	vsm_with_events();
	vtl1_exec(full_list, 0, 0);
	for (i = 0; i < 16; i++)
		GUEST_EQ(1, is_signalled(0, 0, i * 100));
	GUEST_EQ(0, vtl1_exec(actions_left, 0, 0));
}

/* --- what is dropped ----------------------------------------------------- */

static u64 wrong_events(u64 a, u64 b)
{
	put(0, HV_ACTION_SIGNAL_EVENT, 7, 0, SINT, FLAG);
	put(1, HV_ACTION_SIGNAL_EVENT, 0, 2, SINT, FLAG);
	put(2, HV_ACTION_SIGNAL_EVENT, 0, 0xff, SINT, FLAG);
	put(3, HV_ACTION_SIGNAL_EVENT, 0, 0, 16, FLAG);
	put(4, HV_ACTION_SIGNAL_EVENT, 0, 0, SINT, 2048);
	put_event(5, FLAG);
	return 0;
}

GUEST_TEST(return_action, wrong)
{
	vsm_with_events();
	vtl1_exec(wrong_events, 0, 0);
	take_interrupts();
	/* The right one behind them is done. */
	GUEST_EQ(1, events(0, 0));
	GUEST_EQ(0, vtl1_exec(actions_left, 0, 0));
	/* The 17th SINT would be behind the page. */
	GUEST_EQ(0, ((u64 *)(guest_area(0, 0)->siefp + PAGE_SIZE))[FLAG / 64] &
		    BIT(FLAG % 64));
	GUEST_EQ(0, flags_of(0, 0, SINT + 1)[0]);
}

static u64 unknown_type(u64 a, u64 b)
{
	put(0, 2, 0, 0, SINT, FLAG);
	put_event(1, FLAG);
	return 0;
}

/* It ends the list: nobody knows how long it is. */
GUEST_TEST(return_action, unknown)
{
	vsm_with_events();
	vtl1_exec(unknown_type, 0, 0);
	take_interrupts();
	GUEST_EQ(0, events(0, 0));
	GUEST_EQ(2, vtl1_exec(actions_left, 0, 0));
}

static u64 disable_assist(u64 a, u64 b)
{
	one_event(FLAG, 0);
	wrmsr(HV_MSR_VP_ASSIST_PAGE, 0);
	return 0;
}

GUEST_TEST(return_action, no_page)
{
	vsm_with_events();
	vtl1_exec(disable_assist, 0, 0);
	take_interrupts();
	GUEST_EQ(0, events(0, 0));
}

GUEST_TEST(return_action, no_event_page)
{
	vsm_with_events();
	wrmsr(HV_MSR_SIEFP, 0);
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	GUEST_EQ(0, events(0, 0));
	GUEST_EQ(0, is_signalled(0, 0, FLAG));
}

/* --- other VPs and VTLs -------------------------------------------------- */

static u32 ready;

static u64 event_for_vp1(u64 a, u64 b)
{
	put(0, HV_ACTION_SIGNAL_EVENT, 1, 0, SINT, FLAG);
	return 0;
}

static void two_vps(void)
{
	if (this_cpu()->vp) {
		hv_init();
		events_on();
		WRITE_ONCE(ready, 1);
		while (!events(1, 0))
			irq_wait();
		GUEST_EQ(1, is_signalled(1, 0, FLAG));
		return;
	}
	vsm_init();
	GUEST_WAIT(READ_ONCE(ready));
	vtl1_exec(event_for_vp1, 0, 0);
	GUEST_EQ(0, events(0, 0));
}

/* Also one that halts, and has no VTL1 itself */
TEST_F_TIMEOUT(return_action, other_vp, 120)
{
	struct vm *vm = VTL_VM(.entry = two_vps, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

static u64 bring_up_vtl2(u64 a, u64 b)
{
	vsm_bring_up(2);
	return 0;
}

static u64 in_vtl2(u64 fn, u64 a)
{
	return vtl_exec(2, (vtl_fn)(uintptr_t)fn, a, 0);
}

static void three_levels(void)
{
	vsm_with_events();
	vtl1_exec(bring_up_vtl2, 0, 0);
}

/* VTL1 does not reach up. */
static u64 event_for_vtl2(u64 a, u64 b)
{
	put(0, HV_ACTION_SIGNAL_EVENT, 0, 2, 0, FLAG);
	return 0;
}

__GUEST_TEST(return_action, not_above, VTL2_VM())
{
	three_levels();
	vtl1_exec(event_for_vtl2, 0, 0);
	GUEST_EQ(0, flags_of(0, 2, 0)[FLAG / 64]);
	GUEST_EQ(0, vtl2[0].interrupts);
}

static u64 close_page(u64 p, u64 b)
{
	return hv_protect(p, 1, HV_R);
}

/* VTL1 does for VTL0 what VTL2 has not forbidden VTL0. */
__GUEST_TEST(return_action, closed_page, VTL2_VM())
{
	three_levels();
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
	flags_of(0, 0, SINT)[FLAG / 64] = 0;
	GUEST_EQ(HV_REPS(1),
		 vtl1_exec(in_vtl2, (uintptr_t)close_page,
			   (uintptr_t)guest_area(0, 0)->siefp));
	vtl1_exec(one_event, FLAG, 0);
	take_interrupts();
	GUEST_EQ(1, events(0, 0));
	GUEST_EQ(0, is_signalled(0, 0, FLAG));
}

TEST_HARNESS_MAIN
