/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - exception entry, accesses that may fault, hypercalls with a
 * given register file, the entry point of VTL1.
 */
#include "layout.h"

#define SYM(name)							\
	.globl name;							\
	.type name, @function;						\
	.balign 16;							\
name:

/* An exception at FROM continues at TO, with vector and error in RAX, RDX. */
#define EXTABLE(from, to)						\
	.pushsection guest_extable, "a";				\
	.quad from, to;							\
	.popsection

#include "regs.S"

.macro push_callee_saved
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro pop_callee_saved
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm

	.text

/* 256 stubs of 16 bytes each */
	.globl	guest_vectors
	.balign	16
guest_vectors:
	vector = 0
	.rept	256
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || \
		  vector == 17 || vector == 21 || vector == 29 || vector == 30)
	push	$0
	.endif
	push	$vector
	jmp	guest_entry
	vector = vector + 1
	.endr

/*
 * Every gate switches to the interrupt stack, because the code may use its red
 * zone.  From there the frame moves below that red zone, so that handlers can
 * be interrupted again; that of user code stays, and that of code which plays
 * with its stack pointer.
 */
guest_entry:
	push_regs
	cld
	testb	$3, REGS_CS(%rsp)
	jnz	2f
	mov	REGS_RSP(%rsp), %rdi
	mov	%rdi, %rax
	sub	$GUEST_AREAS, %rax
	cmp	$(GUEST_PAGE_TABLES - GUEST_AREAS), %rax
	jae	2f
	sub	$(128 + REGS_SIZE), %rdi
	and	$-16, %rdi
	mov	%rsp, %rsi
	mov	%rdi, %rax
	mov	$(REGS_SIZE / 8), %ecx
	rep movsq
	mov	%rax, %rsp
2:	mov	%rsp, %rdi
	call	guest_exception
	pop_regs
	add	$16, %rsp
	iretq

/* struct guest_trap probe_read(const volatile void *p, u64 *value) */
SYM(probe_read)
	mov	$-1, %rax
	xor	%edx, %edx
1:	mov	(%rdi), %rcx
	test	%rsi, %rsi
	jz	2f
	mov	%rcx, (%rsi)
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_write(volatile void *p, u64 value) */
SYM(probe_write)
	mov	$-1, %rax
	xor	%edx, %edx
1:	mov	%rsi, (%rdi)
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_write8(volatile void *p, u8 value) */
SYM(probe_write8)
	mov	$-1, %rax
	xor	%edx, %edx
1:	movb	%sil, (%rdi)
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_cmpxchg(volatile void *p, u64 old, u64 value) */
SYM(probe_cmpxchg)
	mov	%rdx, %rcx
	mov	%rsi, %rax
1:	lock cmpxchg %rcx, (%rdi)
	mov	$-1, %rax
	xor	%edx, %edx
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_rdmsr(u32 msr, u64 *value) */
SYM(probe_rdmsr)
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	mov	$-1, %rax
	xor	%edx, %edx
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_wrmsr(u32 msr, u64 value) */
SYM(probe_wrmsr)
	mov	%edi, %ecx
	mov	%rsi, %rdx
	mov	%esi, %eax
	shr	$32, %rdx
1:	wrmsr
	mov	$-1, %rax
	xor	%edx, %edx
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_outb(u16 port, u8 value) */
SYM(probe_outb)
	mov	%edi, %edx
	mov	%esi, %eax
1:	outb	%al, %dx
	mov	$-1, %rax
	xor	%edx, %edx
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_xsetbv(u32 index, u64 value) */
SYM(probe_xsetbv)
	mov	%edi, %ecx
	mov	%rsi, %rdx
	mov	%esi, %eax
	shr	$32, %rdx
1:	xsetbv
	mov	$-1, %rax
	xor	%edx, %edx
2:	ret
	EXTABLE(1b, 2b)

/* struct guest_trap probe_exec(const void *p) */
SYM(probe_exec)
	push_callee_saved
	lea	1f(%rip), %rax
	mov	%rax, %gs:CPU_RECOVER_RIP
	mov	%rsp, %gs:CPU_RECOVER_RSP
	mov	%rdi, %rax
	and	$-4096, %rax
	mov	%rax, %gs:CPU_RECOVER
	call	*%rdi
	mov	$-1, %rax
	xor	%edx, %edx
1:	movq	$0, %gs:CPU_RECOVER
	pop_callee_saved
	ret

/* struct guest_trap run_user(void (*fn)(void)), see guest_run_user() */
SYM(__run_user)
	push_callee_saved
	mov	%rsp, %gs:CPU_USER_RSP
	lea	user_exit(%rip), %rax
	mov	%rax, -8(%rsi)
	lea	-8(%rsi), %rsi
	push	$USER_DS
	push	%rsi
	pushf
	push	$USER_CS
	push	%rdi
	iretq

SYM(user_exit)
	int	$0x80

