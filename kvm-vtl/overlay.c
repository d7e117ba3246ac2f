// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - overlay pages of a vCPU: VP assist, message and event flags page
 *
 * KVM has them in guest memory (errata.rst, "Overlay pages").  Each is accessed
 * with the rights of the VTL that it belongs to.
 */
#include <linux/kvm_host.h>
#include <linux/uaccess.h>

#include "hooks.h"
#include "overlay.h"
#include "partition.h"
#include "protect.h"
#include "tlfs.h"
#include "vp.h"

/**
 * vtl_vcpu_has_assist - has a vCPU a VP assist page?
 * @vcpu: vCPU
 *
 * Return: true when it is enabled.
 */
bool vtl_vcpu_has_assist(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;

	return hv && (hv->hv_vapic & HV_X64_MSR_VP_ASSIST_PAGE_ENABLE);
}

/*
 * Can the VP assist page be used by its address in the VMM?  Not when KVM would
 * have to look it up anew or to log a write.  An address that means an error is
 * none of user space: the access itself fails.
 */
static __always_inline bool assist_is_mapped(struct kvm_vcpu *vcpu, bool write)
{
	struct gfn_to_hva_cache *ghc = &vcpu->arch.pv_eoi.data;

	if (unlikely(!vtl_vcpu_has_assist(vcpu) ||
		     ghc->generation != kvm_memslots(vcpu->kvm)->generation))
		return false;
	return !write || likely(ghc->memslot &&
				!kvm_slot_dirty_track_enabled(ghc->memslot));
}

static void __user *assist_hva(struct kvm_vcpu *vcpu, unsigned int offset)
{
	return (void __user *)vcpu->arch.pv_eoi.data.hva + offset;
}

