// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory intercepts: the message, its delivery, and what VTL1 can do about it.
 */
#include "vtl_test.h"

AREA(intercept)

static u8 pages[4][PAGE_SIZE] __page;

#define MARK		0x1122334455667788ULL
#define OFFSET		0x128

static void *const target = pages[1] + OFFSET;

/* --- the message --------------------------------------------------------- */

static void check_cs(const struct hv_segment *cs, u16 selector, u32 dpl)
{
	GUEST_EQ(0, cs->base);
	GUEST_EQ(0xffffffff, cs->limit);
	GUEST_EQ(selector, cs->selector);
	GUEST_EQ(0xa09b | dpl << 5, cs->attributes);
}

/* Members that may be left out, but must be right when they are there */
static void check_optional(const struct hv_message *m, u64 gva)
{
	const struct hv_memory_intercept *i = (const void *)m->payload;

	/* VMX tells the linear address, SVM does not. */
	GUEST_EQ(hv_is_amd() ? 0 : gva, i->gva);
	GUEST_EQ(hv_is_amd() ? 0 : HV_INFO_GVA_VALID | HV_INFO_GVA_GPA_VALID,
		 i->info);
	if (i->access == HV_ACCESS_EXECUTE)
		GUEST_EQ(0, i->byte_count);
	GUEST_LE(i->byte_count, 15);
	GUEST_EQ(0, memcmp(i->bytes, (void *)i->rip, i->byte_count));
	GUEST_ASSERT(m->size == 0x50 || m->size == 0xf0);
}

static void check_message(u32 access, u64 gpa, u64 gva, u32 cpl)
{
	const struct hv_message *m = &vtl1[0].message;
	const struct hv_memory_intercept *i = (const void *)m->payload;

	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(HV_MSG_GPA_INTERCEPT, m->type);
	GUEST_EQ(0, m->flags);
	GUEST_EQ(0, m->reserved);
	GUEST_EQ(0, i->vp);
	GUEST_EQ(access, i->access);
	/* Neither the length of the instruction nor CR8 is known. */
	GUEST_EQ(0, i->length);
	GUEST_EQ(cpl, i->state & HV_STATE_CPL);
	GUEST_EQ(HV_STATE_LMA, i->state & HV_STATE_LMA);
	GUEST_EQ(0, HV_STATE_VTL(i->state));
	check_cs(&i->cs, cpl ? USER_CS : KERNEL_CS, cpl);
	GUEST_EQ(this_cpu()->trap_rip, i->rip);
	GUEST_EQ(2, i->rflags & ~0x10cd5ULL);
	GUEST_EQ(6, i->cache_type);
	GUEST_EQ(gpa, i->gpa);
	check_optional(m, gva);
	GUEST_EQ(HV_ENTRY_INTERRUPT, vtl1[0].entry_reason);
	GUEST_EQ(1, vtl1[0].interrupts);
	GUEST_EQ(1, guest_area(0, 1)->cpu.count[VTL1_SINT_VECTOR]);
}

GUEST_TEST(intercept, read_message)
{
	vsm_init();
	vtl1_close(pages[1], 1, HV_NONE);
	GUEST_TRAP(GP_VECTOR, probe_read(target, NULL));
	check_message(HV_ACCESS_READ, (uintptr_t)target, (uintptr_t)target, 0);
}

GUEST_TEST(intercept, write_message)
{
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	check_message(HV_ACCESS_WRITE, (uintptr_t)target, (uintptr_t)target, 0);
}

GUEST_TEST(intercept, execute_message)
{
	vsm_init();
	memset(pages[1], 0xc3, PAGE_SIZE);
	vtl1_close(pages[1], 1, HV_RW);
	GUEST_TRAP(GP_VECTOR, probe_exec(target));
	check_message(HV_ACCESS_EXECUTE, (uintptr_t)target, (uintptr_t)target,
		      0);
}

static void user_write(void)
{
	*(volatile u64 *)target = 1;
}

GUEST_TEST(intercept, user_message)
{
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, run_user(user_write));
	check_message(HV_ACCESS_WRITE, (uintptr_t)target, (uintptr_t)target, 3);
}

#define ALIAS		0x300000000

static void alias_guest(void)
{
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write((void *)(ALIAS + OFFSET), 1));
	check_message(HV_ACCESS_WRITE, (uintptr_t)target, ALIAS + OFFSET, 0);
}

