/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - the Hyper-V interface: constants, layouts, wrappers.
 *
 * Sections in the comments are those of the Hypervisor Top Level Functional
 * Specification.
 */
#ifndef _SELFTESTS_HV_H
#define _SELFTESTS_HV_H

#include "guest.h"

/* MSRs */
#define HV_MSR_GUEST_OS_ID	0x40000000
#define HV_MSR_HYPERCALL	0x40000001
#define HV_MSR_VP_INDEX		0x40000002
#define HV_MSR_TIME_REF_COUNT	0x40000020
#define HV_MSR_REFERENCE_TSC	0x40000021
#define HV_MSR_EOI		0x40000070
#define HV_MSR_ICR		0x40000071
#define HV_MSR_TPR		0x40000072
#define HV_MSR_RESET		0x40000003
#define HV_MSR_VP_ASSIST_PAGE	0x40000073
#define HV_MSR_SCONTROL		0x40000080
#define HV_MSR_SVERSION		0x40000081
#define HV_MSR_SIEFP		0x40000082
#define HV_MSR_SIMP		0x40000083
#define HV_MSR_EOM		0x40000084
#define HV_MSR_SINT0		0x40000090
#define HV_MSR_STIMER0_CONFIG	0x400000b0
#define HV_MSR_STIMER0_COUNT	0x400000b1

#define HV_MSR_ENABLE		BIT(0)
#define HV_SINT_MASKED		BIT(16)
#define HV_SINT_AUTO_EOI	BIT(17)
#define HV_STIMER_ENABLE	BIT(0)
#define HV_STIMER_PERIODIC	BIT(1)
#define HV_STIMER_AUTO_ENABLE	BIT(3)
#define HV_STIMER_VECTOR(v)	((u64)(v) << 4)
#define HV_STIMER_DIRECT	BIT(12)
#define HV_STIMER_SINT(n)	((u64)(n) << 16)

/* CPUID 0x40000003 */
#define HV_CPUID_FEATURES	0x40000003
#define HV_EBX_ACCESS_VSM	BIT(16)
#define HV_EBX_ACCESS_VP_REGISTERS BIT(17)
#define HV_EBX_START_VP		BIT(21)
#define HV_EDX_XMM_INPUT	BIT(4)
#define HV_EDX_XMM_OUTPUT	BIT(15)
#define HV_EDX_PAT_REGISTER	BIT(20)

/* Hypercalls */
#define HV_FLUSH_SPACE		0x02
#define HV_NOTIFY_LONG_SPIN_WAIT 0x08
#define HV_SEND_IPI		0x0b
#define HV_MODIFY_PROTECTION	0x0c
#define HV_ENABLE_PARTITION_VTL	0x0d
#define HV_DISABLE_PARTITION_VTL 0x0e
#define HV_ENABLE_VP_VTL	0x0f
#define HV_DISABLE_VP_VTL	0x10
#define HV_VTL_CALL		0x11
#define HV_VTL_RETURN		0x12
#define HV_SEND_IPI_EX		0x15
#define HV_INSTALL_INTERCEPT	0x4d
#define HV_GET_VP_REGISTERS	0x50
#define HV_SET_VP_REGISTERS	0x51
#define HV_TRANSLATE_VA_EX	0xac
#define HV_CHECK_ACCESS		0xd4
#define HV_TRANSLATE_VA		0x52
#define HV_READ_GPA		0x53
#define HV_WRITE_GPA		0x54
#define HV_POST_MESSAGE		0x5c
#define HV_ASSERT_INTERRUPT	0x94
#define HV_START_VP		0x99
#define HV_VP_INDEX_FROM_APIC_ID 0x9a

/* Hypercall input value */
#define HV_FAST			BIT(16)
#define HV_VARHEAD(n)		((u64)(n) << 17)
#define HV_NESTED		BIT(31)
#define HV_REPS(n)		((u64)(n) << 32)
#define HV_REP_START(n)		((u64)(n) << 48)

/* Result value */
#define HV_STATUS(result)	((result) & 0xffff)
#define HV_REPS_DONE(result)	((result) >> 32 & 0xfff)

#define HV_SUCCESS		0x00
#define HV_INVALID_CODE		0x02
#define HV_INVALID_INPUT	0x03
#define HV_INVALID_ALIGNMENT	0x04
#define HV_INVALID_PARAMETER	0x05
#define HV_ACCESS_DENIED	0x06
#define HV_INVALID_PARTITION_STATE 0x07
#define HV_OPERATION_DENIED	0x08
#define HV_INSUFFICIENT_MEMORY	0x0b
#define HV_INVALID_PARTITION_ID	0x0d
#define HV_INVALID_VP_INDEX	0x0e
#define HV_INVALID_CONNECTION_ID 0x12
#define HV_INVALID_VP_STATE	0x15
#define HV_INVALID_REGISTER_VALUE 0x50
#define HV_INVALID_VTL_STATE	0x51
#define HV_VTL_ALREADY_ENABLED	0x86

