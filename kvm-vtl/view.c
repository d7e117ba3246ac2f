// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - the lower VTLs' views of memory, their EPT/NPT, follow the store
 *
 * A page that only loses rights keeps its SPTE, with fewer bits: no more than
 * make_spte() would make of it now, without dropping it and a fault to get it
 * back.  That is done when KVM has just one page-table root for the VTL, which
 * is then known to be all there is.  In all other cases, and where an SPTE maps
 * more than the page, KVM drops the entries and make_spte() makes new ones.
 *
 * A page that gets rights is dropped, too, so that KVM may map it huge again.
 */
#include <linux/kvm_host.h>
#include <asm/pgtable.h>

#include "hooks.h"
#include "kvm_glue.h"
#include "partition.h"
#include "protect.h"
#include "vendor.h"
#include "view.h"
#include "vp.h"

#define PT_ENTRIES		512

/**
 * struct walk - look-ups in a page-table tree with one root
 * @kvm: VM
 * @root: physical address of the root
 * @level: level of the root
 * @valid: @first and @table are set
 * @first: first page that @table maps
 * @table: the page table, NULL where nothing is mapped
 */
struct walk {
	struct kvm *kvm;
	u64 root;
	int level;
	bool valid;
	gfn_t first;
	u64 *table;
};

static unsigned int pt_index(gfn_t gfn, int level)
{
	return (gfn >> (level - 1) * 9) % PT_ENTRIES;
}

/*
 * The leaf SPTE of a page, NULL when it is not mapped.
 * Context: mmu_lock held for writing, which keeps all tables where they are.
 */
static u64 *find_leaf(struct walk *walk, gfn_t gfn)
{
	gfn_t first = ALIGN_DOWN(gfn, PT_ENTRIES);
	u64 entry = walk->root, *table = NULL;
	int level;

	if (walk->valid && walk->first == first)
		return walk->table ? &walk->table[pt_index(gfn, 1)] : NULL;

	for (level = walk->level; level; level--) {
		table = __va(entry & PHYSICAL_PAGE_MASK);
		if (level == 1)
			break;
		entry = READ_ONCE(table[pt_index(gfn, level)]);
		if (!(entry & VTL_SPTE_PRESENT)) {
			table = NULL;
			break;
		}
		if (entry & VTL_SPTE_HUGE)
			return &table[pt_index(gfn, level)];
	}
	walk->valid = true;
	walk->first = first;
	walk->table = table;
	return table ? &table[pt_index(gfn, 1)] : NULL;
}

/*
 * Hardware sets A and D, and KVM gives back W without the lock: neither must be
 * lost nor win.
 */
static bool restrict_entry(u64 *sptep, vtl_prot_t prot)
{
	u64 old = READ_ONCE(*sptep), new;

	do {
		if (!(old & VTL_SPTE_PRESENT))
			return true;
		new = old;
		if ((old & VTL_SPTE_HUGE) ||
		    !vtl_vendor()->restrict_spte(&new, prot))
			return false;
	} while (new != old && !try_cmpxchg64(sptep, &old, new));
	return true;
}

/* Returns false when the entry has to be dropped. */
static bool restrict_page(struct walk *walk, gfn_t gfn, vtl_prot_t prot)
{
	u64 *sptep = find_leaf(walk, gfn);

	return !sptep || restrict_entry(sptep, prot);
}

/*
 * Zap [start, end) in one VM, both address spaces.  With @may_block KVM may let
 * go of mmu_lock in between.
 */
static void zap_range(struct kvm *kvm, gfn_t start, gfn_t end, bool may_block)
{
	int as_id;

	for (as_id = 0; as_id < kvm_arch_nr_memslot_as_ids(kvm); as_id++) {
		struct kvm_memslots *slots = __kvm_memslots(kvm, as_id);
		struct kvm_memslot_iter iter;

		kvm_for_each_memslot_in_gfn_range(&iter, slots, start, end) {
			struct kvm_gfn_range range = {
				.slot = iter.slot,
				.start = max(start, iter.slot->base_gfn),
				.end = min(end, iter.slot->base_gfn +
						iter.slot->npages),
				.may_block = may_block,
			};

			vtl_kvm_kvm_unmap_gfn_range(kvm, &range);
		}
	}
}

/* Faults in the range are tried again until it ends. */
static void change_begin(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	vtl_kvm_kvm_mmu_invalidate_begin(kvm);
	vtl_kvm_kvm_mmu_invalidate_range_add(kvm, start, end);
}

static void flush(struct kvm *kvm)
{
	vtl_kvm_kvm_flush_remote_tlbs(kvm);
	vtl_vp_quiesce(kvm);
}

