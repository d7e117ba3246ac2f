// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the only file that reads or writes KVM-private state
 *
 * Everything here relies on fields of struct kvm_vcpu_arch that KVM changes
 * at will; Documentation/kvm-internals.rst lists them.  A vCPU's registers may
 * only be used through KVM's accessors while it is loaded on this CPU; the
 * members copied below live in memory while it is not.
 */
#include <linux/kvm_host.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/kvm_para.h>

#include "hooks.h"
#include "kvm_glue.h"

/**
 * vtl_vcpu_enter - load a vCPU outside of KVM_RUN
 * @vcpu: vCPU that does not run and is not locked by this thread
 * @srcu_idx: out: for vtl_vcpu_leave()
 *
 * Every access to the guest memory or the APIC of a VTL is made with that VTL's
 * own vCPU loaded: KVM marks pages dirty for the vCPU that is loaded.
 *
 * Context: may sleep; no vCPU is loaded in this thread; the run loop may have
 *	locked that of a lower VTL.
 */
void vtl_vcpu_enter(struct kvm_vcpu *vcpu, int *srcu_idx)
{
	mutex_lock_nested(&vcpu->mutex, SINGLE_DEPTH_NESTING);
	vtl_kvm_vcpu_load(vcpu);
	*srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
}

/**
 * vtl_vcpu_leave - undo vtl_vcpu_enter()
 * @vcpu: the vCPU
 * @srcu_idx: from vtl_vcpu_enter()
 */
void vtl_vcpu_leave(struct kvm_vcpu *vcpu, int srcu_idx)
{
	srcu_read_unlock(&vcpu->kvm->srcu, srcu_idx);
	vtl_kvm_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
}

/**
 * vtl_vcpu_use_sw_timer - let a vCPU's APIC timer expire while it does not run
 * @vcpu: vCPU that is not loaded
 *
 * Context: may sleep; vcpu->mutex held; no vCPU is loaded in this thread.
 */
void vtl_vcpu_use_sw_timer(struct kvm_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->mutex);
	vtl_kvm_vcpu_load(vcpu);
	vtl_kvm_kvm_lapic_switch_to_sw_timer(vcpu);
	vtl_kvm_vcpu_put(vcpu);
}

/**
 * vtl_vcpu_run - run an inner vCPU
 * @vcpu: vCPU that knows the current thread
 * @wants_to_run: false to finish an exit to userspace only
 *
 * The part of KVM_RUN below the descriptor and its lock, which every VTL call
 * and return would pay for again.
 *
 * Context: the run loop; vcpu->mutex held; no vCPU is loaded.
 * Return: what KVM_RUN returns.
 */
int vtl_vcpu_run(struct kvm_vcpu *vcpu, bool wants_to_run)
{
	int r;

	lockdep_assert_held(&vcpu->mutex);
	if (unlikely(READ_ONCE(vcpu->kvm->vm_dead)))
		return -EIO;
	vcpu->wants_to_run = wants_to_run;
	r = vtl_kvm_kvm_arch_vcpu_ioctl_run(vcpu);
	vcpu->wants_to_run = false;
	return r;
}

/**
 * vtl_vcpu_suspend - let go of a vCPU in the middle of an exit
 * @vcpu: vCPU, loaded
 *
 * As a preemption does, and kvm->srcu, too.  The registers of the guest's FPU
 * stay in the CPU, for whichever vCPU gets them.
 *
 * Context: exit of @vcpu.
 * Return: the FPU state of the thread, for vtl_vcpu_resume().
 */
struct fpstate *vtl_vcpu_suspend(struct kvm_vcpu *vcpu)
{
	struct fpu *fpu = vtl_compat_task_fpu();

	kvm_vcpu_srcu_read_unlock(vcpu);
	vtl_kvm_vcpu_put(vcpu);
	/* KVM refuses to run a vCPU with a state that is in use. */
	fpu->fpstate->in_use = false;
	return fpu->__task_fpstate;
}

