// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the SVM half: NPT entries as KVM makes them, intercepts
 *
 * KVM-INTERNAL: arch/x86/kvm/mmu/spte.h, the bits that KVM uses in SPTEs.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <asm/svm.h>

#include "controls.h"
#include "cr_intercept.h"
#include "hooks.h"
#include "port.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"

#define NPT_W			BIT_ULL(1)
#define NPT_U			BIT_ULL(2)
#define NPT_MMU_WRITABLE	BIT_ULL(10)
#define NPT_NX			BIT_ULL(63)

/*
 * With GMET U keeps the kernel from fetching, and KVM makes leaf entries
 * without it.  Else all have it, and users alone cannot be given the right.
 */
static void restrict_fetches(u64 *spte, vtl_prot_t prot)
{
	const vtl_prot_t both = VTL_PROT_KX | VTL_PROT_UX;

	if ((prot & both) == VTL_PROT_UX && vtl_compat_uses_mbec())
		*spte |= NPT_U;
	else if ((prot & both) != both)
		*spte |= NPT_NX;
}

static bool svm_restrict_spte(u64 *spte, vtl_prot_t prot)
{
	if ((*spte & NPT_W) && !(*spte & NPT_MMU_WRITABLE))
		return false;

	if (!(prot & VTL_PROT_W))
		*spte &= ~(NPT_W | NPT_MMU_WRITABLE);
	restrict_fetches(spte, prot);
	if (!(prot & VTL_PROT_R)) {
		*spte &= ~(VTL_NPT_READ | NPT_W | NPT_MMU_WRITABLE);
		*spte |= NPT_NX;
	}
	return true;
}

static bool svm_has_mbec(void)
{
	return VTL_SVM_GMET && boot_cpu_has(X86_FEATURE_GMET);
}

static u64 svm_restrict_exec(u64 spte, u64 like)
{
	return spte | (like & NPT_NX);
}

static int svm_cpl(struct kvm_vcpu *vcpu)
{
	return vtl_kvm_svm_get_cpl(vcpu);
}

static u64 svm_interrupt_state(struct kvm_vcpu *vcpu)
{
	return (vtl_kvm_svm_get_interrupt_shadow(vcpu) ?
		HV_INTERRUPT_SHADOW : 0) |
	       (vtl_kvm_svm_get_nmi_mask(vcpu) ? HV_INTERRUPT_NMI_MASKED : 0);
}

static void svm_set_interrupt_state(struct kvm_vcpu *vcpu, u64 state)
{
	vtl_kvm_svm_set_interrupt_shadow(vcpu, state & HV_INTERRUPT_SHADOW ?
					      KVM_X86_SHADOW_INT_STI : 0);
	vtl_kvm_svm_set_nmi_mask(vcpu, state & HV_INTERRUPT_NMI_MASKED);
}

/* KVM-INTERNAL: the beginning of struct vcpu_svm, arch/x86/kvm/svm/svm.h */
struct svm_vcpu {
	struct kvm_vcpu vcpu;
	struct vmcb *vmcb;
	struct vmcb *vmcb01;
	unsigned long vmcb01_pa;
};

#define VMCB_CLEAN_INTERCEPTS	BIT(0)
#define PA_BITS			GENMASK_ULL(46, PAGE_SHIFT)

/* The VMCB; NULL when KVM's structure is not the one above. */
static struct vmcb *vcpu_vmcb(struct kvm_vcpu *vcpu)
{
	struct svm_vcpu *svm = container_of(vcpu, struct svm_vcpu, vcpu);

	if (!virt_addr_valid(svm->vmcb) || svm->vmcb != svm->vmcb01 ||
	    ((svm->vmcb01_pa ^ __pa(svm->vmcb)) & PA_BITS))
		return NULL;
	return svm->vmcb;
}

static void set_intercept(struct vmcb *vmcb, unsigned int bit, bool on)
{
	struct vmcb_control_area *control = &vmcb->control;

	if (on)
		__set_bit(bit, (unsigned long *)control->intercepts);
	else
		__clear_bit(bit, (unsigned long *)control->intercepts);
	control->clean &= ~VMCB_CLEAN_INTERCEPTS;
}

/*
 * KVM has an exit for the bits of CR0 but TS and MP.  It wants one for all when
 * the CPU must not run with the guest's value.
 */
static void intercept_cr0(struct kvm_vcpu *vcpu, struct vmcb *vmcb, u64 cr0)
{
	set_intercept(vmcb, INTERCEPT_CR0_WRITE,
		      (cr0 & (X86_CR0_TS | X86_CR0_MP)) ||
		      vmcb->save.cr0 != vcpu->arch.cr0);
}

/*
 * KVM lets every guest have VMLOAD and VMSAVE, also without SVM in CPUID:
 * VMLOAD writes TR, LDTR and MSRs.  With an exit it is #UD.
 */
static void intercept_vmload(struct vmcb *vmcb)
{
	vmcb->control.virt_ext &= ~VIRTUAL_VMLOAD_VMSAVE_ENABLE_MASK;
	set_intercept(vmcb, INTERCEPT_VMLOAD, true);
	set_intercept(vmcb, INTERCEPT_VMSAVE, true);
}

