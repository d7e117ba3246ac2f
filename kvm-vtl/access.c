// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - KVM's own accesses to guest memory on behalf of a lower VTL
 *
 * The choke points refuse what the VTL whose vCPU is loaded may not do, and
 * note the denial in the VP.  Inside the instruction emulator a refused access
 * would become an MMIO exit, which has the VMM do what VTL0 may not: there the
 * hooks around it turn the denial into a memory intercept.
 *
 * Everywhere else the caller sees an ordinary failure (#GP for an MSR, a
 * status for a hypercall, #PF for a page walk outside the emulator); the page
 * stays closed.
 */
#include <linux/kvm_host.h>

#include "cr_intercept.h"
#include "hooks.h"
#include "intercept.h"
#include "kvm_glue.h"
#include "mbec.h"
#include "partition.h"
#include "vendor.h"
#include "vp.h"

/* KVM-INTERNAL: arch/x86/kvm/kvm_emulate.h */
#define X86EMUL_INTERCEPTED	6

static void note_denial(struct vtl_vp *vp, gfn_t gfn, vtl_prot_t access)
{
	vp->denial.valid = true;
	vp->denial.gfn = gfn;
	vp->denial.access = access;
}

/* What @vcpu's VTL may do with @gfn. */
static vtl_prot_t vcpu_prot(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	vtl_prot_t prot = VTL_PROT_ALL;
	struct vtl_vm *vm;

	rcu_read_lock();
	vm = vtl_registry_find_rcu(vcpu->kvm);
	if (vm)
		prot = vtl_effective_prot(vm->partition, vm->vtl, gfn);
	rcu_read_unlock();
	return prot;
}

static bool is_denied(struct kvm_vcpu *vcpu, gfn_t gfn, vtl_prot_t access)
{
	vtl_prot_t prot = vcpu_prot(vcpu, gfn);
	struct vtl_vp *vp;

	if (likely(prot == VTL_PROT_ALL))
		return false;
	if ((prot & access) == access)
		return false;
	vp = vtl_vp_running(vcpu);
	if (vp)
		note_denial(vp, gfn, access & ~prot);
	return true;
}

/* A range of bytes, which may touch several pages. */
static bool is_range_denied(struct kvm_vcpu *vcpu, gpa_t gpa,
			    unsigned long len, vtl_prot_t access)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	gfn_t last = gpa_to_gfn(gpa + (len ? len - 1 : 0));

	for (; gfn <= last; gfn++)
		if (is_denied(vcpu, gfn, access))
			return true;
	return false;
}

/*
 * During a fetch of the emulator reading means executing.  Its page walk reads
 * by another way, gfn_to_hva_memslot_prot().
 */
static vtl_prot_t read_access(struct kvm_vcpu *vcpu)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);

	return vp && vp->denial.fetch ? vp->denial.fetch : VTL_PROT_R;
}

int vtl_hook___kvm_read_guest_page(struct kvm_memory_slot *slot, gfn_t gfn,
				   void *data, int offset, int len)
{
	struct kvm_vcpu *vcpu = vtl_kvm_kvm_get_running_vcpu();

	if (is_denied(vcpu, gfn, read_access(vcpu)))
		return -EFAULT;
	return VTL_PASS(vtl_orig___kvm_read_guest_page(slot, gfn, data, offset,
						       len));
}

int vtl_hook___kvm_write_guest_page(struct kvm *kvm,
				    struct kvm_memory_slot *memslot, gfn_t gfn,
				    const void *data, int offset, int len)
{
	if (is_denied(vtl_kvm_kvm_get_running_vcpu(), gfn, VTL_PROT_W))
		return -EFAULT;
	return VTL_PASS(vtl_orig___kvm_write_guest_page(kvm, memslot, gfn, data,
							offset, len));
}

int vtl_hook_kvm_vcpu_read_guest_atomic(struct kvm_vcpu *vcpu, gpa_t gpa,
					void *data, unsigned long len)
{
	if (is_range_denied(vcpu, gpa, len, VTL_PROT_R))
		return -EFAULT;
	return vtl_orig_kvm_vcpu_read_guest_atomic(vcpu, gpa, data, len);
}

int vtl_hook_kvm_read_guest_offset_cached(struct kvm *kvm,
					  struct gfn_to_hva_cache *ghc,
					  void *data, unsigned int offset,
					  unsigned long len)
{
	if (is_range_denied(vtl_kvm_kvm_get_running_vcpu(), ghc->gpa + offset,
			    len, VTL_PROT_R))
		return -EFAULT;
	return VTL_PASS(vtl_orig_kvm_read_guest_offset_cached(kvm, ghc, data,
							      offset, len));
}

