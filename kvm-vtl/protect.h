/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - what a VTL allows the lower VTLs, per guest page
 */
#ifndef _KVM_VTL_PROTECT_H
#define _KVM_VTL_PROTECT_H

#include <linux/kvm_host.h>
#include <linux/xarray.h>

#include "common.h"

struct vtl_partition;

/**
 * struct vtl_protect - protections owned by one VTL
 * @chunks: by chunk number (gfn / VTL_CHUNK_PAGES): an xarray value is the
 *	rights of all its pages, a pointer an array of one nibble per page, no
 *	entry the default.  Written under the partition's lock, read under RCU.
 * @default_prot: rights of pages without an entry; written under the
 *	partition's lock before protection is enabled
 */
struct vtl_protect {
	struct xarray chunks;
	vtl_prot_t default_prot;
};

/**
 * struct vtl_protect_cursor - saves look-ups in a row of changes
 * @valid: @index and @entry are set
 * @index: chunk number of the last change
 * @entry: what the store has for that chunk
 */
struct vtl_protect_cursor {
	bool valid;
	unsigned long index;
	void *entry;
};

void vtl_protect_init(struct vtl_protect *protect);
void vtl_protect_destroy(struct vtl_protect *protect);
vtl_prot_t vtl_protect_get(struct vtl_protect *protect, gfn_t gfn);
vtl_prot_t vtl_protect_get_range(struct vtl_protect *protect, gfn_t gfn,
				 unsigned long nr_pages);
bool vtl_protect_is_uniform(struct vtl_protect *protect, gfn_t gfn,
			    unsigned long nr_pages);
int vtl_protect_set_locked(struct vtl_protect *protect,
			   struct vtl_protect_cursor *cursor, gfn_t gfn,
			   vtl_prot_t prot);
int vtl_protect_next(struct vtl_protect *protect, gfn_t *gfn,
		     unsigned long *nr_pages, vtl_prot_t *prot);

vtl_prot_t vtl_effective_prot(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn);
vtl_prot_t vtl_effective_prot_range(struct vtl_partition *partition, u8 vtl,
				    gfn_t gfn, unsigned long nr_pages);
bool vtl_effective_is_uniform(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn, unsigned long nr_pages);
bool vtl_protect_legal(vtl_prot_t prot);
vtl_prot_t vtl_protect_normalize(vtl_prot_t prot);

void vtl_protect_apply_locked(struct vtl_partition *partition, u8 owner,
			      const u64 *gfns, unsigned int nr_gfns);
void vtl_protect_apply_all_locked(struct vtl_partition *partition, u8 owner);

#endif /* _KVM_VTL_PROTECT_H */
