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
 * struct vtl_protect_change - a row of pages that get the same rights
 * @protect: the owner's store
 * @prot: the new rights
 * @gfns: pages whose rights changed, a buffer of the caller's
 * @nr_gfns: entries of @gfns; the caller empties the list
 * @grew: a page in @gfns, or one that was, got a right that it had not
 * @valid: @index and @entry, which save look-ups, are set
 * @index: chunk number of the last page
 * @entry: what the store has for that chunk
 */
struct vtl_protect_change {
	struct vtl_protect *protect;
	vtl_prot_t prot;
	u64 *gfns;
	unsigned int nr_gfns;
	bool grew;
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
int vtl_protect_set_locked(struct vtl_protect_change *change, gfn_t gfn);
int vtl_protect_next(struct vtl_protect *protect, gfn_t *gfn,
		     unsigned long *nr_pages, vtl_prot_t *prot);

vtl_prot_t vtl_effective_prot(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn);
vtl_prot_t vtl_effective_prot_range(struct vtl_partition *partition, u8 vtl,
				    gfn_t gfn, unsigned long nr_pages);
bool vtl_effective_is_uniform(struct vtl_partition *partition, u8 vtl,
			      gfn_t gfn, unsigned long nr_pages);
bool vtl_protect_parse(u32 flags, bool mbec, vtl_prot_t *prot);

#endif /* _KVM_VTL_PROTECT_H */
