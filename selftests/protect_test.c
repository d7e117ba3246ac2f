// SPDX-License-Identifier: GPL-2.0-only
/*
 * ModifyVtlProtectionMask: what it accepts, and that VTL0 really is held to it.
 */
#include "vtl_test.h"

AREA(protect)

#define SECRET		0x5ec7e75ec7e75ec7ULL

/* Pages to protect.  The code in them is RET. */
static u8 pages[8][PAGE_SIZE] __page;

static void fill(u8 *page)
{
	memset(page, 0xc3, PAGE_SIZE);
	*(u64 *)(page + 8) = SECRET;
}

/* Accesses by VTL0, with the policy "deny": a #GP each, and a message. */
static void check_denied(struct guest_trap trap, u32 access)
{
	GUEST_EQ(GP_VECTOR, trap.vector);
	GUEST_EQ(0, trap.error);
	GUEST_EQ(1, vtl1[0].messages);
	GUEST_EQ(access, vtl1_intercept(&vtl1[0])->access);
	vtl1[0].messages = 0;
}

static void check_rights(u8 *page, u32 rights)
{
	u64 value = 0;
	struct guest_trap trap;

	trap = probe_read(page + 8, &value);
	if (rights & HV_R) {
		GUEST_EQ(NO_TRAP, trap.vector);
		GUEST_EQ(SECRET, value);
	} else {
		check_denied(trap, HV_ACCESS_READ);
		GUEST_EQ(0, value);
	}
	trap = probe_write(page + 8, SECRET);
	if (rights & HV_W)
		GUEST_EQ(NO_TRAP, trap.vector);
	else
		check_denied(trap, HV_ACCESS_WRITE);
	trap = probe_exec(page);
	if (rights & HV_KX)
		GUEST_EQ(NO_TRAP, trap.vector);
	else
		check_denied(trap, HV_ACCESS_EXECUTE);
	GUEST_EQ(0, vtl1[0].messages);
}

static u64 read_in_vtl1(u64 p, u64 b)
{
	return *(volatile u64 *)p;
}

static u64 write_in_vtl1(u64 p, u64 value)
{
	*(volatile u64 *)p = value;
	return 0;
}

static u64 exec_in_vtl1(u64 p, u64 b)
{
	return probe_exec((void *)p).vector;
}

/* --- rights -------------------------------------------------------------- */

static void enforce(u32 rights)
{
	u8 *page = pages[1];

	fill(pages[0]);
	fill(page);
	fill(pages[2]);
	vsm_init();
	check_rights(page, HV_RWX);
	vtl1_close(page, 1, rights);
	check_rights(page, rights);
	/* A second time, when translations exist. */
	check_rights(page, rights);
	check_rights(pages[0], HV_RWX);
	check_rights(pages[2], HV_RWX);
	/* VTL1 does not restrict itself. */
	GUEST_EQ(SECRET, vtl1_exec(read_in_vtl1, (uintptr_t)(page + 8), 0));
	vtl1_exec(write_in_vtl1, (uintptr_t)(page + 8), ~SECRET);
	GUEST_EQ(~SECRET, vtl1_exec(read_in_vtl1, (uintptr_t)(page + 8), 0));
	vtl1_exec(write_in_vtl1, (uintptr_t)(page + 8), SECRET);
	GUEST_EQ(NO_TRAP, vtl1_exec(exec_in_vtl1, (uintptr_t)page, 0));
	vtl1_close(page, 1, HV_RWX);
	check_rights(page, HV_RWX);
}

#define ENFORCE_TEST(name, rights) \
GUEST_TEST(protect, name) { enforce(rights); }

/* Experiment A4: no access means no access, also where EPT cannot do X only. */
ENFORCE_TEST(no_access, HV_NONE)
ENFORCE_TEST(read_only, HV_R)
ENFORCE_TEST(no_execute, HV_RW)
ENFORCE_TEST(no_write, HV_RX)
ENFORCE_TEST(everything, HV_RWX)

/* Before VTL0 ever touched the page */
GUEST_TEST(protect, untouched_page)
{
	u64 value = 0;

	vsm_init();
	vtl1_close((void *)GUEST_FREE, 1, HV_NONE);
	check_denied(probe_read((void *)GUEST_FREE, &value), HV_ACCESS_READ);
	check_denied(probe_write((void *)GUEST_FREE, 1), HV_ACCESS_WRITE);
	GUEST_EQ(0, vtl1_exec(read_in_vtl1, GUEST_FREE, 0));
	vtl1_close((void *)GUEST_FREE, 1, HV_R);
	GUEST_NO_TRAP(probe_read((void *)GUEST_FREE, &value));
	check_denied(probe_write((void *)GUEST_FREE, 1), HV_ACCESS_WRITE);
}

/* One set of rights after the other */
GUEST_TEST(protect, changes)
{
	static const u32 steps[] = {
		HV_NONE, HV_R, HV_NONE, HV_RW, HV_RX, HV_RWX, HV_R, HV_RX,
		HV_RW, HV_NONE, HV_RWX,
	};
	u32 i;

	fill(pages[1]);
	vsm_init();
	for (i = 0; i < ARRAY_LEN(steps); i++) {
		vtl1_close(pages[1], 1, steps[i]);
		check_rights(pages[1], steps[i]);
	}
}

