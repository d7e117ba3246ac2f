// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time of check, time of use: VP 1 hammers a page from VTL0 while VTL1 of VP 0
 * closes and opens it, and the VMM and the host do things to the memory
 * beneath.  Once the hypercall that closes the page has returned VTL0 gets
 * nowhere, ever.
 *
 * While the page is closed VTL1 puts something into it that tells: a secret
 * that VTL0 must not read, code that it must not execute, a mark that it must
 * not overwrite.  Before it is opened again at least one try has begun and
 * ended.
 *
 * KVM_VTL_RACE_ROUNDS: rounds of each attack (make race).
 */
#include <linux/mman.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include "vtl_test.h"

#define ROUNDS		100
#define SECRET		0x5ec7e75ec7e70000ULL
#define YIELD_PORT	0x335
#define NOWHERE		0x80000000		/* where a slot is moved to */

#define PAGE		((u8 *)GUEST_BIG + 5 * PAGE_SIZE)
#define WORD		(*(volatile u64 *)(PAGE + 64))	/* secret or mark */
#define CODE		(PAGE + 128)
#define LIST		((struct hv_vp_registers *)(PAGE + 256))

#define PREFIX_PARAMETER "/sys/module/kvm/parameters/force_emulation_prefix"
#define KSM		"/sys/kernel/mm/ksm/"

/* --- VP 1: attacks -------------------------------------------------------- */

static u64 begun, ended, through, leaked;
static u32 ready, finished, what;
static u8 executed;
static u8 prefixed[PAGE_SIZE] __page;
static u8 out[PAGE_SIZE] __page;

static bool is_secret(u64 value)
{
	return (value & ~0xffffULL) == SECRET;
}

static bool try_read(void)
{
	u64 value = 0;

	if (probe_read(&WORD, &value).vector != NO_TRAP)
		return false;
	leaked += is_secret(value);
	return true;
}

static bool try_write(void)
{
	return probe_write(&WORD, begun).vector == NO_TRAP;
}

static bool try_execute(void)
{
	return probe_exec(CODE).vector == NO_TRAP;
}

static bool call(const void *in, void *to)
{
	return hv_try(HV_GET_VP_REGISTERS | HV_REPS(1), (uintptr_t)in,
		      (uintptr_t)to).vector == NO_TRAP;
}

static void list(struct hv_vp_registers *in, u32 name)
{
	in->partition = HV_PARTITION_SELF;
	in->vp = HV_VP_SELF;
	in->vtl = 0;
	in->name[0] = name;
}

/* The hypervisor reads the page for VTL0.  VTL1's list asks for its state. */
static bool try_input(void)
{
	volatile u64 *value = (u64 *)out;

	*value = 0;
	if (!call(LIST, out) || !*value)
		return false;
	leaked += *value != 1;		/* VpIndex */
	return true;
}

/* It writes to the page. */
static bool try_output(void)
{
	struct hv_vp_registers *in = (void *)this_area()->in;

	list(in, HV_REG_VP_INDEX);
	return call(in, (void *)&WORD);
}

/* KVM's emulator does: MOVB $0x55, WORD */
static bool try_emulated(void)
{
	return probe_exec(prefixed).vector == NO_TRAP;
}

static void write_prefixed(void)
{
	static const u8 code[] = {
		0x0f, 0x0b, 0x6b, 0x76, 0x6d, 0xc6, 0x04, 0x25, 0, 0, 0, 0,
		0x55, 0xc3,
	};
	u32 to = (uintptr_t)&WORD;

	memcpy(prefixed, code, sizeof(code));
	memcpy(prefixed + 8, &to, sizeof(to));
}

struct attack {
	const char *name;
	u32 rights;		/* what VTL1 leaves */
	bool (*attempt)(void);
	bool executes;
	u32 open;		/* what VTL1 gives back, default all */
};

static const struct attack attacks[] = {
	{ "read", HV_NONE, try_read },
	{ "write", HV_R, try_write },
	{ "execute", HV_RW, try_execute, .executes = true },
	/* What gets one right loses another one. */
	{ "execute what was data", HV_RW, try_execute, .executes = true,
	  .open = HV_RX },
	{ "hypercall input", HV_NONE, try_input },
	{ "hypercall output", HV_R, try_output },
	{ "emulated write", HV_R, try_emulated },
};