static bool put_words(u64 __user *to, const u64 *from)
{
	BUILD_BUG_ON(VTL_ASSIST_ENTRY_WORDS != 3);
	if (!user_write_access_begin(to, 3 * sizeof(*to)))
		return false;
	unsafe_put_user(from[0], &to[0], fault);
	unsafe_put_user(from[1], &to[1], fault);
	unsafe_put_user(from[2], &to[2], fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/* All or nothing */
static bool get_words(u64 *to, const u64 __user *from)
{
	u64 first, second;

	BUILD_BUG_ON(VTL_ASSIST_RETURN_WORDS != 2);
	if (!user_read_access_begin(from, 2 * sizeof(*from)))
		return false;
	unsafe_get_user(first, &from[0], fault);
	unsafe_get_user(second, &from[1], fault);
	user_read_access_end();
	to[0] = first;
	to[1] = second;
	return true;
fault:
	user_read_access_end();
	return false;
}

/**
 * vtl_vcpu_put_assist_entry - write what a VTL finds in its assist page
 * @vcpu: vCPU, loaded
 * @offset: offset in the page, a multiple of 8
 * @words: VTL_ASSIST_ENTRY_WORDS of them
 * @is_highest: no other VTL can restrict this one
 *
 * As vtl_vcpu_write_assist(), in a third of the time for the highest VTL.
 */
void vtl_vcpu_put_assist_entry(struct kvm_vcpu *vcpu, unsigned int offset,
			       const u64 *words, bool is_highest)
{
	if (likely(is_highest && assist_is_mapped(vcpu, true) &&
		   put_words(assist_hva(vcpu, offset), words)))
		return;
	vtl_vcpu_write_assist(vcpu, offset, words,
			      VTL_ASSIST_ENTRY_WORDS * sizeof(*words));
}

/**
 * vtl_vcpu_get_assist_return - read what a VTL leaves in its assist page
 * @vcpu: vCPU, loaded
 * @offset: offset in the page, a multiple of 8
 * @words: VTL_ASSIST_RETURN_WORDS of them; unchanged without a page
 * @is_highest: no other VTL can restrict this one
 *
 * As vtl_vcpu_read_assist(), in a third of the time for the highest VTL.
 */
void vtl_vcpu_get_assist_return(struct kvm_vcpu *vcpu, unsigned int offset,
				u64 *words, bool is_highest)
{
	if (likely(is_highest && assist_is_mapped(vcpu, false) &&
		   get_words(words, assist_hva(vcpu, offset))))
		return;
	vtl_vcpu_read_assist(vcpu, offset, words,
			     VTL_ASSIST_RETURN_WORDS * sizeof(*words));
}

/**
 * vtl_vcpu_get_assist_word - read eight bytes of an assist page
 * @vcpu: vCPU, loaded
 * @offset: offset in the page, a multiple of 8
 * @word: out
 * @is_highest: no other VTL can restrict this one
 *
 * As vtl_vcpu_read_assist(), in a third of the time for the highest VTL.
 *
 * Return: false when there is no page.
 */
bool vtl_vcpu_get_assist_word(struct kvm_vcpu *vcpu, unsigned int offset,
			      u64 *word, bool is_highest)
{
	if (likely(is_highest && assist_is_mapped(vcpu, false) &&
		   !get_user(*word, (u64 __user *)assist_hva(vcpu, offset))))
		return true;
	return vtl_vcpu_read_assist(vcpu, offset, word, sizeof(*word));
}

/**
 * vtl_vcpu_read_assist - read from a vCPU's VP assist page
 * @vcpu: vCPU, loaded
 * @offset: offset in the page
 * @data: buffer
 * @len: number of bytes
 *
 * With the VTL's own rights: a higher one may have closed the page meanwhile.
 *
 * Return: false when there is no page.
 */
bool vtl_vcpu_read_assist(struct kvm_vcpu *vcpu, unsigned int offset,
			  void *data, unsigned int len)
{
	/* KVM-INTERNAL: the cache covers the whole assist page. */
	return vtl_vcpu_has_assist(vcpu) &&
	       !vtl_hook_kvm_read_guest_offset_cached(vcpu->kvm,
						&vcpu->arch.pv_eoi.data,
						data, offset, len);
}

/**
 * vtl_vcpu_write_assist - write to a vCPU's VP assist page
 * @vcpu: vCPU, loaded
 * @offset: offset in the page
 * @data: buffer
 * @len: number of bytes
 *
 * Return: false when there is no page.
 */
bool vtl_vcpu_write_assist(struct kvm_vcpu *vcpu, unsigned int offset,
			   const void *data, unsigned int len)
{
	return vtl_vcpu_has_assist(vcpu) &&
	       !vtl_hook_kvm_write_guest_offset_cached(vcpu->kvm,
						&vcpu->arch.pv_eoi.data,
						(void *)data, offset, len);
}

/**
 * vtl_vcpu_takes_messages - can a vCPU get a message in slot 0?
 * @vcpu: vCPU of the current VP
 *
 * Return: true when SynIC, message page and SINT0 are enabled.
 */
bool vtl_vcpu_takes_messages(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;

	return hv && hv->synic.active &&
	       (hv->synic.control & HV_SYNIC_CONTROL_ENABLE) &&
	       (hv->synic.msg_page & HV_SYNIC_SIMP_ENABLE) &&
	       !(atomic64_read(&hv->synic.sint[0]) & HV_SYNIC_SINT_MASKED);
}

/**
 * vtl_vcpu_post_message - put a message into slot 0 and raise SINT0
 * @vcpu: vCPU, loaded
 * @message: the message, beginning with its type
 * @len: number of bytes
 *
 * Context: as for all accesses to guest memory, see vtl_vcpu_enter().
 * Return: 0; -EAGAIN when the slot is busy; -EFAULT when the page is gone; an
 * error of KVM's SynIC.
 */
int vtl_vcpu_post_message(struct kvm_vcpu *vcpu, const void *message,
			  unsigned int len)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;
	gpa_t gpa = hv->synic.msg_page & PAGE_MASK;
	u32 type;
	int ret;

	if (vtl_kvm_kvm_vcpu_read_guest(vcpu, gpa, &type, sizeof(type)))
		return -EFAULT;
	if (type)
		return -EAGAIN;
	if (vtl_kvm_kvm_vcpu_write_guest(vcpu, gpa, message, len))
		return -EFAULT;
	ret = vtl_compat_synic_set_irq(vcpu->kvm, hv->vp_index, 0);
	return ret < 0 ? ret : 0;
}

/* A flag per bit, HV_EVENT_FLAGS_COUNT of them per SINT */
#define EVENT_FLAGS_BYTES	(HV_EVENT_FLAGS_COUNT / 8)

/* The word of the event flags page that has a flag, or INVALID_GPA */
static gpa_t event_word(struct kvm_vcpu *vcpu, u8 sint, u16 flag)
{
	struct kvm_vcpu_hv *hv = vcpu->arch.hyperv;
	u64 page;

	if (!hv || !hv->synic.active ||
	    !(READ_ONCE(hv->synic.control) & HV_SYNIC_CONTROL_ENABLE))
		return INVALID_GPA;
	/* Once: its VP may run, and write it. */
	page = READ_ONCE(hv->synic.evt_page);
	if (!(page & HV_SYNIC_SIEFP_ENABLE))
		return INVALID_GPA;
	return (page & PAGE_MASK) + sint * EVENT_FLAGS_BYTES +
	       flag / 32 * sizeof(u32);
}

/* The guest may change the word as often as it likes. */
#define MAX_TRIES	64

/* Returns what was there before, or -1. */
static s64 set_bits(u32 __user *word, u32 bits)
{
	u32 old;
	int i;

	if (get_user(old, word) || !user_access_begin(word, sizeof(*word)))
		return -1;
	for (i = 0; i < MAX_TRIES; i++)
		if (unsafe_try_cmpxchg_user(word, &old, old | bits, fault))
			break;
	user_access_end();
	return i < MAX_TRIES ? old : -1;
fault:
	user_access_end();
	return -1;
}

/* As KVM does it for a guest, without a vCPU of that VM: sets a bit in RAM. */
static bool set_bit_srcu(struct kvm *kvm, gpa_t gpa, u32 bit, bool *was_set)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_memslots(kvm), gfn);
	unsigned long hva;
	s64 old;

	if (!slot || (slot->flags & (KVM_MEMSLOT_INVALID | KVM_MEM_READONLY)))
		return false;
	hva = __gfn_to_hva_memslot(slot, gfn) + offset_in_page(gpa);
	old = set_bits((u32 __user *)hva, bit);
	if (old < 0)
		return false;
	*was_set = old & bit;
	if (slot->dirty_bitmap)
		set_bit_le(gfn - slot->base_gfn, slot->dirty_bitmap);
	return true;
}

