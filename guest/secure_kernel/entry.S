/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secure kernel - the image's header, the way in and out, exception entry.
 */
#include "sk.h"
#include "layout.h"

	.section .header, "ax"
	.globl	sk_header
sk_header:
	.long	SK_MAGIC
	.long	sk_code_pages
	.long	sk_pages
	.long	sk_start - sk_header
	.long	sk_stack_end - 8 - sk_header
	.long	sk_page_tables - sk_header
	.long	sk_gdt - sk_header
	.long	SK_GDT_SIZE - 1
	.long	sk_tss - sk_header
	.long	sk_secret - sk_header
	.long	sk_mac - sk_header

#include "regs.S"

	.text

/*
 * First entry, by VTL0's first call; then the loop.  All registers but RSP are
 * VTL0's and go back as they came, except for a service's results.  VTL0's RAX
 * and RCX come back from the assist page, so that they can be used for the
 * return itself.
 */
	.globl	sk_start
sk_start:
	push_regs
	mov	%rsp, %rdi
	call	sk_init
	jmp	2f
1:	push_regs
	mov	%rsp, %rdi
	call	sk_enter
2:	pop_regs
	xor	%ecx, %ecx
	call	*sk_vtl_return(%rip)
	jmp	1b

/* Gates: 16 bytes each.  Vectors 0 to 31, then SINT0. */
	.globl	sk_vectors
	.balign	16
sk_vectors:
	vector = 0
	.rept	32
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || \
		  vector == 17 || vector == 21 || vector == 29 || vector == 30)
	push	$0
	.endif
	push	$vector
	jmp	exception
	vector = vector + 1
	.endr

	.balign	16
	push	$0
	push	$SK_SINT_VECTOR
	push_regs
	cld
	call	sk_sint
	pop_regs
	add	$16, %rsp
	iretq

exception:
	push_regs
	cld
	mov	%rsp, %rdi
	call	sk_exception

/* Flat code and data; the task register needs no descriptor. */
	.data
	.balign	16
	.globl	sk_gdt
sk_gdt:
	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff

	.section .note.GNU-stack, "", @progbits