/**
 * vtl_vcpu_resume - undo vtl_vcpu_suspend()
 * @vcpu: vCPU
 * @task_fpstate: what vtl_vcpu_suspend() returned
 *
 * A vCPU that ran meanwhile with the same FPU state took that for the thread's
 * own and left it in the CPU.  The state that KVM wants to see in use, when it
 * leaves the guest, is that which @vcpu has now.
 *
 * Context: exit of @vcpu.
 */
void vtl_vcpu_resume(struct kvm_vcpu *vcpu, struct fpstate *task_fpstate)
{
	struct fpu *fpu = vtl_compat_task_fpu();

	fpu->__task_fpstate = task_fpstate;
	vcpu->arch.guest_fpu.fpstate->in_use = true;
	vtl_kvm_vcpu_load(vcpu);
	vtl_vcpu_forget_steal_time(vcpu);
	kvm_vcpu_srcu_read_lock(vcpu);
}

/**
 * vtl_vcpu_forget_steal_time - take back what loading a vCPU asks KVM to do
 * @vcpu: vCPU, loaded
 *
 * KVM is to tell the guest of stolen time, and would look through all requests
 * for that before the next entry.  No VTL has steal time: vtl_vcpu_hide_pv().
 *
 * Context: before the entry.
 */
void vtl_vcpu_forget_steal_time(struct kvm_vcpu *vcpu)
{
	kvm_clear_request(KVM_REQ_STEAL_UPDATE, vcpu);
}

/**
 * vtl_vcpu_stop - wait until a vCPU of a dead VM does not run any more
 * @vcpu: vCPU
 *
 * Leaves no completion behind.
 *
 * Context: may sleep; vtl_kvm_mark_dead() was called.
 */
void vtl_vcpu_stop(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	/* Threads with a leaked descriptor: end them, in HLT, too. */
	while (!mutex_trylock(&vcpu->mutex)) {
		task = vtl_compat_get_task(vcpu);
		if (task) {
			set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
			put_task_struct(task);
		}
		kvm_make_request(KVM_REQ_VM_DEAD, vcpu);
		rcuwait_wake_up(&vcpu->wait);
		vtl_compat_kick(vcpu);
		schedule_timeout_uninterruptible(1);
	}
	vtl_vcpu_drop_exit(vcpu);
	mutex_unlock(&vcpu->mutex);
}

static void move_gprs(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	unsigned long *dst = to->arch.regs, *src = from->arch.regs;

	/* All but RSP */
	memcpy(dst, src, VCPU_REGS_RSP * sizeof(*dst));
	memcpy(dst + VCPU_REGS_RBP, src + VCPU_REGS_RBP,
	       (VCPU_REGS_R15 - VCPU_REGS_RBP + 1) * sizeof(*dst));
	/* The emulator may hold copies. */
	to->arch.emulate_regs_need_sync_from_vcpu = true;
}

static void move_debug_registers(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	memcpy(to->arch.db, from->arch.db, sizeof(to->arch.db));
	memcpy(to->arch.eff_db, from->arch.eff_db, sizeof(to->arch.eff_db));
}

/**
 * vtl_vcpu_move_shared - move the registers that the VTLs of a VP share
 * @from: the vCPU that has them
 * @to: the vCPU that gets them
 *
 * RAX to R15 without RSP, CR2, DR0 to DR3, XCR0, PKRU, how far the TSC got, and
 * the FPU state, which changes places: no copy, whatever its size.  What stays
 * of struct fpu_guest is equal in both vCPUs, see vtl_vcpu_fpu_matches().
 *
 * Context: both vcpu->mutex held, neither vCPU loaded.
 */
void vtl_vcpu_move_shared(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	lockdep_assert_held(&from->mutex);
	lockdep_assert_held(&to->mutex);

	move_gprs(from, to);
	move_debug_registers(from, to);
	to->arch.cr2 = from->arch.cr2;
	to->arch.pkru = from->arch.pkru;
	/* With a TSC that KVM does not trust the guest's goes on from here. */
	to->arch.last_guest_tsc = from->arch.last_guest_tsc;
	swap(to->arch.guest_fpu.fpstate, from->arch.guest_fpu.fpstate);
	if (unlikely(to->arch.xcr0 != from->arch.xcr0)) {
		to->arch.xcr0 = from->arch.xcr0;
		vtl_kvm_kvm_update_cpuid_runtime(to);
	}
}