/* guest_exception() comes here with RSP = CPU_USER_RSP. */
SYM(guest_user_end)
	pop_callee_saved
	ret

SYM(hv_vmcall)
	vmcall
	ret

SYM(hv_vmmcall)
	vmmcall
	ret

/* void guest_call32(struct regs32 *regs, const void *target) */
SYM(guest_call32)
	push_callee_saved
	push	%rdi
	push	$CODE32_SEL
	lea	1f(%rip), %rax
	push	%rax
	lretq
	.code32
1:	push	$0
	push	%esi
	mov	0(%edi), %eax
	mov	4(%edi), %ebx
	mov	8(%edi), %ecx
	mov	12(%edi), %edx
	mov	16(%edi), %esi
	mov	20(%edi), %edi
	call	*(%esp)
	add	$8, %esp
	ljmp	$KERNEL_CS, $2f
	.code64
2:	mov	(%rsp), %rbp
	mov	%eax, 0(%rbp)
	mov	%ebx, 4(%rbp)
	mov	%ecx, 8(%rbp)
	mov	%edx, 12(%rbp)
	mov	%esi, 16(%rbp)
	mov	%edi, 20(%rbp)
	pop	%rdi
	pop_callee_saved
	ret

/* void hv_insn(struct hv_io *io, const void *target) */
SYM(hv_insn)
	push_callee_saved
	push	%rdi
	lea	3f(%rip), %rax
	mov	%rax, %gs:CPU_RECOVER_RIP
	mov	%rsp, %gs:CPU_RECOVER_RSP
	mov	%rsi, %gs:CPU_CALL
	and	$-4096, %rsi
	mov	%rsi, %gs:CPU_RECOVER

	cmpq	$0, IO_USE_XMM(%rdi)
	je	1f
	n = 0
	.irp	x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	(IO_XMM + 16 * n)(%rdi), %xmm\x
	n = n + 1
	.endr

1:	mov	IO_RAX(%rdi), %rax
	mov	IO_RCX(%rdi), %rcx
	mov	IO_RDX(%rdi), %rdx
	mov	IO_R8(%rdi), %r8
	mov	IO_RBX(%rdi), %rbx
	mov	IO_RBP(%rdi), %rbp
	mov	IO_RSI(%rdi), %rsi
	mov	(IO_R9 + 0x00)(%rdi), %r9
	mov	(IO_R9 + 0x08)(%rdi), %r10
	mov	(IO_R9 + 0x10)(%rdi), %r11
	mov	(IO_R9 + 0x18)(%rdi), %r12
	mov	(IO_R9 + 0x20)(%rdi), %r13
	mov	(IO_R9 + 0x28)(%rdi), %r14
	mov	(IO_R9 + 0x30)(%rdi), %r15
	mov	IO_RDI(%rdi), %rdi
	call	*%gs:CPU_CALL
	xchg	%rdi, (%rsp)
	mov	%rax, IO_RAX(%rdi)
	mov	%rcx, IO_RCX(%rdi)
	mov	%rdx, IO_RDX(%rdi)
	mov	%r8, IO_R8(%rdi)
	mov	%rbx, IO_RBX(%rdi)
	mov	%rbp, IO_RBP(%rdi)
	mov	%rsi, IO_RSI(%rdi)
	mov	%r9, (IO_R9 + 0x00)(%rdi)
	mov	%r10, (IO_R9 + 0x08)(%rdi)
	mov	%r11, (IO_R9 + 0x10)(%rdi)
	mov	%r12, (IO_R9 + 0x18)(%rdi)
	mov	%r13, (IO_R9 + 0x20)(%rdi)
	mov	%r14, (IO_R9 + 0x28)(%rdi)
	mov	%r15, (IO_R9 + 0x30)(%rdi)
	pop	%rax
	mov	%rax, IO_RDI(%rdi)
	mov	$-1, %rax
	xor	%edx, %edx

2:	movq	$0, %gs:CPU_RECOVER
	mov	%rax, IO_VECTOR(%rdi)
	mov	%rdx, IO_ERROR(%rdi)
	cmpq	$0, IO_USE_XMM(%rdi)
	je	1f
	n = 0
	.irp	x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\x, (IO_XMM + 16 * n)(%rdi)
	n = n + 1
	.endr
1:	pop_callee_saved
	ret
3:	pop	%rdi		/* trapped: only vector and error are known */
	jmp	2b

/*
 * Where a higher VTL begins (the initial context names it), and its loop: keep
 * what it shares with the VTL below, work, return to that.  The dispatcher
 * leaves RCX and RAX of the return in the frame.
 */
SYM(vtl_start)
	push_regs
	mov	%rsp, %rdi
	call	service_init
	jmp	2f
1:	cli
	push_regs
	mov	%rsp, %rdi
	call	service_dispatch
2:	pushq	%gs:CPU_VTL_FLAGS
	popf
	pop_regs
	call	*%gs:CPU_VTL_RETURN
	jmp	1b

	.section .note.GNU-stack, "", @progbits