/* CR4 always leaves the guest.  GMET is on at all times, if KVM uses it. */
static bool svm_control(struct kvm_vcpu *vcpu, const struct vtl_controls *want)
{
	struct vmcb *vmcb = vcpu_vmcb(vcpu);
	u64 tables = want->tables;

	if (!vmcb || (want->mbec && !(vmcb->control.nested_ctl & VTL_SVM_GMET)))
		return false;
	intercept_vmload(vmcb);
	intercept_cr0(vcpu, vmcb, want->cr0);
	set_intercept(vmcb, INTERCEPT_LOAD_GDTR,
		      tables & HV_CR_INTERCEPT_GDTR_WRITE);
	set_intercept(vmcb, INTERCEPT_LOAD_IDTR,
		      tables & HV_CR_INTERCEPT_IDTR_WRITE);
	set_intercept(vmcb, INTERCEPT_LOAD_LDTR,
		      tables & HV_CR_INTERCEPT_LDTR_WRITE);
	set_intercept(vmcb, INTERCEPT_LOAD_TR,
		      tables & HV_CR_INTERCEPT_TR_WRITE);
	return true;
}

void vtl_hook_svm_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu)
{
	vtl_orig_svm_vcpu_after_set_cpuid(vcpu);
	vtl_controls_again(vcpu);
}

/* KVM drops the intercept of all writes here. */
void vtl_hook_svm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	struct vmcb *vmcb = vcpu_vmcb(vcpu);
	struct vtl_controls want;

	vtl_orig_svm_set_cr0(vcpu, cr0);
	vtl_controls_wanted(vcpu, &want);
	if (vmcb && want.cr0)
		intercept_cr0(vcpu, vmcb, want.cr0);
}

int vtl_hook_cr_interception(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	unsigned long rip;

	if (!vp)
		return VTL_PASS(vtl_orig_cr_interception(vcpu));
	rip = vtl_cr_intercept_arm(vp, vcpu);
	return vtl_cr_intercept_finish(vp, vcpu, rip,
				       vtl_orig_cr_interception(vcpu));
}

static u64 table_bit(u64 exit_code)
{
	switch (exit_code) {
	case SVM_EXIT_GDTR_WRITE:
		return HV_CR_INTERCEPT_GDTR_WRITE;
	case SVM_EXIT_IDTR_WRITE:
		return HV_CR_INTERCEPT_IDTR_WRITE;
	case SVM_EXIT_LDTR_WRITE:
		return HV_CR_INTERCEPT_LDTR_WRITE;
	case SVM_EXIT_TR_WRITE:
		return HV_CR_INTERCEPT_TR_WRITE;
	}
	return 0;
}

/*
 * KVM has no handlers for loads of descriptor tables: it gets here, to tell of
 * an exit that it does not know, and leaves KVM_RUN.
 */
void vtl_hook_dump_vmcb(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	struct vmcb *vmcb = vcpu_vmcb(vcpu);
	u64 bit = vp && vmcb ? table_bit(vmcb->control.exit_code) : 0;

	if (!bit || vtl_cr_intercept_table(vp, vcpu, bit) == -ENOENT)
		vtl_orig_dump_vmcb(vcpu);
	else if (vp->action == VTL_ACTION_NONE)
		vp->action = VTL_ACTION_RESUME;
}

/* The CPU gives the next RIP in exit_info_2. */
int vtl_hook_io_interception(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_port_vp(vcpu);
	struct vmcb *vmcb = vcpu_vmcb(vcpu);
	struct vtl_port_access access = {};
	u32 info;
	int ret;

	if (!vp)
		return VTL_PASS(vtl_orig_io_interception(vcpu));
	if (!vmcb)
		return vtl_port_unknown(vp);

	info = vmcb->control.exit_info_1;
	access.port = info >> 16;
	access.size = (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;
	access.write = !(info & SVM_IOIO_TYPE_MASK);
	access.string = info & SVM_IOIO_STR_MASK;
	access.rep = info & SVM_IOIO_REP_MASK;
	access.length = vmcb->control.exit_info_2 -
			vtl_kvm_kvm_arch_vcpu_get_ip(vcpu);
	ret = vtl_port_exit(vp, vcpu, &access);
	return ret == -ENOENT ? vtl_orig_io_interception(vcpu) : ret;
}

/* KVM clears the VMCB at a shutdown, and resets the vCPU then. */
static bool svm_lost_state(struct kvm_vcpu *vcpu)
{
	struct vmcb *vmcb = vcpu_vmcb(vcpu);

	return !vmcb || !test_bit(INTERCEPT_VMRUN,
				  (unsigned long *)vmcb->control.intercepts);
}

/* SVM has no such field. */
static bool svm_fault_gva(u64 error_code, u64 *gva)
{
	return false;
}

const struct vtl_vendor_ops vtl_svm_ops = {
	.id = KVM_VTL_VENDOR_AMD,
	.kvm_module = "kvm_amd",
	.hypercall_insn = { 0x0f, 0x01, 0xd9 },
	.has_mbec = svm_has_mbec,
	.user_by_cpl = true,
	.restrict_spte = svm_restrict_spte,
	.restrict_exec = svm_restrict_exec,
	.cpl = svm_cpl,
	.interrupt_state = svm_interrupt_state,
	.set_interrupt_state = svm_set_interrupt_state,
	.control = svm_control,
	.fault_gva = svm_fault_gva,
	.lost_state = svm_lost_state,
};
