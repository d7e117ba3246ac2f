/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secure kernel - the part of the Hyper-V interface that it uses.
 *
 * Names and layouts as in the Hypervisor Top Level Functional Specification.
 */
#ifndef _SK_HV_H
#define _SK_HV_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define PAGE_SIZE		4096
#define BIT(n)			(1ULL << (n))

/* MSRs */
#define HV_MSR_GUEST_OS_ID	0x40000000
#define HV_MSR_HYPERCALL	0x40000001
#define HV_MSR_VP_ASSIST_PAGE	0x40000073
#define HV_MSR_SCONTROL		0x40000080
#define HV_MSR_SIMP		0x40000083
#define HV_MSR_EOM		0x40000084
#define HV_MSR_SINT0		0x40000090
#define HV_MSR_ENABLE		BIT(0)
#define HV_SINT_AUTO_EOI	BIT(17)

/* Hypercalls */
#define HV_MODIFY_PROTECTION	0x0c
#define HV_GET_VP_REGISTERS	0x50
#define HV_SET_VP_REGISTERS	0x51
#define HV_REPS(n)		((u64)(n) << 32)
#define HV_STATUS(result)	((result) & 0xffff)

#define HV_PARTITION_SELF	(~0ULL)
#define HV_VP_SELF		0xfffffffeU
#define HV_OWN_VTL		0
#define HV_INPUT_VTL(n)		(0x10 | (n))

/* What lower VTLs may do with a page */
#define HV_MAP_NONE		0x0
#define HV_MAP_RX		0xd
#define HV_MAP_RWX		0xf

/* Registers */
#define HV_REG_PENDING_EVENT0	0x00010004
#define HV_REG_CODE_PAGE_OFFSETS 0x000d0002
#define HV_REG_VSM_PARTITION_CONFIG 0x000d0007

#define HV_CONFIG_ENABLE_PROTECTION BIT(0)
#define HV_CONFIG_DEFAULT(map)	((u64)(map) << 1)

/* PendingEvent0: a general protection fault with error code 0 */
#define HV_EVENT_GP		(BIT(0) | BIT(8) | 13ULL << 16)

#define HV_ENTRY_CALL		1
#define HV_ENTRY_INTERRUPT	2

#define HV_MESSAGE_NONE		0
#define HV_MESSAGE_GPA		0x80000001
#define HV_MESSAGE_PENDING	BIT(0)

struct hv_assist {
	u32 apic_assist;
	u32 reserved;
	u32 entry_reason;
	u32 vina;
	u64 rax, rcx;
};

struct hv_header {
	u64 partition;
	u32 vp;			/* registers: the VP; protections: map flags */
	u8 vtl;
	u8 reserved[3];
};

struct hv_modify_protection {
	struct hv_header header;
	u64 gfn[510];
};

struct hv_set_register {
	struct hv_header header;
	u32 name;
	u32 reserved[3];
	u64 low, high;
};

struct hv_get_register {
	struct hv_header header;
	u32 name;
};

struct hv_message {
	u32 type;
	u8 size;
	u8 flags;
	u16 reserved;
	u64 sender;
	/* intercepts */
	u32 vp;
	u8 length;
	u8 access;
	u16 state;
	u64 cs[2];
	u64 rip, rflags;
	u32 cache_type;
	u8 byte_count;
	u8 info;
	u8 tpr;
	u8 reserved2;
	u64 gva, gpa;
};

/* One page each for input and output (linker script) */
extern u8 hv_in[], hv_out[];

/* GUEST_OS_ID and the hypercall page */
void hv_init(void *hypercall_page);

/* These return the status. */
u16 hv_get_register(u8 vtl, u32 name, u64 *value);
u16 hv_set_register(u8 vtl, u32 name, u64 value);
u16 hv_protect(const void *start, const void *end, u32 map);

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c" (msr), "a" ((u32)value),
		     "d" ((u32)(value >> 32)) : "memory");
}

static inline void port_write(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a" (value), "d" (port));
}

static inline u8 port_read(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a" (value) : "d" (port));
	return value;
}

#endif /* _SK_HV_H */
