/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test guests - Linux as a guest, by its 64-bit boot protocol.
 *
 * Its memory begins at 16 MiB, behind that of the other test guests.  It finds
 * its CPUs, its local APIC and VMBus in a device tree.
 */
#ifndef _SELFTESTS_LINUX_BOOT_H
#define _SELFTESTS_LINUX_BOOT_H

#include "vm.h"

#define LINUX_RAM		GUEST_RAM_SIZE
#define LINUX_RAM_SIZE		0x4000000

struct linux_boot {
	struct vm *vm;
	u8 *ram;
	u64 entry;		/* of the kernel */
	u64 params;		/* its boot parameters */
	char error[200];	/* what failed, after -1 */
};

/*
 * Gives the machine its second memory slot and puts there the kernel (an ELF
 * file), the initramfs, the command line and the device tree.
 */
int linux_boot_load(struct linux_boot *boot, struct vm *vm, const char *kernel,
		    const char *initramfs, const char *words);
/* VP 0 is to begin with it in that VTL. */
int linux_boot_enter(struct linux_boot *boot, u32 vtl);

/* A device tree for that many CPUs; returns its size. */
u32 linux_device_tree(void *tree, u32 size, u32 cpus);

#endif /* _SELFTESTS_LINUX_BOOT_H */
