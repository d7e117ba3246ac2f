// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the VMX half: EPT entries as KVM makes them, intercepts
 *
 * KVM-INTERNAL: arch/x86/kvm/mmu/spte.h, the bits that KVM uses in SPTEs.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <asm/hypervisor.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#include "controls.h"
#include "cr_intercept.h"
#include "hooks.h"
#include "port.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"

#define EPT_R			BIT_ULL(0)
#define EPT_W			BIT_ULL(1)
#define EPT_X			BIT_ULL(2)
/* Both bits where KVM sets two: the CPU looks at the second one with MBEC. */
#define EPT_EXEC		(EPT_X | VTL_EPT_USER_EXEC)

/*
 * Without A and D bits an SPTE without R, W and X means "access tracked", and
 * KVM gives the rights back on the next access.
 */
static bool vmx_restrict_spte(u64 *spte, vtl_prot_t prot)
{
	/* The kernel alone: neither KVM nor a legal protection makes that. */
	if ((*spte & EPT_X) && (*spte & EPT_EXEC) != EPT_EXEC)
		return false;
	if ((*spte & VTL_EPT_AD_TYPE) == VTL_EPT_AD_DISABLED)
		return false;
	if ((*spte & EPT_W) && !(*spte & VTL_EPT_MMU_WRITABLE))
		return false;

	if (!(prot & VTL_PROT_W))
		*spte &= ~(EPT_W | VTL_EPT_MMU_WRITABLE);
	if (!(prot & VTL_PROT_KX))
		*spte &= ~EPT_X;
	if (!(prot & VTL_PROT_UX))
		*spte &= ~EPT_EXEC;
	/* KVM sets R without execute-only support whatever the access is. */
	if (!(prot & VTL_PROT_R))
		*spte &= ~(EPT_R | EPT_W | EPT_EXEC | VTL_EPT_MMU_WRITABLE);
	return true;
}

static u64 vmx_restrict_exec(u64 spte, u64 like)
{
	return spte & ~(EPT_EXEC & ~like);
}

static int vmx_cpl(struct kvm_vcpu *vcpu)
{
	return vtl_kvm_vmx_get_cpl(vcpu);
}

static u64 vmx_interrupt_state(struct kvm_vcpu *vcpu)
{
	return (vtl_kvm_vmx_get_interrupt_shadow(vcpu) ?
		HV_INTERRUPT_SHADOW : 0) |
	       (vtl_kvm_vmx_get_nmi_mask(vcpu) ? HV_INTERRUPT_NMI_MASKED : 0);
}

static void vmx_set_interrupt_state(struct kvm_vcpu *vcpu, u64 state)
{
	u32 shadow = vtl_kvm_vmx_get_interrupt_shadow(vcpu);

	/* There are two; the register does not say which one it is. */
	if (!(state & HV_INTERRUPT_SHADOW))
		shadow = 0;
	else if (!shadow)
		shadow = KVM_X86_SHADOW_INT_MOV_SS;
	vtl_kvm_vmx_set_interrupt_shadow(vcpu, shadow);
	vtl_kvm_vmx_set_nmi_mask(vcpu, state & HV_INTERRUPT_NMI_MASKED);
}

/* There is no current VMCS when KVM itself runs on Hyper-V's. */
static bool vmcs_read(unsigned long field, u64 *value)
{
	bool failed;

	asm volatile("vmread %[field], %[value]\n\t"
		     "setna %[failed]"
		     : [value] "=r" (*value), [failed] "=qm" (failed)
		     : [field] "r" (field)
		     : "cc");
	return !failed;
}

static bool vmcs_write(unsigned long field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %[value], %[field]\n\t"
		     "setna %[failed]"
		     : [failed] "=qm" (failed)
		     : [field] "r" (field), [value] "rm" (value)
		     : "cc");
	return !failed;
}

/*
 * KVM-INTERNAL: arch/x86/kvm/kvm_cache_regs.h, bits that the guest may have.
 * CR4's are those that set_cr4_guest_host_mask() gives it with EPT.
 */
#define GUEST_CR0_BITS	(X86_CR0_TS | X86_CR0_WP)
#define GUEST_CR4_BITS							\
	(X86_CR4_PVI | X86_CR4_DE | X86_CR4_PCE | X86_CR4_OSFXSR |	\
	 X86_CR4_OSXMMEXCPT | X86_CR4_PGE | X86_CR4_TSD | X86_CR4_FSGSBASE)

/**
 * struct control_register - what VMX and KVM know of CR0 or CR4
 * @real: VMCS field of the register
 * @shadow: VMCS field of what the guest reads in place of bits it does not own
 * @mask: VMCS field of those bits
 * @cache: KVM's copy
 * @owned: KVM's copy of the complement of @mask
 */
struct control_register {
	unsigned long real;
	unsigned long shadow;
	unsigned long mask;
	unsigned long *cache;
	unsigned long *owned;
};