GUEST_TEST(protect, atomic_access)
{
	*(u64 *)pages[1] = SECRET;
	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	check_denied(probe_cmpxchg(pages[1], SECRET, 1), HV_ACCESS_WRITE);
	GUEST_EQ(SECRET, *(u64 *)pages[1]);
	vtl1_close(pages[1], 1, HV_RW);
	GUEST_NO_TRAP(probe_cmpxchg(pages[1], SECRET, 1));
	GUEST_EQ(1, *(u64 *)pages[1]);
}

/* An access that begins on an open page and ends on a closed one */
GUEST_TEST(protect, straddling_access)
{
	u64 value = 0;

	vsm_init();
	vtl1_close(pages[1], 1, HV_NONE);
	check_denied(probe_read(pages[1] - 4, &value), HV_ACCESS_READ);
	check_denied(probe_write(pages[1] - 4, ~0ULL), HV_ACCESS_WRITE);
	GUEST_EQ(0, *(u32 *)(pages[1] - 4));
	check_denied(probe_read(pages[2] - 4, &value), HV_ACCESS_READ);
	check_denied(probe_write(pages[2] - 4, ~0ULL), HV_ACCESS_WRITE);
	GUEST_EQ(0, *(u32 *)pages[2]);
}

/* The page protected is the physical one: another address does not help. */
#define ALIAS		0x300000000

static void alias_guest(void)
{
	u64 value = 0;

	fill(pages[1]);
	vsm_init();
	GUEST_NO_TRAP(probe_read((void *)(ALIAS + 8), &value));
	GUEST_EQ(SECRET, value);
	value = 0;
	vtl1_close(pages[1], 1, HV_NONE);
	check_denied(probe_read((void *)(ALIAS + 8), &value), HV_ACCESS_READ);
	GUEST_EQ((uintptr_t)pages[1] + 8, vtl1_intercept(&vtl1[0])->gpa);
	check_denied(probe_write((void *)(ALIAS + 8), 1), HV_ACCESS_WRITE);
	check_denied(probe_exec((void *)ALIAS), HV_ACCESS_EXECUTE);
	GUEST_EQ(0, value);
	GUEST_EQ(SECRET, vtl1_exec(read_in_vtl1, (uintptr_t)pages[1] + 8, 0));
}

TEST_F(protect, alias)
{
	struct vm *vm = VTL_VM(.entry = alias_guest);

	vm_map(vm, ALIAS, (uintptr_t)pages[1], PTE_P | PTE_W);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/*
 * Not protected, and said so (memory-paths.rst): what the VMM and its devices
 * do, who have the memory mapped.
 */
static void vmm_guest(void)
{
	fill(pages[1]);
	vsm_init();
	vtl1_close(pages[1], 1, HV_NONE);
	GUEST_SYNC(0);
	GUEST_EQ(~SECRET, vtl1_exec(read_in_vtl1, (uintptr_t)pages[1] + 8, 0));
}

TEST_F(protect, devices_have_the_rights_of_the_vmm)
{
	struct vm *vm = VTL_VM(.entry = vmm_guest);
	u64 *secret = vm_hva(vm, (uintptr_t)pages[1] + 8);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	EXPECT_EQ(SECRET, *secret);
	*secret = ~SECRET;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

static u8 *user_page;
static u64 user_value;

static void user_read(void)
{
	user_value = *(volatile u64 *)(user_page + 8);
}

static void user_write(void)
{
	*(volatile u64 *)(user_page + 8) = 1;
}

static void user_exec(void)
{
	((void (*)(void))user_page)();
}

/* User mode is held to the same; with MBEC off KX governs both. */
GUEST_TEST(protect, user_mode)
{
	user_page = pages[1];
	fill(user_page);
	vsm_init();
	vtl1_close(user_page, 1, HV_NONE);
	check_denied(run_user(user_read), HV_ACCESS_READ);
	GUEST_EQ(3, vtl1_intercept(&vtl1[0])->state & HV_STATE_CPL);
	check_denied(run_user(user_write), HV_ACCESS_WRITE);
	check_denied(run_user(user_exec), HV_ACCESS_EXECUTE);
	GUEST_EQ(0, user_value);
	vtl1_close(user_page, 1, HV_RX);
	GUEST_TRAP(USER_RETURN_VECTOR, run_user(user_read));
	GUEST_EQ(SECRET, user_value);
	GUEST_TRAP(USER_RETURN_VECTOR, run_user(user_exec));
	check_denied(run_user(user_write), HV_ACCESS_WRITE);
}

/* --- what the call accepts ----------------------------------------------- */

static u64 protect_raw(u64 flags, u64 vtl)
{
	struct hv_modify_protection *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->flags = flags;
	in->vtl = vtl;
	in->gfn[0] = (uintptr_t)pages[1] / PAGE_SIZE;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(1), in, NULL);
}

/* Without MBEC user execute is ignored: 5 and 7 are as good as 13 and 15. */
GUEST_TEST(protect, flags)
{
	static const u32 good[] = { 0x0, 0x1, 0x3, 0x5, 0x7, 0xd, 0xf };
	u32 i, flags;

	vsm_init();
	fill(pages[1]);
	for (i = 0; i < ARRAY_LEN(good); i++) {
		GUEST_EQ(HV_REPS(1), vtl1_exec(protect_raw, good[i], 0));
		check_rights(pages[1], good[i]);
	}
	GUEST_EQ(HV_REPS(1), vtl1_exec(protect_raw, 0xf, 0));
	for (flags = 0; flags < 16; flags++) {
		for (i = 0; i < ARRAY_LEN(good) && good[i] != flags; i++)
			;
		if (i == ARRAY_LEN(good))
			GUEST_EQ(HV_INVALID_REGISTER_VALUE,
				 vtl1_exec(protect_raw, flags, 0));
	}
	for (i = 4; i < 32; i++)
		GUEST_EQ(HV_INVALID_REGISTER_VALUE,
			 vtl1_exec(protect_raw, HV_RW | BIT(i), 0));
	check_rights(pages[1], HV_RWX);
}

/* Protections are enabled first. */
GUEST_TEST(protect, not_enabled)
{
	fill(pages[1]);
	vtl1[0].no_protection = true;
	vsm_init();
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(protect_raw, HV_NONE, 0));
	check_rights(pages[1], HV_RWX);
}

