/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VTL0: what runs there, on each VP.
 *
 * RDI has the address of the VP's three pages: the first one is closed at first
 * and opened by VTL2, the second one stays read-only, the third one is for its
 * interrupt handlers.
 *
 * It is copied to VTL0_CODE, so it addresses itself relatively.
 */
#include "vtl0.h"

	.section .rodata
	.global vtl0_code, vtl0_code_end, vtl0_gp, vtl0_irq, vtl0_any
	.global vtl0_loop, vtl0_after_loop

.macro step number
	mov	$\number, %eax
	mov	$VTL0_STEP_PORT, %dx
	out	%eax, %dx
.endm

vtl0_code:
	mov	$0x1111, %ebx
	mov	$0x9999, %r9d
	movq	%r9, %xmm7
	step	VTL0_BEGIN

	/* A call: VTL2 answers. */
	mov	$VTL0_ASK_PORT, %dx
	xor	%eax, %eax
	in	%dx, %eax
	cmp	$VTL0_ANSWER, %eax
	jne	failed
	cmp	$0x1111, %ebx
	jne	failed
	movq	%xmm7, %rax
	cmp	$0x9999, %eax
	jne	failed
	step	VTL0_ANSWERED

	/* A page that VTL2 opens when it is wanted */
	movq	$VTL0_WRITTEN, (%rdi)
	cmpq	$VTL0_WRITTEN, (%rdi)
	jne	failed
	step	VTL0_WROTE

	/* A page that VTL2 keeps closed: the handler of #GP skips this. */
	mov	0x1000(%rdi), %rcx
denied:
	movq	$VTL0_WRITTEN, 0x1000(%rdi)
after_denied:
	cmpq	$1, 0x2000(%rdi)
	jne	failed
	cmp	%rcx, 0x1000(%rdi)
	jne	failed
	step	VTL0_DENIED

	/* An interrupt that VTL2 asserts */
	mov	$0x1b, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$0x80f, %ecx
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
	step	VTL0_READY
	sti
1:
	cmpq	$1, 0x2008(%rdi)
	jne	1b
	cli
	step	VTL0_INTERRUPTED

	/* Never ends, unless VTL2 is told by its own timer. */
	sti
vtl0_loop:
	jmp	vtl0_loop
vtl0_after_loop:
	cli
	step	VTL0_END

failed:
	step	VTL0_FAILED
	jmp	failed

vtl0_gp:
	incq	0x2000(%rdi)
	addq	$(after_denied - denied), 8(%rsp)
	add	$8, %rsp
	iretq

vtl0_irq:
	incq	0x2008(%rdi)
	push	%rax
	push	%rcx
	push	%rdx
	mov	$0x80b, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

vtl0_any:
	jmp	failed
vtl0_code_end:

	.section .note.GNU-stack, "", @progbits
