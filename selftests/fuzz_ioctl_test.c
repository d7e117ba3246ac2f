// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that does anything: ioctls with random and mutated arguments on every
 * descriptor while the guest runs, run pages that change under the kernel, ends
 * in the middle of it.  The witness is the console, and the machine after it.
 *
 * KVM_VTL_FUZZ_SEED and KVM_VTL_FUZZ_ROUNDS as for fuzz_test.
 */
#include <time.h>
#include "vtl_test.h"
#include "fuzz.h"

AREA(fuzz_ioctl)

#define INPUTS		400		/* of a VMM */
#define CALLS		4		/* of an input */
#define VMMS		6
#define MAX_ARG		(2 * PAGE_SIZE)

/* --- the guest: VTL1 on VP 0, which is called and looked at -------------- */

static u8 page[PAGE_SIZE] __page;

static void busy(void)
{
	hv_init();
	if (this_cpu()->vp)
		for (;;)
			probe_write(page, 1);
	vsm_bring_up(1);
	vtl1_close(page, 1, HV_R);
	for (;;) {
		vtl_call();
		probe_write(page, 1);
	}
}

/* --- what is called ------------------------------------------------------ */

enum target { DEVICE, VM, VP, NR_TARGETS };

struct command {
	enum target on;
	u32 get;	/* fills the argument first, or 0 */
	u32 cmd;
	u32 size;	/* of the argument; 0: a number */
};