/* The owner: the caller, by any of the names in use. */
GUEST_TEST(protect, target_vtl)
{
	fill(pages[1]);
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(protect_raw, HV_R, 0));
	GUEST_EQ(HV_REPS(1), vtl1_exec(protect_raw, HV_RW, 0x01));
	GUEST_EQ(HV_REPS(1), vtl1_exec(protect_raw, HV_NONE, 0x11));
	check_rights(pages[1], HV_NONE);
	GUEST_EQ(HV_ACCESS_DENIED, vtl1_exec(protect_raw, HV_RWX, 0x12));
	GUEST_EQ(HV_INVALID_PARAMETER, vtl1_exec(protect_raw, HV_RWX, 0x10));
	check_rights(pages[1], HV_NONE);
}

/* VTL0 has nobody to restrict, and VTL1's mask is not its own. */
GUEST_TEST(protect, from_vtl0)
{
	u64 result;

	fill(pages[1]);
	hv_init();
	result = protect_raw(HV_R, 0);
	GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
		     result == HV_ACCESS_DENIED);
	vsm_init();
	vtl1_close(pages[1], 1, HV_NONE);
	result = protect_raw(HV_RWX, 0);
	GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
		     result == HV_ACCESS_DENIED);
	GUEST_EQ(HV_ACCESS_DENIED, protect_raw(HV_RWX, 0x11));
	result = protect_raw(HV_RWX, 0x10);
	GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
		     result == HV_ACCESS_DENIED);
	check_rights(pages[1], HV_NONE);
}

static u64 bad_header(u64 partition, u64 reserved)
{
	struct hv_modify_protection *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = partition;
	in->flags = HV_R;
	if (reserved)
		in->reserved[reserved - 1] = 1;
	in->gfn[0] = (uintptr_t)pages[1] / PAGE_SIZE;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(1), in, NULL);
}

GUEST_TEST(protect, bad_header)
{
	u64 result, i;

	fill(pages[1]);
	vsm_init();
	result = vtl1_exec(bad_header, 0x1234, 0);
	GUEST_ASSERT(result == HV_ACCESS_DENIED ||
		     result == HV_INVALID_PARTITION_ID);
	for (i = 1; i <= 3; i++) {
		result = vtl1_exec(bad_header, HV_PARTITION_SELF, i);
		GUEST_ASSERT(result == HV_INVALID_PARAMETER ||
			     result == HV_INVALID_INPUT);
	}
	check_rights(pages[1], HV_RWX);
	GUEST_EQ(HV_REPS(1), vtl1_exec(bad_header, HV_PARTITION_SELF, 0));
	check_rights(pages[1], HV_R);
}

static void not_memory(u64 result, u64 done)
{
	GUEST_EQ(done, HV_REPS_DONE(result));
	GUEST_ASSERT(HV_STATUS(result) == HV_INVALID_PARAMETER ||
		     HV_STATUS(result) == HV_OPERATION_DENIED);
}

/* Holes, device windows, nonsense */
GUEST_TEST(protect, outside_memory)
{
	static const u64 gpas[] = {
		GUEST_RAM_SIZE, GUEST_BIG, GUEST_MMIO, APIC_BASE,
		1ULL << 40, 0xfffffffffffff000,
	};
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_LEN(gpas); i++)
		not_memory(vtl1_protect((void *)gpas[i], 1, HV_NONE), 0);
}

/* --- many pages ---------------------------------------------------------- */

