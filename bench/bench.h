/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Benchmark - what its files share.
 *
 * A guest function of a benchmark measures itself: it does bench_n operations
 * between two RDTSC, reports the difference by GUEST_SYNC() and begins again.
 * The TSC's offset does not matter for differences.
 */
#ifndef _BENCH_BENCH_H
#define _BENCH_BENCH_H

#include <stdio.h>
#include <unistd.h>
#include "vm.h"
#include "vsm.h"

/* What a row of the result is called; the order in which rows are printed */
enum bench_row {
	ROW_HYPERCALL,		/* these six times three for the states */
	ROW_CPUID = ROW_HYPERCALL + 3,
	ROW_RDMSR = ROW_CPUID + 3,
	ROW_HV_RDMSR = ROW_RDMSR + 3,
	ROW_PORT = ROW_HV_RDMSR + 3,
	ROW_FAULT = ROW_PORT + 3,
	ROW_VTL_HYPERCALL = ROW_FAULT + 3,
	ROW_VTL_CPUID,
	ROW_VTL_RDMSR,
	ROW_VTL_PORT,
	ROW_VTL_FAULT,
	ROW_SWITCH_FAST,
	ROW_SWITCH,
	ROW_INTERRUPT,
	ROW_INTERCEPT,
	ROW_VPS_1,
	ROW_VPS_2,
	ROW_VPS_4,
	ROW_VPS_8,
	ROW_PORT_L1D,
	ROW_SWITCH_L1D,
	ROW_USER_GPRS,
	ROW_USER_FPU,
	ROW_USER_ALL,
	ROW_PROTECT_1,
	ROW_UNPROTECT_1,
	ROW_PROTECT_512,
	ROW_UNPROTECT_512,
	ROW_PROTECT_UNMAPPED,
	ROW_PROTECT_SCATTERED,
	ROW_UNPROTECT_SCATTERED,
	ROW_FLUSHES_1,
	ROW_FLUSHES_512,
	ROW_HUGE_BEFORE,
	ROW_HUGE_DURING,
	ROW_HUGE_AFTER,
	ROW_RESTRICT_GIB,
	ROW_MEMORY,
	ROW_CREATE,
	ROW_CREATE_VTL1,
	ROW_CREATE_VTL2,
	ROW_HOOKS_IN,
	ROW_HOOKS_OUT,
	NR_ROWS,
};

/* States of the module, for the rows of a VM without VTLs */
enum state {
	STATE_ABSENT,
	STATE_IDLE,
	STATE_ACTIVE,
	NR_STATES,
};

/* One sample of a row: total of count operations */
void record(enum bench_row row, u64 total, u64 count);
/* total / count with the rounding that record() uses, in hundredths */
u64 hundredths(u64 total, u64 count);

/* Ends this section of the benchmark; others follow. */
#define die(fmt, ...)							\
do {									\
	printf("# " fmt "\n", ##__VA_ARGS__);				\
	fflush(stdout);							\
	_exit(1);							\
} while (0)

/* Samples per row and section */
#define SAMPLES			41

/*
 * Exits of a guest to this port are answered at once.  In user space each of
 * them costs this loop and no more.
 */
#define BENCH_PORT		0x5f8

/* Operations that a guest shall do before it reports */
extern u64 bench_n;

/* Runs to the next report; its numbers are then in vcpu->ucall. */
void run_to_report(struct vcpu *vcpu);
/* Sets bench_n and returns the first number of the report */
u64 sample(struct vcpu *vcpu, u64 n);

struct vm *bench_vm(const struct vm_options *options);
/* Memory beyond the library's, mapped by small pages when it is populated */
void *bench_slot(struct vm *vm, u64 gpa, u64 size, bool populate);
void set_entry(struct vcpu *vcpu, void (*fn)(void));

#define BENCH_AREA		0x40000000UL

/* Has the guest the instructions of AMD?  Its variable, set by bench_init(). */
extern bool on_amd;
void bench_init(void);
/* The same, and VTL1 is there */
void bench_init_vtl(void);

/* A hypercall, or a VTL call or return that keeps all registers but these */
static inline u64 raw_hypercall(u64 rcx, u64 rax)
{
	if (READ_ONCE(on_amd))
		asm volatile("vmmcall" : "+a" (rax), "+c" (rcx) : : "memory");
	else
		asm volatile("vmcall" : "+a" (rax), "+c" (rcx) : : "memory");
	return rax;
}

/* A call code that neither KVM nor the module knows */
#define UNKNOWN_CALL		0x7fff

#define TIMED_LOOP(name, statement)					\
static void name(void)							\
{									\
	for (;;) {							\
		u64 n = READ_ONCE(bench_n), start = rdtsc(), i;		\
									\
		for (i = 0; i < n; i++)					\
			statement;					\
		GUEST_SYNC(rdtsc() - start);				\
	}								\
}

/* The sections */
void bench_exits(enum state state);
void bench_active(void);
void bench_vtl_exits(void);
void bench_port_l1d(void);
void bench_switch(void);
void bench_switch_l1d(void);
void bench_user_switch(void);
void bench_protect(void);
void bench_huge(void);
void bench_latency(void);
void bench_vps(void);
void bench_create(void);
void bench_memory(void);

#endif /* _BENCH_BENCH_H */
