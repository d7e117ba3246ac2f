// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - MSRs: per-VTL hypercall page, pages placed by MSRs, shared MSRs
 *
 * KVM writes "VMCALL; RET" into the hypercall page.  VTLs need the sequences
 * for VTL call and VTL return behind it (TLFS, "VTL Call", "VTL Return"):
 *
 *   0x00  hypercall
 *   0x04  VTL call, 32-bit      0x0f  VTL call, 64-bit
 *   0x1b  VTL return, 32-bit    0x26  VTL return, 64-bit
 *
 * The 64-bit ones move the control input from RCX to RAX and load the call
 * code into ECX.
 */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>

#include "hooks.h"
#include "msr.h"
#include "partition.h"
#include "tlfs.h"
#include "vendor.h"
#include "vina.h"
#include "vp.h"

#define STUB_BYTES	0x32

struct hypercall_page {
	u8 code[STUB_BYTES];
	unsigned int len;
};

static void emit(struct hypercall_page *page, const void *bytes,
		 unsigned int len)
{
	memcpy(page->code + page->len, bytes, len);
	page->len += len;
}

static void emit_hypercall(struct hypercall_page *page)
{
	static const u8 ret = 0xc3;

	emit(page, vtl_vendor()->hypercall_insn, 3);
	emit(page, &ret, 1);
}

static void emit_switch(struct hypercall_page *page, u8 code)
{
	/* mov %eax, %ecx; mov $code, %eax */
	const u8 stub32[] = { 0x89, 0xc1, 0xb8, code, 0, 0, 0 };
	/* mov %rcx, %rax; mov $code, %ecx */
	const u8 stub64[] = { 0x48, 0x89, 0xc8, 0xb9, code, 0, 0, 0 };

	emit(page, stub32, sizeof(stub32));
	emit_hypercall(page);
	emit(page, stub64, sizeof(stub64));
	emit_hypercall(page);
}

static int write_stubs(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct hypercall_page page = { .len = 0 };

	emit_hypercall(&page);
	emit_switch(&page, HVCALL_VTL_CALL);
	emit_switch(&page, HVCALL_VTL_RETURN);
	return vtl_kvm_kvm_vcpu_write_guest(vcpu, gpa, page.code, page.len);
}

/**
 * vtl_code_page_offsets - HvRegisterVsmCodePageOffsets
 * @is_64bit: mode of the VTL
 *
 * Return: offsets of the VTL call (11:0) and VTL return (23:12) sequences.
 */
u64 vtl_code_page_offsets(bool is_64bit)
{
	return is_64bit ? 0x0f | 0x26 << 12 : 0x04 | 0x1b << 12;
}

/* MSRs that place a page which the hypervisor reads or writes. */
static bool places_page(u32 msr, u64 data)
{
	switch (msr) {
	case HV_X64_MSR_HYPERCALL:
	case HV_X64_MSR_VP_ASSIST_PAGE:
	case HV_X64_MSR_SIEFP:
	case HV_X64_MSR_SIMP:
	case HV_X64_MSR_REFERENCE_TSC:
		return data & 1;
	}
	return false;
}

/* The bits between the enable bit and the address are never zero by chance. */
static bool may_place(struct kvm_vcpu *vcpu, u64 data)
{
	vtl_prot_t need = VTL_PROT_R | VTL_PROT_W;
	vtl_prot_t prot = VTL_PROT_ALL;
	struct vtl_vm *vm;

	rcu_read_lock();
	vm = vtl_registry_find_rcu(vcpu->kvm);
	if (vm)
		prot = vtl_effective_prot(vm->partition, vm->vtl,
					  gpa_to_gfn(data));
	rcu_read_unlock();
	return (prot & need) == need;
}

/* KVM ignores the write while the guest has not identified itself. */
static bool hypercall_page_enabled(struct kvm_vcpu *vcpu, u64 data)
{
	u64 now;

	return (data & HV_X64_MSR_HYPERCALL_ENABLE) &&
	       !vtl_kvm_kvm_hv_get_msr_common(vcpu, HV_X64_MSR_HYPERCALL, &now,
					       true) &&
	       now == data;
}