TEST_F(intercept, message_for_alias)
{
	struct vm *vm = VTL_VM(.entry = alias_guest);

	vm_map(vm, ALIAS, (uintptr_t)pages[1], PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* The other slots are not touched. */
GUEST_TEST(intercept, only_slot_0)
{
	struct hv_message *slots = (void *)guest_area(0, 1)->simp;
	u32 i, n;

	vsm_init();
	for (i = 1; i < 16; i++)
		memset(&slots[i], 0x5a, sizeof(slots[i]));
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(1, vtl1[0].messages);
	for (i = 1; i < 16; i++)
		for (n = 0; n < sizeof(slots[i]); n++)
			GUEST_EQ(0x5a, ((u8 *)&slots[i])[n]);
	GUEST_EQ(0, ((struct hv_message *)this_area()->simp)->type);
}

/* --- what VTL1 does about it --------------------------------------------- */

/* No architectural effect, RIP unchanged, #GP(0) there */
GUEST_TEST(intercept, deny)
{
	*(u64 *)target = MARK;
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(MARK, *(u64 *)target);
	GUEST_EQ(1, this_cpu()->count[GP_VECTOR]);
	GUEST_LT(this_cpu()->trap_rip - (uintptr_t)probe_write, 16);
	/* and again */
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_EQ(2, this_cpu()->count[GP_VECTOR]);
}

GUEST_TEST(intercept, allow)
{
	u64 value = 0;

	*(u64 *)target = MARK;
	vsm_init();
	vtl1[0].policy = vtl1_allow;
	vtl1_close(pages[1], 1, HV_NONE);
	GUEST_NO_TRAP(probe_read(target, &value));
	GUEST_EQ(MARK, value);
	vtl1_close(pages[1], 1, HV_R);
	GUEST_NO_TRAP(probe_write(target, 5));
	GUEST_EQ(5, *(u64 *)target);
	memset(pages[2], 0xc3, PAGE_SIZE);
	vtl1_close(pages[2], 1, HV_RW);
	GUEST_NO_TRAP(probe_exec(pages[2]));
	GUEST_EQ(3, vtl1[0].messages);
	/* Open it is now. */
	GUEST_NO_TRAP(probe_write(target, 6));
	GUEST_EQ(3, vtl1[0].messages);
}

/* The store in probe_write() has 3 bytes, the load in probe_read(), too. */
GUEST_TEST(intercept, skip)
{
	*(u64 *)target = MARK;
	vsm_init();
	vtl1[0].policy = vtl1_skip;
	vtl1[0].policy_arg = 3;
	vtl1_close(pages[1], 1, HV_R);
	GUEST_NO_TRAP(probe_write(target, 1));
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(MARK, *(u64 *)target);
}

/* VTL1 answers for the memory: RCX comes from its assist page. */
static void answer(struct vtl_service *v)
{
	struct hv_assist *assist = (void *)this_area()->assist;

	GUEST_EQ(HV_ENTRY_INTERRUPT, assist->entry_reason);
	assist->rcx = 0xabcdef;
	vtl1_skip(v);
}

GUEST_TEST(intercept, emulate)
{
	u64 value = 0;

	vsm_init();
	vtl1[0].policy = answer;
	vtl1[0].policy_arg = 3;
	vtl1_close(pages[1], 1, HV_NONE);
	GUEST_NO_TRAP(probe_read(target, &value));
	GUEST_EQ(0xabcdef, value);
}

/* VTL0's registers are there for VTL1, and come back. */
GUEST_TEST(intercept, registers)
{
	struct guest_regs *seen = &vtl1[0].regs_seen;
	u64 a = 1, b = 2, c = 3, d = 4;

	vsm_init();
	vtl1[0].policy = vtl1_allow;
	vtl1_close(pages[1], 1, HV_R);
	asm volatile("movq $7, (%4)" : "+a" (a), "+b" (b), "+c" (c), "+d" (d)
		     : "S" (target) : "memory");
	GUEST_EQ(1, seen->rax);
	GUEST_EQ(2, seen->rbx);
	GUEST_EQ(3, seen->rcx);
	GUEST_EQ(4, seen->rdx);
	GUEST_EQ((uintptr_t)target, seen->rsi);
	GUEST_EQ(1, a);
	GUEST_EQ(2, b);
	GUEST_EQ(3, c);
	GUEST_EQ(4, d);
	GUEST_EQ(7, *(u64 *)target);
}

/* A string instruction keeps what it did up to the closed page. */
GUEST_TEST(intercept, string_instruction)
{
	u8 *p = pages[1] - 16;
	u64 count = 32, vector = 0, error;

	memset(p, 0, 32);
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	asm volatile("1: rep stosb; 2:\n\t"
		     ".pushsection guest_extable, \"a\"\n\t"
		     ".quad 1b, 2b\n\t"
		     ".popsection"
		     : "+D" (p), "+c" (count), "+a" (vector), "=d" (error)
		     : : "memory");
	GUEST_EQ(GP_VECTOR, vector);
	GUEST_EQ(16, count);
	GUEST_EQ((uintptr_t)pages[1], (uintptr_t)p);
	GUEST_EQ(0, pages[1][0]);
	GUEST_EQ(1, vtl1[0].messages);
}

/* VTL0 cannot hold it back. */
GUEST_TEST(intercept, preempts)
{
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	irq_disable();
	write_cr8(15);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(1, vtl1[0].messages);
}

/* --- SINT0 --------------------------------------------------------------- */

static void several(u32 n)
{
	u32 i;

	vtl1_close(pages[1], 1, HV_R);
	for (i = 1; i <= n; i++) {
		GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
		GUEST_EQ(i, vtl1[0].messages);
	}
}

GUEST_TEST(intercept, sint_with_auto_eoi)
{
	vtl1[0].sint0 = 0x30 | HV_SINT_AUTO_EOI;
	vsm_init();
	several(3);
}

GUEST_TEST(intercept, sint_without_auto_eoi)
{
	vtl1[0].sint0 = 0x30;
	vsm_init();
	several(3);
}

/* Messages that cannot be delivered: the access is denied all the same. */
static u64 set_msr(u64 msr, u64 value)
{
	wrmsr(msr, value);
	return 0;
}

static void undeliverable(u32 msr, u64 value)
{
	*(u64 *)target = MARK;
	vsm_init();
	vtl1_exec(set_msr, msr, value);
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 9));
	GUEST_EQ(MARK, *(u64 *)target);
	GUEST_EQ(0, vtl1[0].messages);
	GUEST_EQ(0, vtl1[0].interrupts);
	vtl1_close(pages[1], 1, HV_RWX);
	GUEST_NO_TRAP(probe_write(target, 9));
}