/**
 * vtl_vcpu_move_shared_msrs - move the MSRs that the VTLs of a VP share
 * @from: the vCPU that has them
 * @to: the vCPU that gets them
 *
 * MTRRs, IA32_MISC_ENABLE and the machine-check state (TLFS, "Virtual
 * Processor State Isolation").
 *
 * Context: as vtl_vcpu_move_shared().
 */
void vtl_vcpu_move_shared_msrs(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	to->arch.mtrr_state = from->arch.mtrr_state;
	to->arch.ia32_misc_enable_msr = from->arch.ia32_misc_enable_msr;
	to->arch.mcg_cap = from->arch.mcg_cap;
	to->arch.mcg_status = from->arch.mcg_status;
}

/**
 * vtl_vcpu_fpu_matches - may two vCPUs exchange their FPU states?
 * @a: vCPU
 * @b: vCPU
 *
 * Context: neither vCPU runs.
 * Return: true when the states have the same features and size.
 */
bool vtl_vcpu_fpu_matches(struct kvm_vcpu *a, struct kvm_vcpu *b)
{
	struct fpu_guest *x = &a->arch.guest_fpu;
	struct fpu_guest *y = &b->arch.guest_fpu;

	return x->xfeatures == y->xfeatures &&
	       vtl_compat_fpu_perm(x) == vtl_compat_fpu_perm(y) &&
	       x->uabi_size == y->uabi_size &&
	       x->fpstate->size == y->fpstate->size &&
	       a->arch.guest_supported_xcr0 == b->arch.guest_supported_xcr0;
}

/**
 * vtl_vcpu_sync_tsc - give two VTLs of a VP the same TSC
 * @from: the vCPU that has the right offset
 * @to: the vCPU that gets it, loaded
 *
 * Context: @to is loaded.
 */
void vtl_vcpu_sync_tsc(struct kvm_vcpu *from, struct kvm_vcpu *to)
{
	u64 offset;

	/* A preemption loads the vCPU anew, which may write its offset. */
	preempt_disable();
	offset = from->arch.l1_tsc_offset;
	if (unlikely(offset != to->arch.l1_tsc_offset)) {
		vtl_kvm_kvm_vcpu_write_tsc_offset(to, offset);
		to->arch.ia32_tsc_adjust_msr = from->arch.ia32_tsc_adjust_msr;
	}
	preempt_enable();
}

static bool has_nmi(struct kvm_vcpu *vcpu)
{
	return atomic_read(&vcpu->arch.nmi_queued) || vcpu->arch.nmi_pending ||
	       kvm_test_request(KVM_REQ_NMI, vcpu);
}

static bool has_timer(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;

	return vtl_kvm_kvm_cpu_has_pending_timer(vcpu) ||
	       (hv && !bitmap_empty(hv->stimer_pending_bitmap,
				    HV_SYNIC_STIMER_COUNT));
}

/**
 * vtl_vcpu_has_work - can a vCPU have an event to deliver?
 * @vcpu: a vCPU of the current VP that is not loaded
 *
 * A cheap test of what lives in memory; vtl_vcpu_collect_work() knows better.
 *
 * Context: the run loop.
 * Return: true when it is worth a closer look.
 */
bool vtl_vcpu_has_work(struct kvm_vcpu *vcpu)
{
	return has_timer(vcpu) || has_nmi(vcpu) ||
	       vtl_kvm_kvm_apic_has_interrupt(vcpu) >= 0;
}

/**
 * vtl_vcpu_collect_work - has a vCPU an event that its priority lets through?
 * @vcpu: a vCPU of the current VP that is not loaded
 *
 * Expired timers become interrupts only when KVM processes them for the vCPU;
 * a masked one must not cause an entry.
 *
 * Context: the run loop; may sleep; no vCPU loaded.
 * Return: true when the VTL is to be entered.
 */
