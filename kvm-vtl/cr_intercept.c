// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - CrInterceptControl: registers whose use by lower VTLs a higher one
 * is told
 *
 * An access has no effect, RIP stays, and the higher VTL gets a message with
 * the length of the instruction (TLFS, "HvRegisterCrInterceptControl").
 *
 * KVM has exits for most of these registers, but gives the guest the rest: bits
 * of CR0 and CR4, MSRs, descriptor tables.  The vendors' halves and KVM's MSR
 * filter take them back while a higher VTL asks for it.
 *
 * Where KVM, or its emulator, is about to write a register, the hook notes the
 * access and tells it that all went well: KVM goes on to the next instruction,
 * which gives the length.  Whoever armed the VP then takes RIP back:
 *
 *   exit handler, emulator      hook of kvm_set_cr0() and the like
 *   ----------------------      ----------------------------------
 *   vtl_cr_intercept_arm()
 *   KVM's own function ...      note(), no write
 *   vtl_cr_intercept_finish()
 */
#include <linux/kvm_host.h>
#include <asm/msr-index.h>

#include "controls.h"
#include "cr_intercept.h"
#include "hooks.h"
#include "intercept.h"
#include "kvm_glue.h"
#include "msr.h"
#include "partition.h"
#include "tlfs.h"
#include "vendor.h"
#include "vp.h"

/* KVM-INTERNAL: arch/x86/kvm/kvm_emulate.h */
#define X86EMUL_CONTINUE	0
#define X86EMUL_INTERCEPTED	6

#define TABLES \
	(HV_CR_INTERCEPT_GDTR_WRITE | HV_CR_INTERCEPT_IDTR_WRITE | \
	 HV_CR_INTERCEPT_LDTR_WRITE | HV_CR_INTERCEPT_TR_WRITE)

/**
 * struct msr_intercept - MSRs of one bit, or two
 * @first: index
 * @last: index, inclusive
 * @read: bit for RDMSR, or 0
 * @write: bit for WRMSR
 */
struct msr_intercept {
	u32 first;
	u32 last;
	u64 read;
	u64 write;
};

static const struct msr_intercept msr_intercepts[] = {
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE,
	  HV_CR_INTERCEPT_MISC_ENABLE_READ, HV_CR_INTERCEPT_MISC_ENABLE_WRITE },
	{ MSR_LSTAR, MSR_LSTAR,
	  HV_CR_INTERCEPT_LSTAR_READ, HV_CR_INTERCEPT_LSTAR_WRITE },
	{ MSR_STAR, MSR_STAR,
	  HV_CR_INTERCEPT_STAR_READ, HV_CR_INTERCEPT_STAR_WRITE },
	{ MSR_CSTAR, MSR_CSTAR,
	  HV_CR_INTERCEPT_CSTAR_READ, HV_CR_INTERCEPT_CSTAR_WRITE },
	{ MSR_IA32_APICBASE, MSR_IA32_APICBASE,
	  HV_CR_INTERCEPT_APIC_BASE_READ, HV_CR_INTERCEPT_APIC_BASE_WRITE },
	{ MSR_EFER, MSR_EFER,
	  HV_CR_INTERCEPT_EFER_READ, HV_CR_INTERCEPT_EFER_WRITE },
	{ MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_CS,
	  0, HV_CR_INTERCEPT_SYSENTER_CS_WRITE },
	{ MSR_IA32_SYSENTER_EIP, MSR_IA32_SYSENTER_EIP,
	  0, HV_CR_INTERCEPT_SYSENTER_EIP_WRITE },
	{ MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_ESP,
	  0, HV_CR_INTERCEPT_SYSENTER_ESP_WRITE },
	{ MSR_SYSCALL_MASK, MSR_SYSCALL_MASK,
	  0, HV_CR_INTERCEPT_SFMASK_WRITE },
	{ MSR_TSC_AUX, MSR_TSC_AUX, 0, HV_CR_INTERCEPT_TSC_AUX_WRITE },
	{ MSR_IA32_SGXLEPUBKEYHASH0, MSR_IA32_SGXLEPUBKEYHASH3,
	  0, HV_CR_INTERCEPT_SGX_LC_WRITE },
	{ MSR_IA32_XSS, MSR_IA32_XSS, 0, HV_CR_INTERCEPT_XSS_WRITE },
	{ MSR_IA32_S_CET, MSR_IA32_S_CET, 0, HV_CR_INTERCEPT_S_CET_WRITE },
	{ MSR_IA32_PL0_SSP, MSR_IA32_PL2_SSP,
	  0, HV_CR_INTERCEPT_PL_SSP_WRITE },
	{ MSR_IA32_INT_SSP_TAB, MSR_IA32_INT_SSP_TAB,
	  0, HV_CR_INTERCEPT_INT_SSP_TABLE_WRITE },
};