#define HV_PARTITION_SELF	(~0ULL)
#define HV_VP_SELF		0xfffffffeU

#define HV_INPUT_VTL(n)		(0x10 | (n))	/* "use target VTL n" */
#define HV_OWN_VTL		0		/* the caller's */

/* Map flags */
#define HV_R			0x1
#define HV_W			0x2
#define HV_KX			0x4
#define HV_UX			0x8
#define HV_NONE			0x0
#define HV_RW			(HV_R | HV_W)
#define HV_RX			(HV_R | HV_KX | HV_UX)
#define HV_RWX			(HV_RW | HV_KX | HV_UX)

/* Registers */
#define HV_REG_ACTIVITY		0x00000004
#define HV_REG_VERSION		0x00000100
#define HV_REG_FEATURES		0x00000200
#define HV_REG_CRASH_P0		0x00000210
#define HV_REG_TSC_FREQUENCY	0x00000240
#define HV_REG_APIC_FREQUENCY	0x00000241
#define HV_REG_EMULATION_HINTS	0x00000002
#define HV_REG_PENDING_INTERRUPTION 0x00010002
#define HV_REG_INTERRUPT_STATE	0x00010003
#define HV_REG_PENDING_EVENT0	0x00010004
#define HV_REG_RAX		0x00020000
#define HV_REG_RSP		0x00020004
#define HV_REG_RIP		0x00020010
#define HV_REG_RFLAGS		0x00020011
#define HV_REG_XMM0		0x00030000
#define HV_REG_FP_MMX0		0x00030010
#define HV_REG_FP_CONTROL	0x00030018
#define HV_REG_XMM_CONTROL	0x00030019
#define HV_REG_CR0		0x00040000
#define HV_REG_CR2		0x00040001
#define HV_REG_CR3		0x00040002
#define HV_REG_CR4		0x00040003
#define HV_REG_CR8		0x00040004
#define HV_REG_XFEM		0x00040005
#define HV_REG_DR1		0x00050001
#define HV_REG_DR7		0x00050005
#define HV_REG_ES		0x00060000
#define HV_REG_CS		0x00060001
#define HV_REG_SS		0x00060002
#define HV_REG_DS		0x00060003
#define HV_REG_FS		0x00060004
#define HV_REG_GS		0x00060005
#define HV_REG_LDTR		0x00060006
#define HV_REG_TR		0x00060007
#define HV_REG_IDTR		0x00070000
#define HV_REG_GDTR		0x00070001
#define HV_REG_TSC		0x00080000
#define HV_REG_EFER		0x00080001
#define HV_REG_KERNEL_GS_BASE	0x00080002
#define HV_REG_APIC_BASE	0x00080003
#define HV_REG_PAT		0x00080004
#define HV_REG_SYSENTER_CS	0x00080005
#define HV_REG_SYSENTER_EIP	0x00080006
#define HV_REG_SYSENTER_ESP	0x00080007
#define HV_REG_STAR		0x00080008
#define HV_REG_LSTAR		0x00080009
#define HV_REG_CSTAR		0x0008000a
#define HV_REG_SFMASK		0x0008000b
#define HV_REG_APIC_ID		0x0008000c
#define HV_REG_MTRR_CAP		0x0008000d
#define HV_REG_MTRR_DEF_TYPE	0x0008000e
#define HV_REG_MTRR_BASE0	0x00080010
#define HV_REG_MTRR_MASK0	0x00080040
#define HV_REG_MTRR_FIX0	0x00080070
#define HV_REG_TSC_AUX		0x0008007b
#define HV_REG_DEBUG_CTL	0x0008007d
#define HV_REG_SPEC_CTRL	0x00080084
#define HV_REG_TSC_DEADLINE	0x00080095
#define HV_REG_TSC_ADJUST	0x00080096
#define HV_REG_MISC_ENABLE	0x000800a0
#define HV_REG_APIC(offset)	(0x00084800 + (offset) / 16)
#define HV_REG_VP_RUNTIME	0x00090000
#define HV_REG_HYPERCALL	0x00090001
#define HV_REG_GUEST_OS_ID	0x00090002
#define HV_REG_VP_INDEX		0x00090003
#define HV_REG_TIME_REF_COUNT	0x00090004
#define HV_REG_EOI		0x00090010
#define HV_REG_ICR		0x00090011
#define HV_REG_TPR		0x00090012
#define HV_REG_VP_ASSIST_PAGE	0x00090013
#define HV_REG_REG_PAGE		0x0009001c
#define HV_REG_SINT0		0x000a0000
#define HV_REG_SCONTROL		0x000a0010
#define HV_REG_SIMP		0x000a0013
#define HV_REG_EOM		0x000a0014
#define HV_REG_STIMER0_CONFIG	0x000b0000
#define HV_REG_STIMER0_COUNT	0x000b0001
#define HV_REG_CODE_PAGE_OFFSETS 0x000d0002
#define HV_REG_VSM_VP_STATUS	0x000d0003
#define HV_REG_VSM_PARTITION_STATUS 0x000d0004
#define HV_REG_VSM_VINA		0x000d0005
#define HV_VINA_ENABLED		BIT(8)
#define HV_VINA_AUTO_RESET	BIT(9)
#define HV_VINA_AUTO_EOI	BIT(10)
#define HV_REG_VSM_CAPABILITIES	0x000d0006
#define HV_REG_VSM_PARTITION_CONFIG 0x000d0007
#define HV_REG_VSM_SECURE_CONFIG_VTL0 0x000d0010
#define HV_SECURE_CONFIG_MBEC	BIT(0)
#define HV_SECURE_CONFIG_TLB_LOCK BIT(1)
#define HV_REG_VSM_WAIT_FOR_TLB_LOCK 0x000d0020
#define HV_REG_CR_INTERCEPT	0x000e0000
#define HV_REG_CR0_MASK		0x000e0001
#define HV_REG_CR4_MASK		0x000e0002
#define HV_REG_MISC_MASK	0x000e0003

