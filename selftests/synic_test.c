// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller of VTL1 (experiment A9): messages that an
 * exit of VTL0 causes in it, the dirty log, timers, and that user space does
 * not hear of it.  The judge of the console sees to it that none of this WARNs.
 */
#include "vtl_test.h"

AREA(synic)

static u8 page[PAGE_SIZE] __page;

/* --- the dirty log ------------------------------------------------------- */

static void dirty_guest(void)
{
	vsm_init();
	vtl1_close(page, 1, HV_R);
	vtl1[0].policy = vtl1_allow;
	GUEST_SYNC(0);		/* the log is emptied */
	probe_write(page, 1);
	GUEST_SYNC(1);		/* and read */
	GUEST_EQ(1, vtl1[0].messages);
	vtl_call();
	GUEST_SYNC(2);
}

static u8 log_bits[GUEST_RAM_SIZE / PAGE_SIZE / 8];

static void read_log(struct __test_metadata *_metadata, struct vm *vm)
{
	struct kvm_dirty_log log = {
		.slot = SLOT_RAM, .dirty_bitmap = log_bits,
	};

	memset(log_bits, 0, sizeof(log_bits));
	ASSERT_EQ(0, ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
}

static bool is_dirty(const void *p)
{
	u64 gfn = (uintptr_t)p / PAGE_SIZE;

	return log_bits[gfn / 8] >> gfn % 8 & 1;
}

TEST_F(synic, message_is_dirty)
{
	struct vm *vm = VTL_VM(.entry = dirty_guest, .log_dirty = true);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct guest_area *area = guest_area(0, 1);

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	read_log(_metadata, vm);
	read_log(_metadata, vm);
	EXPECT_FALSE(is_dirty(area->simp));
	EXPECT_FALSE(is_dirty(area->assist));
	EXPECT_FALSE(is_dirty(page));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	read_log(_metadata, vm);
	EXPECT_TRUE(is_dirty(area->simp));
	EXPECT_TRUE(is_dirty(area->assist));
	EXPECT_TRUE(is_dirty(page));
	EXPECT_FALSE(is_dirty(guest_area(1, 1)->simp));
	/* VTL1's own writes: its stack, at a plain VTL call. */
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	read_log(_metadata, vm);
	EXPECT_TRUE(is_dirty(&vtl1[0]));
	EXPECT_TRUE(is_dirty(area->assist));
	EXPECT_FALSE(is_dirty(page));
	vm_destroy(vm);
}

static u64 signal_on_return(u64 a, u64 b)
{
	struct hv_assist *assist = (void *)this_area()->assist;

	assist->actions[0] = (struct hv_return_action) {
		.type = HV_ACTION_SIGNAL_EVENT, .sint = 1,
	};
	return 0;
}

static void event_guest(void)
{
	vsm_init();
	hv_synic_init(0x30);
	GUEST_SYNC(0);		/* the log is emptied */
	vtl1_exec(signal_on_return, 0, 0);
	GUEST_SYNC(1);		/* and read */
	GUEST_EQ(1, guest_area(0, 0)->siefp[256]);
}

TEST_F(synic, event_is_dirty)
{
	struct vm *vm = VTL_VM(.entry = event_guest, .log_dirty = true);
	struct vcpu *vcpu = &vm->vcpu[0];

	EXPECT_UCALL(UCALL_SYNC, vcpu);
	read_log(_metadata, vm);
	read_log(_metadata, vm);
	EXPECT_FALSE(is_dirty(guest_area(0, 0)->siefp));
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	read_log(_metadata, vm);
	EXPECT_TRUE(is_dirty(guest_area(0, 0)->siefp));
	EXPECT_FALSE(is_dirty(guest_area(1, 0)->siefp));
	EXPECT_UCALL(UCALL_DONE, vcpu);
	vm_destroy(vm);
}

/* --- user space ---------------------------------------------------------- */

static u32 synic_exits;

static int count_synic(struct vcpu *vcpu)
{
	if (vcpu->run->exit_reason != KVM_EXIT_HYPERV)
		return -1;
	synic_exits++;
	return 0;
}

static void synic_of_vtl1(void)
{
	vsm_init();
	GUEST_SYNC(0);
	hv_synic_init(0x30);
}

/* User space keeps the SynIC of VTL0 in mind, which VTL1's is not. */
TEST_F(synic, exits_of_vtl0_only)
{
	struct vm *vm = VTL_VM(.entry = synic_of_vtl1);
	struct vcpu *vcpu = &vm->vcpu[0];

	synic_exits = 0;
	vcpu->on_exit = count_synic;
	EXPECT_UCALL(UCALL_SYNC, vcpu);
	EXPECT_EQ(0, synic_exits);
	EXPECT_UCALL(UCALL_DONE, vcpu);
	EXPECT_EQ(3, synic_exits);
	vm_destroy(vm);
}

/* --- messages and timers per VTL ----------------------------------------- */

#define TICK		10000		/* 1 ms */

static u64 message_timer(u64 sint, u64 delay)
{
	wrmsr(HV_MSR_SINT0 + sint, 0x60 + sint);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_SINT(sint) |
	      HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + delay);
	return 0;
}

