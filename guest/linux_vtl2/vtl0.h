/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VTL0: what its code and the program in VTL2 agree upon.
 */
#ifndef _LINUX_VTL2_VTL0_H
#define _LINUX_VTL2_VTL0_H

/* Memory, which Linux does not know */
#define VTL0_MEMORY		0xc00000
#define VTL0_MEMORY_END		0x1000000
#define VTL0_TABLES		0xc00000	/* PML4, PDPT, 4 PDs */
#define VTL0_GDT		0xc06000
#define VTL0_IDT		0xc07000
#define VTL0_CODE		0xc08000
#define VTL0_STACKS		0xc10000	/* their ends: 64 KiB per VP */
#define VTL0_STACK_SIZE		0x10000
#define VTL0_PAGES		0xd00000	/* 3 per VP */

#define VTL0_CS			0x08
#define VTL0_DS			0x10

/* Ports that VTL2 intercepts: a step is reached; a number is wanted */
#define VTL0_STEP_PORT		0x600
#define VTL0_ASK_PORT		0x604

/* Steps, and what is asked for */
#define VTL0_BEGIN		1
#define VTL0_ANSWERED		2
#define VTL0_WROTE		3
#define VTL0_DENIED		4
#define VTL0_READY		5
#define VTL0_INTERRUPTED	6
#define VTL0_END		7
#define VTL0_FAILED		0xff

#define VTL0_ANSWER		0x2a
#define VTL0_WRITTEN		0x5eed
#define VTL0_VECTOR		0x45

#endif /* _LINUX_VTL2_VTL0_H */
