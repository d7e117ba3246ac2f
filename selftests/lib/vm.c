// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - the host's side: making and running virtual machines.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "vm.h"

#define MAX_CPUID		128
#define DEFAULT_TIMEOUT		60

extern const Elf64_Ehdr __ehdr_start;
extern u8 guest_vectors[];

static int vm_fail(struct vm *vm, const char *what)
{
	snprintf(vm->error, sizeof(vm->error), "%s: %s", what,
		 strerror(errno));
	return -1;
}

void *vm_hva(struct vm *vm, u64 gpa)
{
	if (gpa < GUEST_RAM_SIZE)
		return vm->ram + gpa;
	if (vm->big && gpa >= GUEST_BIG && gpa < GUEST_BIG + GUEST_BIG_SIZE)
		return vm->big + gpa - GUEST_BIG;
	return NULL;
}

int vm_set_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *hva,
		u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* --- what lies in guest memory ------------------------------------------- */

static void load_program(struct vm *vm)
{
	const Elf64_Ehdr *head = &__ehdr_start;
	const Elf64_Phdr *ph = (const void *)((uintptr_t)head + head->e_phoff);
	int i;

	guest_scale = host_scale();
	for (i = 0; i < head->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_vaddr + ph[i].p_memsz > GUEST_IMAGE_END)
			abort();
		memcpy(vm->ram + ph[i].p_vaddr, (void *)ph[i].p_vaddr,
		       ph[i].p_memsz);
	}
}

/* One to one below 4 GiB, in pages of 2 MiB, open to user mode. */
static void setup_page_tables(struct vm *vm, u32 vtl)
{
	u64 gpa = GUEST_PAGE_TABLES_OF(vtl);
	u64 *table = vm_hva(vm, gpa);
	u64 i;

	table[0] = (gpa + PAGE_SIZE) | PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 4; i++)
		table[512 + i] = (gpa + (2 + i) * PAGE_SIZE) |
				 PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 4 * 512; i++)
		table[1024 + i] = i << 21 | BIT(7) | PTE_P | PTE_W | PTE_U;
	vm->next_table[vtl] = gpa + 6 * PAGE_SIZE;
}

u64 *vm_pte(struct vm *vm, u32 vtl, u64 va)
{
	u64 *entry, gpa = GUEST_PAGE_TABLES_OF(vtl);
	int level;

	for (level = 3; ; level--) {
		entry = (u64 *)vm_hva(vm, gpa) + (va >> (12 + 9 * level) & 511);
		if (!level)
			return entry;
		if (!(*entry & PTE_P)) {
			*entry = vm->next_table[vtl] | PTE_P | PTE_W | PTE_U;
			vm->next_table[vtl] += PAGE_SIZE;
		}
		gpa = *entry & ~(PTE_NX | 0xfff);
	}
}

void vm_map(struct vm *vm, u64 va, u64 gpa, u64 flags)
{
	u32 vtl;

	for (vtl = 0; vtl < GUEST_VTLS; vtl++)
		*vm_pte(vm, vtl, va) = gpa | flags;
}

static void setup_descriptors(struct guest_area *area, u64 base)
{
	u64 tss = base + offsetof(struct guest_area, tss);
	u64 ist = base + offsetof(struct guest_area, ist);
	u32 i;

	area->gdt[KERNEL_CS / 8] = 0x00af9b000000ffff;
	area->gdt[KERNEL_DS / 8] = 0x00cf93000000ffff;
	area->gdt[USER_DS / 8] = 0x00cff3000000ffff;
	area->gdt[USER_CS / 8] = 0x00affb000000ffff;
	area->gdt[TSS_SEL / 8] = TSS_LIMIT | (tss & 0xffffff) << 16 |
				 0x8bULL << 40 | tss >> 24 << 56;
	area->gdt[TSS_SEL / 8 + 1] = tss >> 32;
	area->gdt[LDT_SEL / 8] = 0x000082000000ffff;
	for (i = 0; i < 2; i++)
		*(u64 *)(area->tss + 0x24 + 8 * i) =
			ist + (i + 1) * sizeof(area->ist[0]);
	for (i = 0; i < 256; i++) {
		u64 to = (uintptr_t)guest_vectors + 16 * i;
		u64 dpl = i == USER_RETURN_VECTOR ? 3 : 0;
		u64 stack = i == DF_VECTOR ? 2 : 1;

		area->idt[i].low = (to & 0xffff) | KERNEL_CS << 16 |
				   stack << 32 | (0x8e | dpl << 5) << 40 |
				   (to >> 16 & 0xffff) << 48;
		area->idt[i].high = to >> 32;
	}
}

