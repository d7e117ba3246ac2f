// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - what a VTL allows the lower VTLs, per guest page
 *
 * Vocabulary: the rights of a page are the HV_MAP_GPA_FLAGS that the owning
 * VTL gave it; they restrict the VTLs below the owner and never the owner.
 * The effective rights of a VTL are the intersection over all owners above.
 *
 * Store: one nibble per page in chunks of 2 MiB of guest memory, and one
 * xarray value for a chunk whose pages are all equal.  A fully restricted,
 * fully mixed GiB costs 128 KiB and the xarray's nodes.  Because a chunk is
 * what a 2 MiB mapping covers, "may this be mapped huge" is one look-up.
 *
 * Order of a change, which keeps stale rights out of the EPT/NPT:
 *
 *   1. the store is updated (under the partition's lock);
 *   2. the lower VTLs' SPTEs lose the rights, or are zapped, under their
 *      mmu_lock for writing;
 *   3. their TLBs are flushed, once for all pages of a hypercall;
 *   4. VPs that are inside KVM for a lower VTL leave (SRCU), so that no
 *      emulator, page walk or copy still uses an old host address.
 *
 * Steps 2 to 4 are in view.c.  make_spte() runs under mmu_lock.  An SPTE made
 * with the old rights was made before step 2, which finds it; one made later
 * sees step 1, because mmu_lock orders it.  Readers outside mmu_lock are ended
 * by step 4.
 */
#include <linux/slab.h>

#include "hooks.h"
#include "partition.h"
#include "protect.h"
#include "vp.h"

#define VTL_CHUNK_PAGES		512UL
#define NIBBLES_PER_WORD	16
#define CHUNK_WORDS		(VTL_CHUNK_PAGES / NIBBLES_PER_WORD)

/* The rights of one chunk whose pages differ; kmalloc-256 exactly. */
struct chunk {
	u64 words[CHUNK_WORDS];
};

static unsigned int nibble_shift(gfn_t gfn)
{
	return (gfn % NIBBLES_PER_WORD) * 4;
}

static u64 *nibble_word(struct chunk *chunk, gfn_t gfn)
{
	return &chunk->words[(gfn % VTL_CHUNK_PAGES) / NIBBLES_PER_WORD];
}

static vtl_prot_t chunk_get(struct chunk *chunk, gfn_t gfn)
{
	return vtl_prot_from_bits(READ_ONCE(*nibble_word(chunk, gfn)) >>
				  nibble_shift(gfn));
}

static void chunk_set(struct chunk *chunk, gfn_t gfn, vtl_prot_t prot)
{
	u64 *word = nibble_word(chunk, gfn);
	unsigned int shift = nibble_shift(gfn);

	/* Readers see the old or the new rights of the page, never a mix. */
	WRITE_ONCE(*word, (*word & ~(0xfULL << shift)) |
			  ((u64)vtl_prot_bits(prot) << shift));
}

static u64 uniform_word(vtl_prot_t prot)
{
	return vtl_prot_bits(prot) * 0x1111111111111111ULL;
}

/* Prot of a chunk that is one value; 0x10 | rights tells it from "mixed". */
static bool chunk_uniform(struct chunk *chunk)
{
	vtl_prot_t prot = chunk_get(chunk, 0);
	int i;

	for (i = 0; i < CHUNK_WORDS; i++)
		if (READ_ONCE(chunk->words[i]) != uniform_word(prot))
			return false;
	return true;
}

/**
 * vtl_protect_init - no page is restricted
 * @protect: the store
 */
void vtl_protect_init(struct vtl_protect *protect)
{
	xa_init(&protect->chunks);
	protect->default_prot = VTL_PROT_ALL;
}

static void free_chunk(void *entry)
{
	if (entry && !xa_is_value(entry))
		kfree_rcu_mightsleep((struct chunk *)entry);
}

/**
 * vtl_protect_destroy - forget all protections
 * @protect: the store; usable again after vtl_protect_init()
 *
 * Context: may sleep; partition's lock held or no other user left.
 */
void vtl_protect_destroy(struct vtl_protect *protect)
{
	unsigned long index;
	void *entry;

	xa_for_each(&protect->chunks, index, entry) {
		xa_erase(&protect->chunks, index);
		free_chunk(entry);
	}
	WRITE_ONCE(protect->default_prot, VTL_PROT_ALL);
}

static vtl_prot_t entry_prot(struct vtl_protect *protect, void *entry,
			     gfn_t gfn)
{
	if (!entry)
		return READ_ONCE(protect->default_prot);
	if (xa_is_value(entry))
		return vtl_prot_from_bits(xa_to_value(entry));
	return chunk_get(entry, gfn);
}

/**
 * vtl_protect_get - rights of one page
 * @protect: the owner's store
 * @gfn: page
 *
 * Context: any.
 * Return: the rights.
 */
vtl_prot_t vtl_protect_get(struct vtl_protect *protect, gfn_t gfn)
{
	vtl_prot_t prot;

	rcu_read_lock();
	prot = entry_prot(protect,
			  xa_load(&protect->chunks, gfn / VTL_CHUNK_PAGES),
			  gfn);
	rcu_read_unlock();
	return prot;
}

static vtl_prot_t chunk_intersect(struct chunk *chunk)
{
	vtl_prot_t prot = VTL_PROT_ALL;
	int i;

	for (i = 0; i < VTL_CHUNK_PAGES; i++)
		prot &= chunk_get(chunk, i);
	return prot;
}

/**
 * vtl_protect_get_range - rights that all pages of a huge page have
 * @protect: the owner's store
 * @gfn: first page, aligned to @nr_pages
 * @nr_pages: a multiple of the pages of a chunk
 *
 * Context: any.
 * Return: the intersection of the rights.
 */
vtl_prot_t vtl_protect_get_range(struct vtl_protect *protect, gfn_t gfn,
				 unsigned long nr_pages)
{
	vtl_prot_t prot = VTL_PROT_ALL;
	unsigned long i;
	void *entry;

	rcu_read_lock();
	for (i = 0; i < nr_pages; i += VTL_CHUNK_PAGES) {
		entry = xa_load(&protect->chunks, (gfn + i) / VTL_CHUNK_PAGES);
		if (entry && !xa_is_value(entry))
			prot &= chunk_intersect(entry);
		else
			prot &= entry_prot(protect, entry, gfn);
	}
	rcu_read_unlock();
	return prot;
}

/**
 * vtl_protect_is_uniform - have all pages of a huge page the same rights?
 * @protect: the owner's store
 * @gfn: first page, aligned to @nr_pages
 * @nr_pages: a multiple of the pages of a chunk
 *
 * Context: any.
 * Return: true when they have.
 */
bool vtl_protect_is_uniform(struct vtl_protect *protect, gfn_t gfn,
			    unsigned long nr_pages)
{
	bool uniform = true;
	vtl_prot_t first;
	unsigned long i;
	void *entry;

	rcu_read_lock();
	first = entry_prot(protect,
			   xa_load(&protect->chunks, gfn / VTL_CHUNK_PAGES),
			   gfn);
	for (i = 0; i < nr_pages && uniform; i += VTL_CHUNK_PAGES) {
		entry = xa_load(&protect->chunks, (gfn + i) / VTL_CHUNK_PAGES);
		uniform = (!entry || xa_is_value(entry)) &&
			  entry_prot(protect, entry, gfn) == first;
	}
	rcu_read_unlock();
	return uniform;
}

static struct chunk *split_chunk(struct vtl_protect *protect,
				 unsigned long index, void *entry)
{
	struct chunk *chunk;
	int i;

	chunk = kmalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	for (i = 0; i < CHUNK_WORDS; i++)
		chunk->words[i] = uniform_word(entry_prot(protect, entry, 0));
	if (xa_err(xa_store(&protect->chunks, index, chunk,
			    GFP_KERNEL_ACCOUNT))) {
		kfree(chunk);
		return NULL;
	}
	return chunk;
}

/* Returns what the store has for the chunk then. */
static void *merge_chunk(struct vtl_protect *protect, unsigned long index,
			 struct chunk *chunk)
{
	void *entry = xa_mk_value(vtl_prot_bits(chunk_get(chunk, 0)));

	if (!chunk_uniform(chunk))
		return chunk;
	/* Replaces an entry: cannot need memory, and may stay if it did. */
	if (xa_err(xa_store(&protect->chunks, index, entry,
			    GFP_KERNEL_ACCOUNT)))
		return chunk;
	kvfree_rcu_mightsleep(chunk);
	return entry;
}

static void seek(struct vtl_protect_change *change, unsigned long index)
{
	if (change->valid && change->index == index)
		return;
	change->valid = true;
	change->index = index;
	change->entry = xa_load(&change->protect->chunks, index);
}

/**
 * vtl_protect_set_locked - change the rights of one page in the store
 * @change: a row of changes, during which nobody else changes the store; with
 *	room for one more page in its list
 * @gfn: page
 *
 * vtl_view_begin_locked() has been told; vtl_view_apply_locked() follows.
 *
 * Context: may sleep; the partition's lock is held.
 * Return: 0 or -ENOMEM.
 */
int vtl_protect_set_locked(struct vtl_protect_change *change, gfn_t gfn)
{
	struct vtl_protect *protect = change->protect;
	unsigned long index = gfn / VTL_CHUNK_PAGES;
	vtl_prot_t prot = change->prot, old;
	struct chunk *chunk;
	void *entry;

	seek(change, index);
	entry = change->entry;
	old = entry_prot(protect, entry, gfn);
	if (old == prot)
		return 0;

	chunk = entry;
	if (!entry || xa_is_value(entry)) {
		chunk = split_chunk(protect, index, entry);
		if (!chunk)
			return -ENOMEM;
		change->entry = chunk;
	}
	chunk_set(chunk, gfn, prot);

	/* Uniform again?  The neighbours say it cheaply in most cases. */
	if (*nibble_word(chunk, gfn) == uniform_word(prot))
		change->entry = merge_chunk(protect, index, chunk);
	change->gfns[change->nr_gfns++] = gfn;
	if (prot & ~old)
		change->grew = true;
	return 0;
}

/* Rights of @gfn and how many pages from it on are known to be equal. */
static vtl_prot_t run_at(struct vtl_protect *protect, gfn_t gfn,
			 unsigned long *nr_pages)
{
	void *entry = xa_load(&protect->chunks, gfn / VTL_CHUNK_PAGES);

	*nr_pages = 1;
	if (!entry || xa_is_value(entry))
		*nr_pages = VTL_CHUNK_PAGES - gfn % VTL_CHUNK_PAGES;
	return entry_prot(protect, entry, gfn);
}

/**
 * vtl_protect_next - find the next run of restricted pages
 * @protect: the owner's store
 * @gfn: in: where to begin; out: first page of the run
 * @nr_pages: out: length of the run
 * @prot: out: its rights, different from the default
 *
 * Context: may sleep; the partition's lock is held.
 * Return: 0, or -ENOENT when there is none.
 */
int vtl_protect_next(struct vtl_protect *protect, gfn_t *gfn,
		     unsigned long *nr_pages, vtl_prot_t *prot)
{
	unsigned long index = *gfn / VTL_CHUNK_PAGES;
	unsigned long step;
	gfn_t pos = *gfn;

	for (;;) {
		if (!xa_find(&protect->chunks, &index, ULONG_MAX, XA_PRESENT))
			return -ENOENT;
		if (pos < index * VTL_CHUNK_PAGES)
			pos = index * VTL_CHUNK_PAGES;
		*prot = run_at(protect, pos, &step);
		if (*prot != protect->default_prot)
			break;
		pos += step;
		index = pos / VTL_CHUNK_PAGES;
		cond_resched();
	}

	*gfn = pos;
	*nr_pages = 0;
	while (run_at(protect, pos, &step) == *prot) {
		*nr_pages += step;
		pos += step;
		cond_resched();
	}
	return 0;
}

/**
 * vtl_effective_prot - rights of a VTL on a page
 * @partition: partition
 * @vtl: the VTL that accesses
 * @gfn: page
 *
 * Context: any.
 * Return: the intersection of what all higher VTLs allow.
 */
vtl_prot_t vtl_effective_prot(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn)
{
	vtl_prot_t prot = VTL_PROT_ALL;

	while (++vtl <= partition->max_vtl)
		prot &= vtl_protect_get(&partition->protect[vtl], gfn);
	return prot;
}

/**
 * vtl_effective_prot_range - rights of a VTL on every page of a huge page
 * @partition: partition
 * @vtl: the VTL that accesses
 * @gfn: first page, aligned to @nr_pages
 * @nr_pages: 1 or a multiple of the pages of a chunk
 *
 * Context: any.
 * Return: the intersection over pages and higher VTLs.
 */
vtl_prot_t vtl_effective_prot_range(struct vtl_partition *partition, u8 vtl,
				    gfn_t gfn, unsigned long nr_pages)
{
	vtl_prot_t prot = VTL_PROT_ALL;

	if (nr_pages == 1)
		return vtl_effective_prot(partition, vtl, gfn);
	while (++vtl <= partition->max_vtl)
		prot &= vtl_protect_get_range(&partition->protect[vtl], gfn,
					      nr_pages);
	return prot;
}

/**
 * vtl_effective_is_uniform - may a huge page be mapped for a VTL?
 * @partition: partition
 * @vtl: the VTL that accesses
 * @gfn: first page, aligned to @nr_pages
 * @nr_pages: a multiple of the pages of a chunk
 *
 * Context: any.
 * Return: true when each higher VTL treats all the pages alike.
 */
bool vtl_effective_is_uniform(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn, unsigned long nr_pages)
{
	while (++vtl <= partition->max_vtl)
		if (!vtl_protect_is_uniform(&partition->protect[vtl], gfn,
					    nr_pages))
			return false;
	return true;
}

/* Legal combinations of HV_MAP_GPA_FLAGS, one bit for each value */
#define LEGAL_ALWAYS	(BIT(0x0) | BIT(0x1) | BIT(0x3) | BIT(0xd) | BIT(0xf))
#define LEGAL_NO_MBEC	(BIT(0x5) | BIT(0x7))
#define LEGAL_MBEC	(BIT(0x9) | BIT(0xb))

/**
 * vtl_protect_parse - the rights that HV_MAP_GPA_FLAGS mean
 * @flags: flags
 * @mbec: the VTL that gives them has MBEC
 * @prot: out: one form for flags that mean the same
 *
 * Without MBEC KX alone decides about execution, so that 0x5 and 0x7 mean 0xd
 * and 0xf (errata.rst, "Execute flags without MBEC").  With it KX without UX
 * means nothing.
 *
 * Return: true for the legal combinations of TLFS, "Memory access protections".
 */
bool vtl_protect_parse(u32 flags, bool mbec, vtl_prot_t *prot)
{
	unsigned long legal = mbec ? LEGAL_MBEC : LEGAL_NO_MBEC;

	if (flags > 0xf || !((LEGAL_ALWAYS | legal) & BIT(flags)))
		return false;
	*prot = vtl_prot_from_bits(flags);
	if (!mbec && (*prot & VTL_PROT_KX))
		*prot |= VTL_PROT_UX;
	return true;
}