/**
 * vtl_vp_signal_event - set an event flag of a VP and raise its SINT
 * @vp: any VP of the partition whose thread this is
 * @vtl: the VTL that gets it
 * @sint: below HV_SYNIC_SINT_COUNT
 * @flag: below HV_EVENT_FLAGS_COUNT
 *
 * A flag that is set already is not raised again (TLFS, "SIM/SIEF Pages").
 *
 * Who takes rights from @vtl and is above the VTL that asks, takes them from
 * the latter, too, and waits for its exit (vtl_vp_quiesce()): the rights that
 * are looked at hold until the flag is set.
 *
 * Context: may sleep; exit of a vCPU of this partition, of @vtl or a VTL above.
 * Return: false when the VTL cannot get it: no SynIC, no page, or one that a
 * higher VTL has closed to it.
 */
bool vtl_vp_signal_event(struct vtl_vp *vp, u8 vtl, u8 sint, u16 flag)
{
	vtl_prot_t rw = VTL_PROT_R | VTL_PROT_W;
	struct kvm_vcpu *vcpu = vtl_vp_vcpu(vp, vtl);
	gpa_t gpa = event_word(vcpu, sint, flag);
	bool done, was_set = true;
	int idx;

	if (gpa == INVALID_GPA ||
	    (vtl_effective_prot(vp->partition, vtl, gpa_to_gfn(gpa)) & rw) !=
	    rw)
		return false;
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	done = set_bit_srcu(vcpu->kvm, gpa, BIT(flag % 32), &was_set);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	if (!was_set)
		vtl_compat_synic_set_irq(vcpu->kvm,
					 vcpu->arch.hyperv->vp_index, sint);
	return done;
}