static void setup_area(struct vm *vm, u32 vp, u32 vtl)
{
	u64 base = (uintptr_t)guest_area(vp, vtl);
	struct guest_area *area = vm_hva(vm, base);

	setup_descriptors(area, base);
	area->cpu.self = &guest_area(vp, vtl)->cpu;
	area->cpu.vp = vp;
	area->cpu.vtl = vtl;
}

static int setup_memory(struct vm *vm, const struct vm_options *options)
{
	u32 flags = options->log_dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0;
	u32 vp, vtl;
	u8 *p;

	vm->ram = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->ram == MAP_FAILED)
		return vm_fail(vm, "mmap");
	if (vm_set_slot(vm, SLOT_RAM, 0, GUEST_RAM_SIZE, vm->ram, flags))
		return vm_fail(vm, "KVM_SET_USER_MEMORY_REGION");
	load_program(vm);
	for (vtl = 0; vtl < GUEST_VTLS; vtl++) {
		setup_page_tables(vm, vtl);
		for (vp = 0; vp < GUEST_MAX_VPS; vp++)
			setup_area(vm, vp, vtl);
	}
	if (!options->big_area)
		return 0;
	p = mmap(NULL, 2 * GUEST_BIG_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return vm_fail(vm, "mmap");
	vm->big = (u8 *)(((uintptr_t)p + 0x1fffff) & ~0x1fffffULL);
	madvise(vm->big, GUEST_BIG_SIZE, MADV_HUGEPAGE);
	if (vm_set_slot(vm, SLOT_BIG, GUEST_BIG, GUEST_BIG_SIZE, vm->big, 0))
		return vm_fail(vm, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

/* --- CPUs ---------------------------------------------------------------- */

static struct kvm_cpuid2 *get_cpuid(struct vm *vm, unsigned long request)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + MAX_CPUID * sizeof(c->entries[0]));
	c->nent = MAX_CPUID;
	if (!ioctl(vm->dev, request, c))
		return c;
	free(c);
	return NULL;
}

/* Guests look for the name, which KVM leaves to the VMM. */
static void set_vendor(struct kvm_cpuid_entry2 *e)
{
	if (e->function != 0x40000000)
		return;
	memcpy(&e->ebx, "Micr", 4);
	memcpy(&e->ecx, "osof", 4);
	memcpy(&e->edx, "t Hv", 4);
}

/* KVM's own leaves make room for those of Hyper-V. */
static int setup_cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *kvm, *hv;
	u32 i, n = 0;

	kvm = get_cpuid(vm, KVM_GET_SUPPORTED_CPUID);
	if (!kvm)
		return vm_fail(vm, "KVM_GET_SUPPORTED_CPUID");
	hv = get_cpuid(vm, KVM_GET_SUPPORTED_HV_CPUID);
	if (!hv)
		return vm_fail(vm, "KVM_GET_SUPPORTED_HV_CPUID");
	for (i = 0; i < kvm->nent; i++)
		if (kvm->entries[i].function >> 8 != 0x400000)
			kvm->entries[n++] = kvm->entries[i];
	for (i = 0; i < hv->nent && n < MAX_CPUID; i++) {
		set_vendor(&hv->entries[i]);
		kvm->entries[n++] = hv->entries[i];
	}
	kvm->nent = n;
	free(hv);
	vm->cpuid = kvm;
	return 0;
}

static int set_cpuid(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *c = vcpu->vm->cpuid;
	u32 i;

	for (i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffffff) | vcpu->id << 24;
			e->ecx |= BIT(31);	/* a hypervisor is present */
		}
		if (e->function == 0xb || e->function == 0x1f)
			e->edx = vcpu->id;
	}
	return ioctl(vcpu->fd, KVM_SET_CPUID2, c);
}

/* A feature of leaf 1, ECX */
static bool has_feature(struct vm *vm, u32 bit)
{
	u32 i;

	for (i = 0; i < vm->cpuid->nent; i++)
		if (vm->cpuid->entries[i].function == 1)
			return vm->cpuid->entries[i].ecx & BIT(bit);
	return false;
}

