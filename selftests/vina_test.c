// SPDX-License-Identifier: GPL-2.0-only
/*
 * VINA: VTL1 is told of interrupts that wait for VTL0.
 */
#include "vtl_test.h"

AREA(vina)

#define TIMER_VECTOR	0x51
#define VINA_VECTOR	0x61

/* Long enough for a busy machine to be in VTL1 before the timer expires */
#define EXPIRES		(50 * TIMER_TICK)
#define WAITS		(150 * TIMER_TICK)

static u64 now(void)
{
	return rdmsr(HV_MSR_TIME_REF_COUNT);
}

/* One shot of VTL0's, which its own timer delivers as an interrupt */
static void start_timer(void)
{
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, now() + EXPIRES);
}

static volatile u8 *vina_status(void)
{
	return &((struct hv_assist *)this_area()->assist)->vina;
}

static u64 set_vina(u64 flags, u64 b)
{
	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_VINA, VINA_VECTOR | flags);
	return 0;
}

/* In VTL1: how often it was told so far, and VinaAsserted in bit 32 */
static u64 told(void)
{
	return this_cpu()->count[VINA_VECTOR] | (u64)(*vina_status() & 1) << 32;
}

#define ASSERTED	BIT(32)

static u64 wait_in_vtl1(u64 until, u64 b)
{
	irq_enable();
	while (now() < until)
		cpu_pause();
	irq_disable();
	return told();
}

static u64 look_in_vtl1(u64 a, u64 b)
{
	irq_window();
	return told();
}

static u64 clear_in_vtl1(u64 a, u64 b)
{
	*vina_status() = 0;
	return 0;
}

static void init(u64 flags)
{
	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	vtl1_exec(set_vina, HV_VINA_ENABLED | flags, 0);
}

/* VTL0 gets a timer interrupt while VTL1 runs; what VTL1 was told */
static u64 interrupt_vtl1(void)
{
	u32 before = this_cpu()->count[TIMER_VECTOR];
	u64 result;

	start_timer();
	result = vtl1_exec(wait_in_vtl1, now() + WAITS, 0);
	irq_window();
	GUEST_EQ(before + 1, this_cpu()->count[TIMER_VECTOR]);
	GUEST_EQ(0, guest_area(0, 1)->cpu.count[TIMER_VECTOR]);
	return result;
}

static u64 interrupt_vtl1_with_if(void)
{
	u64 result;

	irq_enable();
	result = interrupt_vtl1();
	irq_disable();
	return result;
}

GUEST_TEST(vina, told)
{
	init(HV_VINA_AUTO_RESET);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
}

GUEST_TEST(vina, not_enabled)
{
	init(0);
	vtl1_exec(set_vina, 0, 0);
	GUEST_EQ(0, interrupt_vtl1_with_if());
}

GUEST_TEST(vina, interrupts_off_in_vtl0)
{
	init(0);
	GUEST_EQ(0, interrupt_vtl1());
}

GUEST_TEST(vina, priority_of_vtl0)
{
	init(0);
	start_timer();
	irq_enable();
	write_cr8(TIMER_VECTOR >> 4);
	GUEST_EQ(0, vtl1_exec(wait_in_vtl1, now() + WAITS, 0));
	GUEST_EQ(0, this_cpu()->count[TIMER_VECTOR]);
	write_cr8((TIMER_VECTOR >> 4) - 1);
	irq_window();
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
}

/* VTL1 itself lets VTL0 have the interrupt. */
static u64 let_vtl0_have_it(u64 until, u64 b)
{
	u64 rflags = hv_reg(HV_INPUT_VTL(0), HV_REG_RFLAGS);

	GUEST_EQ(0, wait_in_vtl1(until, 0));
	hv_set_reg(HV_INPUT_VTL(0), HV_REG_RFLAGS, rflags | RFLAGS_IF);
	irq_window();
	return told();
}

GUEST_TEST(vina, vtl1_unmasks)
{
	init(0);
	start_timer();
	GUEST_EQ(ASSERTED | 1,
		 vtl1_exec(let_vtl0_have_it, now() + WAITS, 0));
	irq_disable();
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
}