/* PendingEvent0, low half */
#define HV_EVENT_PENDING	BIT(0)
#define HV_EVENT_HAS_ERROR	BIT(8)
#define HV_EVENT_EXCEPTION(vector) (HV_EVENT_PENDING | (u64)(vector) << 16)

/* VsmPartitionConfig */
#define HV_CONFIG_ENABLE_PROTECTION BIT(0)
#define HV_CONFIG_DEFAULT(mask)	((u64)(mask) << 1)
#define HV_CONFIG_ZERO_MEMORY	BIT(5)
#define HV_CONFIG_DENY_LOWER_STARTUP BIT(6)
#define HV_CONFIG_INTERCEPT_STARTUP BIT(9)
#define HV_CONFIG_INTERCEPT_PAGE BIT(12)

struct hv_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u16 attributes;
};

struct hv_table {
	u16 pad[3];
	u16 limit;
	u64 base;
};

union hv_value {
	struct {
		u64 low, high;
	};
	struct hv_segment segment;
	struct hv_table table;
};

struct hv_context {		/* HV_INITIAL_VP_CONTEXT */
	u64 rip, rsp, rflags;
	struct hv_segment cs, ds, es, fs, gs, ss, tr, ldtr;
	struct hv_table idtr, gdtr;
	u64 efer, cr0, cr3, cr4, pat;
};

struct hv_enable_partition_vtl {
	u64 partition;
	u8 vtl;
	u8 flags;
	u8 reserved[6];
};

struct hv_enable_vp_vtl {
	u64 partition;
	u32 vp;
	u8 vtl;
	u8 reserved[3];
	struct hv_context context;
};

struct hv_modify_protection {
	u64 partition;
	u32 flags;
	u8 vtl;
	u8 reserved[3];
	u64 gfn[510];
};

struct hv_vp_registers {
	u64 partition;
	u32 vp;
	u8 vtl;
	u8 reserved[3];
	union {
		u32 name[1020];
		struct {
			u32 name;
			u32 reserved[3];
			union hv_value value;
		} set[127];
	};
};

struct hv_message {
	u32 type;
	u8 size;
	u8 flags;
	u16 reserved;
	u64 sender;
	u8 payload[240];
};

#define HV_MSG_TIMER		0x80000010
#define HV_MSG_GPA_INTERCEPT	0x80000001

struct hv_memory_intercept {	/* payload */
	u32 vp;
	u8 length;		/* instruction length 3:0, CR8 7:4 */
	u8 access;		/* HV_ACCESS_* */
	u16 state;
	struct hv_segment cs;
	u64 rip, rflags;
	u32 cache_type;
	u8 byte_count;
	u8 info;
	u8 tpr;
	u8 reserved;
	u64 gva, gpa;
	u8 bytes[16];
};

#define HV_MSG_IO_INTERCEPT	0x80010000

struct hv_io_intercept {	/* payload */
	u32 vp;
	u8 length;
	u8 access;
	u16 state;
	struct hv_segment cs;
	u64 rip, rflags;
	u16 port;
	u8 info;		/* 2:0 size, HV_IO_* */
	u8 byte_count;
	u32 reserved;
	u64 rax;
	u8 bytes[16];
	struct hv_segment ds, es;
	u64 rcx, rsi, rdi;
};

#define HV_IO_STRING		BIT(3)
#define HV_IO_REP		BIT(4)