GUEST_TEST(protect, as_many_as_fit)
{
	u64 base = GUEST_FREE, i;

	for (i = 0; i < 512; i++)
		*(u64 *)(base + i * PAGE_SIZE + 8) = SECRET;
	vsm_init();
	GUEST_EQ(HV_REPS(510), vtl1_protect((void *)(base + PAGE_SIZE), 510,
					    HV_R));
	GUEST_NO_TRAP(probe_write((void *)base, 1));
	check_denied(probe_write((void *)(base + PAGE_SIZE), 1),
		     HV_ACCESS_WRITE);
	check_denied(probe_write((void *)(base + 510 * PAGE_SIZE), 1),
		     HV_ACCESS_WRITE);
	GUEST_NO_TRAP(probe_write((void *)(base + 511 * PAGE_SIZE), 1));
	for (i = 0; i < 512; i += 51)
		GUEST_EQ(SECRET, *(u64 *)(base + i * PAGE_SIZE + 8));
	GUEST_EQ(HV_REPS(510), vtl1_protect((void *)(base + PAGE_SIZE), 510,
					    HV_RWX));
	GUEST_NO_TRAP(probe_write((void *)(base + PAGE_SIZE), 1));
	GUEST_NO_TRAP(probe_write((void *)(base + 510 * PAGE_SIZE), 1));
}

/* The pages of one call */
static u8 *list[8];

static u64 protect_list(u64 count, u64 flags)
{
	struct hv_modify_protection *in = (void *)this_area()->in;
	u32 i;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->flags = flags;
	for (i = 0; i < count; i++)
		in->gfn[i] = (uintptr_t)list[i] / PAGE_SIZE;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(count), in, NULL);
}

/* Pages in any order, some twice */
GUEST_TEST(protect, scattered)
{
	static const u8 order[] = { 7, 1, 3, 1, 5 };
	u32 i;

	for (i = 0; i < 8; i++)
		fill(pages[i]);
	for (i = 0; i < ARRAY_LEN(order); i++)
		list[i] = pages[order[i]];
	vsm_init();
	GUEST_EQ(HV_REPS(5), vtl1_exec(protect_list, 5, HV_NONE));
	for (i = 0; i < 8; i++)
		check_rights(pages[i], i % 2 ? HV_NONE : HV_RWX);
}

/* Two pages in XMM registers (24 to 32 bytes), as Windows does it */
static u64 protect_xmm(u64 count, u64 flags)
{
	u64 in[14] = { HV_PARTITION_SELF, flags };
	u32 i;

	for (i = 0; i < count; i++)
		in[2 + i] = (uintptr_t)pages[i] / PAGE_SIZE;
	return hv_call_xmm(HV_MODIFY_PROTECTION | HV_REPS(count), in,
			   2 + (count > 12 ? 12 : count));
}

GUEST_TEST(protect, xmm_form)
{
	u32 i;

	for (i = 0; i < 8; i++)
		fill(pages[i]);
	vsm_init();
	GUEST_EQ(HV_REPS(1), vtl1_exec(protect_xmm, 1, HV_R));
	check_rights(pages[0], HV_R);
	check_rights(pages[1], HV_RWX);
	GUEST_EQ(HV_REPS(7), vtl1_exec(protect_xmm, 7, HV_NONE));
	for (i = 0; i < 8; i++)
		check_rights(pages[i], i < 7 ? HV_NONE : HV_RWX);
	/* 12 fit behind the header, 13 do not. */
	GUEST_EQ(HV_INVALID_INPUT,
		 HV_STATUS(vtl1_exec(protect_xmm, 13, HV_RWX)));
	check_rights(pages[0], HV_NONE);
}

/* The list stops at the first bad page; what came before is done. */
static u64 partly_bad(u64 flags, u64 start)
{
	struct hv_modify_protection *in = (void *)this_area()->in;

	memset(in, 0, 16);
	in->partition = HV_PARTITION_SELF;
	in->flags = flags;
	in->gfn[0] = (uintptr_t)pages[0] / PAGE_SIZE;
	in->gfn[1] = (uintptr_t)pages[1] / PAGE_SIZE;
	in->gfn[2] = GUEST_MMIO / PAGE_SIZE;
	in->gfn[3] = (uintptr_t)pages[3] / PAGE_SIZE;
	return hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(4) |
			   HV_REP_START(start), in, NULL);
}

GUEST_TEST(protect, partial_success)
{
	u32 i;

	for (i = 0; i < 4; i++)
		fill(pages[i]);
	vsm_init();
	not_memory(vtl1_exec(partly_bad, HV_NONE, 0), 2);
	check_rights(pages[0], HV_NONE);
	check_rights(pages[1], HV_NONE);
	check_rights(pages[3], HV_RWX);
	/* from the second on */
	not_memory(vtl1_exec(partly_bad, HV_RWX, 1), 2);
	check_rights(pages[0], HV_NONE);
	check_rights(pages[1], HV_RWX);
	GUEST_EQ(HV_REPS(4), vtl1_exec(partly_bad, HV_R, 3));
	check_rights(pages[3], HV_R);
}

/* --- 2M areas ------------------------------------------------------------ */