/* The bit of an MSR; 0 when there is none. */
static u64 msr_bit(u32 msr, bool write)
{
	const struct msr_intercept *m;

	for (m = msr_intercepts;
	     m < msr_intercepts + ARRAY_SIZE(msr_intercepts); m++)
		if (msr >= m->first && msr <= m->last)
			return write ? m->write : m->read;
	return 0;
}

/*
 * The lowest VTL above @vtl that wants to know of an access, or 0.  @mask says
 * which of the masks decides by the bits that change; VTL_CR_CONTROL: none.
 */
static u8 owner_of(struct vtl_vp *vp, u8 vtl, u64 bit,
		   enum vtl_cr_register mask, u64 changed)
{
	while (++vtl <= vp->partition->max_vtl) {
		const u64 *regs = vp->vtl[vtl].cr_intercept;

		if ((READ_ONCE(regs[VTL_CR_CONTROL]) & bit) &&
		    (mask == VTL_CR_CONTROL ||
		     (READ_ONCE(regs[mask]) & changed)))
			return vtl;
	}
	return 0;
}

static u64 name_bit(u32 name)
{
	switch (name) {
	case HV_X64_REGISTER_CR0:
		return HV_CR_INTERCEPT_CR0_WRITE;
	case HV_X64_REGISTER_CR4:
		return HV_CR_INTERCEPT_CR4_WRITE;
	case HV_X64_REGISTER_XFEM:
		return HV_CR_INTERCEPT_XCR0_WRITE;
	case HV_X64_REGISTER_GDTR:
		return HV_CR_INTERCEPT_GDTR_WRITE;
	case HV_X64_REGISTER_IDTR:
		return HV_CR_INTERCEPT_IDTR_WRITE;
	case HV_X64_REGISTER_LDTR:
		return HV_CR_INTERCEPT_LDTR_WRITE;
	case HV_X64_REGISTER_TR:
		return HV_CR_INTERCEPT_TR_WRITE;
	}
	return 0;
}

/**
 * vtl_cr_intercept_denies - is a register of a lower VTL locked for this one?
 * @vp: the VP whose register it is
 * @vtl: the VTL that wants to write it
 * @name: HV_X64_REGISTER_*
 * @msr: the MSR that it is, 0 for none
 *
 * A VTL that is itself subject to intercepts is no way around them, whatever
 * the masks say.
 *
 * Context: the run loop.
 * Return: true when a VTL above @vtl intercepts writes of it.
 */
bool vtl_cr_intercept_denies(struct vtl_vp *vp, u8 vtl, u32 name, u32 msr)
{
	u64 bit = msr ? msr_bit(msr, true) : name_bit(name);

	return bit && owner_of(vp, vtl, bit, VTL_CR_CONTROL, 0);
}

/* --- the registers -------------------------------------------------------- */

/**
 * vtl_cr_intercept_valid - can CrInterceptControl or a mask be this?
 * @which: register
 * @value: value
 *
 * Return: true when no reserved bit is set.
 */
bool vtl_cr_intercept_valid(enum vtl_cr_register which, u64 value)
{
	return which != VTL_CR_CONTROL || !(value & HV_CR_INTERCEPT_RESERVED);
}