/* Processors may be few: the thread of the other VP gets a turn. */
static void let_run(void)
{
	cpu_pause();
	outb(YIELD_PORT, 0);
}

static void attacker(void)
{
	u32 i = 0;

	hv_init();
	write_prefixed();
	WRITE_ONCE(ready, 1);
	GUEST_WAIT(READ_ONCE(ready) == 2);
	while (!READ_ONCE(finished)) {
		WRITE_ONCE(begun, begun + 1);
		through += attacks[READ_ONCE(what)].attempt();
		WRITE_ONCE(ended, ended + 1);
		if (!(++i % 8))
			let_run();
	}
}

/* --- VP 0: VTL1 ----------------------------------------------------------- */

/* What reads as what when the memory is gone for a moment */
static u64 rounds, checked;
static bool discards, slots;

static void await_attempt(void)
{
	u64 from = READ_ONCE(begun);
	u64 loops;

	for (loops = 0; READ_ONCE(ended) <= from; loops++) {
		let_run();
		if (loops > 10 * 1000 * 1000)
			GUEST_FAIL("VP 1 does not run", 0);
	}
}

/* While there is no memory there are no rights, either. */
static void protect(u32 rights)
{
	while (hv_protect((uintptr_t)PAGE, 1, rights) != HV_REPS(1)) {
		GUEST_ASSERT(slots);
		let_run();
	}
}

/* RET; or, before it, MOVB $1, executed */
static void write_code(bool tells)
{
	static const u8 code[] = { 0xc6, 0x04, 0x25, 0, 0, 0, 0, 1, 0xc3 };
	volatile u8 *p = CODE;
	u32 to = (uintptr_t)&executed;
	u32 i;

	for (i = sizeof(code); i--; )
		p[i] = i >= 3 && i < 7 ? to >> (i - 3) * 8 : code[i];
	if (!tells)
		p[0] = 0xc3;
}

static bool intact(u64 mark)
{
	u64 value = WORD;

	return value == mark || (discards && !value) ||
	       (slots && value == ~0ULL);
}

static void one_round(const struct attack *a, u64 nr)
{
	u64 mark = SECRET | (nr & 0xffff);
	u64 kept;

	await_attempt();
	protect(a->rights);
	if (a->executes)
		write_code(true);
	list(LIST, HV_REG_VSM_VP_STATUS);
	WORD = mark;
	/* It may have been written to nowhere. */
	kept = WORD;
	if (kept == mark) {
		await_attempt();
		GUEST_ASSERT(intact(mark));
		checked++;
	}
	GUEST_EQ(0, READ_ONCE(leaked));
	GUEST_EQ(0, READ_ONCE(executed));
	/* Nothing that tells is left, also when the memory was away. */
	do {
		WORD = 0;
		list(LIST, HV_REG_VP_INDEX);
	} while (WORD || ((volatile struct hv_vp_registers *)LIST)->name[0] !=
			 HV_REG_VP_INDEX);
	if (a->executes)
		write_code(false);
	protect(a->open ?: HV_RWX);
}

static u64 all_rounds(u64 a, u64 b)
{
	u64 i;

	for (i = 0; i < rounds; i++)
		one_round(&attacks[a], i);
	return 0;
}

static void owner(void)
{
	vsm_init();
	list(LIST, HV_REG_VP_INDEX);
	write_code(false);
	GUEST_WAIT(READ_ONCE(ready) == 1);
	WRITE_ONCE(ready, 2);
	vtl1_exec(all_rounds, what, 0);
	WRITE_ONCE(finished, 1);
}

static void guest(void)
{
	if (this_cpu()->vp)
		attacker();
	else
		owner();
}

/* --- the host: what it does to the memory --------------------------------- */

struct race {
	struct vm *vm;
	int (*disturb)(struct race *race);
	bool done;
	u64 times;
	int error;
};

static int set_slot(struct race *race, u64 gpa, u64 size, u32 flags)
{
	return vm_set_slot(race->vm, SLOT_BIG, gpa, size, race->vm->big, flags);
}

