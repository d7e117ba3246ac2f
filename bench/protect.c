// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - protecting pages, and what a restricted guest costs in memory.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "bench.h"

#define AREA_PAGES		1024
#define MAX_LIST		510	/* pages of one hypercall */

/*
 * What the guest shall do: map the whole area for VTL0, then change the rights
 * of count pages from the area's first one on.
 */
struct command {
	u64 count;
	u64 stride;		/* the next page, modulo modulus */
	u64 modulus;
	u32 flags;
	bool unmapped;		/* do not map it */
};

static struct command command;
static struct hv_modify_protection lists[2] __page;

/* Pages that go into list number i of the command */
static u64 list_length(u64 i)
{
	u64 left = command.count - i * MAX_LIST;

	return left < MAX_LIST ? left : MAX_LIST;
}

static u64 nr_lists(void)
{
	return (command.count + MAX_LIST - 1) / MAX_LIST;
}

/* Begins with the entry number "first" of the pages of the command. */
static void fill_list(struct hv_modify_protection *list, u64 first, u64 count)
{
	u64 i;

	list->partition = HV_PARTITION_SELF;
	list->flags = command.flags;
	for (i = 0; i < count; i++)
		list->gfn[i] = BENCH_AREA / PAGE_SIZE +
			       (first + i) * command.stride % command.modulus;
}

static void modify(struct hv_modify_protection *list, u64 count)
{
	u64 result = hv_call_mem(HV_MODIFY_PROTECTION | HV_REPS(count), list,
				 NULL);

	GUEST_EQ(HV_REPS(count), result);
}

/* In VTL1: only the hypercalls are measured. */
static u64 run_command(u64 a, u64 b)
{
	u64 i, start;

	for (i = 0; i < nr_lists(); i++)
		fill_list(&lists[i], i * MAX_LIST, list_length(i));
	start = rdtsc();
	for (i = 0; i < nr_lists(); i++)
		modify(&lists[i], list_length(i));
	return rdtsc() - start;
}

static void touch_area(void)
{
	u8 *p = (u8 *)BENCH_AREA;
	u64 i;

	for (i = 0; i < AREA_PAGES; i++)
		READ_ONCE(p[i * PAGE_SIZE]);
}

static void guest_protect(void)
{
	vsm_init();
	for (;;) {
		GUEST_SYNC(0);
		if (!READ_ONCE(command.unmapped))
			touch_area();
		GUEST_SYNC(0);
		GUEST_SYNC(vtl1_exec(run_command, 0, 0));
	}
}

#define FLUSHES "/sys/kernel/debug/kvm/remote_tlb_flush_requests"

/* Sum over all virtual machines; those that found no VP running count, too. */
static u64 remote_flushes(void)
{
	return strtoull(read_file(FLUSHES), NULL, 10);
}

/* Ticks of the hypercalls; *flushes is what they caused. */
static u64 do_command(struct vm *vm, const struct command *c, u64 *flushes)
{
	u64 before, ticks;

	vm_var(vm, command) = *c;
	run_to_report(&vm->vcpu[0]);
	before = remote_flushes();
	run_to_report(&vm->vcpu[0]);
	ticks = vm->vcpu[0].ucall.args[0];
	*flushes = remote_flushes() - before;
	run_to_report(&vm->vcpu[0]);
	return ticks;
}

/*
 * Read-only and back, all pages being mapped for VTL0 before either, unless the
 * command says otherwise
 */
static void measure(struct vm *vm, enum bench_row protect,
		    enum bench_row unprotect, enum bench_row flush_row,
		    struct command c)
{
	u64 ticks, flushes;
	u32 i;

	for (i = 0; i <= SAMPLES / 3; i++) {
		c.flags = HV_R;
		ticks = do_command(vm, &c, &flushes);
		if (i && flush_row != NR_ROWS)
			record(flush_row, flushes, 1);
		if (i)
			record(protect, ticks, c.count);
		c.flags = HV_RWX;
		ticks = do_command(vm, &c, &flushes);
		if (i && unprotect != NR_ROWS)
			record(unprotect, ticks, c.count);
	}
}

void bench_protect(void)
{
	static const struct command one = {
		.count = 1, .stride = 1, .modulus = AREA_PAGES,
	}, contiguous = {
		.count = 512, .stride = 1, .modulus = AREA_PAGES,
	}, unmapped = {
		.count = 512, .stride = 1, .modulus = AREA_PAGES,
		.unmapped = true,
	}, scattered = {
		/* every second page, in no order */
		.count = 512, .stride = 74, .modulus = AREA_PAGES,
	};
	struct vm_options options = { .max_vtl = 1, .entry = guest_protect };
	struct vm *vm = bench_vm(&options);

	bench_slot(vm, BENCH_AREA, AREA_PAGES * PAGE_SIZE, true);
	run_to_report(&vm->vcpu[0]);
	measure(vm, ROW_PROTECT_1, ROW_UNPROTECT_1, ROW_FLUSHES_1, one);
	measure(vm, ROW_PROTECT_512, ROW_UNPROTECT_512, ROW_FLUSHES_512,
		contiguous);
	measure(vm, ROW_PROTECT_UNMAPPED, NR_ROWS, NR_ROWS, unmapped);
	measure(vm, ROW_PROTECT_SCATTERED, ROW_UNPROTECT_SCATTERED, NR_ROWS,
		scattered);
	vm_destroy(vm);
}

