// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bits of VsmPartitionConfig change: the intercept page, intercepts of
 * starting VPs.
 */
#include "vtl_test.h"

AREA(config)

#define OF_VTL0		HV_INPUT_VTL(0)

static u8 page[PAGE_SIZE] __page;
static u32 started;

static u64 configure(u64 bits, u64 b)
{
	return hv_set_register(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
			       HV_CONFIG_ENABLE_PROTECTION |
			       HV_CONFIG_DEFAULT(HV_RWX) | bits, 0);
}

static void vsm_with(u64 bits)
{
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(configure, bits, 0));
}

/* --- the intercept page -------------------------------------------------- */

static u32 sint0_count(void)
{
	return guest_area(0, 1)->cpu.count[VTL1_SINT_VECTOR];
}

static const struct hv_message *slot0(void)
{
	return (void *)guest_area(0, 1)->simp;
}

GUEST_TEST(config, page_memory)
{
	const struct hv_memory_intercept *i = vtl1_intercept(&vtl1[0]);

	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	vtl1_close(page, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(page + 8, 1));
	GUEST_EQ(HV_ENTRY_INTERCEPT, vtl1[0].entry_reason);
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(HV_MSG_GPA_INTERCEPT, vtl1[0].message.type);
	GUEST_EQ(0x50, vtl1[0].message.size);
	GUEST_EQ(HV_ACCESS_WRITE, i->access);
	GUEST_EQ((uintptr_t)page + 8, i->gpa);
	GUEST_EQ(this_cpu()->trap_rip, i->rip);
	/* Not as an interrupt */
	GUEST_EQ(0, vtl1[0].interrupts);
	GUEST_EQ(0, sint0_count());
	GUEST_EQ(0, slot0()->type);
	/* Again: there is nothing to give back. */
	GUEST_TRAP(GP_VECTOR, probe_write(page + 16, 1));
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_EQ((uintptr_t)page + 16, i->gpa);
}

static u64 raise_tpr(u64 tpr, u64 b)
{
	write_cr8(tpr);
	return 0;
}

/* No interrupt: the priority of VTL1 does not hold it back. */
GUEST_TEST(config, page_priority)
{
	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	vtl1_close(page, 1, HV_R);
	vtl1_exec(raise_tpr, 15, 0);
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(HV_ENTRY_INTERCEPT, vtl1[0].entry_reason);
}

/* The registers of VTL0 go through the same page. */
GUEST_TEST(config, page_registers)
{
	u64 rax = 0x1234, rcx = (uintptr_t)page, rdx = 0x9999;

	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	vtl1_close(page, 1, HV_R);
	vtl1[0].policy = vtl1_allow;
	asm volatile("mov %%rax, (%%rcx)"
		     : "+a" (rax), "+c" (rcx), "+d" (rdx) : : "memory");
	GUEST_EQ(0x1234, rax);
	GUEST_EQ((uintptr_t)page, rcx);
	GUEST_EQ(0x9999, rdx);
	GUEST_EQ(0x1234, *(u64 *)page);
	GUEST_EQ(1, vtl1[0].messages);
}

static u64 intercept_lstar(u64 a, u64 b)
{
	return hv_set_register(HV_OWN_VTL, HV_REG_CR_INTERCEPT, BIT(6), 0);
}

GUEST_TEST(config, page_msr)
{
	const struct hv_memory_intercept *i = vtl1_intercept(&vtl1[0]);

	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	GUEST_EQ(HV_REPS(1), vtl1_exec(intercept_lstar, 0, 0));
	GUEST_TRAP(GP_VECTOR, probe_wrmsr(MSR_LSTAR, 0x5000));
	GUEST_EQ(HV_ENTRY_INTERCEPT, vtl1[0].entry_reason);
	GUEST_EQ(HV_MSG_MSR_INTERCEPT, vtl1[0].message.type);
	GUEST_EQ(2, i->length);
}

static u64 no_assist(u64 a, u64 b)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, 0);
	return 0;
}

/* Without the page it is as ever. */
GUEST_TEST(config, page_without_assist)
{
	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	vtl1_close(page, 1, HV_R);
	vtl1[0].return_by_rcx = false;
	vtl1_exec(no_assist, 0, 0);
	((struct hv_assist *)guest_area(0, 1)->assist)->entry_reason =
		HV_ENTRY_INTERRUPT;
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[0].interrupts);
	GUEST_EQ(1, sint0_count());
	GUEST_EQ(1, vtl1[0].messages);
}

/* And when the bit is taken back */
GUEST_TEST(config, page_off)
{
	vsm_with(HV_CONFIG_INTERCEPT_PAGE);
	GUEST_EQ(HV_REPS(1), vtl1_exec(configure, 0, 0));
	vtl1_close(page, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[0].interrupts);
	GUEST_EQ(1, sint0_count());
}

/* --- VTL2 has it, VTL1 does not ------------------------------------------ */