bool vtl_vcpu_collect_work(struct kvm_vcpu *vcpu)
{
	int idx;

	if (has_timer(vcpu)) {
		vtl_vcpu_enter(vcpu, &idx);
		if (vcpu->arch.hyperv)
			vtl_kvm_kvm_hv_process_stimers(vcpu);
		vtl_kvm_kvm_inject_pending_timer_irqs(vcpu);
		vtl_vcpu_leave(vcpu, idx);
	}
	return has_nmi(vcpu) || vtl_kvm_kvm_apic_has_interrupt(vcpu) >= 0;
}

/**
 * vtl_vcpu_takes_interrupt - would a vCPU take an interrupt if it ran?
 * @vcpu: a vCPU of the current VP that is not loaded
 *
 * NMIs, interrupts of the 8259 and the shadow of STI and MOV SS are not looked
 * at.
 *
 * Context: the run loop; may sleep; no vCPU loaded.
 * Return: true when one waits that its priority and RFLAGS.IF let through.
 */
bool vtl_vcpu_takes_interrupt(struct kvm_vcpu *vcpu)
{
	bool takes;
	int idx;

	/* On its way when the vCPU was left; KVM delivers it again. */
	if (vcpu->arch.interrupt.injected)
		return true;
	if (!vtl_vcpu_has_work(vcpu) || !vtl_vcpu_collect_work(vcpu) ||
	    vtl_kvm_kvm_apic_has_interrupt(vcpu) < 0)
		return false;
	vtl_vcpu_enter(vcpu, &idx);
	takes = vtl_kvm_kvm_get_rflags(vcpu) & X86_EFLAGS_IF;
	vtl_vcpu_leave(vcpu, idx);
	return takes;
}

static bool sint_has_auto_eoi(u64 sint, u8 vector)
{
	return (sint & HV_SYNIC_SINT_AUTO_EOI) &&
	       !(sint & HV_SYNIC_SINT_MASKED) &&
	       (sint & HV_SYNIC_SINT_VECTOR_MASK) == vector;
}

/**
 * vtl_vcpu_set_auto_eoi - shall a vector need no EOI?
 * @vcpu: vCPU of the current VP that does not run
 * @vector: the vector
 * @on: true when it shall; one that a SINT wants so stays so
 */
void vtl_vcpu_set_auto_eoi(struct kvm_vcpu *vcpu, u8 vector, bool on)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;
	int i;

	if (!hv)
		return;
	for (i = 0; i < HV_SYNIC_SINT_COUNT && !on; i++)
		on = sint_has_auto_eoi(atomic64_read(&hv->synic.sint[i]),
				       vector);
	__assign_bit(vector, hv->synic.auto_eoi_bitmap, on);
}

/**
 * vtl_vcpu_set_rip - write RIP and nothing else
 * @vcpu: vCPU, loaded
 * @rip: address
 */
void vtl_vcpu_set_rip(struct kvm_vcpu *vcpu, unsigned long rip)
{
	vtl_compat_set_rip(vcpu, rip);
}

/**
 * vtl_vcpu_drop_exception - forget an exception that KVM queued
 * @vcpu: vCPU
 */
void vtl_vcpu_drop_exception(struct kvm_vcpu *vcpu)
{
	vcpu->arch.exception.pending = false;
	vcpu->arch.exception.injected = false;
}

/**
 * vtl_vcpu_drop_injected - forget the event that is to be delivered again
 * @vcpu: vCPU
 *
 * Context: vcpu->mutex held.
 */
void vtl_vcpu_drop_injected(struct kvm_vcpu *vcpu)
{
	vcpu->arch.exception.injected = false;
	vcpu->arch.interrupt.injected = false;
	vcpu->arch.nmi_injected = false;
}

/**
 * vtl_vcpu_inject_interrupt - have an interrupt delivered at the next entry,
 * past the APIC and whatever blocks it
 * @vcpu: vCPU that has no such event
 * @vector: the vector
 *
 * Context: vcpu->mutex held.
 */
