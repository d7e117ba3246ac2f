// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - how VTL1 comes in between: an interrupt of its own, an access of
 * VTL0 to a page that it closed.
 */
#include "bench.h"

#define TIMER_VECTOR		0x51
#define TIMER_DELAY		2000	/* 200 us, in units of 100 ns */

/* --- a memory intercept -------------------------------------------------- */

static u8 closed[PAGE_SIZE] __page;

/* One operation is: VTL0's write, a message, VTL1 moves RIP on, return. */
static void guest_intercept(void)
{
	u64 n, start, i;

	bench_init_vtl();
	this_vtl1()->policy = vtl1_skip;
	this_vtl1()->policy_arg = 3;	/* bytes of the instruction */
	vtl1_close(closed, 1, HV_R);
	for (;;) {
		n = READ_ONCE(bench_n);
		start = rdtsc();
		for (i = 0; i < n; i++)
			asm volatile("movb $1, (%%rax)"
				     : : "a" (closed) : "memory");
		start = rdtsc() - start;
		GUEST_EQ(0, READ_ONCE(closed[0]));
		GUEST_SYNC(start);
	}
}

static void measure_intercept(void)
{
	struct vm_options options = {
		.max_vtl = 1, .entry = guest_intercept,
	};
	struct vm *vm = bench_vm(&options);
	u32 i;

	sample(&vm->vcpu[0], 20);
	for (i = 0; i < SAMPLES; i++)
		record(ROW_INTERCEPT, sample(&vm->vcpu[0], 20), 20);
	vm_destroy(vm);
}

/* --- an interrupt -------------------------------------------------------- */

static u64 arrived;

static void take_timer(struct guest_cpu *cpu, struct guest_regs *regs)
{
	arrived = rdtsc();
}

static u64 arm_timer(u64 a, u64 b)
{
	guest_on(TIMER_VECTOR, take_timer);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT,
	      rdmsr(HV_MSR_TIME_REF_COUNT) + TIMER_DELAY);
	return 0;
}

/*
 * From VTL0's last instruction to VTL1's handler: VTL0 looks at the clock all
 * the time, and the last time before the handler counts.
 */
static u64 measure_preemption(void)
{
	u64 now = rdtsc(), before = now, at;

	WRITE_ONCE(arrived, 0);
	vtl1_exec(arm_timer, 0, 0);
	while (!(at = READ_ONCE(arrived))) {
		before = now;
		now = rdtsc();
	}
	return at - (now < at ? now : before);
}

static void guest_interrupt(void)
{
	bench_init_vtl();
	for (;;)
		GUEST_SYNC(measure_preemption());
}

static void measure_interrupt(void)
{
	struct vm_options options = {
		.max_vtl = 1, .entry = guest_interrupt,
	};
	struct vm *vm = bench_vm(&options);
	u32 i;

	sample(&vm->vcpu[0], 1);
	for (i = 0; i < SAMPLES; i++)
		record(ROW_INTERRUPT, sample(&vm->vcpu[0], 1), 1);
	vm_destroy(vm);
}

void bench_latency(void)
{
	measure_intercept();
	measure_interrupt();
}
