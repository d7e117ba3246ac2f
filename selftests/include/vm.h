/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - the host's side: virtual machines, running them, tracing.
 */
#ifndef _SELFTESTS_VM_H
#define _SELFTESTS_VM_H

#include <linux/kvm.h>
#include <linux/kvm_vtl.h>
#include "guest.h"

#define KVM_DEVICE		"/dev/kvm"
#define KVM_VTL_DEVICE		"/dev/kvm-vtl"

struct vm;
struct vcpu;

/* What to do with an exit that is no report: 0 = handled, go on. */
typedef int (*vcpu_exit_handler)(struct vcpu *vcpu);

struct vcpu {
	struct vm *vm;
	int fd;
	u32 id;
	struct kvm_run *run;
	u64 exits;		/* how often KVM_RUN returned */
	u32 timeout;		/* seconds for one vcpu_run(), unscaled */
	vcpu_exit_handler on_exit;
	int (*enter)(struct vcpu *vcpu);	/* default vcpu_run_once */
	struct ucall ucall;	/* the last report */
	char error[512];	/* why vcpu_run() gave UCALL_ABORT */
};

struct vm_options {
	const char *device;	/* default KVM_VTL_DEVICE */
	u32 vcpus;		/* default 1 */
	u32 max_vtl;		/* 0: do not configure */
	u64 features;		/* KVM_VTL_FEATURE_* of the machine */
	bool big_area;		/* a slot at GUEST_BIG */
	bool log_dirty;		/* KVM_MEM_LOG_DIRTY_PAGES on slot 0 */
	void (*entry)(void);	/* of all VPs; else vcpu_set_entry() */
};

struct vm {
	int dev, fd;
	u32 nr_vcpus;
	u8 *ram;
	u8 *big;
	u64 next_table[GUEST_VTLS];
	struct kvm_cpuid2 *cpuid;
	struct vcpu vcpu[GUEST_MAX_VPS];
	char error[256];	/* what failed, after vm_create() gave NULL */
};

#define SLOT_RAM		0
#define SLOT_BIG		1
#define SLOT_FREE		2	/* and up: for the tests */

/*
 * Opens the device, makes the machine, loads the program.  On failure *errorp
 * says why.
 */
struct vm *vm_create(const struct vm_options *options, const char **errorp);
void vm_destroy(struct vm *vm);

/* KVM_VTL_FEATURE_* of the host */
u64 host_features(void);

/* True in programs whose hooks shall be gone with their machines. */
extern bool vm_hooks_come_and_go;

/* Guest memory as the host sees it */
void *vm_hva(struct vm *vm, u64 gpa);
/* The guest's copy of a variable of the program */
#define vm_var(vm, var) \
	(*(typeof(var) *)vm_hva(vm, (uintptr_t)&(var)))
int vm_set_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *hva,
		u32 flags);
/* Maps one page more, in the page tables of both VTLs */
#define PTE_P			BIT(0)
#define PTE_W			BIT(1)
#define PTE_U			BIT(2)
#define PTE_NX			BIT(63)
void vm_map(struct vm *vm, u64 va, u64 gpa, u64 flags);
/* The page-table entry of that page in the tables of VTL vtl */
u64 *vm_pte(struct vm *vm, u32 vtl, u64 va);

/* 64-bit mode with the page tables of VTL vtl */
void vcpu_long_mode(struct vcpu *vcpu, u32 vtl, struct kvm_sregs *s);
/* The same for VTL0, RIP at fn */
int vcpu_set_entry(struct vcpu *vcpu, void (*fn)(void));
/* What a VMM writes at reset: nothing but the registers, of each vCPU */
int vcpu_write_reset_state(struct vcpu *vcpu);
/* One KVM_RUN; -errno or 0 */
int vcpu_run_once(struct vcpu *vcpu);
/*
 * Runs until the guest reports something: UCALL_SYNC, UCALL_DONE, or
 * UCALL_ABORT, which stands for everything unexpected and leaves its text in
 * vcpu->error.
 */
enum ucall_cmd vcpu_run(struct vcpu *vcpu);

/* Runs all VPs, each in a thread of its own, until each is done. */
enum ucall_cmd vm_run(struct vm *vm);

/* Name of the test machine: "svm", "vmx" or whatever it is */
const char *host_name(void);
bool host_is_slow(void);
/* Factor on time limits, from VTL_SCALE */
u32 host_scale(void);

/*
 * Tracepoints of the module.  trace_count() counts the events of that name
 * since trace_start(), whose text contains what (NULL: all of them).
 */
int trace_start(void);
void trace_stop(void);
int trace_count(const char *event, const char *what);
void trace_dump(void);

/* Contents of a small file; "" when there is none */
const char *read_file(const char *path);
int write_file(const char *path, const char *text);

#endif /* _SELFTESTS_VM_H */
