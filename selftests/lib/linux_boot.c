// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - loading Linux and starting it in a VTL.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <asm/bootparam.h>
#include "linux_boot.h"

/* From the end of the memory down */
#define PARAMS			(LINUX_RAM + LINUX_RAM_SIZE - 0x1000)
#define COMMAND_LINE		(PARAMS - 0x1000)
#define DEVICE_TREE		(COMMAND_LINE - 0x2000)
#define INITRAMFS_END		DEVICE_TREE

#define E820_TYPE_RAM		1

static int fail(struct linux_boot *boot, const char *what)
{
	snprintf(boot->error, sizeof(boot->error), "%s: %s", what,
		 strerror(errno));
	return -1;
}

static void *hva(struct linux_boot *boot, u64 gpa)
{
	return boot->ram + gpa - LINUX_RAM;
}

static bool is_inside(u64 gpa, u64 size)
{
	return gpa >= LINUX_RAM && size <= LINUX_RAM_SIZE &&
	       gpa + size <= LINUX_RAM + LINUX_RAM_SIZE;
}

static void *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st)) {
		*size = st.st_size;
		p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static int load_kernel(struct linux_boot *boot, const void *file, size_t size)
{
	const Elf64_Ehdr *head = file;
	const Elf64_Phdr *ph = file + head->e_phoff;
	int i;

	for (i = 0; i < head->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (!is_inside(ph[i].p_paddr, ph[i].p_memsz) ||
		    ph[i].p_offset + ph[i].p_filesz > size) {
			errno = ENOEXEC;
			return -1;
		}
		memcpy(hva(boot, ph[i].p_paddr), file + ph[i].p_offset,
		       ph[i].p_filesz);
	}
	boot->entry = head->e_entry;
	return 0;
}

static void setup_params(struct linux_boot *boot, u64 initramfs, u32 size)
{
	struct boot_params *p = hva(boot, PARAMS);
	struct setup_data *tree = hva(boot, DEVICE_TREE);

	tree->type = SETUP_DTB;
	tree->len = linux_device_tree(tree->data, COMMAND_LINE - DEVICE_TREE -
				      sizeof(*tree), boot->vm->nr_vcpus);
	p->hdr.boot_flag = 0xaa55;
	memcpy(&p->hdr.header, "HdrS", 4);
	p->hdr.version = 0x20f;
	p->hdr.type_of_loader = 0xff;
	p->hdr.loadflags = LOADED_HIGH;
	p->hdr.cmd_line_ptr = COMMAND_LINE;
	p->hdr.ramdisk_image = initramfs;
	p->hdr.ramdisk_size = size;
	p->hdr.setup_data = DEVICE_TREE;
	p->e820_entries = 1;
	p->e820_table[0] = (struct boot_e820_entry) {
		LINUX_RAM, LINUX_RAM_SIZE, E820_TYPE_RAM,
	};
	boot->params = PARAMS;
}

int linux_boot_load(struct linux_boot *boot, struct vm *vm, const char *kernel,
		    const char *initramfs, const char *words)
{
	size_t size;
	void *file;
	u64 gpa;

	boot->vm = vm;
	boot->ram = mmap(NULL, LINUX_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (boot->ram == MAP_FAILED)
		return fail(boot, "mmap");
	if (vm_set_slot(vm, SLOT_FREE, LINUX_RAM, LINUX_RAM_SIZE, boot->ram, 0))
		return fail(boot, "KVM_SET_USER_MEMORY_REGION");
	file = map_file(kernel, &size);
	if (!file || load_kernel(boot, file, size))
		return fail(boot, kernel);
	munmap(file, size);
	file = map_file(initramfs, &size);
	if (!file)
		return fail(boot, initramfs);
	gpa = (INITRAMFS_END - size) & -PAGE_SIZE;
	memcpy(hva(boot, gpa), file, size);
	munmap(file, size);
	memcpy(hva(boot, COMMAND_LINE), words, strlen(words) + 1);
	setup_params(boot, gpa, size);
	return 0;
}

static int vtl_ioctl(struct vcpu *vcpu, u32 vtl, u32 cmd, void *arg)
{
	struct kvm_vtl_vcpu_ioctl on = {
		.size = sizeof(on), .vtl = vtl, .cmd = cmd,
		.arg = (uintptr_t)arg,
	};

	return ioctl(vcpu->fd, KVM_VTL_VCPU_IOCTL, &on);
}

static int enable_vtl(struct vcpu *vcpu, u32 vtl)
{
	struct kvm_vtl_partition partition = {
		.size = sizeof(partition), .enabled_vtls = 1 | BIT(vtl),
	};
	struct kvm_vtl_vp vp = {
		.size = sizeof(vp), .enabled_vtls = 1 | BIT(vtl),
		.active_vtl = vtl,
	};

	return ioctl(vcpu->vm->fd, KVM_VTL_SET_PARTITION, &partition) ||
	       ioctl(vcpu->fd, KVM_VTL_SET_VP, &vp);
}

int linux_boot_enter(struct linux_boot *boot, u32 vtl)
{
	struct vcpu *vcpu = &boot->vm->vcpu[0];
	struct kvm_regs regs = {
		.rip = boot->entry, .rsi = boot->params, .rflags = 2,
	};
	struct kvm_sregs sregs;

	if (enable_vtl(vcpu, vtl))
		return fail(boot, "enabling the VTL");
	if (vtl_ioctl(vcpu, vtl, KVM_GET_SREGS, &sregs))
		return fail(boot, "KVM_GET_SREGS");
	vcpu_long_mode(vcpu, vtl, &sregs);
	if (vtl_ioctl(vcpu, vtl, KVM_SET_SREGS, &sregs) ||
	    vtl_ioctl(vcpu, vtl, KVM_SET_REGS, &regs))
		return fail(boot, "setting registers");
	return 0;
}