#define BIG_PAGE(n)	((u8 *)GUEST_BIG + (n) * PAGE_SIZE)

/* Touches everything, so that the area is mapped as large as may be. */
static void touch_big(void)
{
	u32 i;

	for (i = 0; i < 1024; i += 64)
		fill(BIG_PAGE(i));
}

BIG_GUEST_TEST(protect, one_page_of_2m)
{
	touch_big();
	fill(BIG_PAGE(5));
	vsm_init();
	vtl1_close(BIG_PAGE(5), 1, HV_NONE);
	check_rights(BIG_PAGE(0), HV_RWX);
	check_rights(BIG_PAGE(64), HV_RWX);
	check_rights(BIG_PAGE(5), HV_NONE);
	check_rights(BIG_PAGE(512), HV_RWX);
	vtl1_close(BIG_PAGE(5), 1, HV_RWX);
	check_rights(BIG_PAGE(5), HV_RWX);
	check_rights(BIG_PAGE(0), HV_RWX);
}

/* One call for two areas of 2 MiB, both mapped by small pages, in turns */
BIG_GUEST_TEST(protect, two_areas)
{
	static const u16 order[] = { 5, 517, 7, 519 };
	u32 i;

	touch_big();
	vsm_init();
	vtl1_close(BIG_PAGE(1), 1, HV_R);
	vtl1_close(BIG_PAGE(513), 1, HV_R);
	for (i = 0; i < ARRAY_LEN(order); i++) {
		fill(BIG_PAGE(order[i]));
		check_rights(BIG_PAGE(order[i]), HV_RWX);
		list[i] = BIG_PAGE(order[i]);
	}
	GUEST_EQ(HV_REPS(4), vtl1_exec(protect_list, 4, HV_NONE));
	for (i = 0; i < ARRAY_LEN(order); i++)
		check_rights(BIG_PAGE(order[i]), HV_NONE);
	GUEST_EQ(HV_REPS(4), vtl1_exec(protect_list, 4, HV_RX));
	for (i = 0; i < ARRAY_LEN(order); i++)
		check_rights(BIG_PAGE(order[i]), HV_RX);
	check_rights(BIG_PAGE(64), HV_RWX);
}

static void close_2m(u32 rights)
{
	/* 510 fit into one call. */
	vtl1_close(BIG_PAGE(0), 256, rights);
	vtl1_close(BIG_PAGE(256), 256, rights);
}

static void uniform_2m(u32 rights)
{
	touch_big();
	fill(BIG_PAGE(511));
	vsm_init();
	close_2m(rights);
	check_rights(BIG_PAGE(0), rights);
	check_rights(BIG_PAGE(64), rights);
	check_rights(BIG_PAGE(511), rights);
	check_rights(BIG_PAGE(512), HV_RWX);
	/* A hole in it, and closed again */
	vtl1_close(BIG_PAGE(64), 1, HV_RWX);
	check_rights(BIG_PAGE(64), HV_RWX);
	check_rights(BIG_PAGE(0), rights);
	vtl1_close(BIG_PAGE(64), 1, rights);
	check_rights(BIG_PAGE(64), rights);
	close_2m(HV_RWX);
	check_rights(BIG_PAGE(0), HV_RWX);
	check_rights(BIG_PAGE(511), HV_RWX);
}

BIG_GUEST_TEST(protect, uniform_2m_none) { uniform_2m(HV_NONE); }
BIG_GUEST_TEST(protect, uniform_2m_r) { uniform_2m(HV_R); }
BIG_GUEST_TEST(protect, uniform_2m_rw) { uniform_2m(HV_RW); }
BIG_GUEST_TEST(protect, uniform_2m_rx) { uniform_2m(HV_RX); }

/*
 * Experiment A5: KVM splits a large mapping when it logs writes, and must not
 * give back what was taken from it.
 */
static u32 logged_rights;

static void logged_guest(void)
{
	u32 rights = logged_rights;

	touch_big();
	fill(BIG_PAGE(1));
	vsm_init();
	close_2m(rights);
	check_rights(BIG_PAGE(64), rights);
	GUEST_SYNC(1);		/* the host begins to log */
	check_rights(BIG_PAGE(64), rights);
	check_rights(BIG_PAGE(1), rights);
	if (rights & HV_W)	/* a write splits what is left */
		*(volatile u64 *)BIG_PAGE(128) = 1;
	check_rights(BIG_PAGE(1), rights);
	check_rights(BIG_PAGE(64), rights);
	GUEST_SYNC(2);		/* and ends it */
	check_rights(BIG_PAGE(64), rights);
	close_2m(HV_RWX);
	check_rights(BIG_PAGE(64), HV_RWX);
}

static void log_big(struct __test_metadata *_metadata, u32 rights)
{
	struct vm *vm;

	logged_rights = rights;
	vm = VTL_VM(.big_area = true, .entry = logged_guest);
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, KVM_MEM_LOG_DIRTY_PAGES));
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 vm->big, 0));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(protect, logging_over_no_execute) { log_big(_metadata, HV_RW); }
TEST_F(protect, logging_over_no_write) { log_big(_metadata, HV_RX); }
TEST_F(protect, logging_over_no_access) { log_big(_metadata, HV_NONE); }