/**
 * vtl_cr_intercept_wanted - what a VTL of a VP must not write by itself
 * @vp: the VP
 * @vtl: the VTL
 * @want: out: the union of what all higher VTLs want is added
 *
 * Context: any.
 */
void vtl_cr_intercept_wanted(const struct vtl_vp *vp, u8 vtl,
			     struct vtl_controls *want)
{
	while (++vtl < VTL_LEVELS) {
		const u64 *regs = vp->vtl[vtl].cr_intercept;
		u64 control = READ_ONCE(regs[VTL_CR_CONTROL]);

		want->tables |= control & TABLES;
		if (control & HV_CR_INTERCEPT_CR0_WRITE)
			want->cr0 |= READ_ONCE(regs[VTL_CR_CR0_MASK]);
		if (control & HV_CR_INTERCEPT_CR4_WRITE)
			want->cr4 |= READ_ONCE(regs[VTL_CR_CR4_MASK]);
	}
}

static void store(struct vtl_vp *vp, u8 vtl, const u64 *regs)
{
	unsigned int i;

	for (i = 0; i < VTL_CR_NR; i++)
		WRITE_ONCE(vp->vtl[vtl].cr_intercept[i], regs[i]);
}

/**
 * vtl_cr_intercept_set - write CrInterceptControl and its masks
 * @vp: the VP
 * @vtl: the VTL that they belong to, above 0
 * @regs: all of them, valid ones
 *
 * Context: the run loop or an ioctl; may sleep; vp->mutex held, no vCPU loaded
 *	or locked.
 * Return: 0; -EOPNOTSUPP when the host cannot intercept that, nothing changes
 * then.
 */
int vtl_cr_intercept_set(struct vtl_vp *vp, u8 vtl, const u64 *regs)
{
	u64 old[VTL_CR_NR];

	memcpy(old, vp->vtl[vtl].cr_intercept, sizeof(old));
	if (!memcmp(old, regs, sizeof(old)))
		return 0;
	store(vp, vtl, regs);
	if (vtl_controls_apply(vp, vtl))
		return 0;
	store(vp, vtl, old);
	if (!vtl_controls_apply(vp, vtl))
		vtl_partition_kill(vp->partition, "intercepts are lost");
	return -EOPNOTSUPP;
}

/* --- the accesses --------------------------------------------------------- */

/**
 * vtl_cr_intercept_arm - look after accesses to registers
 * @vp: the VP
 * @vcpu: its active vCPU, loaded
 *
 * Context: exit of the active vCPU.
 * Return: RIP, for vtl_cr_intercept_finish().
 */
unsigned long vtl_cr_intercept_arm(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	vp->access.armed = true;
	vp->access.owner = 0;
	vp->access.dr6 = vcpu->arch.dr6;
	return vtl_kvm_kvm_arch_vcpu_get_ip(vcpu);
}

/**
 * vtl_cr_intercept_finish - make an intercept of an access that was noted
 * @vp: the VP
 * @vcpu: its active vCPU, loaded
 * @rip: from vtl_cr_intercept_arm()
 * @r: what KVM's function returned
 *
 * KVM may have gone on to the next instruction: not the guest.
 *
 * Context: exit of the active vCPU.
 * Return: @r, or as KVM's exit handlers.
 */
int vtl_cr_intercept_finish(struct vtl_vp *vp, struct kvm_vcpu *vcpu,
			    unsigned long rip, int r)
{
	unsigned long length;

	vp->access.armed = false;
	if (likely(!vp->access.owner))
		return r;
	length = vtl_kvm_kvm_arch_vcpu_get_ip(vcpu) - rip;
	vtl_vcpu_set_rip(vcpu, rip);
	/* What single-stepping makes of the next instruction */
	vtl_vcpu_drop_exit(vcpu);
	vtl_vcpu_drop_exception(vcpu);
	vcpu->arch.dr6 = vp->access.dr6;
	return vtl_intercept_register(vp, vcpu, length <= 15 ? length : 0);
}

