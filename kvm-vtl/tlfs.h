/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - Hyper-V constants and structures that the kernel's headers lack
 *
 * Names are spelled as in the kernel's Hyper-V headers where those have or had
 * them.  Sections named here are sections of the TLFS.
 */
#ifndef _KVM_VTL_TLFS_H
#define _KVM_VTL_TLFS_H

#include <linux/bits.h>
#include <linux/types.h>
#include "compat_tlfs.h"

/* "Hypercall Interface": call codes */
#define HVCALL_MODIFY_VTL_PROTECTION_MASK	0x000c
#define HVCALL_ENABLE_PARTITION_VTL		0x000d
#define HVCALL_DISABLE_PARTITION_VTL		0x000e
#define HVCALL_DISABLE_VP_VTL			0x0010
#define HVCALL_VTL_CALL				0x0011
#define HVCALL_VTL_RETURN			0x0012
#define HVCALL_INSTALL_INTERCEPT		0x004d
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS	0x0052
#define HVCALL_ASSERT_VIRTUAL_INTERRUPT		0x0094
#define HVCALL_START_VP				0x0099
#define HVCALL_GET_VP_INDEX_FROM_APIC_ID	0x009a
#define HVCALL_TRANSLATE_VIRTUAL_ADDRESS_EX	0x00ac
#define HVCALL_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS	0x00d4

#define HV_EXT_CALL_MAX		(HV_EXT_CALL_QUERY_CAPABILITIES + 64)

/* "Hypercall Interface": the control word */
#define HV_HC_FAST			BIT_ULL(16)
#define HV_HC_VARHEAD_BITS		GENMASK_ULL(26, 17)
#define HV_HC_VARHEAD_SHIFT		17
#define HV_HC_REP_COUNT_SHIFT		32
#define HV_HC_REP_START_SHIFT		48
#define HV_HC_REP_BITS			0xfff
#define HV_HC_ALL_REP_BITS	(GENMASK_ULL(43, 32) | GENMASK_ULL(59, 48))
#define HV_HC_RESERVED \
	(GENMASK_ULL(31, 27) | GENMASK_ULL(47, 44) | GENMASK_ULL(63, 60))

/* "Hypercall status codes" */
#define HV_STATUS_INVALID_PARTITION_STATE	0x7
#define HV_STATUS_INVALID_PARTITION_ID		0xD
#define HV_STATUS_INVALID_VP_INDEX		0xE
#define HV_STATUS_INVALID_VP_STATE		0x15
#define HV_STATUS_INVALID_REGISTER_VALUE	0x50
#define HV_STATUS_INVALID_VTL_STATE		0x51

/* "Partitions" and "Virtual Processors" */
#define HV_PARTITION_SELF		(~0ULL)
#define HV_SELF_VP			0xfffffffeU

/* HV_INPUT_VTL */
#define HV_INPUT_VTL_TARGET		GENMASK(3, 0)
#define HV_INPUT_VTL_USE_TARGET		BIT(4)
#define HV_INPUT_VTL_RESERVED		GENMASK(7, 5)

/* "Feature and interface discovery": leaf 0x40000003 */
#define HV_FEATURE_EAX_SYNIC		BIT(2)
#define HV_FEATURE_EAX_HYPERCALL_MSRS	BIT(5)
#define HV_FEATURE_EAX_VP_INDEX		BIT(6)
#define HV_FEATURE_EBX_ACCESS_VSM	BIT(16)
#define HV_FEATURE_EBX_ACCESS_VP_REGS	BIT(17)
#define HV_FEATURE_EBX_START_VP		BIT(21)
#define HV_FEATURE_EDX_XMM_INPUT	BIT(4)
#define HV_FEATURE_EDX_XMM_OUTPUT	BIT(15)
#define HV_FEATURE_EDX_PAT		BIT(20)

/* "VTL control": entry reasons */
#define HV_VTL_ENTRY_NONE		0
#define HV_VTL_ENTRY_CALL		1
#define HV_VTL_ENTRY_INTERRUPT		2
#define HV_VTL_ENTRY_INTERCEPT		3

/* HvCallVtlReturn: control input */
#define HV_VTL_RETURN_FAST		BIT_ULL(0)