/* The same with the mitigation that makes split pages executable again */
TEST_F(protect, logging_with_nx_huge_pages)
{
	const char *path = "/sys/module/kvm/parameters/nx_huge_pages";
	char before[16];

	snprintf(before, sizeof(before), "%s", read_file(path));
	if (write_file(path, "force"))
		SKIP(return, "nx_huge_pages cannot be set");
	log_big(_metadata, HV_RW);
	write_file(path, before);
}

/* --- default mask, memory slots ------------------------------------------ */

/* The program (4 to 8 MiB) stays open. */
static u64 open_program_with(u64 mask, u64 b)
{
	u64 p;

	hv_set_reg(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
		   HV_CONFIG_ENABLE_PROTECTION | HV_CONFIG_DEFAULT(mask));
	for (p = 0x400000; p < GUEST_IMAGE_END; p += 256 * PAGE_SIZE)
		GUEST_EQ(HV_REPS(256), hv_protect(p, 256, HV_RWX));
	if (b)
		GUEST_EQ(HV_REPS(1), hv_protect(b, 1, HV_RX));
	return 0;
}

/* With default RW nothing is executable for VTL0 that VTL1 did not open. */
BIG_GUEST_TEST(protect, default_mask)
{
	touch_big();
	vtl1[0].no_protection = true;
	vsm_init();
	vtl1_exec(open_program_with, HV_RW, (uintptr_t)BIG_PAGE(64));
	check_rights(BIG_PAGE(0), HV_RW);
	check_rights(BIG_PAGE(512), HV_RW);
	check_rights(BIG_PAGE(64), HV_RX);
	vtl1_close(BIG_PAGE(0), 1, HV_RWX);
	check_rights(BIG_PAGE(0), HV_RWX);
}

/*
 * With nothing executable but code, as HVCI has it, KVM can still emulate what
 * it must: its walks through page tables are no fetches.
 */
static void device_guest(void)
{
	volatile u64 *device = (void *)GUEST_MMIO;

	vtl1[0].no_protection = true;
	vsm_init();
	vtl1_exec(open_program_with, HV_RW, 0);
	device[0] = 1;
	GUEST_EQ(0x77, device[1]);
	outb(0x333, 1);
	GUEST_EQ(0x77, inb(0x333));
	apic_write(APIC_TPR, 0x20);
	GUEST_EQ(0x20, apic_read(APIC_TPR));
	GUEST_EQ(0, vtl1[0].messages);
}

static int serve_device(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO)
		run->mmio.data[0] = 0x77;
	else if (run->exit_reason == KVM_EXIT_IO)
		*((u8 *)run + run->io.data_offset) = 0x77;
	else
		return -1;
	return 0;
}

TEST_F(protect, emulation_without_execute)
{
	struct vm *vm = VTL_VM(.entry = device_guest);

	vm->vcpu[0].on_exit = serve_device;
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

static void slot_guest(void)
{
	fill(BIG_PAGE(3));
	fill(BIG_PAGE(4));
	vsm_init();
	vtl1_close(BIG_PAGE(3), 1, HV_NONE);
	check_rights(BIG_PAGE(3), HV_NONE);
	GUEST_SYNC(1);		/* the slot goes and comes back */
	check_rights(BIG_PAGE(3), HV_NONE);
	check_rights(BIG_PAGE(4), HV_RWX);
	GUEST_EQ(SECRET, vtl1_exec(read_in_vtl1, (uintptr_t)BIG_PAGE(3) + 8,
				   0));
}

/*
 * Taking memory away over protected pages is refused, or the protection
 * outlives it; an open page in its place is neither.
 */
TEST_F(protect, slot_is_replaced)
{
	struct vm *vm = VTL_VM(.big_area = true, .entry = slot_guest);
	int ret;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ret = vm_set_slot(vm, SLOT_BIG, GUEST_BIG, 0, vm->big, 0);
	if (!ret)
		ret = vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				  vm->big, 0);
	ASSERT_EQ(0, ret) {
		TH_LOG("replacing the slot: %s", strerror(errno));
	}
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* Away and back again: rights belong to guest frames, not to slots. */
static void move_guest(void)
{
	u32 i;

	fill(BIG_PAGE(3));
	vsm_init();
	vtl1_close(BIG_PAGE(3), 1, HV_R);
	for (i = 0; i < 3; i++) {
		GUEST_SYNC(i);
		check_denied(probe_write(BIG_PAGE(3), 1), HV_ACCESS_WRITE);
		GUEST_NO_TRAP(probe_read(BIG_PAGE(3), NULL));
		vtl1_close(BIG_PAGE(3), 1, HV_RWX);
		GUEST_NO_TRAP(probe_write(BIG_PAGE(3), 1));
		vtl1_close(BIG_PAGE(3), 1, HV_R);
	}
}

TEST_F(protect, slot_is_moved)
{
	struct vm *vm = VTL_VM(.big_area = true, .entry = move_guest);
	u32 i;

	for (i = 0; i < 3; i++) {
		EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
		ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, 0x80000000,
					 GUEST_BIG_SIZE, vm->big, 0));
		ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG,
					 GUEST_BIG_SIZE, vm->big, 0));
	}
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- other processors ---------------------------------------------------- */