/* Returns false when nobody wants to know. */
static bool note(struct vtl_vp *vp, u8 owner, u32 name, u64 value)
{
	if (!owner)
		return false;
	vp->access.owner = owner;
	vp->access.name = name;
	vp->access.write = true;
	vp->access.value = value;
	return true;
}

/* The same for an instruction that KVM has not begun with. */
static int intercept_now(struct vtl_vp *vp, struct kvm_vcpu *vcpu)
{
	unsigned long rip = vtl_kvm_kvm_arch_vcpu_get_ip(vcpu);

	vp->access.dr6 = vcpu->arch.dr6;
	vtl_kvm_kvm_skip_emulated_instruction(vcpu);
	return vtl_cr_intercept_finish(vp, vcpu, rip, 1);
}

static struct vtl_vp *armed_vp(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	return vp && vp->access.armed ? vp : NULL;
}

/* KVM-INTERNAL: struct x86_emulate_ctxt::vcpu is first. */
static struct kvm_vcpu *ctxt_vcpu(struct x86_emulate_ctxt *ctxt)
{
	return *(struct kvm_vcpu **)ctxt;
}

/* Bits that a mask names are never the guest's own: arch.cr0 has them. */
int vtl_hook_kvm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	struct vtl_vp *vp = armed_vp(vcpu);

	if (vp && note(vp, owner_of(vp, vp->active_vtl,
				    HV_CR_INTERCEPT_CR0_WRITE, VTL_CR_CR0_MASK,
				    vcpu->arch.cr0 ^ cr0),
		       HV_X64_REGISTER_CR0, cr0))
		return 0;
	return VTL_PASS(vtl_orig_kvm_set_cr0(vcpu, cr0));
}

int vtl_hook_kvm_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4)
{
	struct vtl_vp *vp = armed_vp(vcpu);

	if (vp && note(vp, owner_of(vp, vp->active_vtl,
				    HV_CR_INTERCEPT_CR4_WRITE, VTL_CR_CR4_MASK,
				    vcpu->arch.cr4 ^ cr4),
		       HV_X64_REGISTER_CR4, cr4))
		return 0;
	return VTL_PASS(vtl_orig_kvm_set_cr4(vcpu, cr4));
}

static bool note_xcr0(struct vtl_vp *vp, u32 index, u64 value)
{
	return !index && note(vp, owner_of(vp, vp->active_vtl,
					   HV_CR_INTERCEPT_XCR0_WRITE,
					   VTL_CR_CONTROL, 0),
			      HV_X64_REGISTER_XFEM, value);
}

static u64 edx_eax(struct kvm_vcpu *vcpu)
{
	return (u32)vcpu->arch.regs[VCPU_REGS_RAX] |
	       (u64)vcpu->arch.regs[VCPU_REGS_RDX] << 32;
}

int vtl_hook_kvm_emulate_xsetbv(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	if (vp && !vtl_vendor()->cpl(vcpu) &&
	    note_xcr0(vp, vcpu->arch.regs[VCPU_REGS_RCX], edx_eax(vcpu)))
		return intercept_now(vp, vcpu);
	return VTL_PASS(vtl_orig_kvm_emulate_xsetbv(vcpu));
}

int vtl_hook_emulator_set_xcr(struct x86_emulate_ctxt *ctxt, u32 index,
			      u64 xcr)
{
	struct vtl_vp *vp = armed_vp(ctxt_vcpu(ctxt));

	if (vp && note_xcr0(vp, index, xcr))
		return 0;
	return VTL_PASS(vtl_orig_emulator_set_xcr(ctxt, index, xcr));
}

/* MSRs */