/* "HV_REGISTER_NAME" */
#define HV_REGISTER_INTERNAL_ACTIVITY		0x00000004
#define HV_REGISTER_HYPERVISOR_VERSION		0x00000100
#define HV_REGISTER_PRIVILEGES_AND_FEATURES	0x00000200
#define HV_REGISTER_IPT				0x00000208
#define HV_REGISTER_CRASH_P0_NAME		0x00000210
#define HV_REGISTER_CRASH_CTL_NAME		0x00000215
#define HV_REGISTER_PROCESSOR_FREQUENCY		0x00000240
#define HV_REGISTER_INTERRUPT_FREQUENCY		0x00000241
#define HV_REGISTER_EMULATION_HINTS		0x00000002
#define HV_REGISTER_PENDING_INTERRUPTION	0x00010002
#define HV_REGISTER_INTERRUPT_STATE		0x00010003
#define HV_REGISTER_PENDING_EVENT0		0x00010004
#define HV_REGISTER_VP_RUNTIME_NAME		0x00090000
#define HV_REGISTER_VP_INDEX_NAME		0x00090003
#define HV_REGISTER_VP_ASSIST_PAGE		0x00090013
#define HV_REGISTER_HYPERCALL			0x00090001
#define HV_REGISTER_GUEST_OS_ID_NAME		0x00090002
#define HV_REGISTER_TIME_REF_COUNT_NAME		0x00090004
#define HV_REGISTER_SYNTHETIC_EOI		0x00090010
#define HV_REGISTER_SYNTHETIC_TPR		0x00090012
#define HV_REGISTER_REFERENCE_TSC_NAME		0x00090017
#define HV_REGISTER_REG_PAGE			0x0009001c
#define HV_REG_PAGE_RESERVED		GENMASK_ULL(11, 1)
#define HV_REGISTER_SINT0_NAME			0x000a0000
#define HV_REGISTER_SINT15_NAME			0x000a000f
#define HV_REGISTER_SCONTROL_NAME		0x000a0010
#define HV_REGISTER_SVERSION_NAME		0x000a0011
#define HV_REGISTER_SIFP_NAME			0x000a0012
#define HV_REGISTER_SIPP_NAME			0x000a0013
#define HV_REGISTER_EOM_NAME			0x000a0014
#define HV_REGISTER_STIMER0_CONFIG_NAME		0x000b0000
#define HV_REGISTER_STIMER3_COUNT_NAME		0x000b0007
#define HV_REGISTER_VSM_CODE_PAGE_OFFSETS	0x000d0002
#define HV_REGISTER_VSM_VP_STATUS		0x000d0003
#define HV_REGISTER_VSM_PARTITION_STATUS	0x000d0004
#define HV_REGISTER_VSM_VINA			0x000d0005
#define HV_REGISTER_VSM_CAPABILITIES		0x000d0006
#define HV_REGISTER_VSM_PARTITION_CONFIG	0x000d0007
#define HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0	0x000d0010
#define HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL1	0x000d0011
#define HV_SECURE_CONFIG_MBEC_ENABLED	BIT_ULL(0)
#define HV_SECURE_CONFIG_TLB_LOCKED	BIT_ULL(1)
#define HV_REGISTER_VSM_VP_WAIT_FOR_TLB_LOCK	0x000d0020
#define HV_WAIT_FOR_TLB_LOCK		BIT_ULL(0)
#define HV_REGISTER_CR_INTERCEPT_CONTROL	0x000e0000
#define HV_REGISTER_CR_INTERCEPT_CR0_MASK	0x000e0001
#define HV_REGISTER_CR_INTERCEPT_CR4_MASK	0x000e0002
#define HV_REGISTER_CR_INTERCEPT_MISC_MASK	0x000e0003

