/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demo's secure kernel, as its loader and the attacker see it.
 *
 * The image is position independent.  Its first pages are code; behind them
 * lie data, stack and page tables.  The loader puts it into memory that is
 * physically contiguous and below 4 GiB, one page boundary at its start.
 */
#ifndef _GUEST_SK_H
#define _GUEST_SK_H

#define SK_MAGIC		0x314b53		/* "SK1" */

/* Services: number in RDX, arguments and results from R8 on, status in R8 */
#define SK_SET_SECRET		1	/* R8, R9: the secret */
#define SK_SEAL			2	/* close the own pages to VTL0 */
#define SK_MAC			3	/* R8: number; R9: keyed checksum */
#define SK_STATUS		4	/* R9: intercepts; R10, R11: last */

/* Status: 0, one of these, or 0x10000 + the status of a hypercall */
#define SK_OK			0
#define SK_BAD_SERVICE		1
#define SK_BAD_STATE		2
#define SK_HYPERCALL_FAILED	0x10000

/* R10 and R11 of SK_STATUS: address, and one of */
#define SK_ACCESS_READ		0
#define SK_ACCESS_WRITE		1
#define SK_ACCESS_EXECUTE	2

/* One page each for PML4 and PDPT, four of 2 MiB entries: 4 GiB one to one */
#define SK_PAGE_TABLES		6

/* Selectors of the image's GDT */
#define SK_CS			0x08
#define SK_DS			0x10

#ifndef __ASSEMBLY__

#include <linux/types.h>

/**
 * struct sk_header - begin of the image
 * @magic: SK_MAGIC
 * @code_pages: pages that VTL0 may read and execute but not write
 * @pages: all pages; those behind the file's end are zero
 * @entry: where VTL1 begins
 * @stack: its stack's end
 * @page_tables: SK_PAGE_TABLES pages, for the loader to fill
 * @gdt: global descriptor table
 * @gdt_limit: its last byte
 * @tss: a task state segment
 * @secret: where the secret is kept, 16 bytes
 * @mac: u64 mac(const u64 *secret, u64 number), position independent and
 *	without data of its own
 *
 * Members from @entry on are offsets from the header.
 */
struct sk_header {
	__u32 magic;
	__u32 code_pages;
	__u32 pages;
	__u32 entry;
	__u32 stack;
	__u32 page_tables;
	__u32 gdt;
	__u32 gdt_limit;
	__u32 tss;
	__u32 secret;
	__u32 mac;
};

#endif /* __ASSEMBLY__ */

#endif /* _GUEST_SK_H */