static bool note_msr(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u32 msr,
		     bool write, u64 value)
{
	enum vtl_cr_register mask = VTL_CR_CONTROL;
	u64 bit = msr_bit(msr, write), changed = 0;

	if (likely(!bit))
		return false;
	if (bit == HV_CR_INTERCEPT_MISC_ENABLE_WRITE) {
		mask = VTL_CR_MISC_MASK;
		changed = vcpu->arch.ia32_misc_enable_msr ^ value;
	}
	if (!note(vp, owner_of(vp, vp->active_vtl, bit, mask, changed), 0,
		  value))
		return false;
	vp->access.msr = msr;
	vp->access.write = write;
	return true;
}

int vtl_hook_kvm_emulate_wrmsr(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	if (vp && note_msr(vp, vcpu, vcpu->arch.regs[VCPU_REGS_RCX], true,
			   edx_eax(vcpu)))
		return intercept_now(vp, vcpu);
	return VTL_PASS(vtl_orig_kvm_emulate_wrmsr(vcpu));
}

int vtl_hook_kvm_emulate_rdmsr(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	unsigned long *regs = vcpu->arch.regs;
	u64 clock;

	if (vp && note_msr(vp, vcpu, regs[VCPU_REGS_RCX], false, 0))
		return intercept_now(vp, vcpu);
	if (vp && vtl_msr_get_clock(vp, regs[VCPU_REGS_RCX], &clock)) {
		regs[VCPU_REGS_RAX] = (u32)clock;
		regs[VCPU_REGS_RDX] = clock >> 32;
		return vtl_kvm_kvm_skip_emulated_instruction(vcpu);
	}
	return VTL_PASS(vtl_orig_kvm_emulate_rdmsr(vcpu));
}

int vtl_hook_emulator_set_msr_with_filter(struct x86_emulate_ctxt *ctxt,
					  u32 msr_index, u64 data)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct vtl_vp *vp = armed_vp(vcpu);

	if (vp && note_msr(vp, vcpu, msr_index, true, data))
		return X86EMUL_CONTINUE;
	return VTL_PASS(vtl_orig_emulator_set_msr_with_filter(ctxt, msr_index,
							      data));
}

/* The emulator must not load RAX and RDX: the length is not known then. */
int vtl_hook_emulator_get_msr_with_filter(struct x86_emulate_ctxt *ctxt,
					  u32 msr_index, u64 *pdata)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	if (vp && vp->access.armed && note_msr(vp, vcpu, msr_index, false, 0))
		return X86EMUL_INTERCEPTED;
	if (vp && vtl_msr_get_clock(vp, msr_index, pdata))
		return X86EMUL_CONTINUE;
	return VTL_PASS(vtl_orig_emulator_get_msr_with_filter(ctxt, msr_index,
							      pdata));
}

/* Is an access by RDMSR or WRMSR to leave the guest, whatever is written? */
static bool msr_is_wanted(struct kvm_vcpu *vcpu, u32 msr, u32 type)
{
	bool write = type & KVM_MSR_FILTER_WRITE;
	u64 bit = msr_bit(msr, write);
	struct vtl_vp *vp;
	bool wanted;
	u8 vtl;

	/* KVM never passes it through, and a mask decides. */
	if (!bit || msr == MSR_IA32_MISC_ENABLE)
		return false;
	rcu_read_lock();
	vp = vtl_vp_find_rcu(vcpu, &vtl);
	wanted = vp && owner_of(vp, vtl, bit, VTL_CR_CONTROL, 0);
	rcu_read_unlock();
	return wanted;
}

/* KVM asks when it computes the bitmaps. */
bool vtl_hook_kvm_msr_allowed(struct kvm_vcpu *vcpu, u32 index, u32 type)
{
	return !msr_is_wanted(vcpu, index, type) &&
	       VTL_PASS(vtl_orig_kvm_msr_allowed(vcpu, index, type));
}

/* Descriptor tables */

static u32 table_name(u64 bit)
{
	switch (bit) {
	case HV_CR_INTERCEPT_GDTR_WRITE:
		return HV_X64_REGISTER_GDTR;
	case HV_CR_INTERCEPT_IDTR_WRITE:
		return HV_X64_REGISTER_IDTR;
	case HV_CR_INTERCEPT_LDTR_WRITE:
		return HV_X64_REGISTER_LDTR;
	}
	return HV_X64_REGISTER_TR;
}