#define HV_X64_REGISTER_RAX			0x00020000
#define HV_X64_REGISTER_RSP			0x00020004
#define HV_X64_REGISTER_R15			0x0002000f
#define HV_X64_REGISTER_RIP			0x00020010
#define HV_X64_REGISTER_RFLAGS			0x00020011
#define HV_X64_REGISTER_XMM0			0x00030000
#define HV_X64_REGISTER_XMM15			0x0003000f
#define HV_X64_REGISTER_FP_MMX0			0x00030010
#define HV_X64_REGISTER_FP_MMX7			0x00030017
#define HV_X64_REGISTER_FP_CONTROL_STATUS	0x00030018
#define HV_X64_REGISTER_XMM_CONTROL_STATUS	0x00030019
#define HV_X64_REGISTER_CR0			0x00040000
#define HV_X64_REGISTER_CR2			0x00040001
#define HV_X64_REGISTER_CR3			0x00040002
#define HV_X64_REGISTER_CR4			0x00040003
#define HV_X64_REGISTER_CR8			0x00040004
#define HV_X64_REGISTER_XFEM			0x00040005
#define HV_X64_REGISTER_DR0			0x00050000
#define HV_X64_REGISTER_DR3			0x00050003
#define HV_X64_REGISTER_DR6			0x00050004
#define HV_X64_REGISTER_DR7			0x00050005
#define HV_X64_REGISTER_ES			0x00060000
#define HV_X64_REGISTER_CS			0x00060001
#define HV_X64_REGISTER_SS			0x00060002
#define HV_X64_REGISTER_DS			0x00060003
#define HV_X64_REGISTER_FS			0x00060004
#define HV_X64_REGISTER_GS			0x00060005
#define HV_X64_REGISTER_LDTR			0x00060006
#define HV_X64_REGISTER_TR			0x00060007
#define HV_X64_REGISTER_IDTR			0x00070000
#define HV_X64_REGISTER_GDTR			0x00070001
#define HV_X64_REGISTER_TSC			0x00080000
#define HV_X64_REGISTER_EFER			0x00080001
#define HV_X64_REGISTER_KERNEL_GS_BASE		0x00080002
#define HV_X64_REGISTER_APIC_BASE		0x00080003
#define HV_X64_REGISTER_PAT			0x00080004
#define HV_X64_REGISTER_SYSENTER_CS		0x00080005
#define HV_X64_REGISTER_SYSENTER_EIP		0x00080006
#define HV_X64_REGISTER_SYSENTER_ESP		0x00080007
#define HV_X64_REGISTER_STAR			0x00080008
#define HV_X64_REGISTER_LSTAR			0x00080009
#define HV_X64_REGISTER_CSTAR			0x0008000a
#define HV_X64_REGISTER_SFMASK			0x0008000b
#define HV_X64_REGISTER_INITIAL_APIC_ID		0x0008000c
#define HV_X64_REGISTER_MTRR_CAP		0x0008000d
#define HV_X64_REGISTER_MTRR_DEF_TYPE		0x0008000e
#define HV_X64_REGISTER_MTRR_PHYS_BASE0		0x00080010
#define HV_X64_REGISTER_MTRR_PHYS_BASE7		0x00080017
#define HV_X64_REGISTER_MTRR_PHYS_MASK0		0x00080040
#define HV_X64_REGISTER_MTRR_PHYS_MASK7		0x00080047
#define HV_X64_REGISTER_MTRR_FIX_64K_00000	0x00080070
#define HV_X64_REGISTER_MTRR_FIX_4K_F8000	0x0008007a
#define HV_X64_REGISTER_TSC_AUX			0x0008007b
#define HV_X64_REGISTER_DEBUG_CTL		0x0008007d
#define HV_X64_REGISTER_SPEC_CTRL		0x00080084
#define HV_X64_REGISTER_XSS			0x0008008b
#define HV_X64_REGISTER_TSC_DEADLINE		0x00080095
#define HV_X64_REGISTER_TSC_ADJUST		0x00080096
#define HV_X64_REGISTER_MISC_ENABLE		0x000800a0
#define HV_X64_REGISTER_APIC_ID_NAME		0x00084802
/* And the low byte of the x2APIC's MSR */
#define HV_X64_REGISTER_APIC(msr)		(0x00084800 + (msr))

/* HvRegisterInternalActivityState */
#define HV_ACTIVITY_STARTUP_SUSPEND		BIT_ULL(0)
#define HV_ACTIVITY_HALT_SUSPEND		BIT_ULL(1)

/* HvRegisterVsmPartitionConfig */
#define HV_VSM_CONFIG_ENABLE_PROTECTION		BIT_ULL(0)
#define HV_VSM_CONFIG_DEFAULT_MASK_SHIFT	1
#define HV_VSM_CONFIG_DEFAULT_MASK		GENMASK_ULL(4, 1)
#define HV_VSM_CONFIG_ZERO_MEMORY		BIT_ULL(5)
#define HV_VSM_CONFIG_DENY_LOWER_STARTUP	BIT_ULL(6)
#define HV_VSM_CONFIG_INTERCEPT_VP_STARTUP	BIT_ULL(9)
#define HV_VSM_CONFIG_INTERCEPT_CPUID		BIT_ULL(10)
#define HV_VSM_CONFIG_INTERCEPT_PAGE		BIT_ULL(12)

/* HvRegisterVsmVpStatus */
#define HV_VSM_VP_STATUS_ACTIVE_MBEC		BIT_ULL(4)
#define HV_VSM_VP_STATUS_ENABLED_SHIFT		16

/* HvRegisterVsmPartitionStatus */
#define HV_VSM_STATUS_MAX_VTL_SHIFT		16
#define HV_VSM_STATUS_MBEC_SHIFT		20

/* HvRegisterVsmCapabilities */
#define HV_VSM_CAPABILITY_MBEC_SHIFT		1
#define HV_VSM_CAPABILITY_DENY_LOWER_STARTUP	BIT_ULL(17)
#define HV_VSM_CAPABILITY_INTERCEPT_PAGE	BIT_ULL(27)
#define HV_VSM_CAPABILITY_RETURN_ACTIONS	BIT_ULL(28)

/* VtlReturnActions */
#define HV_VTL_RETURN_ACTION_SIGNAL_EVENT	1

/**
 * struct hv_vtl_return_action - an entry of VtlReturnActions
 * @type: HV_VTL_RETURN_ACTION_*, 0 at the end of the list
 * @target_vp: VP
 * @target_vtl: VTL that gets the event
 * @sint: its SINT
 * @flag: number of the flag
 */