static int log_dirty(struct race *race)
{
	u64 bits[GUEST_BIG_SIZE / PAGE_SIZE / 64];
	struct kvm_dirty_log log = { .slot = SLOT_BIG, .dirty_bitmap = bits };

	return set_slot(race, GUEST_BIG, GUEST_BIG_SIZE,
			KVM_MEM_LOG_DIRTY_PAGES) ?:
	       ioctl(race->vm->fd, KVM_GET_DIRTY_LOG, &log) ?:
	       ioctl(race->vm->fd, KVM_GET_DIRTY_LOG, &log) ?:
	       set_slot(race, GUEST_BIG, GUEST_BIG_SIZE, 0);
}

static int replace_slot(struct race *race)
{
	return set_slot(race, GUEST_BIG, 0, 0) ?:
	       set_slot(race, GUEST_BIG, GUEST_BIG_SIZE, 0);
}

static int move_slot(struct race *race)
{
	return set_slot(race, NOWHERE, GUEST_BIG_SIZE, 0) ?:
	       set_slot(race, GUEST_BIG, GUEST_BIG_SIZE, 0);
}

/* Part of it gets other rights for a moment; then it is one huge page again. */
static int split_and_collapse(struct race *race)
{
	u8 *p = race->vm->big;
	int ret;

	ret = mprotect(p + 8 * PAGE_SIZE, PAGE_SIZE, PROT_READ) ?:
	      mprotect(p + 8 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE);
	madvise(p, GUEST_BIG_SIZE, MADV_COLLAPSE);
	return ret;
}

/* Pages wander. */
static int compact(struct race *race)
{
	return write_file("/proc/sys/vm/compact_memory", "1");
}

static int discard(struct race *race)
{
	return madvise(race->vm->big, GUEST_BIG_SIZE, MADV_DONTNEED);
}

static int page_out(struct race *race)
{
	return madvise(race->vm->big, GUEST_BIG_SIZE, MADV_PAGEOUT);
}

/* KSM's thread makes pages read-only and one of them all the time. */
static int merge(struct race *race)
{
	return madvise(race->vm->big, GUEST_BIG_SIZE, MADV_MERGEABLE);
}

static void *disturber(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->done, __ATOMIC_RELAXED)) {
		if (race->disturb(race)) {
			race->error = errno;
			break;
		}
		race->times++;
		/* As it was it stays long enough to be used. */
		usleep(rand() % 2000);
	}
	return NULL;
}

/* Exits that are no reports: a yield; an access to memory that is not there */
static int enter(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int ret;

	for (;;) {
		ret = vcpu_run_once(vcpu);
		if (ret)
			return ret;
		if (run->exit_reason == KVM_EXIT_MMIO)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		else if (run->exit_reason != KVM_EXIT_IO ||
			 run->io.port != YIELD_PORT)
			return 0;
		/* Nobody else tells VP 1. */
		if (vcpu->vm->vcpu[0].error[0])
			vm_var(vcpu->vm, finished) = 1;
		sched_yield();
	}
}

static u64 rounds_wanted(void)
{
	const char *text = getenv("KVM_VTL_RACE_ROUNDS");

	return text ? strtoull(text, NULL, 0) : ROUNDS;
}

FIXTURE(race)
{
	char prefix[16];
};

FIXTURE_VARIANT(race)
{
	int (*disturb)(struct race *race);
	int (*prepare)(void);
	void (*restore)(void);
	bool discards, slots;
};

