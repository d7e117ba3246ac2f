/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flat image of the secure kernel: code pages first, then everything that is
 * closed to VTL0.  Addresses are offsets.
 */
#include "layout.h"
#include "sk.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(sk_start)

SECTIONS
{
	. = 0;
	.text : {
		*(.header)
		*(.text .text.*)
		*(.rodata .rodata.*)
		. = ALIGN(4096);
	}
	sk_code_end = .;
	sk_code_pages = sk_code_end / 4096;
	.data : {
		*(.data .data.*)
		. = ALIGN(4096);
	}
	.bss (NOLOAD) : {
		sk_hypercall_page = .; . += 4096;
		sk_assist_page = .; . += 4096;
		sk_message_page = .; . += 4096;
		hv_in = .; . += 4096;
		hv_out = .; . += 4096;
		sk_tss = .; . += 4096;
		sk_secret = .; . += 4096;
		sk_page_tables = .; . += SK_PAGE_TABLES * 4096;
		. += SK_STACK_SIZE;
		sk_stack_end = .;
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
	}
	sk_end = .;
	sk_pages = sk_end / 4096;
	/DISCARD/ : {
		*(.comment) *(.note*) *(.eh_frame*)
	}
	/* Whatever needs relocation does not run here. */
	.rela : { *(.rela*) *(.got .got.*) }
	ASSERT(SIZEOF(.rela) == 0, "the image needs relocation")
}