struct hv_vtl_return_action {
	u64 type;
	u32 target_vp;
	u8 target_vtl;
	u8 sint;
	u16 flag;
} __packed;
static_assert(sizeof(struct hv_vtl_return_action) == 16);

/* HvRegisterCrInterceptControl */
#define HV_CR_INTERCEPT_CR0_WRITE		BIT_ULL(0)
#define HV_CR_INTERCEPT_CR4_WRITE		BIT_ULL(1)
#define HV_CR_INTERCEPT_XCR0_WRITE		BIT_ULL(2)
#define HV_CR_INTERCEPT_MISC_ENABLE_READ	BIT_ULL(3)
#define HV_CR_INTERCEPT_MISC_ENABLE_WRITE	BIT_ULL(4)
#define HV_CR_INTERCEPT_LSTAR_READ		BIT_ULL(5)
#define HV_CR_INTERCEPT_LSTAR_WRITE		BIT_ULL(6)
#define HV_CR_INTERCEPT_STAR_READ		BIT_ULL(7)
#define HV_CR_INTERCEPT_STAR_WRITE		BIT_ULL(8)
#define HV_CR_INTERCEPT_CSTAR_READ		BIT_ULL(9)
#define HV_CR_INTERCEPT_CSTAR_WRITE		BIT_ULL(10)
#define HV_CR_INTERCEPT_APIC_BASE_READ		BIT_ULL(11)
#define HV_CR_INTERCEPT_APIC_BASE_WRITE		BIT_ULL(12)
#define HV_CR_INTERCEPT_EFER_READ		BIT_ULL(13)
#define HV_CR_INTERCEPT_EFER_WRITE		BIT_ULL(14)
#define HV_CR_INTERCEPT_GDTR_WRITE		BIT_ULL(15)
#define HV_CR_INTERCEPT_IDTR_WRITE		BIT_ULL(16)
#define HV_CR_INTERCEPT_LDTR_WRITE		BIT_ULL(17)
#define HV_CR_INTERCEPT_TR_WRITE		BIT_ULL(18)
#define HV_CR_INTERCEPT_SYSENTER_CS_WRITE	BIT_ULL(19)
#define HV_CR_INTERCEPT_SYSENTER_EIP_WRITE	BIT_ULL(20)
#define HV_CR_INTERCEPT_SYSENTER_ESP_WRITE	BIT_ULL(21)
#define HV_CR_INTERCEPT_SFMASK_WRITE		BIT_ULL(22)
#define HV_CR_INTERCEPT_TSC_AUX_WRITE		BIT_ULL(23)
#define HV_CR_INTERCEPT_SGX_LC_WRITE		BIT_ULL(24)
#define HV_CR_INTERCEPT_XSS_WRITE		BIT_ULL(25)
#define HV_CR_INTERCEPT_S_CET_WRITE		BIT_ULL(26)
#define HV_CR_INTERCEPT_PL_SSP_WRITE		BIT_ULL(27)
#define HV_CR_INTERCEPT_INT_SSP_TABLE_WRITE	BIT_ULL(28)
#define HV_CR_INTERCEPT_RESERVED		GENMASK_ULL(63, 29)

/* HvRegisterVsmVina, and VinaAsserted in the VP assist page */
#define HV_VINA_VECTOR				0xffULL
#define HV_VINA_ENABLED				BIT_ULL(8)
#define HV_VINA_AUTO_RESET			BIT_ULL(9)
#define HV_VINA_AUTO_EOI			BIT_ULL(10)
#define HV_VINA_ASSERTED			BIT(0)

/* HvRegisterPendingEvent0 */
#define HV_PENDING_EVENT_PENDING		BIT_ULL(0)
#define HV_PENDING_EVENT_TYPE			GENMASK_ULL(3, 1)
#define HV_PENDING_EVENT_DELIVER_ERROR_CODE	BIT_ULL(8)
#define HV_PENDING_EVENT_VECTOR_SHIFT		16
#define HV_PENDING_EVENT_ERROR_CODE_SHIFT	32
#define HV_PENDING_EVENT_RESERVED \
	(GENMASK_ULL(7, 4) | GENMASK_ULL(15, 9))

/* HvRegisterPendingInterruption */
#define HV_INTERRUPTION_PENDING			BIT_ULL(0)
#define HV_INTERRUPTION_TYPE			GENMASK_ULL(3, 1)
#define HV_INTERRUPTION_ERROR_CODE		BIT_ULL(4)
#define HV_INTERRUPTION_LENGTH			GENMASK_ULL(8, 5)
#define HV_INTERRUPTION_VECTOR			GENMASK_ULL(31, 16)
#define HV_INTERRUPTION_CODE_SHIFT		32
/* Those of an instruction's length, of a nested event, and reserved ones */
#define HV_INTERRUPTION_RESERVED		GENMASK_ULL(15, 5)
#define HV_INTERRUPTION_INTERRUPT		0
#define HV_INTERRUPTION_NMI			2
#define HV_INTERRUPTION_EXCEPTION		3
#define HV_INTERRUPTION_SW_INTERRUPT		4
#define HV_INTERRUPTION_SW_EXCEPTION		6