void vtl_vcpu_inject_interrupt(struct kvm_vcpu *vcpu, u8 vector)
{
	vcpu->arch.interrupt.nr = vector;
	vcpu->arch.interrupt.soft = false;
	vcpu->arch.interrupt.injected = true;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/**
 * vtl_vcpu_inject_nmi - the same for an NMI
 * @vcpu: vCPU that has no such event
 *
 * Context: vcpu->mutex held.
 */
void vtl_vcpu_inject_nmi(struct kvm_vcpu *vcpu)
{
	vcpu->arch.nmi_injected = true;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/**
 * vtl_vcpu_inject_exception - the same for an exception
 * @vcpu: vCPU that has no such event
 * @vector: one that no instruction asks for
 * @has_error_code: the vector has one
 * @error_code: the error code
 *
 * Context: vcpu->mutex held.
 */
void vtl_vcpu_inject_exception(struct kvm_vcpu *vcpu, u8 vector,
			       bool has_error_code, u32 error_code)
{
	struct kvm_queued_exception *e = &vcpu->arch.exception;

	e->has_payload = false;
	e->vector = vector;
	e->has_error_code = has_error_code;
	e->error_code = error_code;
	e->injected = true;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/**
 * vtl_vcpu_drop_events - forget all events that wait for injection
 * @vcpu: vCPU, loaded
 */
void vtl_vcpu_drop_events(struct kvm_vcpu *vcpu)
{
	vtl_vcpu_drop_exception(vcpu);
	vtl_vcpu_drop_injected(vcpu);
	vcpu->arch.nmi_pending = 0;
	atomic_set(&vcpu->arch.nmi_queued, 0);
}

/**
 * vtl_vcpu_drop_exit - forget an exit to userspace that the emulator prepared
 * @vcpu: vCPU, loaded
 */
void vtl_vcpu_drop_exit(struct kvm_vcpu *vcpu)
{
	vcpu->mmio_needed = false;
	vcpu->mmio_nr_fragments = 0;
	vcpu->arch.pio.count = 0;
	vcpu->arch.complete_userspace_io = NULL;
}

/**
 * vtl_vcpu_translate - translate an address as a vCPU would
 * @vcpu: vCPU, loaded
 * @gva: linear address
 * @access: mask of PFERR_WRITE_MASK, PFERR_FETCH_MASK, PFERR_USER_MASK
 *
 * Sets accessed bits on the way, dirty bits for a write.
 *
 * Context: vtl_vcpu_enter().
 * Return: the guest physical address; INVALID_GPA for a page fault.
 */
gpa_t vtl_vcpu_translate(struct kvm_vcpu *vcpu, u64 gva, u64 access)
{
	u8 bits = vcpu->arch.cr4 & X86_CR4_LA57 ? 57 : 48;

	/* KVM's walk does not look at the bits above. */
	if (!__is_canonical_address(gva, bits))
		return INVALID_GPA;
	return vtl_compat_gva_to_gpa(vcpu, gva, access);
}

/**
 * vtl_vcpu_waits_for_sipi - is a vCPU not started yet?
 * @vcpu: vCPU
 *
 * Context: any; without vcpu->mutex the answer may be old.
 * Return: true when it waits for INIT or SIPI.
 */
bool vtl_vcpu_waits_for_sipi(struct kvm_vcpu *vcpu)
{
	int state = READ_ONCE(vcpu->arch.mp_state);

	return state == KVM_MP_STATE_UNINITIALIZED ||
	       state == KVM_MP_STATE_INIT_RECEIVED;
}

/**
 * vtl_vcpu_hide_pv - refuse KVM's own paravirtual MSRs
 * @vcpu: vCPU that does not run
 *
 * They make KVM write guest pages on paths without a function to hook.
 */
void vtl_vcpu_hide_pv(struct kvm_vcpu *vcpu)
{
	vcpu->arch.pv_cpuid.enforce = true;
	vcpu->arch.pv_cpuid.features = 0;
}

static void fpu_get(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		vtl_kvm_switch_fpu_return();
}

/* Registers that hypercalls use; the compiler itself uses none of them. */
struct xmm_regs {
	u8 reg[6][16];
};

static void save_xmm(struct xmm_regs *x)
{
	asm volatile("movdqu %%xmm0, %0" : "=m"(x->reg[0]));
	asm volatile("movdqu %%xmm1, %0" : "=m"(x->reg[1]));
	asm volatile("movdqu %%xmm2, %0" : "=m"(x->reg[2]));
	asm volatile("movdqu %%xmm3, %0" : "=m"(x->reg[3]));
	asm volatile("movdqu %%xmm4, %0" : "=m"(x->reg[4]));
	asm volatile("movdqu %%xmm5, %0" : "=m"(x->reg[5]));
}

static void load_xmm(const struct xmm_regs *x)
{
	asm volatile("movdqu %0, %%xmm0" : : "m"(x->reg[0]));
	asm volatile("movdqu %0, %%xmm1" : : "m"(x->reg[1]));
	asm volatile("movdqu %0, %%xmm2" : : "m"(x->reg[2]));
	asm volatile("movdqu %0, %%xmm3" : : "m"(x->reg[3]));
	asm volatile("movdqu %0, %%xmm4" : : "m"(x->reg[4]));
	asm volatile("movdqu %0, %%xmm5" : : "m"(x->reg[5]));
}

/**
 * vtl_xmm_read - read guest XMM registers
 * @first: first register, 0 to 5
 * @nr: number of registers
 * @buf: buffer of 16 bytes each
 *
 * Context: the guest FPU is loaded or its load is due.
 */
void vtl_xmm_read(unsigned int first, unsigned int nr, void *buf)
{
	struct xmm_regs x;

	fpu_get();
	save_xmm(&x);
	fpregs_unlock();
	memcpy(buf, x.reg[first], nr * sizeof(x.reg[0]));
}

/**
 * vtl_xmm_write - write guest XMM registers
 * @first: first register, 0 to 5
 * @nr: number of registers
 * @buf: buffer of 16 bytes each
 *
 * Context: as vtl_xmm_read().
 */
void vtl_xmm_write(unsigned int first, unsigned int nr, const void *buf)
{
	struct xmm_regs x;

	fpu_get();
	save_xmm(&x);
	memcpy(x.reg[first], buf, nr * sizeof(x.reg[0]));
	load_xmm(&x);
	fpregs_unlock();
}

/**
 * vtl_kvm_disable_pmu - no virtual PMU
 * @kvm: VM without vCPUs
 *
 * KVM's counters count the guest that the thread runs, and a thread runs all
 * VTLs: VTL0 would measure VTL1.
 */
void vtl_kvm_disable_pmu(struct kvm *kvm)
{
	kvm->arch.enable_pmu = false;
}

/**
 * vtl_vcpu_can_restrict - can rights be taken from this vCPU's EPT/NPT entries?
 * @vcpu: vCPU
 *
 * Return: true with two-dimensional paging and A and D bits in it.
 */
bool vtl_vcpu_can_restrict(struct kvm_vcpu *vcpu)
{
	union kvm_mmu_page_role role = vcpu->arch.mmu->root_role;

	/* A shadow of real mode is "direct", too, and has three levels. */
	return role.direct && role.level > 3 && !role.ad_disabled;
}

/**
 * vtl_kvm_has_irqchip - does KVM emulate the local APICs of a VM?
 * @kvm: VM
 *
 * Return: true when it does.
 */
bool vtl_kvm_has_irqchip(struct kvm *kvm)
{
	return kvm->arch.irqchip_mode != KVM_IRQCHIP_NONE;
}

/**
 * vtl_kvm_mark_dead - make KVM refuse a VM from now on
 * @kvm: VM
 *
 * Context: any that KVM allows for requests to all vCPUs.
 */
void vtl_kvm_mark_dead(struct kvm *kvm)
{
	kvm->vm_dead = true;
	vtl_kvm_kvm_make_all_cpus_request(kvm, KVM_REQ_VM_DEAD);
}

static bool is_root(struct kvm_mmu *mmu, struct list_head *sp)
{
	hpa_t root = READ_ONCE(mmu->root.hpa);

	/* KVM-INTERNAL: the link comes first in struct kvm_mmu_page. */
	return VALID_PAGE(root) &&
	       page_private(pfn_to_page(PHYS_PFN(root & PHYSICAL_PAGE_MASK))) ==
	       (unsigned long)sp;
}

/**
 * vtl_kvm_only_root - the root of all page tables that KVM has for a VM
 * @kvm: VM
 * @root: out: its physical address
 * @level: out: its level
 *
 * The roots of the TDP MMU are in one list, old ones and those of vCPUs that do
 * not run included.  KVM frees and replaces a vCPU's root under mmu_lock.
 *
 * Context: kvm->mmu_lock held for writing.
 * Return: false when there is none, more than one, or another MMU in use.
 */
bool vtl_kvm_only_root(struct kvm *kvm, u64 *root, int *level)
{
	struct list_head *roots = &kvm->arch.tdp_mmu_roots;
	struct kvm_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held_write(&kvm->mmu_lock);
	if (READ_ONCE(kvm->arch.shadow_root_allocated) ||
	    !list_is_singular(roots))
		return false;
	kvm_for_each_vcpu(i, vcpu, kvm) {
		struct kvm_mmu *mmu = &vcpu->arch.root_mmu;

		if (!is_root(mmu, roots->next))
			continue;
		*root = mmu->root.hpa;
		*level = mmu->root_role.level;
		return true;
	}
	return false;
}

/**
 * vtl_gfn_is_ram_srcu - is a guest page backed by a memory slot of the VMM?
 * @kvm: VM
 * @gfn: page
 * @slot: in and out: the slot of the last look-up, at first NULL
 *
 * Context: kvm->srcu read, over all look-ups with one @slot.
 * Return: true when it is.
 */
bool vtl_gfn_is_ram_srcu(struct kvm *kvm, gfn_t gfn,
			 const struct kvm_memory_slot **slot)
{
	const struct kvm_memory_slot *s = *slot;

	if (!s || gfn < s->base_gfn || gfn - s->base_gfn >= s->npages)
		s = __gfn_to_memslot(kvm_memslots(kvm), gfn);
	*slot = s;
	return s && s->id < KVM_USER_MEM_SLOTS &&
	       !(s->flags & KVM_MEMSLOT_INVALID);
}

/**
 * vtl_gfn_is_ram - the same for a single page
 * @kvm: VM
 * @gfn: page
 *
 * Context: may sleep.
 * Return: true when it is.
 */
bool vtl_gfn_is_ram(struct kvm *kvm, gfn_t gfn)
{
	const struct kvm_memory_slot *slot = NULL;
	bool ram;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	ram = vtl_gfn_is_ram_srcu(kvm, gfn, &slot);
	srcu_read_unlock(&kvm->srcu, idx);
	return ram;
}

/**
 * vtl_segment_to_hv - KVM's form of a segment to Hyper-V's
 * @seg: in
 * @hv: out
 */
void vtl_segment_to_hv(const struct kvm_segment *seg, struct hv_vtl_segment *hv)
{
	hv->base = seg->base;
	hv->limit = seg->limit;
	hv->selector = seg->selector;
	hv->attributes = (seg->type & 0xf) | (seg->s & 1) << 4 |
			 (seg->dpl & 3) << 5 |
			 (seg->present && !seg->unusable) << 7 |
			 (seg->avl & 1) << 12 | (seg->l & 1) << 13 |
			 (seg->db & 1) << 14 | (seg->g & 1) << 15;
}

/**
 * vtl_segment_from_hv - Hyper-V's form of a segment to KVM's
 * @hv: in
 * @seg: out; a segment that is not present is unusable
 */
void vtl_segment_from_hv(const struct hv_vtl_segment *hv,
			 struct kvm_segment *seg)
{
	u16 attr = hv->attributes;

	memset(seg, 0, sizeof(*seg));
	seg->base = hv->base;
	seg->limit = hv->limit;
	seg->selector = hv->selector;
	seg->type = attr & 0xf;
	seg->s = attr >> 4;
	seg->s &= 1;
	seg->dpl = (attr >> 5) & 3;
	seg->present = (attr >> 7) & 1;
	seg->avl = (attr >> 12) & 1;
	seg->l = (attr >> 13) & 1;
	seg->db = (attr >> 14) & 1;
	seg->g = (attr >> 15) & 1;
	seg->unusable = !seg->present;
}