static int set_msr(struct kvm_vcpu *vcpu, u32 msr, u64 data, bool host)
{
	int ret;

	/* The secure kernel of Windows leaves rubbish in EDX. */
	if (msr == HV_X64_MSR_EOI)
		data = (u32)data;
	if (places_page(msr, data) && !may_place(vcpu, data))
		return 1;
	ret = vtl_orig_kvm_hv_set_msr_common(vcpu, msr, data, host);
	if (!ret && msr >= HV_X64_MSR_SINT0 && msr <= HV_X64_MSR_SINT15)
		vtl_vina_keep_auto_eoi(vcpu);
	if (ret || msr != HV_X64_MSR_HYPERCALL ||
	    !hypercall_page_enabled(vcpu, data))
		return ret;
	return write_stubs(vcpu,
			   data & HV_X64_MSR_HYPERCALL_PAGE_ADDRESS_MASK) ?
	       1 : 0;
}

int vtl_hook_kvm_hv_set_msr_common(struct kvm_vcpu *vcpu, u32 msr, u64 data,
				   bool host)
{
	return VTL_PASS(set_msr(vcpu, msr, data, host));
}

/**
 * vtl_msr_get_clock - read the reference time as a VTL above 0
 * @vp: the VP
 * @msr: index
 * @data: out: the value
 *
 * KVM keeps it per VM; the guest has one.
 *
 * Context: exit of the active vCPU, kvm->srcu read.
 * Return: false for all other MSRs, for VTL0, when there is no such MSR, and
 * when the VMM's filter forbids it.
 */
bool vtl_msr_get_clock(struct vtl_vp *vp, u32 msr, u64 *data)
{
	if (likely(msr != HV_X64_MSR_TIME_REF_COUNT) || !vp->active_vtl)
		return false;
	return vtl_orig_kvm_msr_allowed(vtl_vp_active_vcpu(vp), msr,
					KVM_MSR_FILTER_READ) &&
	       !vtl_kvm_kvm_hv_get_msr_common(vtl_vp_vcpu(vp, 0), msr, data,
					      false);
}

/*
 * KVM samples the clock per VM: have all VTLs publish VTL0's sample.  Both are
 * made by the thread of the VP.
 */
static void share_clock(struct kvm_vcpu *vcpu,
			struct pvclock_vcpu_time_info *clock)
{
	struct vtl_vp *vp;
	u8 vtl;

	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	if (vp && !vtl)
		vp->clock = *clock;
	else if (vp && vp->clock.tsc_to_system_mul)
		*clock = vp->clock;
	rcu_read_unlock();
}

void vtl_hook_kvm_hv_setup_tsc_page(struct kvm *kvm,
				    struct pvclock_vcpu_time_info *hv_clock)
{
	struct kvm_vcpu *vcpu = vtl_kvm_kvm_get_running_vcpu();
	struct pvclock_vcpu_time_info clock = *hv_clock;
	int idx;

	if (vcpu && vcpu->kvm == kvm)
		share_clock(vcpu, &clock);
	idx = vtl_hooks_enter();
	vtl_orig_kvm_hv_setup_tsc_page(kvm, &clock);
	vtl_hooks_leave(idx);
}

/**
 * vtl_msr_is_shared - do the VTLs of a VP share an MSR?
 * @msr: index
 *
 * Return: true for those of TLFS, "Virtual Processor State Isolation", that
 * KVM keeps per vCPU.
 */
bool vtl_msr_is_shared(u32 msr)
{
	switch (msr) {
	case MSR_IA32_MISC_ENABLE:
	case MSR_IA32_MCG_CAP:
	case MSR_IA32_MCG_STATUS:
	case MSR_MTRRdefType:
	case MSR_MTRRfix64K_00000:
	case MSR_MTRRfix16K_80000:
	case MSR_MTRRfix16K_A0000:
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
	case MTRRphysBase_MSR(0) ... MTRRphysMask_MSR(KVM_NR_VAR_MTRR - 1):
		return true;
	}
	return false;
}

int vtl_hook_kvm_set_msr_common(struct kvm_vcpu *vcpu,
				struct msr_data *msr_info)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	if (vp && vtl_msr_is_shared(msr_info->index))
		vp->shared_msrs_stale = ~BIT(vp->active_vtl);
	return VTL_PASS(vtl_orig_kvm_set_msr_common(vcpu, msr_info));
}
