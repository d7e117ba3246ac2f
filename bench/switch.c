// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmark - a VTL call and return, by the module and by user space.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "bench.h"

/* --- in the kernel ------------------------------------------------------- */

static u32 return_control;	/* 1: fast return */
static u32 stop_return;

/*
 * In VTL1: nothing but VTL returns, until told to stop.  Registers other than
 * RAX and RCX pass through, since both VTLs share them.
 */
static u64 return_loop(u64 a, u64 b)
{
	asm volatile("1: mov %0, %%eax\n\t"
		     "mov $0x12, %%ecx\n\t"
		     "cmpb $0, %2\n\t"
		     "jne 2f\n\t"
		     "vmcall\n\t"
		     "jmp 3f\n\t"
		     "2: vmmcall\n\t"
		     "3: cmpl $0, %1\n\t"
		     "je 1b"
		     : : "m" (return_control), "m" (stop_return), "m" (on_amd)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
		       "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		       "memory", "cc");
	return 0;
}

/* VTL1 stays inside return_loop(): what vtl1_exec() does, in two halves. */
static void start_return_loop(void)
{
	stop_return = 0;
	this_vtl1()->fn = return_loop;
	vtl_call();
}

static void end_return_loop(void)
{
	WRITE_ONCE(stop_return, 1);
	vtl_call();
	GUEST_EQ(NULL, READ_ONCE(this_vtl1()->fn));
}

static void guest_switch(void)
{
	u64 n, start, i;

	bench_init_vtl();
	for (;;) {
		n = READ_ONCE(bench_n);
		start_return_loop();
		start = rdtsc();
		for (i = 0; i < n; i++)
			raw_hypercall(HV_VTL_CALL, 0);
		start = rdtsc() - start;
		end_return_loop();
		GUEST_SYNC(start);
	}
}

static void measure(struct vm *vm, enum bench_row row, u32 control)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	u64 n = 40;
	u32 i;

	vm_var(vm, return_control) = control;
	sample(vcpu, n);
	for (i = 0; i < SAMPLES; i++)
		record(row, sample(vcpu, n), n);
}

void bench_switch(void)
{
	struct vm_options options = { .max_vtl = 1, .entry = guest_switch };
	struct vm *vm = bench_vm(&options);

	measure(vm, ROW_SWITCH_FAST, 1);
	measure(vm, ROW_SWITCH, 0);
	vm_destroy(vm);
}

void bench_switch_l1d(void)
{
	struct vm_options options = { .max_vtl = 1, .entry = guest_switch };
	struct vm *vm = bench_vm(&options);

	measure(vm, ROW_SWITCH_L1D, 1);
	vm_destroy(vm);
}

/* --- by user space ------------------------------------------------------- */

/*
 * Two machines of plain KVM with the same memory, one per "VTL"; the process
 * moves the registers that VTLs share.
 */
#define CALL_PORT		0x5fa
#define RETURN_PORT		0x5fb

static struct user_vp {
	struct vcpu *vcpu[2];
	enum bench_row kind;
} user_vp;

static void guest_user_vtl0(void)
{
	for (;;) {
		u64 n = READ_ONCE(bench_n), start = rdtsc(), i, x = 0;

		for (i = 0; i < n; i++)
			asm volatile("outb %%al, %%dx" : "+b" (x)
				     : "d" (CALL_PORT) : "memory");
		start = rdtsc() - start;
		GUEST_EQ(n, x);
		GUEST_SYNC(start);
	}
}

/* Changes RBX, which is shared, so that VTL0 sees that it was called. */
static void guest_user_vtl1(void)
{
	asm volatile("1: inc %%rbx\n\t"
		     "mov %0, %%edx\n\t"
		     "outb %%al, %%dx\n\t"
		     "jmp 1b"
		     : : "i" (RETURN_PORT) : "rbx", "rdx", "memory");
}

static void need(int ret, const char *what)
{
	if (ret)
		die("%s: %s", what, strerror(errno));
}