/* --- huge pages ---------------------------------------------------------- */

#define HUGE			0x200000UL
#define HUGE_PAGES		16

/* In VTL1: the rights of one page of every second huge one */
static u64 change_some(u64 flags, u64 b)
{
	u64 i;

	lists[0].partition = HV_PARTITION_SELF;
	lists[0].flags = flags;
	for (i = 0; i < HUGE_PAGES / 2; i++)
		lists[0].gfn[i] = (BENCH_AREA + 2 * i * HUGE) / PAGE_SIZE + 7;
	modify(&lists[0], HUGE_PAGES / 2);
	return 0;
}

static void touch_huge(void)
{
	u64 at;

	for (at = 0; at < HUGE_PAGES * HUGE; at += PAGE_SIZE)
		READ_ONCE(*(u8 *)(BENCH_AREA + at));
	GUEST_SYNC(0);
}

static void guest_huge(void)
{
	vsm_init();
	GUEST_SYNC(0);
	touch_huge();
	vtl1_exec(change_some, HV_R, 0);
	touch_huge();
	vtl1_exec(change_some, HV_RWX, 0);
	touch_huge();
}

/* Of all VMs: VTL0 and VTL1, both with little else */
static u64 huge_pages(void)
{
	return strtoull(read_file("/sys/kernel/debug/kvm/pages_2m"), NULL, 10);
}

void bench_huge(void)
{
	struct vm_options options = { .max_vtl = 1, .entry = guest_huge };
	struct vm *vm = bench_vm(&options);
	u8 *area = mmap(NULL, (HUGE_PAGES + 1) * HUGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	enum bench_row row;
	u64 other;

	if (area == MAP_FAILED)
		die("no memory");
	area = (u8 *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	madvise(area, HUGE_PAGES * HUGE, MADV_HUGEPAGE);
	memset(area, 0x5a, HUGE_PAGES * HUGE);
	if (vm_set_slot(vm, SLOT_FREE, BENCH_AREA, HUGE_PAGES * HUGE, area, 0))
		die("memory slot");
	run_to_report(&vm->vcpu[0]);
	other = huge_pages();
	for (row = ROW_HUGE_BEFORE; row <= ROW_HUGE_AFTER; row++) {
		run_to_report(&vm->vcpu[0]);
		record(row, 100 * (huge_pages() - other), HUGE_PAGES);
	}
	vm_destroy(vm);
}

/* --- memory -------------------------------------------------------------- */

#define GIB			0x40000000UL
#define GIB_PAGES		(GIB / PAGE_SIZE)

/* Every page restricted, no two neighbours alike */
static u64 restrict_gib(u64 a, u64 b)
{
	u64 start = rdtsc(), pass, i, n, first, half = GIB_PAGES / 2;

	for (pass = 0; pass < 2; pass++) {
		lists[0].partition = HV_PARTITION_SELF;
		lists[0].flags = pass ? HV_R : HV_RX;
		for (first = 0; first < half; first += n) {
			n = half - first < MAX_LIST ? half - first : MAX_LIST;
			for (i = 0; i < n; i++)
				lists[0].gfn[i] = BENCH_AREA / PAGE_SIZE +
						  2 * (first + i) + pass;
			modify(&lists[0], n);
		}
	}
	return rdtsc() - start;
}

static void guest_memory(void)
{
	vsm_init();
	GUEST_SYNC(0);
	GUEST_SYNC(vtl1_exec(restrict_gib, 0, 0));
	GUEST_DONE();
}

/*
 * The caches from which a store can come; the rest of the kernel lives its own
 * life meanwhile.
 */
static bool counts(const char *cache)
{
	return !strncmp(cache, "kmalloc-", 8) ||
	       !strcmp(cache, "radix_tree_node");
}

/* Objects kept free per CPU count as used; this gives them back. */
static void shrink_caches(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (!counts(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink",
			 entry->d_name);
		write_file(path, "1");
	}
	if (dir)
		closedir(dir);
}

static u64 slab_bytes(void)
{
	u64 bytes = 0, active, count, size;
	char name[64], line[512];
	FILE *f;

	shrink_caches();
	f = fopen("/proc/slabinfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lu %lu %lu", name, &active, &count,
			   &size) == 4 && counts(name))
			bytes += active * size;
	if (f)
		fclose(f);
	return bytes;
}

/* No host memory stands behind the GiB: hypercalls only name its pages. */
void bench_memory(void)
{
	struct vm_options options = { .max_vtl = 1, .entry = guest_memory };
	struct vm *vm = bench_vm(&options);
	u64 slab, slab_after, before;

	bench_slot(vm, BENCH_AREA, GIB, false);
	run_to_report(&vm->vcpu[0]);
	slab = slab_bytes();
	before = remote_flushes();
	run_to_report(&vm->vcpu[0]);
	slab_after = slab_bytes();
	printf("# 1 GiB restricted: %lu hypercalls, %lu remote flushes\n",
	       (GIB_PAGES + MAX_LIST - 1) / MAX_LIST,
	       remote_flushes() - before);
	record(ROW_RESTRICT_GIB, vm->vcpu[0].ucall.args[0], GIB_PAGES);
	record(ROW_MEMORY, slab_after > slab ? slab_after - slab : 0, 1024);
	vm_destroy(vm);
}