static bool note_table(struct vtl_vp *vp, u64 bit)
{
	return note(vp, owner_of(vp, vp->active_vtl, bit, VTL_CR_CONTROL, 0),
		    table_name(bit), 0);
}

/**
 * vtl_cr_intercept_table - LGDT, LIDT, LLDT or LTR has left the guest
 * @vp: the VP
 * @vcpu: its active vCPU, loaded
 * @bit: HV_CR_INTERCEPT_{GDTR,IDTR,LDTR,TR}_WRITE
 *
 * For users it is #GP, whatever a higher VTL wants.
 *
 * Context: exit of the active vCPU.
 * Return: as KVM's exit handlers; -ENOENT when nobody wants to know.
 */
int vtl_cr_intercept_table(struct vtl_vp *vp, struct kvm_vcpu *vcpu, u64 bit)
{
	if (vtl_vendor()->cpl(vcpu)) {
		vtl_kvm_kvm_queue_exception_e(vcpu, GP_VECTOR, 0);
		return 1;
	}
	if (!note_table(vp, bit))
		return -ENOENT;
	return intercept_now(vp, vcpu);
}

/* The emulator has got to one of them without such an exit. */
void vtl_hook_emulator_set_gdt(struct x86_emulate_ctxt *ctxt,
			       struct desc_ptr *dt)
{
	struct vtl_vp *vp = armed_vp(ctxt_vcpu(ctxt));

	if (!vp || !note_table(vp, HV_CR_INTERCEPT_GDTR_WRITE))
		vtl_orig_emulator_set_gdt(ctxt, dt);
}

void vtl_hook_emulator_set_idt(struct x86_emulate_ctxt *ctxt,
			       struct desc_ptr *dt)
{
	struct vtl_vp *vp = armed_vp(ctxt_vcpu(ctxt));

	if (!vp || !note_table(vp, HV_CR_INTERCEPT_IDTR_WRITE))
		vtl_orig_emulator_set_idt(ctxt, dt);
}

void vtl_hook_emulator_set_segment(struct x86_emulate_ctxt *ctxt, u16 selector,
				   struct desc_struct *desc, u32 base3, int seg)
{
	struct vtl_vp *vp = armed_vp(ctxt_vcpu(ctxt));

	if (vp && seg == VCPU_SREG_LDTR &&
	    note_table(vp, HV_CR_INTERCEPT_LDTR_WRITE))
		return;
	if (vp && seg == VCPU_SREG_TR &&
	    note_table(vp, HV_CR_INTERCEPT_TR_WRITE))
		return;
	vtl_orig_emulator_set_segment(ctxt, selector, desc, base3, seg);
}

/* Loads TR and LDTR; the length of what caused it is not known. */
int vtl_hook_kvm_task_switch(struct kvm_vcpu *vcpu, u16 tss_selector,
			     int idt_index, int reason, bool has_error_code,
			     u32 error_code)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	if (vp && (note_table(vp, HV_CR_INTERCEPT_TR_WRITE) ||
		   note_table(vp, HV_CR_INTERCEPT_LDTR_WRITE))) {
		vp->access.dr6 = vcpu->arch.dr6;
		return vtl_cr_intercept_finish(vp, vcpu,
					vtl_kvm_kvm_arch_vcpu_get_ip(vcpu), 1);
	}
	return VTL_PASS(vtl_orig_kvm_task_switch(vcpu, tss_selector, idt_index,
						 reason, has_error_code,
						 error_code));
}

/*
 * SMM would be a way around all of this: VTL0 sends the SMI, and where no
 * firmware has moved it, writes the handler and the registers that RSM loads.
 * The VMM is told that there is none.
 */
void vtl_hook_enter_smm(struct kvm_vcpu *vcpu)
{
}