/* Length of the run of consecutive frames at the head of a list. */
static unsigned int run_length(const u64 *gfns, unsigned int nr_gfns)
{
	unsigned int n = 1;

	while (n < nr_gfns && gfns[n] == gfns[0] + n)
		n++;
	return n;
}

static void zap_list(struct kvm *kvm, const u64 *gfns, unsigned int nr_gfns)
{
	unsigned int i, n;

	for (i = 0; i < nr_gfns; i += n) {
		n = run_length(gfns + i, nr_gfns - i);
		zap_range(kvm, gfns[i], gfns[i] + n, true);
	}
}

/* The walk is good for as long as mmu_lock is held. */
static void restrict_list(struct walk *walk, const u64 *gfns,
			  unsigned int nr_gfns, vtl_prot_t prot)
{
	unsigned int i;

	for (i = 0; i < nr_gfns; i++)
		if (!restrict_page(walk, gfns[i], prot))
			zap_range(walk->kvm, gfns[i], gfns[i] + 1, false);
}

static void apply(struct kvm *kvm, const struct vtl_protect_change *change)
{
	const u64 *gfns = change->gfns;
	struct walk walk = { .kvm = kvm };
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	write_lock(&kvm->mmu_lock);
	if (!change->grew && vtl_kvm_only_root(kvm, &walk.root, &walk.level))
		restrict_list(&walk, gfns, change->nr_gfns, change->prot);
	else
		zap_list(kvm, gfns, change->nr_gfns);
	vtl_kvm_kvm_mmu_invalidate_end(kvm);
	write_unlock(&kvm->mmu_lock);
	srcu_read_unlock(&kvm->srcu, idx);

	/*
	 * Flush even when nothing was mapped: another CPU may have zapped the
	 * same SPTEs and flush only later.
	 */
	if (change->nr_gfns)
		flush(kvm);
}

/* Frames that no processor has; KVM wants no range to end at ~0. */
#define MAX_GFN		(BIT_ULL(52) - 1)

/**
 * vtl_view_begin_locked - rights of some pages are about to change
 * @partition: partition
 * @owner: the VTL whose protections change
 * @first: the first page, any number
 * @last: the last one, not below it
 *
 * Until vtl_view_apply_locked() KVM makes no entries for them.  One with new
 * rights in the place of one with old rights, which it does not expect to be
 * taken away by a fault, would make it warn.
 *
 * Context: the partition's lock is held, and kept until then.
 */
void vtl_view_begin_locked(struct vtl_partition *partition, u8 owner,
			   gfn_t first, gfn_t last)
{
	struct kvm *kvm;
	u8 vtl;

	lockdep_assert_held(&partition->lock);
	first = min_t(gfn_t, first, MAX_GFN);
	last = min_t(gfn_t, last, MAX_GFN);
	for (vtl = 0; vtl < owner; vtl++) {
		kvm = partition->vm[vtl].kvm;
		write_lock(&kvm->mmu_lock);
		change_begin(kvm, first, last + 1);
		write_unlock(&kvm->mmu_lock);
	}
}

/**
 * vtl_view_apply_locked - make changed rights true on all VPs
 * @partition: partition
 * @owner: the VTL whose protections changed
 * @change: what changed of what vtl_view_begin_locked() was told, or nothing
 *
 * When it returns no VP of a lower VTL uses rights that the pages lost.
 *
 * Context: may sleep; the partition's lock is held; no vCPU is loaded and no
 *	KVM lock is held by the caller.
 */
void vtl_view_apply_locked(struct vtl_partition *partition, u8 owner,
			   const struct vtl_protect_change *change)
{
	u8 vtl;

	lockdep_assert_held(&partition->lock);
	for (vtl = 0; vtl < owner; vtl++)
		apply(partition->vm[vtl].kvm, change);
}

/**
 * vtl_view_apply_all_locked - as vtl_view_apply_locked(), for all pages
 * @partition: partition
 * @owner: the VTL whose protections changed; no page got a right and lost
 *	another one
 *
 * Context: as vtl_view_apply_locked().
 */
void vtl_view_apply_all_locked(struct vtl_partition *partition, u8 owner)
{
	struct kvm *kvm;
	int idx;
	u8 vtl;

	lockdep_assert_held(&partition->lock);
	for (vtl = 0; vtl < owner; vtl++) {
		kvm = partition->vm[vtl].kvm;
		idx = srcu_read_lock(&kvm->srcu);
		write_lock(&kvm->mmu_lock);
		change_begin(kvm, 0, ~0ULL);
		zap_range(kvm, 0, ~0ULL, true);
		vtl_kvm_kvm_mmu_invalidate_end(kvm);
		write_unlock(&kvm->mmu_lock);
		srcu_read_unlock(&kvm->srcu, idx);
		flush(kvm);
	}
}