static void move_gprs(int from, int to)
{
	struct kvm_regs regs, own;

	need(ioctl(from, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	need(ioctl(to, KVM_GET_REGS, &own), "KVM_GET_REGS");
	regs.rsp = own.rsp;
	regs.rip = own.rip;
	regs.rflags = own.rflags;
	need(ioctl(to, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

/* PKRU is in there, too. */
static void move_fpu(int from, int to)
{
	static struct kvm_xsave xsave;

	need(ioctl(from, KVM_GET_XSAVE, &xsave), "KVM_GET_XSAVE");
	need(ioctl(to, KVM_SET_XSAVE, &xsave), "KVM_SET_XSAVE");
}

static void move_debug(int from, int to)
{
	struct kvm_debugregs regs, own;

	need(ioctl(from, KVM_GET_DEBUGREGS, &regs), "KVM_GET_DEBUGREGS");
	need(ioctl(to, KVM_GET_DEBUGREGS, &own), "KVM_GET_DEBUGREGS");
	memcpy(own.db, regs.db, sizeof(own.db));
	need(ioctl(to, KVM_SET_DEBUGREGS, &own), "KVM_SET_DEBUGREGS");
}

static void move_cr2(int from, int to)
{
	struct kvm_sregs sregs, own;

	need(ioctl(from, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	need(ioctl(to, KVM_GET_SREGS, &own), "KVM_GET_SREGS");
	own.cr2 = sregs.cr2;
	need(ioctl(to, KVM_SET_SREGS, &own), "KVM_SET_SREGS");
}

static void user_switch(struct user_vp *vp, u32 from)
{
	int a = vp->vcpu[from]->fd, b = vp->vcpu[!from]->fd;

	move_gprs(a, b);
	if (vp->kind == ROW_USER_GPRS)
		return;
	move_fpu(a, b);
	move_debug(a, b);
	if (vp->kind == ROW_USER_ALL)
		move_cr2(a, b);
}

static bool exit_at(struct vcpu *vcpu, u16 port)
{
	return vcpu->run->exit_reason == KVM_EXIT_IO &&
	       vcpu->run->io.port == port;
}

/* VTL0 stopped: all that is done until it can go on, unless for a report */
static int on_call(struct vcpu *vcpu)
{
	if (!exit_at(vcpu, CALL_PORT))
		return -1;
	user_switch(&user_vp, 0);
	need(vcpu_run_once(user_vp.vcpu[1]), "KVM_RUN");
	if (!exit_at(user_vp.vcpu[1], RETURN_PORT))
		die("VTL1: unexpected exit %u",
		    user_vp.vcpu[1]->run->exit_reason);
	user_switch(&user_vp, 1);
	return 0;
}

/* The second machine gets the memory of the first, and a stack of its own. */
static void share_memory(struct vm *vm, struct vm *with)
{
	struct guest_area *area = guest_area(1, 0);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs regs;

	need(vm_set_slot(vm, SLOT_RAM, 0, 0, vm->ram, 0), "memory slot");
	need(vm_set_slot(vm, SLOT_RAM, 0, GUEST_RAM_SIZE, with->ram, 0),
	     "memory slot");
	set_entry(vcpu, guest_user_vtl1);
	need(ioctl(vcpu->fd, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	regs.rsp = (uintptr_t)area->stack + sizeof(area->stack) - 8;
	need(ioctl(vcpu->fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

void bench_user_switch(void)
{
	struct vm_options options = { .device = KVM_DEVICE };
	struct vm *low = bench_vm(&options), *high = bench_vm(&options);
	struct vcpu *vcpu = &low->vcpu[0];
	u64 n = 20;
	u32 i;

	share_memory(high, low);
	set_entry(vcpu, guest_user_vtl0);
	vcpu->on_exit = on_call;
	user_vp.vcpu[0] = vcpu;
	user_vp.vcpu[1] = &high->vcpu[0];
	for (user_vp.kind = ROW_USER_GPRS; user_vp.kind <= ROW_USER_ALL;
	     user_vp.kind++) {
		sample(vcpu, n);
		for (i = 0; i < SAMPLES; i++)
			record(user_vp.kind, sample(vcpu, n), n);
	}
	vm_destroy(high);
	vm_destroy(low);
}