/* A swap area in memory: the header is all that the kernel wants to see. */
static int swap_on(void)
{
	static u32 header[PAGE_SIZE / 4];
	int disk = open("/dev/ram0", O_WRONLY | O_CLOEXEC);
	ssize_t done;

	header[256] = 1;				/* version */
	header[257] = 4096 - 1;				/* last page */
	memcpy((u8 *)header + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	done = write(disk, header, sizeof(header));
	close(disk);
	return done == sizeof(header) ? swapon("/dev/ram0", 0) : -1;
}

static void swap_off(void)
{
	swapoff("/dev/ram0");
}

static int ksm_on(void)
{
	return write_file(KSM "sleep_millisecs", "0") ?:
	       write_file(KSM "pages_to_scan", "4096") ?:
	       write_file(KSM "run", "1");
}

static void ksm_off(void)
{
	write_file(KSM "run", "2");
}

#define RACE(name, ...) FIXTURE_VARIANT_ADD(race, name) { __VA_ARGS__ }

RACE(alone, .disturb = NULL);
RACE(dirty_log, .disturb = log_dirty);
RACE(slot_replaced, .disturb = replace_slot, .slots = true);
RACE(slot_moved, .disturb = move_slot, .slots = true);
RACE(huge_pages, .disturb = split_and_collapse);
RACE(compaction, .disturb = compact);
RACE(discarded, .disturb = discard, .discards = true);
RACE(swapped, .disturb = page_out, .prepare = swap_on, .restore = swap_off);
RACE(merged, .disturb = merge, .prepare = ksm_on, .restore = ksm_off);

FIXTURE_SETUP(race)
{
	snprintf(self->prefix, sizeof(self->prefix), "%s",
		 read_file(PREFIX_PARAMETER));
	ASSERT_EQ(0, write_file(PREFIX_PARAMETER, "1"));
	if (variant->prepare && variant->prepare())
		SKIP(return, "this kernel cannot");
}

FIXTURE_TEARDOWN(race)
{
	if (variant->restore)
		variant->restore();
	write_file(PREFIX_PARAMETER, self->prefix);
}

static bool is_dead(struct vm *vm)
{
	struct kvm_vtl_partition p = { .size = sizeof(p) };

	return ioctl(vm->fd, KVM_VTL_GET_PARTITION, &p) && errno == EIO;
}

static void run_attack(struct __test_metadata *_metadata, u32 nr,
		       const struct _fixture_variant_race *variant)
{
	struct vm *vm = VTL_VM(.vcpus = 2, .big_area = true, .entry = guest);
	struct race race = { .vm = vm, .disturb = variant->disturb };
	bool done, dead;
	pthread_t thread;

	vm->vcpu[0].enter = vm->vcpu[1].enter = enter;
	vm->vcpu[0].timeout = vm->vcpu[1].timeout = 3600;
	vm_var(vm, what) = nr;
	vm_var(vm, rounds) = rounds_wanted();
	vm_var(vm, discards) = variant->discards;
	vm_var(vm, slots) = variant->slots;
	if (race.disturb)
		ASSERT_EQ(0, pthread_create(&thread, NULL, disturber, &race));
	done = vm_run(vm) == UCALL_DONE;
	dead = !done && is_dead(vm);
	__atomic_store_n(&race.done, true, __ATOMIC_RELAXED);
	if (race.disturb) {
		pthread_join(thread, NULL);
		EXPECT_LT(0, race.times);
	}
	/* A device where memory was and VTL1 closed it: the partition ends. */
	EXPECT_TRUE(done || (dead && variant->slots)) {
		TH_LOG("%s", vm->vcpu[0].error);
		TH_LOG("%s", vm->vcpu[1].error);
	}
	EXPECT_TRUE(dead || !race.error) {
		TH_LOG("disturbing: %s", strerror(race.error));
	}
	EXPECT_EQ(0, vm_var(vm, leaked));
	EXPECT_EQ(0, vm_var(vm, executed));
	/* It works when the page is open, and what it did was looked at. */
	EXPECT_LT(0, vm_var(vm, through));
	EXPECT_LT(0, vm_var(vm, checked));
	TH_LOG("%s: %lu rounds, %lu tries, %lu allowed, %lu disturbances%s",
	       attacks[nr].name, vm_var(vm, checked), vm_var(vm, ended),
	       vm_var(vm, through), race.times, dead ? ", dead" : "");
	vm_destroy(vm);
}

TEST_F_TIMEOUT(race, attacks, 7000)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(attacks); i++)
		/* Code that is not there is no code. */
		if (!attacks[i].executes ||
		    !(variant->slots || variant->discards))
			run_attack(_metadata, i, variant);
}

TEST_HARNESS_MAIN