GUEST_TEST(intercept, sint_masked)
{
	undeliverable(HV_MSR_SINT0, VTL1_SINT_VECTOR | HV_SINT_AUTO_EOI |
				    HV_SINT_MASKED);
}

GUEST_TEST(intercept, simp_disabled)
{
	undeliverable(HV_MSR_SIMP, 0);
}

GUEST_TEST(intercept, scontrol_disabled)
{
	undeliverable(HV_MSR_SCONTROL, 0);
}

#define TIMER_VECTOR	0x51

static u32 timer_events;

static void free_slot(struct guest_cpu *cpu, struct guest_regs *regs)
{
	struct hv_message *slot = (void *)this_area()->simp;

	timer_events++;
	GUEST_EQ(HV_MSG_GPA_INTERCEPT, slot->type);
	slot->type = 0;
}

static u64 set_timer(u64 handler, u64 b)
{
	guest_on(TIMER_VECTOR, (guest_handler)(void *)handler);
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + 100000);
	return 0;
}

/* The first message still lies there: the second waits for its place. */
GUEST_TEST(intercept, slot_busy)
{
	vsm_init();
	vtl1[0].keep_slot = true;
	vtl1_close(pages[1], 1, HV_R);
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(1, vtl1[0].messages);
	vtl1[0].keep_slot = false;
	vtl1_close(pages[2], 1, HV_R);
	vtl1_exec(set_timer, (uintptr_t)free_slot, 0);
	GUEST_TRAP(GP_VECTOR, probe_write(pages[2], 1));
	GUEST_EQ(1, timer_events);
	GUEST_EQ(2, vtl1[0].messages);
	GUEST_EQ((uintptr_t)pages[2], vtl1_intercept(&vtl1[0])->gpa);
}