/* Of all VMs; counted when no processor has to be told, too. */
#define FLUSHES "/sys/kernel/debug/kvm/remote_tlb_flush_requests"

static void flush_guest(void)
{
	static const u32 rights[] = { HV_R, HV_NONE, HV_RX, HV_RW };
	u32 i;

	vsm_init();
	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		fill(BIG_PAGE(3));
		GUEST_SYNC(0);
		vtl1_close(BIG_PAGE(3), 3, rights[i]);
		GUEST_SYNC(1);
		vtl1_close(BIG_PAGE(3), 3, HV_RWX);
	}
}

/* What they have in their TLBs is not good any more: once for all pages. */
TEST_F(protect, flushes_once)
{
	struct vm *vm = VTL_VM(.big_area = true, .entry = flush_guest);
	struct vcpu *vcpu = &vm->vcpu[0];
	u64 before;

	while (vcpu_run(vcpu) == UCALL_SYNC) {
		before = strtoull(read_file(FLUSHES), NULL, 10);
		ASSERT_EQ(UCALL_SYNC, vcpu_run(vcpu)) {
			TH_LOG("%s", vcpu->error);
		}
		EXPECT_EQ(before + 1, strtoull(read_file(FLUSHES), NULL, 10));
	}
	EXPECT_EQ(UCALL_DONE, vcpu->ucall.cmd) {
		TH_LOG("%s", vcpu->error);
	}
	vm_destroy(vm);
}

/* --- the memory under an assist page is replaced ------------------------- */

static u64 place_assist(u64 page, u64 b)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, page | HV_MSR_ENABLE);
	return 0;
}

static void assist_guest(void)
{
	volatile struct hv_assist *assist = (void *)BIG_PAGE(3);
	u32 i;

	vsm_init();
	vtl1_exec(place_assist, (uintptr_t)assist, 0);
	for (i = 0; i < 2; i++) {
		assist->entry_reason = 0;
		vtl_call();
		GUEST_EQ(HV_ENTRY_CALL, assist->entry_reason);
		GUEST_SYNC(i);
	}
}

/* What an entry writes goes to the memory that is there now. */
TEST_F(protect, assist_memory_is_replaced)
{
	struct vm *vm = VTL_VM(.big_area = true, .entry = assist_guest);
	void *other = mmap(NULL, GUEST_BIG_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, other);
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, 0, vm->big, 0));
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE,
				 other, 0));
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	vm_destroy(vm);
	munmap(other, GUEST_BIG_SIZE);
}

/* Memory that comes later begins open, and can be closed. */
static void hotplug_guest(void)
{
	vsm_init();
	vtl1_close(BIG_PAGE(0), 1, HV_NONE);
	GUEST_SYNC(1);		/* memory comes */
	GUEST_NO_TRAP(probe_write((void *)(GUEST_BIG + GUEST_BIG_SIZE), 1));
	vtl1_close((void *)(GUEST_BIG + GUEST_BIG_SIZE), 1, HV_NONE);
	check_denied(probe_write((void *)(GUEST_BIG + GUEST_BIG_SIZE), 1),
		     HV_ACCESS_WRITE);
	check_denied(probe_write(BIG_PAGE(0), 1), HV_ACCESS_WRITE);
}

