/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - what lies where in guest memory.
 *
 * The test program itself lies in guest memory at its own addresses (it is
 * linked at 4 MiB), and the guest's page tables map everything below 4 GiB one
 * to one: a pointer means the same to the host side, to the guest, and as a
 * guest physical address.
 */
#ifndef _SELFTESTS_LAYOUT_H
#define _SELFTESTS_LAYOUT_H

#define PAGE_SIZE		4096

#define GUEST_RAM_SIZE		0x1000000	/* slot 0, from 0 */
#define GUEST_IMAGE_END		0x800000
#define GUEST_AREAS		0x800000	/* one per VP and VTL */
#define GUEST_PAGE_TABLES	0xb80000
#define GUEST_PAGE_TABLES_OF(vtl) (GUEST_PAGE_TABLES + (vtl) * 0x28000)
#define GUEST_PAGE_TABLES_END	0xc00000
#define GUEST_FREE		0xc00000	/* for tests, up to the end */
#define GUEST_BIG		0x40000000	/* where tests put a 2M area */
#define GUEST_BIG_SIZE		0x400000
#define GUEST_MMIO		0xc0000000	/* nothing lies here */

#define GUEST_MAX_VPS		8
#define GUEST_VTLS		3

/* Selectors */
#define KERNEL_CS		0x08
#define KERNEL_DS		0x10
#define USER_DS			0x1b
#define USER_CS			0x23
#define TSS_SEL			0x28
#define LDT_SEL			0x38
#define CODE32_SEL		0x48	/* empty but in tests that fill it */
#define TSS_LIMIT		0x67

/* Layout of struct guest_regs, for assembly */
#define REGS_SIZE		(22 * 8)
#define REGS_RCX		(12 * 8)
#define REGS_RAX		(14 * 8)
#define REGS_CS			(18 * 8)
#define REGS_RSP		(20 * 8)

/* Layout of struct guest_cpu, for assembly */
#define CPU_USER_RSP		0x08
#define CPU_CALL		0x10
#define CPU_RECOVER		0x18
#define CPU_RECOVER_RIP		0x20
#define CPU_RECOVER_RSP		0x28
#define CPU_VTL_RETURN		0x30
#define CPU_VTL_FLAGS		0x38

/* Layout of struct hv_io, for assembly */
#define IO_RAX			0x00
#define IO_RCX			0x08
#define IO_RDX			0x10
#define IO_R8			0x18
#define IO_RBX			0x20
#define IO_RBP			0x28
#define IO_RSI			0x30
#define IO_RDI			0x38
#define IO_R9			0x40	/* R9 to R15 */
#define IO_XMM			0x78	/* XMM0 to XMM15 */
#define IO_USE_XMM		0x178
#define IO_VECTOR		0x180
#define IO_ERROR		0x188

#endif /* _SELFTESTS_LAYOUT_H */