/* Bits that the guest owned until now are in the register only. */
static bool set_owned(const struct control_register *cr, u64 owned)
{
	u64 real, value;

	if (owned == *cr->owned)
		return true;
	if (!vmcs_read(cr->real, &real))
		return false;
	value = (*cr->cache & ~*cr->owned) | (real & *cr->owned);
	if (!vmcs_write(cr->shadow, value) || !vmcs_write(cr->mask, ~owned))
		return false;
	*cr->cache = value;
	*cr->owned = owned;
	return true;
}

static bool own_cr0(struct kvm_vcpu *vcpu, u64 wanted)
{
	const struct control_register cr0 = {
		GUEST_CR0, CR0_READ_SHADOW, CR0_GUEST_HOST_MASK,
		&vcpu->arch.cr0, &vcpu->arch.cr0_guest_owned_bits,
	};

	return set_owned(&cr0, GUEST_CR0_BITS & ~wanted);
}

static bool own_cr4(struct kvm_vcpu *vcpu, u64 wanted)
{
	const struct control_register cr4 = {
		GUEST_CR4, CR4_READ_SHADOW, CR4_GUEST_HOST_MASK,
		&vcpu->arch.cr4, &vcpu->arch.cr4_guest_owned_bits,
	};

	return set_owned(&cr4, GUEST_CR4_BITS & ~wanted &
			       ~vcpu->arch.cr4_guest_rsvd_bits);
}

static bool has_secondary(u32 control)
{
	u64 controls;

	return !rdmsrl_safe(MSR_IA32_VMX_PROCBASED_CTLS2, &controls) &&
	       ((controls >> 32) & control);
}

/* An EPT violation says whether the address is a user's. */
#define EPT_CAP_ADVANCED_EXIT_INFO	BIT_ULL(22)

/* On Hyper-V KVM may use a VMCS of Hyper-V's, whose controls are not ours. */
static bool vmx_has_mbec(void)
{
	u64 caps;

	return VTL_EPT_USER_EXEC && !hypervisor_is_type(X86_HYPER_MS_HYPERV) &&
	       has_secondary(SECONDARY_EXEC_MODE_BASED_EPT_EXEC) &&
	       !rdmsrl_safe(MSR_IA32_VMX_EPT_VPID_CAP, &caps) &&
	       (caps & EPT_CAP_ADVANCED_EXIT_INFO);
}

/* Where the CPU has no UMIP KVM uses the same exits to emulate it. */
static bool needs_umip_exits(struct kvm_vcpu *vcpu)
{
	return !boot_cpu_has(X86_FEATURE_UMIP) &&
	       (vcpu->arch.cr4 & X86_CR4_UMIP);
}

/* The bits of the secondary controls that are ours, as they have to be */
static u64 own_secondary(struct kvm_vcpu *vcpu, const struct vtl_controls *want)
{
	u64 controls = 0;

	if (want->tables || needs_umip_exits(vcpu))
		controls |= SECONDARY_EXEC_DESC;
	if (want->mbec)
		controls |= SECONDARY_EXEC_MODE_BASED_EPT_EXEC;
	return controls;
}

/*
 * KVM keeps a copy, with its own idea of our bits, and writes what differs.
 *
 * Translations of a vCPU that were made with the other value of the MBEC
 * control may still be cached.
 */
static bool set_secondary(struct kvm_vcpu *vcpu,
			  const struct vtl_controls *want)
{
	u64 own = own_secondary(vcpu, want);
	u64 controls, changed;

	if (want->tables && !has_secondary(SECONDARY_EXEC_DESC))
		return false;
	if (!vmcs_read(SECONDARY_VM_EXEC_CONTROL, &controls))
		return !want->tables && !want->mbec;
	changed = (controls ^ own) & (SECONDARY_EXEC_DESC |
				      SECONDARY_EXEC_MODE_BASED_EPT_EXEC);
	if (changed & SECONDARY_EXEC_MODE_BASED_EPT_EXEC)
		kvm_make_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu);
	return !changed ||
	       vmcs_write(SECONDARY_VM_EXEC_CONTROL, controls ^ changed);
}

static bool vmx_control(struct kvm_vcpu *vcpu, const struct vtl_controls *want)
{
	return own_cr0(vcpu, want->cr0) && own_cr4(vcpu, want->cr4) &&
	       set_secondary(vcpu, want);
}

void vtl_hook_vmx_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu)
{
	vtl_orig_vmx_vcpu_after_set_cpuid(vcpu);
	vtl_controls_again(vcpu);
}

void vtl_hook_vmx_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4)
{
	vtl_orig_vmx_set_cr4(vcpu, cr4);
	vtl_controls_again(vcpu);
}

void vtl_hook_vmx_set_virtual_apic_mode(struct kvm_vcpu *vcpu)
{
	vtl_orig_vmx_set_virtual_apic_mode(vcpu);
	vtl_controls_again(vcpu);
}

void vtl_hook_vmx_refresh_apicv_exec_ctrl(struct kvm_vcpu *vcpu)
{
	vtl_orig_vmx_refresh_apicv_exec_ctrl(vcpu);
	vtl_controls_again(vcpu);
}