/* HvRegisterInterruptState */
#define HV_INTERRUPT_SHADOW			BIT_ULL(0)
#define HV_INTERRUPT_NMI_MASKED			BIT_ULL(1)

/* HvRegisterInstructionEmulationHints */
#define HV_EMULATION_HINT_SECURE_VTL		BIT_ULL(0)
#define HV_EMULATION_HINT_MBEC			BIT_ULL(1)

/* "HV_MESSAGE_TYPE" and HV_X64_INTERCEPT_MESSAGE_HEADER access types */
#define HV_MESSAGE_TYPE_GPA_INTERCEPT	0x80000001U
#define HV_MESSAGE_TYPE_IO_PORT_INTERCEPT 0x80010000U
#define HV_MESSAGE_TYPE_MSR_INTERCEPT	0x80010001U
#define HV_MESSAGE_TYPE_REGISTER_INTERCEPT 0x80010006U
#define HV_MESSAGE_TYPE_HYPERCALL_INTERCEPT 0x80000050U
#define HV_INTERCEPT_ACCESS_READ	0
#define HV_INTERCEPT_ACCESS_WRITE	1
#define HV_INTERCEPT_ACCESS_EXECUTE	2
#define HV_CACHE_TYPE_WB		6
#define HV_ACCESS_INFO_GVA_VALID	BIT(0)
#define HV_ACCESS_INFO_GVA_GPA_VALID	BIT(1)

/**
 * struct hv_vtl_segment - HV_X64_SEGMENT_REGISTER
 * @base: segment base
 * @limit: segment limit in bytes
 * @selector: selector
 * @attributes: 3:0 type, 4 non-system, 6:5 DPL, 7 present, 12 AVL, 13 long,
 *	14 default, 15 granularity
 */
struct hv_vtl_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u16 attributes;
} __packed;

/**
 * struct hv_vtl_table - HV_X64_TABLE_REGISTER
 * @pad: zero
 * @limit: table limit in bytes
 * @base: linear address of the table
 */
struct hv_vtl_table {
	u16 pad[3];
	u16 limit;
	u64 base;
} __packed;

/**
 * struct hv_vtl_context - HV_INITIAL_VP_CONTEXT (x64)
 * @rip: instruction pointer
 * @rsp: stack pointer
 * @rflags: flags
 * @cs: code segment
 * @ds: data segment
 * @es: data segment
 * @fs: data segment
 * @gs: data segment
 * @ss: stack segment
 * @tr: task register
 * @ldtr: local descriptor table
 * @idtr: interrupt descriptor table
 * @gdtr: global descriptor table
 * @efer: IA32_EFER
 * @cr0: CR0
 * @cr3: CR3
 * @cr4: CR4
 * @pat: IA32_PAT
 */
struct hv_vtl_context {
	u64 rip;
	u64 rsp;
	u64 rflags;
	struct hv_vtl_segment cs, ds, es, fs, gs, ss, tr, ldtr;
	struct hv_vtl_table idtr, gdtr;
	u64 efer;
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 pat;
} __packed;
static_assert(sizeof(struct hv_vtl_context) == 224);

/**
 * struct hv_vtl_enable_partition - input of HvCallEnablePartitionVtl and
 * HvCallDisablePartitionVtl
 * @partition_id: partition
 * @target_vtl: VTL to enable or to disable
 * @flags: HV_ENABLE_PARTITION_VTL_*
 * @reserved: zero
 */
#define HV_ENABLE_PARTITION_VTL_MBEC	BIT(0)
struct hv_vtl_enable_partition {
	u64 partition_id;
	u8 target_vtl;
	u8 flags;
	u8 reserved[6];
} __packed;
static_assert(sizeof(struct hv_vtl_enable_partition) == 16);

/**
 * struct hv_vtl_disable_vp - input of HvCallDisableVpVtl
 * @partition_id: partition
 * @vp_index: VP
 * @target_vtl: VTL to disable
 * @reserved: zero
 */
struct hv_vtl_disable_vp {
	u64 partition_id;
	u32 vp_index;
	u8 target_vtl;
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct hv_vtl_disable_vp) == 16);

/**
 * struct hv_vtl_enable_vp - input of HvCallEnableVpVtl and
 * HvCallStartVirtualProcessor
 * @partition_id: partition
 * @vp_index: VP
 * @target_vtl: VTL to enable or to start
 * @reserved: zero
 * @context: state at the first entry of the VTL
 */