TEST_F(protect, memory_added_later)
{
	struct vm *vm = VTL_VM(.big_area = true, .entry = hotplug_guest);
	void *more;

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	more = mmap(NULL, 0x100000, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, vm_set_slot(vm, SLOT_FREE, GUEST_BIG + GUEST_BIG_SIZE,
				 0x100000, more, 0));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- another VP ---------------------------------------------------------- */

static u32 stage;

static u64 enable_vp(u64 vp, u64 b)
{
	return vsm_enable_vp(vp);
}

/* VP 1 writes as fast as it can.  Its VTL1 lets it try again and again. */
static void writer(void)
{
	u64 i = 0;

	hv_init();
	GUEST_WAIT(READ_ONCE(stage) == 1);
	vtl1[1].policy = vtl1_ignore;
	vtl_call();
	while (READ_ONCE(stage) < 3) {
		WRITE_ONCE(*(u64 *)(pages[1] + 8), ++i);
		if (i == 1)
			WRITE_ONCE(stage, 2);
		guest_relax(i);
	}
}

static void two_vps_guest(void)
{
	volatile u64 *p = (void *)(pages[1] + 8);
	u32 a, b, c, d;
	u64 seen, i;

	if (this_cpu()->vp) {
		writer();
		return;
	}
	vsm_init();
	GUEST_EQ(HV_SUCCESS, vtl1_exec(enable_vp, 1, 0));
	WRITE_ONCE(stage, 1);
	GUEST_WAIT(READ_ONCE(stage) == 2);
	vtl1_close(pages[1], 1, HV_R);
	/* When the call has returned no write can be under way. */
	seen = *p;
	for (i = 0; i < 1000; i++) {
		/* An exit: PAUSE ends the turn of an emulated processor. */
		cpuid(0, 0, &a, &b, &c, &d);
		GUEST_EQ(seen, *p);
	}
	GUEST_WAIT(READ_ONCE(vtl1[1].messages));
	GUEST_EQ(seen, *p);
	vtl1_close(pages[1], 1, HV_RWX);
	GUEST_WAIT(*p != seen);
	WRITE_ONCE(stage, 3);
}

TEST_F(protect, other_vp)
{
	struct vm *vm = VTL_VM(.entry = two_vps_guest, .vcpus = 2);

	RUN_VPS(vm);
	vm_destroy(vm);
}

/* --- traced -------------------------------------------------------------- */

static void traced_guest(void)
{
	fill(pages[1]);
	vsm_init();
	GUEST_SYNC(0);
	vtl1_close(pages[1], 1, HV_NONE);
	check_denied(probe_read(pages[1], NULL), HV_ACCESS_READ);
}

TEST_F(protect, traced)
{
	struct vm *vm = VTL_VM(.entry = traced_guest);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	ASSERT_EQ(0, trace_start());
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	trace_stop();
	EXPECT_EQ(1, trace_count("kvm_vtl_protect", NULL));
	EXPECT_EQ(1, trace_count("kvm_vtl_fault", NULL));
	EXPECT_EQ(1, trace_count("kvm_vtl_intercept", NULL));
	if (_metadata->exit_code)
		trace_dump();
	vm_destroy(vm);
}

/* --- CheckSparseGpaPageVtlAccess ----------------------------------------- */

static u64 check_header[2];
static u64 check_pages[3], check_result[3];

static u64 check(u64 pages, u64 b)
{
	struct guest_area *area = this_area();
	u64 result;

	memset(area->out, 0xee, sizeof(check_result));
	memcpy(area->in, check_header, 16);
	memcpy(area->in + 16, check_pages, sizeof(check_pages));
	result = hv_call_mem(HV_CHECK_ACCESS | HV_REPS(pages), area->in,
			     area->out);
	memcpy(check_result, area->out, sizeof(check_result));
	return result;
}

static void prepare_check(u32 input_vtl, u32 access)
{
	check_header[0] = HV_PARTITION_SELF;
	check_header[1] = input_vtl | access << 8;
}

#define DENIED_BY_VTL1(access) (1ULL | (u64)(access) << 8 | 1ULL << 16)

GUEST_TEST(protect, check_access)
{
	u32 i;

	vsm_init();
	vtl1_close(pages[1], 1, HV_R);
	vtl1_close(pages[2], 1, HV_NONE);
	for (i = 0; i < 3; i++)
		check_pages[i] = (uintptr_t)pages[i] / PAGE_SIZE;

	prepare_check(HV_INPUT_VTL(0), HV_R | HV_W);
	GUEST_EQ(HV_REPS(3), vtl1_exec(check, 3, 0));
	GUEST_EQ(0, check_result[0]);
	GUEST_EQ(DENIED_BY_VTL1(HV_W), check_result[1]);
	GUEST_EQ(DENIED_BY_VTL1(HV_R | HV_W), check_result[2]);
	/* VTL0 may ask about itself. */
	prepare_check(HV_OWN_VTL, HV_R);
	GUEST_EQ(HV_REPS(3), check(3, 0));
	GUEST_EQ(0, check_result[1]);
	GUEST_EQ(DENIED_BY_VTL1(HV_R), check_result[2]);
	/* Nothing is denied to VTL1, */
	GUEST_EQ(HV_REPS(3), vtl1_exec(check, 3, 0));
	GUEST_EQ(0, check_result[2]);
	/* and nobody was stopped. */
	GUEST_EQ(0, vtl1[0].messages);
}

GUEST_TEST(protect, check_access_errors)
{
	vsm_init();
	check_pages[0] = (uintptr_t)pages[0] / PAGE_SIZE;
	check_pages[1] = 1ULL << 40;
	prepare_check(HV_INPUT_VTL(1), HV_R);
	GUEST_EQ(HV_ACCESS_DENIED, check(1, 0));
	prepare_check(0x20, HV_R);
	GUEST_EQ(HV_INVALID_PARAMETER, check(1, 0));
	prepare_check(0, 0x10);
	GUEST_EQ(HV_INVALID_PARAMETER, check(1, 0));
	prepare_check(0, HV_R);
	check_header[1] |= BIT(16);
	GUEST_EQ(HV_INVALID_PARAMETER, check(1, 0));
	prepare_check(0, HV_R);
	check_header[0] = 5;
	GUEST_EQ(HV_INVALID_PARTITION_ID, check(1, 0));
	prepare_check(0, HV_R);
	GUEST_EQ(HV_OPERATION_DENIED | HV_REPS(1), check(2, 0));
}

TEST_HARNESS_MAIN