static int create_vcpu(struct vm *vm, u32 id)
{
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *vcpu = &vm->vcpu[id];
	long size;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->timeout = DEFAULT_TIMEOUT;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		return vm_fail(vm, "KVM_CREATE_VCPU");
	size = ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return vm_fail(vm, "mmap of a vCPU");
	if (set_cpuid(vcpu))
		return vm_fail(vm, "KVM_SET_CPUID2");
	if (ioctl(vcpu->fd, KVM_ENABLE_CAP, &synic))
		return vm_fail(vm, "KVM_CAP_HYPERV_SYNIC2");
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &state))
		return vm_fail(vm, "KVM_SET_MP_STATE");
	return 0;
}

static void return_to_host(void)
{
	for (;;)
		GUEST_DONE();
}

static struct kvm_segment segment(u16 selector, u8 type, bool code)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff, .selector = selector, .type = type,
		.present = 1, .s = 1, .g = 1, .l = code, .db = !code,
	};
}

void vcpu_long_mode(struct vcpu *vcpu, u32 vtl, struct kvm_sregs *s)
{
	struct guest_area *area = guest_area(vcpu->id, vtl);

	s->cs = segment(KERNEL_CS, 11, true);
	s->ds = s->es = s->ss = segment(KERNEL_DS, 3, false);
	s->fs = s->gs = s->ds;
	s->gs.base = (uintptr_t)&area->cpu;
	s->tr = (struct kvm_segment) {
		.base = (uintptr_t)area->tss, .limit = TSS_LIMIT,
		.selector = TSS_SEL, .type = 11, .present = 1,
	};
	s->ldt = (struct kvm_segment) { .unusable = 1 };
	s->gdt.base = (uintptr_t)area->gdt;
	s->gdt.limit = sizeof(area->gdt) - 1;
	s->idt.base = (uintptr_t)area->idt;
	s->idt.limit = sizeof(area->idt) - 1;
	s->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s->cr3 = GUEST_PAGE_TABLES_OF(vtl);
	s->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (has_feature(vcpu->vm, 26))
		s->cr4 |= CR4_OSXSAVE;
	s->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
}

int vcpu_set_entry(struct vcpu *vcpu, void (*fn)(void))
{
	struct guest_area *area = guest_area(vcpu->id, 0);
	u64 stack = (uintptr_t)area->stack + sizeof(area->stack) - 8;
	struct kvm_regs regs = {
		.rip = (uintptr_t)fn, .rsp = stack, .rflags = 2,
	};
	struct kvm_sregs sregs;

	*(u64 *)vm_hva(vcpu->vm, stack) = (uintptr_t)return_to_host;
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	vcpu_long_mode(vcpu, 0, &sregs);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

int vcpu_write_reset_state(struct vcpu *vcpu)
{
	struct kvm_regs regs = { .rip = 0xfff0, .rflags = 2 };
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s))
		return -errno;
	s.cs = (struct kvm_segment) {
		.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
		.type = 11, .present = 1, .s = 1,
	};
	s.ds = (struct kvm_segment) {
		.limit = 0xffff, .type = 3, .present = 1, .s = 1,
	};
	s.es = s.fs = s.gs = s.ss = s.ds;
	s.ldt = (struct kvm_segment) {
		.limit = 0xffff, .type = 2, .present = 1,
	};
	s.tr = s.ldt;
	s.tr.type = 11;
	s.gdt.base = s.idt.base = 0;
	s.gdt.limit = s.idt.limit = 0xffff;
	s.cr0 = 0x60000010;
	s.cr2 = s.cr3 = s.cr4 = s.cr8 = 0;
	s.efer = 0;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &s) ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

/* --- the machine --------------------------------------------------------- */

u64 host_features(void)
{
	struct kvm_vtl_info info = { .size = sizeof(info) };
	int dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (ioctl(dev, KVM_VTL_GET_INFO, &info))
		info.out_features = 0;
	close(dev);
	return info.out_features;
}

static int configure(struct vm *vm, const struct vm_options *options)
{
	struct kvm_vtl_config config = {
		.size = sizeof(config), .max_vtl = options->max_vtl,
		.features = options->features,
	};

	return ioctl(vm->dev, KVM_VTL_CONFIGURE, &config);
}