void vtl_hook_vmx_update_cpu_dirty_logging(struct kvm_vcpu *vcpu)
{
	vtl_orig_vmx_update_cpu_dirty_logging(vcpu);
	vtl_controls_again(vcpu);
}

/* Exit qualification for CR accesses: bits 5:4 */
#define CR_ACCESS_CLTS	2

static bool is_clts(void)
{
	u64 qualification;

	return vmcs_read(EXIT_QUALIFICATION, &qualification) &&
	       ((qualification >> 4) & 3) == CR_ACCESS_CLTS;
}

/* KVM does not expect it: the guest owns CR0.TS otherwise. */
static int handle_clts(struct kvm_vcpu *vcpu)
{
	unsigned long owned = vcpu->arch.cr0_guest_owned_bits;
	u64 real;

	if (!vmcs_read(GUEST_CR0, &real))
		return vtl_orig_handle_cr(vcpu);
	vtl_hook_kvm_set_cr0(vcpu, ((vcpu->arch.cr0 & ~owned) |
				    (real & owned)) & ~X86_CR0_TS);
	return vtl_kvm_kvm_skip_emulated_instruction(vcpu);
}

int vtl_hook_handle_cr(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	unsigned long rip;

	if (!vp)
		return is_clts() ? handle_clts(vcpu) :
				   VTL_PASS(vtl_orig_handle_cr(vcpu));
	rip = vtl_cr_intercept_arm(vp, vcpu);
	return vtl_cr_intercept_finish(vp, vcpu, rip,
				       is_clts() ? handle_clts(vcpu) :
						   vtl_orig_handle_cr(vcpu));
}

/* What the exit was for; 0 for a store, which nobody wants to know of. */
static u64 table_bit(void)
{
	static const u64 bits[2][4] = {
		{ 0, 0, HV_CR_INTERCEPT_GDTR_WRITE,
		  HV_CR_INTERCEPT_IDTR_WRITE },
		{ 0, 0, HV_CR_INTERCEPT_LDTR_WRITE, HV_CR_INTERCEPT_TR_WRITE },
	};
	u64 reason, info;

	if (!vmcs_read(VM_EXIT_REASON, &reason) ||
	    !vmcs_read(VMX_INSTRUCTION_INFO, &info))
		return 0;
	return bits[(u16)reason == EXIT_REASON_LDTR_TR][(info >> 28) & 3];
}

/* The exits are for all instructions: the emulator does what is not wanted. */
int vtl_hook_handle_desc(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	u64 bit = vp ? table_bit() : 0;
	int r = bit ? vtl_cr_intercept_table(vp, vcpu, bit) : -ENOENT;

	if (r != -ENOENT)
		return r;
	return vtl_hook_x86_emulate_instruction(vcpu, 0, 0, NULL, 0);
}

static bool vmx_lost_state(struct kvm_vcpu *vcpu)
{
	return false;
}

/* SDM, "Exit Qualification for I/O Instructions" */
#define IO_SIZE_MINUS_1		GENMASK_ULL(2, 0)
#define IO_IN			BIT_ULL(3)
#define IO_STRING		BIT_ULL(4)
#define IO_REP			BIT_ULL(5)
#define IO_PORT_SHIFT		16

int vtl_hook_handle_io(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_port_vp(vcpu);
	struct vtl_port_access access = {};
	u64 qualification, length;
	int ret;

	if (!vp)
		return VTL_PASS(vtl_orig_handle_io(vcpu));
	if (!vmcs_read(EXIT_QUALIFICATION, &qualification) ||
	    !vmcs_read(VM_EXIT_INSTRUCTION_LEN, &length))
		return vtl_port_unknown(vp);

	access.port = qualification >> IO_PORT_SHIFT;
	access.size = (qualification & IO_SIZE_MINUS_1) + 1;
	access.write = !(qualification & IO_IN);
	access.string = qualification & IO_STRING;
	access.rep = qualification & IO_REP;
	access.length = length;
	ret = vtl_port_exit(vp, vcpu, &access);
	return ret == -ENOENT ? vtl_orig_handle_io(vcpu) : ret;
}

/* KVM sets one of the two for EPT violations with a linear address. */
static bool vmx_fault_gva(u64 error_code, u64 *gva)
{
	return (error_code & (PFERR_GUEST_FINAL_MASK |
			      PFERR_GUEST_PAGE_MASK)) &&
	       vmcs_read(GUEST_LINEAR_ADDRESS, gva);
}

const struct vtl_vendor_ops vtl_vmx_ops = {
	.id = KVM_VTL_VENDOR_INTEL,
	.kvm_module = "kvm_intel",
	.hypercall_insn = { 0x0f, 0x01, 0xc1 },
	.has_mbec = vmx_has_mbec,
	.restrict_spte = vmx_restrict_spte,
	.restrict_exec = vmx_restrict_exec,
	.cpl = vmx_cpl,
	.interrupt_state = vmx_interrupt_state,
	.set_interrupt_state = vmx_set_interrupt_state,
	.control = vmx_control,
	.fault_gva = vmx_fault_gva,
	.lost_state = vmx_lost_state,
};