#define HV_MSG_HYPERCALL_INTERCEPT 0x80000050

struct hv_hypercall_intercept {	/* payload */
	u32 vp;
	u8 length;
	u8 access;
	u16 state;
	struct hv_segment cs;
	u64 rip, rflags;
	u64 rax, rbx, rcx, rdx, r8, rsi, rdi;
	u64 xmm[6][2];
	u32 flags, reserved[3];
};

#define HV_MSG_MSR_INTERCEPT	0x80010001
#define HV_MSG_REGISTER_INTERCEPT 0x80010006

struct hv_register_intercept {	/* payload of both */
	u32 vp;
	u8 length;
	u8 access;
	u16 state;
	struct hv_segment cs;
	u64 rip, rflags;
	union {
		struct {
			u32 msr;
			u32 reserved;
			u64 rdx, rax;
		};
		struct {
			u8 flags;
			u8 reserved2[3];
			u32 name;
			u64 value, value_high;
		};
	};
};

#define HV_ACCESS_READ		0
#define HV_ACCESS_WRITE		1
#define HV_ACCESS_EXECUTE	2
#define HV_STATE_CPL		0x3
#define HV_STATE_LMA		BIT(4)
#define HV_STATE_VTL(state)	((state) >> 7 & 0xf)
#define HV_INFO_GVA_VALID	BIT(0)
#define HV_INFO_GVA_GPA_VALID	BIT(1)

struct hv_assist {
	u32 apic_assist;
	u32 reserved;
	u32 entry_reason;
	u8 vina;
	u8 reserved2[3];
	u64 rax, rcx;
	u64 reserved3[10];
	struct hv_message message;
	struct hv_return_action {
		u64 type;		/* HV_ACTION_* */
		u32 vp;
		u8 vtl;
		u8 sint;
		u16 flag;
	} actions[16];
};

_Static_assert(offsetof(struct hv_assist, message) == 0x70,
	       "TLFS, HV_VP_ASSIST_PAGE");
_Static_assert(offsetof(struct hv_assist, actions) == 0x170,
	       "TLFS, HV_VP_ASSIST_PAGE");

#define HV_ACTION_SIGNAL_EVENT	1

#define HV_ENTRY_CALL		1
#define HV_ENTRY_INTERRUPT	2
#define HV_ENTRY_INTERCEPT	3

/* The whole register file of one hypercall instruction: before, then after. */
struct hv_io {
	u64 rax, rcx, rdx, r8;
	u64 rbx, rbp, rsi, rdi;
	u64 r9[7];		/* R9 to R15 */
	u64 xmm[16][2];
	u64 use_xmm;		/* load and store XMM0 to XMM15 */
	struct guest_trap trap;
} __aligned(8);

/* Hypercall instructions that return; which one fits is found by CPUID. */
extern const u8 hv_vmcall[], hv_vmmcall[];
const void *hv_direct(void);
bool hv_is_amd(void);

/* Calls target (a hypercall instruction and RET) with the registers of io. */
void hv_insn(struct hv_io *io, const void *target);

/* Result value of a hypercall; through the instruction itself */
u64 hv_call(u64 control, u64 rdx, u64 r8);
/* through memory: in and out may be NULL */
u64 hv_call_mem(u64 control, const void *in, void *out);
/* with XMM registers: count words from data go to RDX, R8, XMM0..XMM5 */
u64 hv_call_xmm(u64 control, const void *data, u32 count);
/* as hv_call(), with what the guest sees as exception */
struct guest_trap hv_try(u64 control, u64 rdx, u64 r8);

/* GUEST_OS_ID and hypercall page of the current VTL */
#define HV_TEST_OS_ID		0x8100000000000001ULL
void hv_init(void);
void hv_assist_init(void);
/* SIMP, SCONTROL and SINT0 = config */
void hv_synic_init(u64 sint0);

/* Registers of the current VP */
u64 hv_get_registers(u8 vtl, const u32 *names, u32 count,
		     union hv_value *values);
u64 hv_get_register(u8 vtl, u32 name, union hv_value *value);
u64 hv_set_register(u8 vtl, u32 name, u64 low, u64 high);
/* The same for any VP */
u64 hv_get_vp_register(u32 vp, u8 vtl, u32 name, union hv_value *value);
u64 hv_set_vp_register(u32 vp, u8 vtl, u32 name, u64 low, u64 high);
/* the same, which must succeed */
u64 hv_reg(u8 vtl, u32 name);
void hv_set_reg(u8 vtl, u32 name, u64 value);

/* Flush of all address spaces of the current VTL on VPs, a mask */
u64 hv_flush(u64 vps);

/* Rights of lower VTLs on pages; current VTL only */
u64 hv_protect(u64 gpa, u32 pages, u32 flags);

#endif /* _SELFTESTS_HV_H */
