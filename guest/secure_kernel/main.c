// SPDX-License-Identifier: GPL-2.0-only
/*
 * Secure kernel - what runs in VTL1: keeps a secret, answers questions that
 * need it, and refuses VTL0 every access to its memory.
 *
 * One VP.  Interrupts are open only in sk_enter(), when VTL1 was entered for
 * one; returns to VTL0 happen with them closed, and VTL1 is entered anyway.
 */
#include "layout.h"
#include "sk.h"
#include "sk_main.h"

#define GATES		(SK_SINT_VECTOR + 1)
#define GATE_SIZE	16		/* of the stubs in entry.S */
#define COM1		0x3f8

struct gate {
	u16 offset_low;
	u16 selector;
	u16 type;
	u16 offset_mid;
	u32 offset_high;
	u32 reserved;
};

struct table_pointer {
	u16 pad[3];
	u16 limit;		/* the CPU reads from here on */
	u64 base;
};

void *sk_vtl_return;		/* for entry.S */

static struct gate idt[GATES];

static int secret_is_set;
static int sealed;
static u64 intercepts, last_gpa, last_access;

/* A kernel that cannot go on says so on the serial port and stops the VP. */

static void print(const char *text)
{
	for (; *text; text++) {
		while (!(port_read(COM1 + 5) & 0x20))
			;
		port_write(COM1, *text);
	}
}

static void print_hex(u64 value)
{
	char digits[17];
	int i;

	for (i = 15; i >= 0; i--, value >>= 4) {
		u8 digit = value & 15;

		digits[i] = digit < 10 ? '0' + digit : 'a' + digit - 10;
	}
	digits[16] = '\0';
	print(digits);
}

static void stop(const char *why, u64 value)
{
	print("\r\nsecure kernel: ");
	print(why);
	print(" ");
	print_hex(value);
	print("\r\n");
	for (;;)
		asm volatile("cli; hlt");
}

void sk_exception(struct sk_regs *regs)
{
	print("\r\nsecure kernel: RIP ");
	print_hex(regs->rip - (u64)sk_header);
	stop("exception", regs->vector);
}

/* First entry */

static void set_gate(int vector, const u8 *stub)
{
	u64 address = (u64)stub;

	idt[vector] = (struct gate) {
		.offset_low = address,
		.selector = SK_CS,
		.type = 0x8e00,
		.offset_mid = address >> 16,
		.offset_high = address >> 32,
	};
}

static void init_idt(void)
{
	struct table_pointer pointer = {
		.limit = sizeof(idt) - 1, .base = (u64)idt,
	};
	int i;

	for (i = 0; i < 32; i++)
		set_gate(i, sk_vectors + i * GATE_SIZE);
	set_gate(SK_SINT_VECTOR, sk_vectors + i * GATE_SIZE);
	asm volatile("lidt %0" : : "m" (pointer.limit), "m" (pointer));
}

static void init_synic(void)
{
	wrmsr(HV_MSR_VP_ASSIST_PAGE, (u64)sk_assist_page | HV_MSR_ENABLE);
	wrmsr(HV_MSR_SIMP, (u64)sk_message_page | HV_MSR_ENABLE);
	wrmsr(HV_MSR_SCONTROL, HV_MSR_ENABLE);
	wrmsr(HV_MSR_SINT0, SK_SINT_VECTOR | HV_SINT_AUTO_EOI);
}

void sk_init(struct sk_regs *regs)
{
	u64 offsets;
	u16 status;

	init_idt();
	hv_init(sk_hypercall_page);
	status = hv_get_register(HV_OWN_VTL, HV_REG_CODE_PAGE_OFFSETS,
				 &offsets);
	if (status)
		stop("no VTL return: status", status);
	sk_vtl_return = sk_hypercall_page + (offsets >> 12 & 0xfff);
	init_synic();
	regs->r8 = SK_OK;
}

/* Intercepts */

static void deny(const struct hv_message *message)
{
	u16 status;

	intercepts++;
	last_gpa = message->gpa;
	last_access = message->access;
	status = hv_set_register(HV_INPUT_VTL(0), HV_REG_PENDING_EVENT0,
				 HV_EVENT_GP);
	if (status)
		stop("cannot refuse: status", status);
}

void sk_sint(void)
{
	struct hv_message *slot = (void *)sk_message_page;
	struct hv_message message = *slot;

	if (message.type == HV_MESSAGE_NONE)
		return;
	if (message.type != HV_MESSAGE_GPA)
		stop("unexpected message", message.type);
	deny(&message);
	slot->type = HV_MESSAGE_NONE;
	if (message.flags & HV_MESSAGE_PENDING)
		wrmsr(HV_MSR_EOM, 0);
}

/* Services */

static u64 failed(u16 status)
{
	return status ? SK_HYPERCALL_FAILED + status : SK_OK;
}

static u64 set_secret(u64 low, u64 high)
{
	u64 *secret = (void *)sk_secret;

	if (secret_is_set)
		return SK_BAD_STATE;
	secret[0] = low;
	secret[1] = high;
	secret_is_set = 1;
	return SK_OK;
}

/* Code stays readable and executable: that is how VTL0 could check it. */
static u64 seal(void)
{
	u16 status;

	if (sealed)
		return SK_BAD_STATE;
	status = hv_set_register(HV_OWN_VTL, HV_REG_VSM_PARTITION_CONFIG,
				 HV_CONFIG_ENABLE_PROTECTION |
				 HV_CONFIG_DEFAULT(HV_MAP_RWX));
	if (!status)
		status = hv_protect(sk_header, sk_code_end, HV_MAP_RX);
	if (!status)
		status = hv_protect(sk_code_end, sk_end, HV_MAP_NONE);
	if (!status)
		sealed = 1;
	return failed(status);
}

static u64 mac(struct sk_regs *regs)
{
	if (!secret_is_set)
		return SK_BAD_STATE;
	regs->r9 = sk_mac((void *)sk_secret, regs->r8);
	return SK_OK;
}

static u64 report(struct sk_regs *regs)
{
	regs->r9 = intercepts;
	regs->r10 = last_gpa;
	regs->r11 = last_access;
	return SK_OK;
}

static u64 serve(struct sk_regs *regs)
{
	switch (regs->rdx) {
	case SK_SET_SECRET:
		return set_secret(regs->r8, regs->r9);
	case SK_SEAL:
		return seal();
	case SK_MAC:
		return mac(regs);
	case SK_STATUS:
		return report(regs);
	}
	return SK_BAD_SERVICE;
}

void sk_enter(struct sk_regs *regs)
{
	struct hv_assist *assist = (void *)sk_assist_page;

	switch (assist->entry_reason) {
	case HV_ENTRY_CALL:
		regs->r8 = serve(regs);
		break;
	case HV_ENTRY_INTERRUPT:
		asm volatile("sti; nop; nop; cli" : : : "memory");
		break;
	default:
		stop("unexpected entry reason", assist->entry_reason);
	}
}
