// SPDX-License-Identifier: GPL-2.0-only
/*
 * PendingInterruption and InterruptState: what VTL0 was being given when it was
 * stopped, what blocks its interrupts, and VTL1's changes to both.
 */
#include "vtl_test.h"

AREA(event)

#define OF_VTL0		HV_INPUT_VTL(0)
#define VECTOR		0x51
#define ICR_NMI		0x400
#define TYPE(n)		((u64)(n) << 1)
#define INTERRUPT	(1 | TYPE(0) | VECTOR << 16)
#define NMI		(1 | TYPE(2) | NMI_VECTOR << 16)
#define EXCEPTION(v)	(1 | TYPE(3) | (u64)(v) << 16)
#define HAS_CODE	BIT(4)
#define CODE(c)		((u64)(c) << 32 | HAS_CODE)
#define SHADOW		BIT(0)
#define NMI_MASKED	BIT(1)
#define HALTED		BIT(1)		/* of InternalActivityState */
#define STATE_PENDING	BIT(6)		/* of an intercept message */
#define STATE_SHADOW	BIT(12)

static u32 interrupts, nmis, stage;
static u64 interrupted_rip, error_code, seen, seen_in_handler;

static u64 get(u64 name, u64 b)
{
	return hv_reg(OF_VTL0, name);
}

static u64 set(u64 name, u64 value)
{
	return hv_set_register(OF_VTL0, name, value, 0);
}

static void on_interrupt(struct guest_cpu *cpu, struct guest_regs *regs)
{
	interrupts++;
	interrupted_rip = regs->rip;
}

static void on_nmi(struct guest_cpu *cpu, struct guest_regs *regs)
{
	nmis++;
	seen_in_handler = vtl1_exec(get, HV_REG_INTERRUPT_STATE, 0);
}

static void init(void)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	guest_on(VECTOR, on_interrupt);
	guest_on(NMI_VECTOR, on_nmi);
}

/* To APIC 0, which is its own */
static void send_to_self(u32 icr)
{
	apic_write(APIC_ICR, icr);
}

/* --- InterruptState ------------------------------------------------------- */

static u64 check_state(u64 a, u64 b)
{
	u64 state;

	for (state = 3; state < 4; state--) {
		GUEST_EQ(HV_REPS(1), set(HV_REG_INTERRUPT_STATE, state));
		GUEST_EQ(state, get(HV_REG_INTERRUPT_STATE, 0));
	}
	GUEST_EQ(HV_INVALID_REGISTER_VALUE, set(HV_REG_INTERRUPT_STATE, 4));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 set(HV_REG_INTERRUPT_STATE, BIT(63)));
	return get(HV_REG_INTERRUPT_STATE, 0);
}

GUEST_TEST(event, state)
{
	init();
	GUEST_EQ(0, hv_reg(HV_OWN_VTL, HV_REG_INTERRUPT_STATE));
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_set_register(HV_OWN_VTL, HV_REG_INTERRUPT_STATE, 0, 0));
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_set_register(HV_INPUT_VTL(1), HV_REG_INTERRUPT_STATE, 0,
				 0));
	GUEST_EQ(0, vtl1_exec(check_state, 0, 0));
}

/* An NMI waits until VTL1 takes the mask away; it sees that of a handler. */
GUEST_TEST(event, nmi_mask)
{
	init();
	vtl1_exec(set, HV_REG_INTERRUPT_STATE, NMI_MASKED);
	send_to_self(ICR_NMI);
	GUEST_EQ(0, READ_ONCE(nmis));
	vtl1_exec(set, HV_REG_INTERRUPT_STATE, 0);
	GUEST_EQ(1, READ_ONCE(nmis));
	GUEST_EQ(NMI_MASKED, seen_in_handler);
	GUEST_EQ(0, vtl1_exec(get, HV_REG_INTERRUPT_STATE, 0));
}

/* VTL0 goes on with IF=1 and an interrupt that waits. */
static u64 enable_interrupts(u64 state, u64 b)
{
	u64 flags = hv_reg(OF_VTL0, HV_REG_RFLAGS);

	hv_set_reg(OF_VTL0, HV_REG_RFLAGS, flags | RFLAGS_IF);
	return set(HV_REG_INTERRUPT_STATE, state);
}

static u64 take_with(u64 state)
{
	interrupts = 0;
	send_to_self(VECTOR);
	vtl1_exec(enable_interrupts, state, 0);
	irq_disable();
	GUEST_EQ(1, READ_ONCE(interrupts));
	return READ_ONCE(interrupted_rip);
}

/* With the shadow one instruction is executed before the interrupt. */
GUEST_TEST(event, shadow)
{
	u64 after_call = (uintptr_t)hv_direct() + 3;

	init();
	GUEST_EQ(after_call, take_with(0));
	GUEST_NE(after_call, take_with(SHADOW));
	GUEST_EQ(after_call, take_with(0));
}