static u8 other[PAGE_SIZE] __page;

static u64 write_page(u64 p, u64 b)
{
	return probe_write((void *)p, 1).vector;
}

static u64 set_up_vtl2(u64 a, u64 b)
{
	GUEST_EQ(HV_REPS(1), configure(HV_CONFIG_INTERCEPT_PAGE, 0));
	return hv_protect((uintptr_t)page, 1, HV_R);
}

static u64 bring_up_vtl2(u64 a, u64 b)
{
	vsm_bring_up(2);
	return vtl_exec(2, set_up_vtl2, 0, 0);
}

static void three_levels(void)
{
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(bring_up_vtl2, 0, 0));
	vtl1_close(other, 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(other, 1));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(HV_ENTRY_INTERRUPT, vtl1[0].entry_reason);
	GUEST_EQ(GP_VECTOR, vtl1_exec(write_page, (uintptr_t)page, 0));
	GUEST_EQ(1, vtl2[0].messages);
	GUEST_EQ(HV_ENTRY_INTERCEPT, vtl2[0].entry_reason);
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(2, vtl2[0].messages);
	GUEST_EQ(1, vtl1[0].messages);
}

TEST_F(config, page_of_each_vtl)
{
	struct vm *vm = VTL2_VM(.entry = three_levels);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- InterceptVpStartup -------------------------------------------------- */

#define ICR_INIT	0x4500
#define ICR_SIPI	0x4600

static void second_vp(void)
{
	GUEST_EQ(1, this_cpu()->vp);
	WRITE_ONCE(started, READ_ONCE(started) + 1);
}

static void check_start_message(void)
{
	const struct hv_message *m = &vtl1[0].message;
	const struct hv_hypercall_intercept *i = (const void *)m->payload;

	GUEST_EQ(HV_MSG_HYPERCALL_INTERCEPT, m->type);
	GUEST_EQ(sizeof(*i), m->size);
	GUEST_EQ(0, i->vp);
	GUEST_EQ(3, i->length);
	GUEST_EQ((uintptr_t)hv_direct(), i->rip);
	GUEST_EQ(0, HV_STATE_VTL(i->state));
	GUEST_EQ(HV_START_VP, i->rcx);
	GUEST_EQ((uintptr_t)guest_area(0, 0)->in, i->rdx);
}

/* VTL1 starts the VP itself and answers the call. */
static void start_for_vtl0(struct vtl_service *v)
{
	const struct hv_hypercall_intercept *i = (void *)v->message.payload;

	GUEST_EQ(HV_SUCCESS, vsm_start_vp(1, second_vp));
	hv_set_reg(OF_VTL0, HV_REG_RIP, i->rip + i->length);
}

static void icr(u32 low)
{
	apic_write(APIC_ICR + 0x10, 1 << 24);
	apic_write(APIC_ICR, low);
}

static void send_init_and_sipi(void)
{
	u32 i, a, b, c, d;

	icr(ICR_INIT);
	icr(ICR_SIPI | 0x10);
	for (i = 0; i < 300; i++)
		cpuid(0, 0, &a, &b, &c, &d);
}

/* StartVirtualProcessor(VP 1), and the exception that it ended with */
static struct guest_trap try_start(void)
{
	struct hv_enable_vp_vtl *in = (void *)this_area()->in;
	struct hv_io io = { .rcx = HV_START_VP, .rdx = (uintptr_t)in };

	memset(in, 0, sizeof(*in));
	in->partition = HV_PARTITION_SELF;
	in->vp = 1;
	vsm_context_of_vtl0(&in->context, 1, second_vp);
	hv_insn(&io, hv_direct());
	return io.trap;
}

static void startup_guest(void)
{
	vsm_with(HV_CONFIG_INTERCEPT_STARTUP);
	apic_write(APIC_SVR, 0x1ff);
	/* Denied, by VTL1 */
	GUEST_TRAP(GP_VECTOR, try_start());
	GUEST_EQ(1, vtl1[0].messages);
	check_start_message();
	GUEST_EQ(0, READ_ONCE(started));
	/* Not a way around */
	send_init_and_sipi();
	GUEST_EQ(0, READ_ONCE(started));
	vtl1[0].policy = start_for_vtl0;
	GUEST_NO_TRAP(try_start());
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_WAIT(READ_ONCE(started));
	/* Once it is off, VTL0 is answered by the hypervisor again. */
	GUEST_EQ(HV_REPS(1), vtl1_exec(configure, 0, 0));
	GUEST_EQ(HV_INVALID_VP_STATE, vsm_start_vp(1, second_vp));
	GUEST_EQ(2, vtl1[0].messages);
}

TEST_F(config, startup)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };
	struct vm *vm = VTL_VM(.entry = startup_guest, .vcpus = 2);

	ASSERT_EQ(0, ioctl(vm->vcpu[1].fd, KVM_SET_MP_STATE, &state));
	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