static int setup(struct vm *vm, const struct vm_options *options)
{
	const char *device = options->device ?: KVM_VTL_DEVICE;
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 },
	};
	u32 i;

	vm->dev = open(device, O_RDWR | O_CLOEXEC);
	if (vm->dev < 0)
		return vm_fail(vm, device);
	if (options->max_vtl && configure(vm, options))
		return vm_fail(vm, "KVM_VTL_CONFIGURE");
	/* KVM gives up for a signal, that of a stopped process included. */
	do {
		vm->fd = ioctl(vm->dev, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return vm_fail(vm, "KVM_CREATE_VM");
	if (setup_memory(vm, options) || setup_cpuid(vm))
		return -1;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &split))
		return vm_fail(vm, "KVM_CAP_SPLIT_IRQCHIP");
	vm->nr_vcpus = options->vcpus ?: 1;
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (create_vcpu(vm, i))
			return -1;
		if (options->entry &&
		    vcpu_set_entry(&vm->vcpu[i], options->entry))
			return vm_fail(vm, "setting registers");
	}
	return 0;
}

struct vm *vm_create(const struct vm_options *options, const char **errorp)
{
	static char error[256];
	struct vm *vm = calloc(1, sizeof(*vm));

	*errorp = error;
	vm->dev = -1;
	vm->fd = -1;
	if (!setup(vm, options))
		return vm;
	memcpy(error, vm->error, sizeof(error));
	vm_destroy(vm);
	return NULL;
}

void vm_destroy(struct vm *vm)
{
	long size = ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpu[i].run && vm->vcpu[i].run != MAP_FAILED)
			munmap(vm->vcpu[i].run, size);
		if (vm->vcpu[i].fd > 0)
			close(vm->vcpu[i].fd);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->dev >= 0)
		close(vm->dev);
	if (vm->ram && vm->ram != MAP_FAILED)
		munmap(vm->ram, GUEST_RAM_SIZE);
	free(vm->cpuid);
	free(vm);
}

/*
 * The module's hooks go in with the first partition and out with the last,
 * which takes seconds.  The harness runs each test in a process of its own, so
 * the program itself keeps a partition open.  Tests of that very thing do not.
 */
bool vm_hooks_come_and_go __weak;

static void __attribute__((constructor)) keep_hooks(void)
{
	const struct vm_options options = { .max_vtl = 1 };
	struct vm vm = { };

	if (vm_hooks_come_and_go)
		return;
	vm.dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (vm.dev >= 0 && !configure(&vm, &options))
		ioctl(vm.dev, KVM_CREATE_VM, 0);
}

/* --- running ------------------------------------------------------------- */