struct hv_vtl_enable_vp {
	u64 partition_id;
	u32 vp_index;
	u8 target_vtl;
	u8 reserved[3];
	struct hv_vtl_context context;
} __packed;
static_assert(sizeof(struct hv_vtl_enable_vp) == 240);

/**
 * struct hv_vtl_get_vp_index - header of HvCallGetVpIndexFromApicId
 * @partition_id: partition
 * @target_vtl: HV_INPUT_VTL
 * @reserved: zero
 */
struct hv_vtl_get_vp_index {
	u64 partition_id;
	u8 target_vtl;
	u8 reserved[7];
} __packed;
static_assert(sizeof(struct hv_vtl_get_vp_index) == 16);

/* HV_TRANSLATE_GVA_CONTROL_FLAGS */
#define HV_TRANSLATE_READ		BIT_ULL(0)
#define HV_TRANSLATE_WRITE		BIT_ULL(1)
#define HV_TRANSLATE_EXECUTE		BIT_ULL(2)
#define HV_TRANSLATE_PRIVILEGE_EXEMPT	BIT_ULL(3)
#define HV_TRANSLATE_SET_PAGE_TABLE_BITS BIT_ULL(4)
#define HV_TRANSLATE_TLB_FLUSH_INHIBIT	BIT_ULL(5)
#define HV_TRANSLATE_SUPERVISOR		BIT_ULL(6)
#define HV_TRANSLATE_USER		BIT_ULL(7)
#define HV_TRANSLATE_VTL_SHIFT		56
#define HV_TRANSLATE_FLAGS \
	(GENMASK_ULL(63, 56) | GENMASK_ULL(7, 0))

/* HV_TRANSLATE_GVA_RESULT */
#define HV_TRANSLATE_SUCCESS		0
#define HV_TRANSLATE_PAGE_NOT_PRESENT	1
#define HV_TRANSLATE_PRIVILEGE_VIOLATION 2
#define HV_TRANSLATE_GPA_UNMAPPED	4
#define HV_TRANSLATE_NO_READ		5
#define HV_TRANSLATE_NO_WRITE		6
#define HV_TRANSLATE_WRITE_BACK		(6ULL << 32)

/**
 * struct hv_vtl_translate - input of HvCallTranslateVirtualAddress
 * @partition_id: partition
 * @vp_index: VP
 * @reserved: zero
 * @flags: HV_TRANSLATE_*; HV_INPUT_VTL in the highest byte
 * @gva_page: number of the page
 */
struct hv_vtl_translate {
	u64 partition_id;
	u32 vp_index;
	u32 reserved;
	u64 flags;
	u64 gva_page;
} __packed;
static_assert(sizeof(struct hv_vtl_translate) == 32);

/**
 * struct hv_vtl_translate_out - output of HvCallTranslateVirtualAddress
 * @result: HV_TRANSLATE_*, cache type
 * @gpa_page: number of the page
 */
struct hv_vtl_translate_out {
	u64 result;
	u64 gpa_page;
} __packed;
static_assert(sizeof(struct hv_vtl_translate_out) == 16);

/**
 * struct hv_vtl_translate_ex_out - output of HvCallTranslateVirtualAddressEx
 * @result: HV_TRANSLATE_*, cache type
 * @reserved: zero
 * @event: the exception that the access would cause; zero: none is reported
 * @gpa_page: number of the page
 * @reserved2: zero
 */
struct hv_vtl_translate_ex_out {
	u64 result;
	u64 reserved;
	u64 event[4];
	u64 gpa_page;
	u64 reserved2;
} __packed;
static_assert(sizeof(struct hv_vtl_translate_ex_out) == 64);

/**
 * struct hv_vtl_check_access - header of HvCallCheckSparseGpaPageVtlAccess
 * @partition_id: partition
 * @target_vtl: HV_INPUT_VTL: the VTL that would access
 * @desired_access: HV_MAP_GPA_FLAGS
 * @reserved: zero
 */
struct hv_vtl_check_access {
	u64 partition_id;
	u8 target_vtl;
	u8 desired_access;
	u8 reserved[6];
} __packed;
static_assert(sizeof(struct hv_vtl_check_access) == 16);

/**
 * struct hv_vtl_install_intercept - HvCallInstallIntercept
 * @partition_id: partition
 * @access_type: mask of HV_INTERCEPT_ACCESS_MASK_*; 0 ends an intercept
 * @intercept_type: HV_INTERCEPT_TYPE_*
 * @parameters: a port, or the first and the last one in 15:0 and 31:16
 */
struct hv_vtl_install_intercept {
	u64 partition_id;
	u32 access_type;
	u32 intercept_type;
	u64 parameters;
} __packed;
static_assert(sizeof(struct hv_vtl_install_intercept) == 24);

#define HV_INTERCEPT_ACCESS_MASK_READ	BIT(0)
#define HV_INTERCEPT_ACCESS_MASK_WRITE	BIT(1)
#define HV_INTERCEPT_TYPE_IO_PORT	0
#define HV_INTERCEPT_TYPE_IO_PORT_RANGE	0x11