#define PAIR(on, name) \
	{ on, KVM_GET_##name, KVM_SET_##name, _IOC_SIZE(KVM_SET_##name) }
#define VTL_PAIR(on, name) \
	{ on, KVM_VTL_GET_##name, KVM_VTL_SET_##name, \
	  _IOC_SIZE(KVM_VTL_SET_##name) }
#define ONE(on, name) { on, 0, name, _IOC_SIZE(name) }

static const struct command commands[] = {
	ONE(DEVICE, KVM_VTL_GET_INFO), ONE(DEVICE, KVM_VTL_CONFIGURE),
	ONE(DEVICE, KVM_CHECK_EXTENSION),
	VTL_PAIR(VM, PARTITION), VTL_PAIR(VM, PROTECTIONS),
	VTL_PAIR(VM, PORTS), PAIR(VM, CLOCK),
	ONE(VM, KVM_CREATE_VCPU), ONE(VM, KVM_GET_DIRTY_LOG),
	ONE(VM, KVM_IRQ_LINE), ONE(VM, KVM_SIGNAL_MSI),
	ONE(VM, KVM_CHECK_EXTENSION), ONE(VM, KVM_ENABLE_CAP),
	VTL_PAIR(VP, VP), VTL_PAIR(VP, VP), ONE(VP, KVM_VTL_VCPU_IOCTL),
	PAIR(VP, REGS), PAIR(VP, SREGS), PAIR(VP, FPU), PAIR(VP, LAPIC),
	PAIR(VP, MP_STATE), PAIR(VP, VCPU_EVENTS), PAIR(VP, DEBUGREGS),
	PAIR(VP, XCRS), PAIR(VP, XSAVE), PAIR(VP, SREGS2),
	ONE(VP, KVM_INTERRUPT), ONE(VP, KVM_NMI), ONE(VP, KVM_TRANSLATE),
	ONE(VP, KVM_ENABLE_CAP),
};

static struct vm *machine;
static u32 calls, taken;
static struct fuzz_corpus *corpus;
static const struct fuzz_input inputs[] = {
#include "corpus/fuzz_ioctl.inc"
};

static u8 arg[MAX_ARG + PAGE_SIZE] __aligned(PAGE_SIZE);
static u8 pages_of_vmm[16 * PAGE_SIZE] __aligned(PAGE_SIZE);

static int fd_of(enum target on)
{
	switch (on) {
	case DEVICE:
		return machine->dev;
	case VM:
		return machine->fd;
	default:
		return machine->vcpu[below(machine->nr_vcpus)].fd;
	}
}

static void mutate(u32 size)
{
	u32 n = below(4);

	while (n--)
		switch (below(4)) {
		case 0:
			arg[below(size)] ^= 1 << below(8);
			break;
		case 1:
			arg[below(size)] = any();
			break;
		case 2:
			*(u32 *)&arg[below(size) & ~3] = below(16);
			break;
		default:
			*(u64 *)&arg[below(size) & ~7] = any();
		}
}

/* Good, cut off by the end of the memory, or none at all */
static void *pointer_to(u32 size)
{
	u8 *end = arg + MAX_ARG;

	switch (below(24)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)any();
	case 2:
		memcpy(end - size / 2, arg, size / 2);
		return end - size / 2;
	default:
		return arg;
	}
}

/* Ranges and bitmaps of the VMM's, mostly where there is memory */
static void set_pointers(const struct command *c)
{
	struct kvm_vtl_protections *p = (void *)arg;

	if (c->cmd == KVM_VTL_SET_PROTECTIONS && below(8)) {
		p->size = sizeof(*p);
		p->ranges = (uintptr_t)pages_of_vmm;
	}
}

static void call(const struct command *c)
{
	int fd = fd_of(c->on);

	if (!c->size) {
		ioctl(fd, c->cmd, below(4));
		return;
	}
	memset(arg, 0, c->size);
	*(u32 *)arg = c->size;
	if (c->get)
		ioctl(fd, c->get, arg);
	mutate(c->size);
	set_pointers(c);
	calls++;
	taken += ioctl(fd, c->cmd, pointer_to(c->size)) >= 0;
}

/* A few pages of RAM come, go and change their rights. */
static void change_slot(void)
{
	struct kvm_userspace_memory_region r = {
		.slot = SLOT_FREE + below(2),
		.flags = below(4),
		.guest_phys_addr = 0x20000000 + below(16) * PAGE_SIZE,
		.memory_size = below(3) * 4 * PAGE_SIZE,
		.userspace_addr = (uintptr_t)pages_of_vmm,
	};

	if (!below(8))
		r.userspace_addr = any();
	ioctl(machine->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static void random_number(void)
{
	u32 types[] = { KVMIO, KVM_VTL_IOC_TYPE };
	u32 cmd = _IOC(below(4), types[below(2)], below(256), below(512));

	/* Machines that nobody closes */
	if (_IOC_NR(cmd) > 1)
		ioctl(fd_of(below(NR_TARGETS)), cmd, arg);
}

static void anything(void)
{
	switch (below(16)) {
	case 0:
		change_slot();
		break;
	case 1:
		random_number();
		break;
	case 2:
		close(dup(fd_of(below(NR_TARGETS))));
		break;
	default:
		call(&commands[below(ARRAY_LEN(commands))]);
	}
}

/* --- the VMM ------------------------------------------------------------- */

static void on_signal(int sig)
{
}

/* KVM_RUN ends now and then: the other commands wait for it. */
static void *run(void *vcpu)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMIN,
		._sigev_un._tid = gettid(),
	};
	struct itimerspec often = {
		.it_value.tv_nsec = 1000000,
		.it_interval.tv_nsec = 3000000,
	};
	timer_t timer;

	sigaction(SIGRTMIN, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		abort();
	timer_settime(timer, 0, &often, NULL);
	for (;;) {
		vcpu_run_once(vcpu);
		usleep(100);
	}
	return NULL;
}

static void *scribble(void *vcpu)
{
	volatile u32 *words = (void *)((struct vcpu *)vcpu)->run;
	u64 mine = 88172645463325252ULL;

	for (;;) {
		mine ^= mine << 13;
		mine ^= mine >> 7;
		mine ^= mine << 17;
		words[mine % (3 * PAGE_SIZE / 4)] = mine >> 32;
		/* The guest is to get somewhere. */
		if (mine & 0xf00)
			words[0] = 0;
		if (!(mine & 0xff))
			usleep(1);
	}
	return NULL;
}

static void one_input(void)
{
	u32 i;

	corpus_next(corpus, &fuzz_input);
	for (i = 0; i < CALLS; i++)
		anything();
	corpus_judge(corpus, &fuzz_input);
}

static void vmm(struct vm *vm, u64 seed, u64 rounds)
{
	pthread_t thread;
	u32 i;

	machine = vm;
	fuzz_state = seed | 1;
	munmap(arg + MAX_ARG, PAGE_SIZE);
	for (i = 0; i < vm->nr_vcpus; i++)
		pthread_create(&thread, NULL, run, &vm->vcpu[i]);
	pthread_create(&thread, NULL, scribble, &vm->vcpu[0]);
	corpus_watch(corpus);
	while (rounds--)
		one_input();
	printf("# %u of %u commands with arguments were taken\n", taken,
	       calls);
	fflush(stdout);
}

static bool ends_within(pid_t pid, u32 seconds)
{
	u32 i;

	for (i = 0; i < seconds * 100; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static void try_vmm(struct __test_metadata *_metadata, u64 nr)
{
	u64 seed = fuzz_seed(nr);
	u64 rounds = fuzz_rounds(INPUTS);
	struct vm *vm;
	pid_t pid;

	TH_LOG("seed 0x%llx, %llu inputs", seed, rounds);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vm = VTL_VM(.entry = busy, .vcpus = 2);
		vmm(vm, seed, rounds);
		_exit(0);
	}
	/* Every other one is killed in the middle of it. */
	if (nr % 2) {
		usleep(300000);
		kill(pid, SIGKILL);
		ASSERT_TRUE(ends_within(pid, 60));
		return;
	}
	if (ends_within(pid, 600))
		return;
	kill(pid, SIGKILL);
	EXPECT_TRUE(ends_within(pid, 60));
	ASSERT_TRUE(false) {
		TH_LOG("the VMM hung");
	}
}

TEST_F_TIMEOUT(fuzz_ioctl, vmm, 3600)
{
	struct vm *vm;
	u64 i;

	corpus = corpus_create("fuzz_ioctl", inputs, ARRAY_LEN(inputs));
	for (i = 0; i < VMMS; i++)
		try_vmm(_metadata, i);
	corpus_report(corpus);
	vm = VTL_VM();
	RUN_GUEST(vm, vsm_init);
	vm_destroy(vm);
}

TEST_HARNESS_MAIN