static enum ucall_cmd stop(struct vcpu *vcpu, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static enum ucall_cmd stop(struct vcpu *vcpu, const char *fmt, ...)
{
	struct kvm_vtl_vp vp = { .size = sizeof(vp) };
	struct kvm_regs regs = { };
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = vsnprintf(vcpu->error, sizeof(vcpu->error), fmt, ap);
	va_end(ap);
	ioctl(vcpu->fd, KVM_VTL_GET_VP, &vp);
	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	snprintf(vcpu->error + n, sizeof(vcpu->error) - n,
		 " [VP %u, VTL%u active, VTL0's RIP 0x%llx RSP 0x%llx]",
		 vcpu->id, vp.active_vtl, regs.rip, regs.rsp);
	return UCALL_ABORT;
}

static void format(char *to, size_t size, const struct ucall *uc)
{
	const u64 *a = uc->args;

	snprintf(to, size, uc->text, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static enum ucall_cmd take_ucall(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u32 gpa = *(u32 *)((u8 *)run + run->io.data_offset);
	char text[400];

	if (gpa > GUEST_RAM_SIZE - sizeof(struct ucall))
		return stop(vcpu, "bad report at 0x%x", gpa);
	memcpy(&vcpu->ucall, vm_hva(vcpu->vm, gpa), sizeof(vcpu->ucall));
	switch (vcpu->ucall.cmd) {
	case UCALL_PRINT:
		format(text, sizeof(text), &vcpu->ucall);
		printf("# VP %u: %s\n", vcpu->id, text);
		return UCALL_NONE;
	case UCALL_ABORT:
		format(text, sizeof(text), &vcpu->ucall);
		return stop(vcpu, "guest, %s:%u: %s", vcpu->ucall.file,
			    vcpu->ucall.line, text);
	default:
		return vcpu->ucall.cmd;
	}
}

static enum ucall_cmd take_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == UCALL_PORT &&
	    run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 4)
		return take_ucall(vcpu);
	if (vcpu->on_exit && !vcpu->on_exit(vcpu))
		return UCALL_NONE;
	switch (run->exit_reason) {
	case KVM_EXIT_HYPERV:	/* SynIC pages were placed */
		return UCALL_NONE;
	case KVM_EXIT_IO:
		return stop(vcpu, "unexpected port 0x%x", run->io.port);
	case KVM_EXIT_MMIO:
		return stop(vcpu, "unexpected MMIO at 0x%llx, %s",
			    run->mmio.phys_addr,
			    run->mmio.is_write ? "write" : "read");
	case KVM_EXIT_INTERNAL_ERROR:
		return stop(vcpu, "internal error %u, 0x%llx",
			    run->internal.suberror, run->internal.data[0]);
	default:
		return stop(vcpu, "unexpected exit %u", run->exit_reason);
	}
}

int vcpu_run_once(struct vcpu *vcpu)
{
	int ret = ioctl(vcpu->fd, KVM_RUN, 0) ? -errno : 0;

	vcpu->exits++;
	return ret;
}

static void on_timer(int sig)
{
}

/* Interrupts KVM_RUN of this thread again and again after some seconds. */
static timer_t start_timer(u32 seconds)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMIN,
		._sigev_un._tid = gettid(),
	};
	struct itimerspec when = {
		.it_value.tv_sec = seconds,
		.it_interval.tv_nsec = 100000000,
	};
	struct sigaction action = { .sa_handler = on_timer };
	timer_t timer;

	sigaction(SIGRTMIN, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		abort();
	timer_settime(timer, 0, &when, NULL);
	return timer;
}

static bool timer_expired(timer_t timer)
{
	struct itimerspec left;

	timer_gettime(timer, &left);
	return !left.it_value.tv_sec && left.it_value.tv_nsec <= 100000000;
}

enum ucall_cmd vcpu_run(struct vcpu *vcpu)
{
	u32 seconds = vcpu->timeout * host_scale();
	timer_t timer = start_timer(seconds);
	enum ucall_cmd cmd = UCALL_NONE;
	int ret;

	while (cmd == UCALL_NONE) {
		ret = vcpu->enter ? vcpu->enter(vcpu) : vcpu_run_once(vcpu);
		if (!ret)
			cmd = take_exit(vcpu);
		else if (ret != -EINTR && ret != -EAGAIN)
			cmd = stop(vcpu, "KVM_RUN: %s", strerror(-ret));
		else if (timer_expired(timer))
			cmd = stop(vcpu, "no answer for %u s", seconds);
	}
	timer_delete(timer);
	return cmd;
}

static void *run_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	return (void *)(uintptr_t)vcpu_run(vcpu);
}

enum ucall_cmd vm_run(struct vm *vm)
{
	pthread_t threads[GUEST_MAX_VPS];
	enum ucall_cmd cmd = UCALL_DONE;
	void *result;
	u32 i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (pthread_create(&threads[i], NULL, run_thread,
				   &vm->vcpu[i]))
			abort();
	for (i = 0; i < vm->nr_vcpus; i++) {
		pthread_join(threads[i], &result);
		if ((uintptr_t)result != UCALL_DONE)
			cmd = (uintptr_t)result;
	}
	return cmd;
}

/* --- the test machine ---------------------------------------------------- */

const char *host_name(void)
{
	return getenv("VTL_HOST") ?: "";
}

u32 host_scale(void)
{
	int scale = atoi(getenv("VTL_SCALE") ?: "1");

	return scale > 0 ? scale : 1;
}

bool host_is_slow(void)
{
	return strcmp(host_name(), "svm") != 0;
}

const char *read_file(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, ret;

	while (fd >= 0 && n < (ssize_t)sizeof(text) - 1) {
		ret = read(fd, text + n, sizeof(text) - 1 - n);
		if (ret <= 0)
			break;
		n += ret;
	}
	if (fd >= 0)
		close(fd);
	text[n] = '\0';
	return text;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -errno;
}