/* HV_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS_RESULT */
#define HV_CHECK_ACCESS_SUCCESS		0
#define HV_CHECK_ACCESS_INTERCEPT	1
#define HV_CHECK_ACCESS_DENIED_SHIFT	8
#define HV_CHECK_ACCESS_VTL_SHIFT	16

/* HV_INTERRUPT_CONTROL */
#define HV_INTERRUPT_TYPE		GENMASK_ULL(31, 0)
#define HV_INTERRUPT_FIXED		0
#define HV_INTERRUPT_NMI		4
#define HV_INTERRUPT_LOGICAL		BIT_ULL(33)

/**
 * struct hv_vtl_assert_interrupt - input of HvCallAssertVirtualInterrupt
 * @partition_id: partition
 * @control: HV_INTERRUPT_CONTROL
 * @destination: APIC id or logical destination
 * @vector: vector of a fixed interrupt
 * @target_vtl: VTL
 * @reserved: zero
 */
struct hv_vtl_assert_interrupt {
	u64 partition_id;
	u64 control;
	u64 destination;
	u32 vector;
	u8 target_vtl;
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct hv_vtl_assert_interrupt) == 32);

/**
 * struct hv_vtl_modify_protection - header of HvCallModifyVtlProtectionMask
 * @partition_id: partition
 * @map_flags: HV_MAP_GPA_FLAGS: rights of the lower VTLs
 * @target_vtl: HV_INPUT_VTL: the VTL whose protections change
 * @reserved: zero
 */
struct hv_vtl_modify_protection {
	u64 partition_id;
	u32 map_flags;
	u8 target_vtl;
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct hv_vtl_modify_protection) == 16);

/**
 * struct hv_vtl_vp_registers - header of HvCallGet/SetVpRegisters
 * @partition_id: partition
 * @vp_index: VP
 * @input_vtl: HV_INPUT_VTL
 * @reserved: zero
 */
struct hv_vtl_vp_registers {
	u64 partition_id;
	u32 vp_index;
	u8 input_vtl;
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct hv_vtl_vp_registers) == 16);

/**
 * union hv_vtl_reg_value - HV_REGISTER_VALUE
 * @low: 64-bit registers, or the low half
 * @high: the high half
 * @segment: segment registers
 * @table: descriptor-table registers
 * @fp_control: HvX64RegisterFpControlStatus
 * @xmm_control: HvX64RegisterXmmControlStatus
 */
union hv_vtl_reg_value {
	struct {
		u64 low;
		u64 high;
	};
	struct hv_vtl_segment segment;
	struct hv_vtl_table table;
	struct {
		u16 control;
		u16 status;
		u8 tag;
		u8 reserved;
		u16 last_op;
		u64 last_rip;
	} fp_control;
	struct {
		u64 last_rdp;
		u32 mxcsr;
		u32 mxcsr_mask;
	} xmm_control;
};

static_assert(sizeof(union hv_vtl_reg_value) == 16);

/**
 * struct hv_vtl_reg_assoc - element of HvCallSetVpRegisters
 * @name: register
 * @reserved: ignored
 * @value: new value
 */
struct hv_vtl_reg_assoc {
	u32 name;
	u32 reserved[3];
	union hv_vtl_reg_value value;
} __packed;
static_assert(sizeof(struct hv_vtl_reg_assoc) == 32);

/**
 * struct hv_vtl_intercept_header - message and HV_X64_INTERCEPT_MESSAGE_HEADER
 * @message_type: HV_MESSAGE_TYPE_*
 * @payload_size: bytes behind @sender
 * @message_flags: zero
 * @reserved: zero
 * @sender: zero
 * @vp_index: VP
 * @instruction_length: 0 when it is not known
 * @access_type: HV_INTERCEPT_ACCESS_*
 * @execution_state: 1:0 CPL, 2 CR0.PE, 3 CR0.AM, 4 EFER.LMA, 6 an event was
 *	being delivered, 10:7 VTL, 12 shadow of STI or MOV SS
 * @cs: code segment
 * @rip: address of the instruction, not advanced
 * @rflags: flags
 */
struct hv_vtl_intercept_header {
	u32 message_type;
	u8 payload_size;
	u8 message_flags;
	u16 reserved;
	u64 sender;
	u32 vp_index;
	u8 instruction_length;
	u8 access_type;
	u16 execution_state;
	struct hv_vtl_segment cs;
	u64 rip;
	u64 rflags;
} __packed;
static_assert(sizeof(struct hv_vtl_intercept_header) == 16 + 40);

