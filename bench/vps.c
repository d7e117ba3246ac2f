// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - several VPs that switch at once.
 *
 * By a clock that counts the instructions of all processors.
 */
#include <string.h>
#include "bench.h"

#define ROUNDS			300

static u64 began, ended[GUEST_MAX_VPS];
static u32 nr_vps, ready, enabled;

static void switch_all(u32 vp)
{
	u32 i;

	for (i = 0; i < ROUNDS; i++)
		vtl_call();
	ended[vp] = rdtsc();
	GUEST_DONE();
}

/* Another VP, which runs in VTL0 when VTL1 comes to it */
static void join(u32 vp)
{
	GUEST_WAIT(READ_ONCE(enabled));
	bench_init();
	vtl_call();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_WAIT(READ_ONCE(began));
	switch_all(vp);
}

static u64 enable_vps(u64 vps, u64 b)
{
	u32 vp;

	for (vp = 1; vp < vps; vp++)
		GUEST_EQ(HV_SUCCESS, vsm_enable_vp(vp));
	return 0;
}

static void guest_vps(void)
{
	if (this_cpu()->vp)
		join(this_cpu()->vp);
	bench_init_vtl();
	vtl1_exec(enable_vps, nr_vps, 0);
	WRITE_ONCE(enabled, 1);
	GUEST_WAIT(READ_ONCE(ready) == nr_vps - 1);
	WRITE_ONCE(began, rdtsc());
	switch_all(0);
}

static void measure(enum bench_row row, u32 vps)
{
	struct vm_options options = {
		.max_vtl = 1, .entry = guest_vps, .vcpus = vps,
	};
	struct vm *vm = bench_vm(&options);
	u64 last = 0, end;
	u32 i;

	vm_var(vm, nr_vps) = vps;
	if (vm_run(vm) != UCALL_DONE)
		die("%u VPs: %s", vps, vm->vcpu[0].error);
	for (i = 0; i < vps; i++) {
		end = vm_var(vm, ended)[i];
		last = end > last ? end : last;
	}
	record(row, last - vm_var(vm, began), (u64)vps * ROUNDS);
	vm_destroy(vm);
}

void bench_vps(void)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		measure(ROW_VPS_1, 1);
		measure(ROW_VPS_2, 2);
		measure(ROW_VPS_4, 4);
		measure(ROW_VPS_8, 8);
	}
}