GUEST_TEST(synic, timer_message_of_vtl1)
{
	struct hv_message *mine = (void *)this_area()->simp;
	struct hv_message *of_vtl1 = (void *)guest_area(0, 1)->simp;

	vsm_init();
	hv_synic_init(0x40);
	vtl1_exec(message_timer, 3, TICK);
	GUEST_WAIT(READ_ONCE(vtl1[0].interrupts));
	GUEST_EQ(HV_MSG_TIMER, of_vtl1[3].type);
	GUEST_EQ(0, mine[3].type);
	GUEST_EQ(1, guest_area(0, 1)->cpu.count[0x63]);
	GUEST_EQ(0, this_cpu()->count[0x63]);
}

GUEST_TEST(synic, timer_message_of_vtl0)
{
	struct hv_message *mine = (void *)this_area()->simp;
	struct hv_message *of_vtl1 = (void *)guest_area(0, 1)->simp;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	hv_synic_init(0x40);
	message_timer(3, TICK);
	irq_wait();
	GUEST_EQ(HV_MSG_TIMER, mine[3].type);
	GUEST_EQ(0, of_vtl1[3].type);
	GUEST_EQ(1, this_cpu()->count[0x63]);
	GUEST_EQ(0, vtl1[0].interrupts);
}

static u64 periodic(u64 a, u64 b)
{
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(0x55) |
	      HV_STIMER_DIRECT | HV_STIMER_PERIODIC);
	wrmsr(HV_MSR_STIMER0_COUNT, 2 * TICK);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(0x55) |
	      HV_STIMER_DIRECT | HV_STIMER_PERIODIC | HV_STIMER_ENABLE);
	return 0;
}

/* Both VTLs have the same timer at work; each gets its own ticks. */
GUEST_TEST(synic, timers_of_both)
{
	struct guest_cpu *cpu1 = &guest_area(0, 1)->cpu;

	vsm_init();
	apic_write(APIC_SVR, 0x1ff);
	vtl1_exec(periodic, 0, 0);
	periodic(0, 0);
	while (this_cpu()->count[0x55] < 5)
		irq_wait();
	GUEST_LE(2, cpu1->count[0x55]);
	GUEST_LE(vtl1[0].interrupts, cpu1->count[0x55]);
}

/* --- registers ----------------------------------------------------------- */

static u64 reset_values(u64 a, u64 b)
{
	u32 i;

	/* SCONTROL: 0 in the TLFS, enabled in KVM and others */
	GUEST_LE(rdmsr(HV_MSR_SCONTROL), 1);
	GUEST_EQ(0, rdmsr(HV_MSR_SIMP));
	GUEST_EQ(0, rdmsr(HV_MSR_SIEFP));
	GUEST_EQ(1, rdmsr(HV_MSR_SVERSION));
	for (i = 0; i < 16; i++)
		GUEST_EQ(HV_SINT_MASKED, rdmsr(HV_MSR_SINT0 + i));
	for (i = 0; i < 8; i++)
		GUEST_EQ(0, rdmsr(HV_MSR_STIMER0_CONFIG + i));
	return 0;
}

GUEST_TEST(synic, reset_values_of_vtl1)
{
	hv_synic_init(0x41);
	wrmsr(HV_MSR_SINT0 + 5, 0x45);
	vtl1[0].bare = true;
	vsm_init();
	vtl1_exec(reset_values, 0, 0);
	GUEST_EQ(0x41, rdmsr(HV_MSR_SINT0));
}

/* Windows leaves rubbish in the upper half (EDX). */
static u64 odd_eoi(u64 a, u64 b)
{
	return probe_wrmsr(HV_MSR_EOI, 0xdeadbeef00000000).vector;
}

GUEST_TEST(synic, eoi_with_upper_half)
{
	vsm_init();
	GUEST_EQ(NO_TRAP, vtl1_exec(odd_eoi, 0, 0));
}

TEST_HARNESS_MAIN