/**
 * struct hv_vtl_memory_intercept - a HvMessageTypeGpaIntercept message
 * @header: what all intercepts have
 * @cache_type: HV_CACHE_TYPE_WB
 * @instruction_byte_count: valid bytes of @instruction_bytes
 * @memory_access_info: 0 GVA valid, 1 GVA and GPA valid
 * @tpr_priority: zero
 * @reserved: zero
 * @gva: guest virtual address when valid
 * @gpa: guest physical address
 * @instruction_bytes: the instruction, when the CPU reports it
 */
struct hv_vtl_memory_intercept {
	struct hv_vtl_intercept_header header;
	u32 cache_type;
	u8 instruction_byte_count;
	u8 memory_access_info;
	u8 tpr_priority;
	u8 reserved;
	u64 gva;
	u64 gpa;
	u8 instruction_bytes[16];
} __packed;
static_assert(sizeof(struct hv_vtl_memory_intercept) == 16 + 0x50);

/**
 * struct hv_vtl_msr_intercept - a HvMessageTypeMsrIntercept message
 * @header: what all intercepts have
 * @msr: index
 * @reserved: zero
 * @rdx: RDX
 * @rax: RAX
 */
struct hv_vtl_msr_intercept {
	struct hv_vtl_intercept_header header;
	u32 msr;
	u32 reserved;
	u64 rdx;
	u64 rax;
} __packed;
static_assert(sizeof(struct hv_vtl_msr_intercept) == 16 + 64);

/**
 * struct hv_vtl_register_intercept - a HvMessageTypeRegisterIntercept message
 * @header: what all intercepts have
 * @flags: zero: @value is no address of a memory operand
 * @reserved: zero
 * @name: HV_X64_REGISTER_*
 * @value: value to be; zero for descriptor-table registers
 * @value_high: zero
 */
struct hv_vtl_register_intercept {
	struct hv_vtl_intercept_header header;
	u8 flags;
	u8 reserved[3];
	u32 name;
	u64 value;
	u64 value_high;
} __packed;
static_assert(sizeof(struct hv_vtl_register_intercept) == 16 + 64);

/**
 * struct hv_vtl_io_intercept - a HvMessageTypeX64IoPortIntercept message
 * @header: what all intercepts have
 * @port: the port
 * @access_info: 2:0 size, HV_IO_ACCESS_STRING, HV_IO_ACCESS_REP
 * @instruction_byte_count: zero: KVM does not fetch the instruction
 * @reserved: zero
 * @rax: RAX
 * @instruction_bytes: zero
 * @ds: DS
 * @es: ES
 * @rcx: RCX
 * @rsi: RSI
 * @rdi: RDI
 */
struct hv_vtl_io_intercept {
	struct hv_vtl_intercept_header header;
	u16 port;
	u8 access_info;
	u8 instruction_byte_count;
	u32 reserved;
	u64 rax;
	u8 instruction_bytes[16];
	struct hv_vtl_segment ds;
	struct hv_vtl_segment es;
	u64 rcx;
	u64 rsi;
	u64 rdi;
} __packed;
static_assert(sizeof(struct hv_vtl_io_intercept) == 16 + 128);

#define HV_IO_ACCESS_STRING	BIT(3)
#define HV_IO_ACCESS_REP	BIT(4)

/**
 * struct hv_vtl_hypercall_intercept - a HvMessageTypeHypercallIntercept message
 * @header: what all intercepts have
 * @rax: RAX
 * @rbx: RBX
 * @rcx: RCX
 * @rdx: RDX
 * @r8: R8
 * @rsi: RSI
 * @rdi: RDI
 * @xmm: XMM0 to XMM5
 * @flags: zero
 * @reserved: zero
 */
struct hv_vtl_hypercall_intercept {
	struct hv_vtl_intercept_header header;
	u64 rax;
	u64 rbx;
	u64 rcx;
	u64 rdx;
	u64 r8;
	u64 rsi;
	u64 rdi;
	u8 xmm[6][16];
	u32 flags;
	u32 reserved[3];
} __packed;
static_assert(sizeof(struct hv_vtl_hypercall_intercept) == 16 + 208);

/**
 * union hv_vtl_intercept - any message of an intercept
 * @header: what all intercepts have
 * @memory: HV_MESSAGE_TYPE_GPA_INTERCEPT
 * @msr: HV_MESSAGE_TYPE_MSR_INTERCEPT
 * @reg: HV_MESSAGE_TYPE_REGISTER_INTERCEPT
 * @io: HV_MESSAGE_TYPE_IO_PORT_INTERCEPT
 * @hypercall: HV_MESSAGE_TYPE_HYPERCALL_INTERCEPT
 */
union hv_vtl_intercept {
	struct hv_vtl_intercept_header header;
	struct hv_vtl_memory_intercept memory;
	struct hv_vtl_msr_intercept msr;
	struct hv_vtl_register_intercept reg;
	struct hv_vtl_io_intercept io;
	struct hv_vtl_hypercall_intercept hypercall;
};

#endif /* _KVM_VTL_TLFS_H */