static u8 page[PAGE_SIZE] __page;
static u16 message_state;

/* What is this page's access, or the event that it is for, stopped in? */
static void look(struct vtl_service *v)
{
	message_state = vtl1_intercept(v)->state;
	seen = get((u32)v->policy_arg, 0);
	vtl1_allow(v);
}

GUEST_TEST(event, shadow_of_sti)
{
	init();
	vtl1[0].policy = look;
	vtl1[0].policy_arg = HV_REG_INTERRUPT_STATE;
	vtl1_close(page, 1, HV_R);
	asm volatile("sti; movb $1, %0; cli" : "=m" (page[0]));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(SHADOW, seen);
	GUEST_EQ(STATE_SHADOW, message_state & (STATE_SHADOW | STATE_PENDING));

	vtl1_close(page, 1, HV_R);
	asm volatile("sti; nop; movb $1, %0; cli" : "=m" (page[0]));
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_EQ(0, seen);
	GUEST_EQ(0, message_state & (STATE_SHADOW | STATE_PENDING));
}

/* --- PendingInterruption -------------------------------------------------- */

/* VTL0 has no stack for its interrupt until VTL1 opens it. */
static void close_stack(void)
{
	vtl1_close(this_area()->ist[0], sizeof(this_area()->ist[0]) / PAGE_SIZE,
		   HV_R);
}

GUEST_TEST(event, on_its_way)
{
	init();
	vtl1[0].policy = look;
	vtl1[0].policy_arg = HV_REG_PENDING_INTERRUPTION;
	close_stack();
	send_to_self(VECTOR);
	irq_window();
	GUEST_LE(1, vtl1[0].messages);
	GUEST_EQ(INTERRUPT, seen);
	GUEST_EQ(STATE_PENDING, message_state & STATE_PENDING);
	GUEST_EQ(1, READ_ONCE(interrupts));
	GUEST_EQ(0, vtl1_exec(get, HV_REG_PENDING_INTERRUPTION, 0));
}

static void look_and_drop(struct vtl_service *v)
{
	look(v);
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_INTERRUPTION, 0));
}

GUEST_TEST(event, dropped)
{
	init();
	vtl1[0].policy = look_and_drop;
	vtl1[0].policy_arg = HV_REG_PENDING_INTERRUPTION;
	close_stack();
	send_to_self(ICR_NMI);
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(NMI, seen);
	GUEST_EQ(0, READ_ONCE(nmis));
	GUEST_EQ(0, vtl1_exec(get, HV_REG_PENDING_INTERRUPTION, 0));
}

/* An exception in place of what was on its way */
static void on_gp(struct guest_cpu *cpu, struct guest_regs *regs)
{
	interrupted_rip = regs->rip;
	error_code = regs->error;
}

static u64 replace(u64 value, u64 b)
{
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_INTERRUPTION, NMI));
	GUEST_EQ(NMI, get(HV_REG_PENDING_INTERRUPTION, 0));
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_INTERRUPTION, value));
	GUEST_EQ(value, get(HV_REG_PENDING_INTERRUPTION, 0));
	return 0;
}

GUEST_TEST(event, set)
{
	init();
	GUEST_EQ(0, hv_reg(HV_OWN_VTL, HV_REG_PENDING_INTERRUPTION));
	GUEST_EQ(HV_ACCESS_DENIED,
		 hv_set_register(HV_OWN_VTL, HV_REG_PENDING_INTERRUPTION, 0,
				 0));
	guest_on(GP_VECTOR, on_gp);
	vtl1_exec(replace, EXCEPTION(GP_VECTOR) | CODE(0x1238), 0);
	GUEST_EQ(0x1238, error_code);
	GUEST_EQ((uintptr_t)hv_direct() + 3, READ_ONCE(interrupted_rip));
	GUEST_EQ(0, READ_ONCE(nmis));

	irq_enable();
	vtl1_exec(replace, INTERRUPT, 0);
	irq_disable();
	GUEST_EQ(1, READ_ONCE(interrupts));
	vtl1_exec(set, HV_REG_PENDING_INTERRUPTION, NMI);
	GUEST_EQ(1, READ_ONCE(nmis));
	vtl1_exec(replace, 0, 0);
	GUEST_EQ(1, READ_ONCE(interrupts));
	GUEST_EQ(1, READ_ONCE(nmis));
}

/* What would block it ends, and cannot begin. */
static u64 set_blocked(u64 value, u64 state)
{
	GUEST_EQ(HV_REPS(1), set(HV_REG_INTERRUPT_STATE, SHADOW | NMI_MASKED));
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_INTERRUPTION, value));
	GUEST_EQ(state, get(HV_REG_INTERRUPT_STATE, 0));
	GUEST_EQ(HV_INVALID_REGISTER_VALUE,
		 set(HV_REG_INTERRUPT_STATE, state | SHADOW));
	GUEST_EQ(state ? HV_REPS(1) : HV_INVALID_REGISTER_VALUE,
		 set(HV_REG_INTERRUPT_STATE, state | NMI_MASKED));
	return 0;
}

