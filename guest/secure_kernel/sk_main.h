/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secure kernel - its parts.
 */
#ifndef _SK_MAIN_H
#define _SK_MAIN_H

#include "hv.h"

/* As entry.S pushes them */
struct sk_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	/* exceptions */
	u64 vector, error, rip;
};

/* Of entry.S */
extern u8 sk_header[], sk_vectors[];

/* Of the linker script: whole pages, and the ends of the code and of all */
extern u8 sk_hypercall_page[], sk_assist_page[], sk_message_page[];
extern u8 sk_secret[], sk_code_end[], sk_end[];

/* Called by entry.S */
void sk_init(struct sk_regs *regs);
void sk_enter(struct sk_regs *regs);
void sk_sint(void);
void sk_exception(struct sk_regs *regs);

u64 sk_mac(const u64 *secret, u64 number);

#endif /* _SK_MAIN_H */
