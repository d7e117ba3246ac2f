// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - what a VM with one VP costs until it runs, with and without VTLs
 * that it never enables.
 */
#include "bench.h"

static void measure(enum bench_row row, const struct vm_options *options)
{
	u64 start;
	u32 i;

	for (i = 0; i < 6; i++) {
		start = rdtsc();
		vm_destroy(bench_vm(options));
		if (i)
			record(row, rdtsc() - start, 1);
	}
}

/* The hooks are in: another partition keeps them. */
void bench_create(void)
{
	struct vm_options plain = { .device = KVM_DEVICE };
	struct vm_options vtl1 = { .max_vtl = 1 }, vtl2 = { .max_vtl = 2 };
	struct vm *vm = bench_vm(&vtl1);

	measure(ROW_CREATE, &plain);
	measure(ROW_CREATE_VTL1, &vtl1);
	measure(ROW_CREATE_VTL2, &vtl2);
	vm_destroy(vm);
}