/* --- page tables --------------------------------------------------------- */

static u64 table_gpa;

/*
 * A page table that VTL1 made read-only: hardware with A/D bits walks it as a
 * write.  VTL1 is told, with the address in the table, and may lift it.
 */
static void walk_guest(void)
{
	struct hv_memory_intercept *i = vtl1_intercept(&vtl1[0]);
	u64 rights, value = 0, gpa = table_gpa;

	*(u64 *)target = MARK;
	vsm_init();
	for (rights = 0; rights < 2; rights++) {	/* none, R */
		vtl1[0].policy = vtl1_deny;
		vtl1[0].messages = 0;
		vtl1_close((void *)gpa, 1, rights);
		write_cr3(read_cr3());
		value = 0;
		if (probe_read((void *)(ALIAS + OFFSET), &value).vector !=
		    NO_TRAP) {
			GUEST_EQ(1, vtl1[0].messages);
			GUEST_EQ(gpa, i->gpa & ~0xfffULL);
			GUEST_NE(HV_ACCESS_EXECUTE, i->access);
			/* The address that was translated, not this table's */
			GUEST_EQ(hv_is_amd() ? 0 : ALIAS + OFFSET, i->gva);
			GUEST_EQ(hv_is_amd() ? 0 : HV_INFO_GVA_VALID, i->info);
			GUEST_EQ(0, value);
		} else {
			GUEST_EQ(HV_R, rights);
		}
		vtl1[0].policy = vtl1_allow;
		GUEST_NO_TRAP(probe_read((void *)(ALIAS + OFFSET), &value));
		GUEST_EQ(MARK, value);
		GUEST_LE(vtl1[0].messages, 2);
	}
}

TEST_F(intercept, page_table)
{
	struct vm *vm = VTL_VM(.entry = walk_guest);

	vm_map(vm, ALIAS, (uintptr_t)pages[1], PTE_P | PTE_W);
	vm_var(vm, table_gpa) = ((u8 *)vm_pte(vm, 0, ALIAS) - vm->ram) &
				~0xfffULL;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- two VPs ------------------------------------------------------------- */

static u32 stage;

static u64 enable_vp(u64 vp, u64 b)
{
	return vsm_enable_vp(vp);
}

static void each_its_own(void)
{
	u32 vp = this_cpu()->vp;
	u32 i;

	if (vp) {
		hv_init();
		GUEST_WAIT(READ_ONCE(stage) == 1);
		vtl_call();
		WRITE_ONCE(stage, 2);
	} else {
		vsm_init();
		GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 1, 0));
		vtl1_close(pages[1], 1, HV_R);
		WRITE_ONCE(stage, 1);
		GUEST_WAIT(READ_ONCE(stage) == 2);
	}
	for (i = 1; i <= 50; i++) {
		GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
		GUEST_EQ(i, vtl1[vp].messages);
		GUEST_EQ(vp, vtl1_intercept(&vtl1[vp])->vp);
	}
}

TEST_F(intercept, each_vp_its_own)
{
	struct vm *vm = VTL_VM(.entry = each_its_own, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* Nobody to tell: VTL1 is not enabled on that VP.  It must not get through. */
static void no_vtl1_here(void)
{
	u64 value = 0;

	if (!this_cpu()->vp) {
		*(u64 *)target = MARK;
		vsm_init();
		vtl1_close(pages[1], 1, HV_NONE);
		WRITE_ONCE(stage, 1);
		GUEST_WAIT(READ_ONCE(stage) == 2);
		vtl1_close(pages[1], 1, HV_RWX);
		WRITE_ONCE(stage, 3);
		return;
	}
	GUEST_WAIT(READ_ONCE(stage) == 1);
	GUEST_TRAP(GP_VECTOR, probe_read(target, &value));
	GUEST_TRAP(GP_VECTOR, probe_write(target, 1));
	GUEST_EQ(0, value);
	GUEST_EQ(0, vtl1[0].messages);
	WRITE_ONCE(stage, 2);
	GUEST_WAIT(READ_ONCE(stage) == 3);
	GUEST_NO_TRAP(probe_read(target, &value));
	GUEST_EQ(MARK, value);
}

TEST_F(intercept, vp_without_vtl1)
{
	struct vm *vm = VTL_VM(.entry = no_vtl1_here, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