GUEST_TEST(event, blocked)
{
	init();
	vtl1_exec(set_blocked, NMI, 0);
	GUEST_EQ(1, READ_ONCE(nmis));
	irq_enable();
	vtl1_exec(set_blocked, INTERRUPT, NMI_MASKED);
	irq_disable();
	GUEST_EQ(1, READ_ONCE(interrupts));
	vtl1_exec(set, HV_REG_INTERRUPT_STATE, 0);
}

/* PendingEvent0 goes first; the NMI is lost to it. */
static u64 set_both(u64 a, u64 b)
{
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_INTERRUPTION, NMI));
	GUEST_EQ(HV_REPS(1), set(HV_REG_PENDING_EVENT0,
				 1 | UD_VECTOR << 16));
	return 0;
}

static u32 uds;

static void on_ud(struct guest_cpu *cpu, struct guest_regs *regs)
{
	uds++;
}

GUEST_TEST(event, two_registers)
{
	init();
	guest_on(UD_VECTOR, on_ud);
	vtl1_exec(set_both, 0, 0);
	GUEST_EQ(1, READ_ONCE(uds));
	GUEST_EQ(0, READ_ONCE(nmis));
	GUEST_EQ(0, vtl1_exec(get, HV_REG_PENDING_INTERRUPTION, 0));
	GUEST_EQ(0, vtl1_exec(get, HV_REG_PENDING_EVENT0, 0));
}

GUEST_TEST(event, bad_values)
{
	static const u64 values[] = {
		VECTOR << 16,			/* not pending */
		INTERRUPT | TYPE(1), INTERRUPT | TYPE(4), INTERRUPT | TYPE(7),
		INTERRUPT | BIT(5), INTERRUPT | BIT(8),	/* a length */
		INTERRUPT | BIT(9), INTERRUPT | BIT(10), INTERRUPT | BIT(15),
		INTERRUPT | BIT(24),		/* vector 0x151 */
		INTERRUPT | HAS_CODE, INTERRUPT | BIT(32),
		NMI | BIT(16), NMI | CODE(0),
		EXCEPTION(NMI_VECTOR), EXCEPTION(32),
		EXCEPTION(3), EXCEPTION(4),	/* #BP, #OF: by instructions */
		EXCEPTION(GP_VECTOR),		/* has a code */
		EXCEPTION(UD_VECTOR) | CODE(0),	/* has none */
		1 | TYPE(5) | 1 << 16, 1 | TYPE(6) | 3 << 16,
	};
	u32 i;

	init();
	for (i = 0; i < ARRAY_LEN(values); i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(set, HV_REG_PENDING_INTERRUPTION,
				   values[i]));
	GUEST_EQ(0, vtl1_exec(get, HV_REG_PENDING_INTERRUPTION, 0));
	GUEST_EQ(0, READ_ONCE(interrupts));
}

/* --- another VP, which halts ---------------------------------------------- */

static u64 enable_vp1(u64 a, u64 b)
{
	return vsm_enable_vp(1);
}

static u64 get_of_vp1(u64 name, u64 b)
{
	union hv_value value = { };

	GUEST_EQ(HV_REPS(1), hv_get_vp_register(1, OF_VTL0, name, &value));
	return value.low;
}

static u64 set_of_vp1(u64 name, u64 value)
{
	return hv_set_vp_register(1, OF_VTL0, name, value, 0);
}

static void waker(void)
{
	init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp1, 0, 0));
	WRITE_ONCE(stage, 1);
	GUEST_WAIT(vtl1_exec(get_of_vp1, HV_REG_ACTIVITY, 0) ==
		   HALTED);
	GUEST_EQ(0, READ_ONCE(nmis));
	GUEST_EQ(HV_REPS(1), vtl1_exec(set_of_vp1, HV_REG_PENDING_INTERRUPTION,
				       NMI));
	GUEST_WAIT(READ_ONCE(stage) == 2);
}

static void count_nmi(struct guest_cpu *cpu, struct guest_regs *regs)
{
	nmis++;
}

static void sleeper(void)
{
	hv_init();
	guest_on(NMI_VECTOR, count_nmi);
	GUEST_WAIT(READ_ONCE(stage) == 1);
	vtl_call();
	while (!READ_ONCE(nmis))
		asm volatile("hlt" : : : "memory");
	WRITE_ONCE(stage, 2);
}

static void wakes_vp(void)
{
	if (this_cpu()->vp)
		sleeper();
	else
		waker();
}

TEST_F(event, wakes)
{
	struct vm *vm = VTL_VM(.vcpus = 2, .entry = wakes_vp);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
