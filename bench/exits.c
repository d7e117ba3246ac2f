// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - single exits: of a VM without VTLs, and of one that has them.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "bench.h"

#define MSR_MISC_ENABLE		0x1a0
#define FAULT_PAGES		256
#define FAULT_SIZE		(FAULT_PAGES * PAGE_SIZE)

static u32 sink;

TIMED_LOOP(guest_nothing, asm volatile(""))
TIMED_LOOP(guest_hypercall, raw_hypercall(UNKNOWN_CALL, 0))
TIMED_LOOP(guest_cpuid, cpuid(0, 0, &sink, &sink, &sink, &sink))
TIMED_LOOP(guest_rdmsr, rdmsr(MSR_MISC_ENABLE))
TIMED_LOOP(guest_hv_rdmsr, rdmsr(HV_MSR_VP_INDEX))
TIMED_LOOP(guest_port, outb(BENCH_PORT, 0))
TIMED_LOOP(guest_touch,
	   READ_ONCE(*(u8 *)(BENCH_AREA + i * PAGE_SIZE)))

static void guest_init(void)
{
	bench_init();
	GUEST_SYNC(raw_hypercall(UNKNOWN_CALL, 0));
}

static void guest_init_vtl(void)
{
	bench_init_vtl();
	GUEST_SYNC(raw_hypercall(UNKNOWN_CALL, 0));
}

/* Cost of the loop itself */
static u64 measure_nothing(struct vcpu *vcpu)
{
	u64 n = 10000;

	set_entry(vcpu, guest_nothing);
	sample(vcpu, n);
	return hundredths(sample(vcpu, n), n);
}

static void measure(struct vcpu *vcpu, enum bench_row row, void (*fn)(void),
		    u64 nothing)
{
	u64 n = 100, total, loop = nothing * n / 100;
	u32 i;

	set_entry(vcpu, fn);
	sample(vcpu, n / 10);
	for (i = 0; i < SAMPLES; i++) {
		total = sample(vcpu, n);
		record(row, total > loop ? total - loop : 0, n);
	}
}

/*
 * Violations of EPT or NPT, each of which maps a small page.  KVM forgets the
 * mappings when the slot goes; the host's own stay.
 */
static void measure_faults(struct vm *vm, enum bench_row row)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	void *area = bench_slot(vm, BENCH_AREA, FAULT_SIZE, true);
	u32 i;

	set_entry(vcpu, guest_touch);
	for (i = 0; i <= SAMPLES; i++) {
		vm_set_slot(vm, SLOT_FREE, BENCH_AREA, 0, area, 0);
		if (vm_set_slot(vm, SLOT_FREE, BENCH_AREA, FAULT_SIZE, area, 0))
			die("memory slot");
		/* What the guest runs from is mapped first. */
		sample(vcpu, 0);
		record(row, sample(vcpu, FAULT_PAGES), FAULT_PAGES);
	}
	munmap(area, FAULT_SIZE);
}

static struct vm *make_vm(const struct vm_options *options, void (*init)(void))
{
	struct vm *vm = bench_vm(options);

	set_entry(&vm->vcpu[0], init);
	run_to_report(&vm->vcpu[0]);
	if (vm->vcpu[0].ucall.args[0] != HV_INVALID_CODE)
		die("unknown hypercall: status 0x%llx",
		    (unsigned long long)vm->vcpu[0].ucall.args[0]);
	return vm;
}

void bench_exits(enum state state)
{
	struct vm_options options = { .device = KVM_DEVICE };
	struct vm *vm = make_vm(&options, guest_init);
	struct vcpu *vcpu = &vm->vcpu[0];
	u64 nothing = measure_nothing(vcpu);

	measure(vcpu, ROW_HYPERCALL + state, guest_hypercall, nothing);
	measure(vcpu, ROW_CPUID + state, guest_cpuid, nothing);
	measure(vcpu, ROW_RDMSR + state, guest_rdmsr, nothing);
	measure(vcpu, ROW_HV_RDMSR + state, guest_hv_rdmsr, nothing);
	measure(vcpu, ROW_PORT + state, guest_port, nothing);
	measure_faults(vm, ROW_FAULT + state);
	vm_destroy(vm);
}

/* The other partition has brought up its VTL1 and stays. */
void bench_active(void)
{
	struct vm_options options = { .max_vtl = 1 };
	struct vm *vm;
	u64 start;

	start = rdtsc();
	vm = bench_vm(&options);
	record(ROW_HOOKS_IN, rdtsc() - start, 1);
	set_entry(&vm->vcpu[0], guest_init_vtl);
	run_to_report(&vm->vcpu[0]);

	bench_exits(STATE_ACTIVE);

	start = rdtsc();
	vm_destroy(vm);
	record(ROW_HOOKS_OUT, rdtsc() - start, 1);
}

void bench_port_l1d(void)
{
	struct vm_options options = { .device = KVM_DEVICE };
	struct vm *vm = make_vm(&options, guest_init);
	struct vcpu *vcpu = &vm->vcpu[0];

	measure(vcpu, ROW_PORT_L1D, guest_port, measure_nothing(vcpu));
	vm_destroy(vm);
}

void bench_vtl_exits(void)
{
	struct vm_options options = { .max_vtl = 1 };
	struct vm *vm = make_vm(&options, guest_init_vtl);
	struct vcpu *vcpu = &vm->vcpu[0];
	u64 nothing = measure_nothing(vcpu);

	measure(vcpu, ROW_VTL_HYPERCALL, guest_hypercall, nothing);
	measure(vcpu, ROW_VTL_CPUID, guest_cpuid, nothing);
	measure(vcpu, ROW_VTL_RDMSR, guest_rdmsr, nothing);
	measure(vcpu, ROW_VTL_PORT, guest_port, nothing);
	measure_faults(vm, ROW_VTL_FAULT);
	vm_destroy(vm);
}