/* Once, until VTL1 takes VinaAsserted back. */
GUEST_TEST(vina, stays_asserted)
{
	init(0);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	GUEST_EQ(ASSERTED | 1, vtl1_exec(look_in_vtl1, 0, 0));
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	vtl1_exec(clear_in_vtl1, 0, 0);
	GUEST_EQ(1, vtl1_exec(look_in_vtl1, 0, 0));
	GUEST_EQ(ASSERTED | 2, interrupt_vtl1_with_if());
}

GUEST_TEST(vina, auto_reset)
{
	init(HV_VINA_AUTO_RESET);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	GUEST_EQ(1, vtl1_exec(look_in_vtl1, 0, 0));
	GUEST_EQ(ASSERTED | 2, interrupt_vtl1_with_if());
}

/* In the handler: is the interrupt in service? */
static bool in_service;

static void note_isr(struct guest_cpu *cpu, struct guest_regs *regs)
{
	in_service = apic_read(APIC_ISR + VINA_VECTOR / 32 * 0x10) &
		     BIT(VINA_VECTOR % 32);
}

static u64 watch_in_vtl1(u64 auto_eoi, u64 b)
{
	struct guest_cpu *cpu = this_cpu();

	guest_on(VINA_VECTOR, note_isr);
	if (auto_eoi)
		cpu->auto_eoi[VINA_VECTOR / 64] |= BIT(VINA_VECTOR % 64);
	return 0;
}

GUEST_TEST(vina, needs_eoi)
{
	init(HV_VINA_AUTO_RESET);
	vtl1_exec(watch_in_vtl1, 0, 0);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	GUEST_ASSERT(in_service);
}

GUEST_TEST(vina, auto_eoi)
{
	init(HV_VINA_AUTO_RESET | HV_VINA_AUTO_EOI);
	vtl1_exec(watch_in_vtl1, 1, 0);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	GUEST_ASSERT(!in_service);
	GUEST_EQ(ASSERTED | 2, interrupt_vtl1_with_if());
}

/* A SINT with the same vector comes and goes. */
static u64 use_sint(u64 a, u64 b)
{
	wrmsr(HV_MSR_SINT0 + 5, VINA_VECTOR);
	wrmsr(HV_MSR_SINT0 + 5, HV_SINT_MASKED);
	return 0;
}

GUEST_TEST(vina, auto_eoi_beside_sint)
{
	init(HV_VINA_AUTO_RESET | HV_VINA_AUTO_EOI);
	vtl1_exec(watch_in_vtl1, 1, 0);
	vtl1_exec(use_sint, 0, 0);
	GUEST_EQ(ASSERTED | 1, interrupt_vtl1_with_if());
	GUEST_ASSERT(!in_service);
}

/* VTL1 came by its own timer; VTL0's is that of its APIC. */
static u64 told_in_handler;

static void wait_in_handler(struct guest_cpu *cpu, struct guest_regs *regs)
{
	u64 until = now() + WAITS;

	while (now() < until && !(*vina_status() & 1))
		cpu_pause();
	told_in_handler = 1 + (*vina_status() & 1);
}

static u64 start_timer_of_vtl1(u64 a, u64 b)
{
	guest_on(TIMER_VECTOR, wait_in_handler);
	start_timer();
	return 0;
}

GUEST_TEST(vina, apic_timer_of_preempted_vtl0)
{
	init(0);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, TIMER_VECTOR);
	vtl1_exec(start_timer_of_vtl1, 0, 0);
	apic_write(APIC_TIMER_INIT, 2 * EXPIRES * 100);
	irq_enable();
	GUEST_WAIT(READ_ONCE(told_in_handler));
	irq_disable();
	GUEST_EQ(2, told_in_handler);
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
}

static u64 sleep_in_vtl1(u64 a, u64 b)
{
	irq_wait();
	return told();
}

GUEST_TEST(vina, ends_halt)
{
	init(0);
	start_timer();
	irq_enable();
	GUEST_EQ(ASSERTED | 1, vtl1_exec(sleep_in_vtl1, 0, 0));
	irq_disable();
	GUEST_EQ(1, this_cpu()->count[TIMER_VECTOR]);
}

static u64 no_assist_page(u64 a, u64 b)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, 0);
	*vina_status() = 0;
	return 0;
}

/* Nowhere to assert it. */
GUEST_TEST(vina, without_assist_page)
{
	init(0);
	vtl1_exec(no_assist_page, 0, 0);
	GUEST_EQ(0, interrupt_vtl1_with_if());
}

TEST_HARNESS_MAIN
