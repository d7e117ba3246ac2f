/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VTL0 - the secure kernel's image, as the loader brings it along.
 */
	.section .rodata, "a"
	.balign	8
	.globl	sk_image, sk_image_end
sk_image:
	.incbin	SK_BIN
sk_image_end:

	.section .note.GNU-stack, "", @progbits