int vtl_hook_kvm_write_guest_offset_cached(struct kvm *kvm,
					   struct gfn_to_hva_cache *ghc,
					   void *data, unsigned int offset,
					   unsigned long len)
{
	if (is_range_denied(vtl_kvm_kvm_get_running_vcpu(), ghc->gpa + offset,
			    len, VTL_PROT_W))
		return -EFAULT;
	return VTL_PASS(vtl_orig_kvm_write_guest_offset_cached(kvm, ghc, data,
							       offset, len));
}

/* Page walks: no read, no walk; no write, no accessed and dirty bits. */
unsigned long vtl_hook_gfn_to_hva_memslot_prot(struct kvm_memory_slot *slot,
					       gfn_t gfn, bool *writable)
{
	struct kvm_vcpu *vcpu = vtl_kvm_kvm_get_running_vcpu();
	unsigned long hva;

	if (is_denied(vcpu, gfn, VTL_PROT_R))
		return KVM_HVA_ERR_BAD;
	hva = vtl_orig_gfn_to_hva_memslot_prot(slot, gfn, writable);
	/* Not a denial yet: the walk may have no bit to set. */
	if (writable && !(vcpu_prot(vcpu, gfn) & VTL_PROT_W))
		*writable = false;
	return hva;
}

/* The callers write, or read and write. */
unsigned long vtl_hook_kvm_vcpu_gfn_to_hva(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	if (is_denied(vcpu, gfn, VTL_PROT_R | VTL_PROT_W))
		return KVM_HVA_ERR_BAD;
	return vtl_orig_kvm_vcpu_gfn_to_hva(vcpu, gfn);
}

/* KVM-INTERNAL: struct x86_emulate_ctxt::vcpu is first. */
static struct kvm_vcpu *ctxt_vcpu(struct x86_emulate_ctxt *ctxt)
{
	return *(struct kvm_vcpu **)ctxt;
}

int vtl_hook_emulator_read_write(struct x86_emulate_ctxt *ctxt,
				 unsigned long addr, void *val,
				 unsigned int bytes,
				 struct x86_exception *exception,
				 const struct read_write_emulator_ops *ops)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	int rc;

	if (!vp)
		return VTL_PASS(vtl_orig_emulator_read_write(ctxt, addr, val,
							     bytes, exception,
							     ops));
	rc = vtl_orig_emulator_read_write(ctxt, addr, val, bytes, exception,
					  ops);
	if (likely(!vp->denial.valid))
		return rc;
	/* What KVM took for MMIO is a denied access to RAM. */
	vtl_vcpu_drop_exit(vcpu);
	return X86EMUL_INTERCEPTED;
}

int vtl_hook_kvm_fetch_guest_virt(struct x86_emulate_ctxt *ctxt, gva_t addr,
				  void *val, unsigned int bytes,
				  struct x86_exception *exception)
{
	struct kvm_vcpu *vcpu = ctxt_vcpu(ctxt);
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	int rc;

	if (!vp)
		return VTL_PASS(vtl_orig_kvm_fetch_guest_virt(ctxt, addr, val,
							      bytes,
							      exception));
	vp->denial.fetch = vtl_mbec_right(vp, vcpu,
					  vtl_vendor()->cpl(vcpu) == 3);
	rc = vtl_orig_kvm_fetch_guest_virt(ctxt, addr, val, bytes, exception);
	vp->denial.fetch = VTL_PROT_NONE;
	return rc;
}

int vtl_hook_x86_emulate_instruction(struct kvm_vcpu *vcpu, gpa_t cr2_or_gpa,
				     int emulation_type, void *insn,
				     int insn_len)
{
	struct vtl_vp *vp = vtl_vp_running(vcpu);
	/* A part of what has armed the VP already */
	bool skip = emulation_type & EMULTYPE_SKIP;
	unsigned long rip = 0;
	int r;

	if (!vp)
		return VTL_PASS(vtl_orig_x86_emulate_instruction(vcpu,
							cr2_or_gpa,
							emulation_type, insn,
							insn_len));
	vp->denial.valid = false;
	if (!skip)
		rip = vtl_cr_intercept_arm(vp, vcpu);
	r = vtl_orig_x86_emulate_instruction(vcpu, cr2_or_gpa, emulation_type,
					     insn, insn_len);
	if (!skip)
		r = vtl_cr_intercept_finish(vp, vcpu, rip, r);
	if (likely(!vp->denial.valid))
		return r;

	vp->denial.valid = false;
	vtl_vcpu_drop_exit(vcpu);
	vtl_vcpu_drop_exception(vcpu);
	return vtl_intercept_memory(vp, vcpu, gfn_to_gpa(vp->denial.gfn),
				    vp->denial.access, NULL, 0);
}
