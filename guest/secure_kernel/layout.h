/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Secure kernel - what assembly and C agree on.
 */
#ifndef _SK_LAYOUT_H
#define _SK_LAYOUT_H

#define SK_GDT_SIZE	24
#define SK_SINT_VECTOR	0x30
#define SK_STACK_SIZE	8192

#endif /* _SK_LAYOUT_H */
