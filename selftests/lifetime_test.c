// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and processes: every order of closing, fork, several machines and
 * several threads, and the sudden death of a VMM.
 */
#include <sys/time.h>
#include "vtl_test.h"

AREA(lifetime)

static u8 page[PAGE_SIZE] __page;
static u32 rounds = 100;

static void work(void)
{
	u32 i;

	vsm_init();
	vtl1_close(page, 1, HV_R);
	for (i = 0; i < rounds; i++)
		vtl_call();
	GUEST_TRAP(GP_VECTOR, probe_write(page, 1));
	GUEST_EQ(1, vtl1[0].messages);
}

static void run_one(struct __test_metadata *_metadata)
{
	struct vm *vm = VTL_VM(.entry = work);

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* --- closing ------------------------------------------------------------- */

static void close_part(struct vm *vm, u32 part)
{
	long size = 0x3000;

	switch (part) {
	case 0:
		close(vm->dev);
		vm->dev = -1;
		break;
	case 1:
		close(vm->fd);
		vm->fd = -1;
		break;
	case 2:
		close(vm->vcpu[0].fd);
		vm->vcpu[0].fd = -1;
		break;
	default:
		munmap(vm->vcpu[0].run, size);
		vm->vcpu[0].run = NULL;
	}
}

static void close_in_order(struct __test_metadata *_metadata, u32 order)
{
	u8 parts[4] = { 0, 1, 2, 3 }, t;
	struct vm *vm = VTL_VM(.entry = work);
	u32 i, n;

	ASSERT_EQ(0x3000, ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	for (i = 0; i < 4; i++) {
		n = i + order % (4 - i);
		order /= 4 - i;
		t = parts[n];
		parts[n] = parts[i];
		parts[i] = t;
		close_part(vm, parts[i]);
	}
	vm_destroy(vm);
}

TEST_F(lifetime, close_in_all_orders)
{
	u32 order;

	for (order = 0; order < 24; order++)
		close_in_order(_metadata, order);
	run_one(_metadata);
}

/* What is still open still works. */
TEST_F(lifetime, vcpu_outlives_vm)
{
	struct vm *vm = VTL_VM(.entry = work);

	close_part(vm, 0);
	close_part(vm, 1);
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

TEST_F(lifetime, run_page_outlives_all)
{
	struct vm *vm = VTL_VM(.entry = work);
	struct kvm_run *run = vm->vcpu[0].run;

	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	close_part(vm, 2);
	close_part(vm, 1);
	close_part(vm, 0);
	EXPECT_EQ(KVM_EXIT_IO, run->exit_reason);
	run->immediate_exit = 1;
	vm_destroy(vm);
}

TEST_F(lifetime, without_running)
{
	struct vm *vm = VTL_VM();
	int dev, fd;

	vm_destroy(vm);
	dev = open(KVM_VTL_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, dev);
	close(dev);
	vm = VTL_VM();
	fd = dup(vm->vcpu[0].fd);
	vm_destroy(vm);
	close(fd);
}

/* Closed while VTL1 is active, and with an exit not completed */
static u64 stop_here(u64 a, u64 b)
{
	GUEST_SYNC(1);
	return 0;
}

static void stop_in_vtl1(void)
{
	vsm_init();
	vtl1_exec(stop_here, 0, 0);
}

TEST_F(lifetime, closed_in_vtl1)
{
	struct vm *vm = VTL_VM(.entry = stop_in_vtl1);

	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	vm_destroy(vm);
	run_one(_metadata);
}

TEST_F(lifetime, close_on_exec)
{
	struct vm *vm = VTL_VM();

	EXPECT_EQ(FD_CLOEXEC, fcntl(vm->fd, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(vm->vcpu[0].fd, F_GETFD));
	vm_destroy(vm);
}

TEST_F(lifetime, one_after_the_other)
{
	u32 i;

	for (i = 0; i < 10; i++)
		run_one(_metadata);
}

/* --- vCPU numbers -------------------------------------------------------- */

TEST_F(lifetime, vcpu_ids)
{
	struct vm *vm = VTL_VM();
	u32 bad[] = { 256, 257, 1024, 4095, 4096, 0x7fffffff, 0xffffffff };
	u32 i;
	int fd;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_EQ(-1, ioctl(vm->fd, KVM_CREATE_VCPU, bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	EXPECT_EQ(EEXIST, errno);
	fd = ioctl(vm->fd, KVM_CREATE_VCPU, 200);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-1, ioctl(vm->fd, KVM_CREATE_VCPU, 200));
	EXPECT_EQ(EEXIST, errno);
	close(fd);
	EXPECT_UCALL(UCALL_ABORT, &vm->vcpu[0]);	/* no code there */
	vm_destroy(vm);
}

/* --- processes ----------------------------------------------------------- */

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The machine belongs to the process that made it. */
TEST_F(lifetime, fork)
{
	struct vm *vm = VTL_VM(.entry = work);
	struct kvm_vtl_partition p = { .size = sizeof(p) };
	struct kvm_vtl_vp vp = { .size = sizeof(vp) };
	struct kvm_regs regs;
	pid_t pid = fork();

	if (!pid) {
		int bad = 0;

		bad |= vcpu_run_once(&vm->vcpu[0]) != -EIO;
		bad |= (ioctl(vm->vcpu[0].fd, KVM_GET_REGS, &regs) != -1 ||
			errno != EIO) << 1;
		bad |= (ioctl(vm->fd, KVM_CREATE_VCPU, 1) != -1 ||
			errno != EIO) << 2;
		bad |= (ioctl(vm->fd, KVM_VTL_GET_PARTITION, &p) != -1 ||
			errno != EIO) << 3;
		bad |= (ioctl(vm->vcpu[0].fd, KVM_VTL_GET_VP, &vp) != -1 ||
			errno != EIO) << 4;
		bad |= (ioctl(vm->fd, KVM_CHECK_EXTENSION, 0) != -1 ||
			errno != EIO) << 5;
		_exit(bad);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_UCALL(UCALL_DONE, &vm->vcpu[0]);
	vm_destroy(vm);
}

/* The child keeps the files open, the parent is gone: nothing to see. */
TEST_F(lifetime, child_closes_last)
{
	int done[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(done));
	pid = fork();
	if (!pid) {
		const char *error;
		struct vm_options options = { .max_vtl = 1, .entry = work };
		struct vm *vm = vm_create(&options, &error);

		if (!vm || vcpu_run(&vm->vcpu[0]) != UCALL_DONE)
			_exit(1);
		if (!fork()) {
			usleep(200000);
			_exit(write(done[1], "x", 1) != 1);
		}
		_exit(0);
	}
	close(done[1]);
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(1, read(done[0], &c, 1));
	close(done[0]);
	run_one(_metadata);
}

static int vmm_process(const char *device, u32 max_vtl, void (*entry)(void))
{
	struct vm_options options = {
		.device = device, .max_vtl = max_vtl, .entry = entry,
	};
	const char *error;
	struct vm *vm = vm_create(&options, &error);

	if (!vm) {
		printf("# VMM %d: %s\n", getpid(), error);
		return 1;
	}
	if (vcpu_run(&vm->vcpu[0]) == UCALL_DONE)
		return 0;
	printf("# VMM %d: %s\n", getpid(), vm->vcpu[0].error);
	return 2;
}

static pid_t start_vmm(const char *device, u32 max_vtl, void (*entry)(void))
{
	pid_t pid = fork();

	if (!pid)
		exit(vmm_process(device, max_vtl, entry));
	return pid;
}

TEST_F(lifetime, two_vmms_at_once)
{
	pid_t a, b;

	rounds = 3000;
	a = start_vmm(NULL, 1, work);
	b = start_vmm(NULL, 1, work);
	EXPECT_EQ(0, wait_for(a));
	EXPECT_EQ(0, wait_for(b));
}

TEST_F(lifetime, two_machines_in_a_process)
{
	struct vm *a = VTL_VM(.entry = work), *b = VTL_VM(.entry = work);

	EXPECT_UCALL(UCALL_DONE, &a->vcpu[0]);
	EXPECT_UCALL(UCALL_DONE, &b->vcpu[0]);
	vm_destroy(a);
	vm_destroy(b);
}

/* Machines that have nothing to do with VTLs go on as always. */
static void plain_work(void)
{
	u32 i;

	hv_init();
	for (i = 0; i < rounds; i++)
		GUEST_EQ(HV_INVALID_CODE, hv_call(HV_VTL_CALL, 0, 0));
	probe_write(page, 1);
	GUEST_EQ(1, *(u64 *)page);
	GUEST_TRAP(GP_VECTOR, probe_rdmsr(0x12345678, (u64 *)page));
}

TEST_F(lifetime, plain_machines_beside)
{
	pid_t a, b, c;

	rounds = 1000;
	a = start_vmm(NULL, 1, work);
	b = start_vmm(KVM_DEVICE, 0, plain_work);
	c = start_vmm(KVM_VTL_DEVICE, 0, plain_work);
	EXPECT_EQ(0, wait_for(a));
	EXPECT_EQ(0, wait_for(b));
	EXPECT_EQ(0, wait_for(c));
}

/* --- threads ------------------------------------------------------------- */

static void for_ever(void)
{
	u32 i;

	vsm_init();
	for (i = 0; ; i++) {
		vtl_call();
		GUEST_SYNC(i);
	}
}

static int run_failures;

static void *run_many(void *arg)
{
	u32 i;
	int ret;

	for (i = 0; i < 200; i++) {
		ret = vcpu_run_once(arg);
		if (ret && ret != -EINTR)
			__atomic_add_fetch(&run_failures, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *look_many(void *arg)
{
	struct kvm_vtl_vp vp = { .size = sizeof(vp) };
	struct vcpu *vcpu = arg;
	struct kvm_regs regs;
	u32 i;

	for (i = 0; i < 200; i++)
		if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) ||
		    ioctl(vcpu->fd, KVM_VTL_GET_VP, &vp))
			__atomic_add_fetch(&run_failures, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(lifetime, threads_on_one_vcpu)
{
	struct vm *vm = VTL_VM(.entry = for_ever);
	pthread_t t[3];

	run_failures = 0;
	ASSERT_EQ(0, pthread_create(&t[0], NULL, run_many, &vm->vcpu[0]));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, run_many, &vm->vcpu[0]));
	ASSERT_EQ(0, pthread_create(&t[2], NULL, look_many, &vm->vcpu[0]));
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	pthread_join(t[2], NULL);
	EXPECT_EQ(0, run_failures);
	EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
	/* 400 returns in all, at most one report each */
	EXPECT_LE(vm->vcpu[0].ucall.args[0], 400);
	EXPECT_LE(300, vm->vcpu[0].ucall.args[0]);
	vm_destroy(vm);
}

/* --- signals ------------------------------------------------------------- */

static void spin_in_vtl0(void)
{
	vsm_init();
	GUEST_SYNC(0);
	irq_enable();
	for (;;)
		cpu_pause();
}

static u64 spin(u64 a, u64 b)
{
	GUEST_SYNC(0);
	irq_enable();
	for (;;)
		cpu_pause();
	return 0;
}

static void spin_in_vtl1(void)
{
	vsm_init();
	vtl1_exec(spin, 0, 0);
}

static void halt_in_vtl0(void)
{
	vsm_init();
	GUEST_SYNC(0);
	irq_wait();
}

static void switch_for_ever(void)
{
	vsm_init();
	GUEST_SYNC(0);
	for (;;)
		vtl_call();
}

static void (*const endless[])(void) = {
	spin_in_vtl0, spin_in_vtl1, halt_in_vtl0, switch_for_ever,
};

static void on_alarm(int sig)
{
}

/* A signal ends KVM_RUN wherever the guest is, and it can go on. */
TEST_F(lifetime, signals)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 50000 };
	struct vm *vm;
	u32 i, n;

	sigaction(SIGALRM, &action, NULL);
	for (i = 0; i < ARRAY_LEN(endless); i++) {
		vm = VTL_VM(.entry = endless[i]);
		EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
		for (n = 0; n < 3; n++) {
			setitimer(ITIMER_REAL, &soon, NULL);
			EXPECT_EQ(-EINTR, vcpu_run_once(&vm->vcpu[0]));
		}
		vm->vcpu[0].run->immediate_exit = 1;
		EXPECT_EQ(-EINTR, vcpu_run_once(&vm->vcpu[0]));
		EXPECT_EQ(-EINTR, vcpu_run_once(&vm->vcpu[0]));
		vm_destroy(vm);
	}
}

/*
 * When KVM_RUN is interrupted, no hypercall is half done: the VMM may put the
 * VP elsewhere, and nothing of the old place happens there.
 */
void hammer(void);

void hammer(void)
{
	hv_init();
	for (;;)
		hv_reg(HV_OWN_VTL, HV_REG_VSM_VP_STATUS);
}

/* A step over VMCALL would be three bytes: to the UD2. */
extern const u8 hammer_again[];
asm(".pushsection .text; .globl hammer_again\n"
"hammer_again: jmp 1f; nop; ud2; 1: and $-16, %rsp; call hammer\n"
".popsection");

TEST_F(lifetime, signals_between_hypercalls)
{
	struct sigaction action = { .sa_handler = on_alarm };
	/* Again: the first one may be there before KVM_RUN is. */
	struct itimerval soon = {
		.it_value.tv_usec = 3000, .it_interval.tv_usec = 20000,
	}, never = { };
	struct vm *vm = VTL_VM(.entry = hammer);
	struct vcpu *vcpu = &vm->vcpu[0];
	struct kvm_regs first, regs;
	u32 i;

	sigaction(SIGALRM, &action, NULL);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_REGS, &first));
	for (i = 0; i < 200; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		ASSERT_EQ(-EINTR, vcpu_run_once(vcpu)) {
			vcpu_run(vcpu);
			TH_LOG("round %u: %s", i, vcpu->error);
		}
		ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_REGS, &regs));
		regs.rip = (uintptr_t)hammer_again;
		regs.rsp = first.rsp;
		ASSERT_EQ(0, ioctl(vcpu->fd, KVM_SET_REGS, &regs));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	vm_destroy(vm);
}

/* The same by the older way: a signal that is open in KVM_RUN only */
static int set_vcpu_mask(struct vcpu *vcpu)
{
	struct {
		struct kvm_signal_mask head;
		u8 bits[8];
	} __packed mask = { .head.len = 8 };

	return ioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask);
}

TEST_F(lifetime, signal_mask)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 50000 };
	sigset_t blocked, pending;
	struct vm *vm;
	u32 i;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	for (i = 0; i < ARRAY_LEN(endless); i++) {
		vm = VTL_VM(.entry = endless[i]);
		EXPECT_UCALL(UCALL_SYNC, &vm->vcpu[0]);
		ASSERT_EQ(0, set_vcpu_mask(&vm->vcpu[0]));
		ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &blocked, NULL));
		setitimer(ITIMER_REAL, &soon, NULL);
		EXPECT_EQ(-EINTR, vcpu_run_once(&vm->vcpu[0]));
		ASSERT_EQ(0, sigpending(&pending));
		EXPECT_EQ(1, sigismember(&pending, SIGALRM));
		ASSERT_EQ(0, sigprocmask(SIG_UNBLOCK, &blocked, NULL));
		vm_destroy(vm);
	}
}

TEST_F(lifetime, killed)
{
	pid_t pid[ARRAY_LEN(endless)];
	int status;
	u32 i;

	for (i = 0; i < ARRAY_LEN(endless); i++) {
		pid[i] = fork();
		if (!pid[i]) {
			const char *error;
			struct vm_options options = {
				.max_vtl = 1, .entry = endless[i],
			};
			struct vm *vm = vm_create(&options, &error);

			vcpu_run(&vm->vcpu[0]);
			vcpu_run(&vm->vcpu[0]);
			_exit(0);
		}
	}
	usleep(500000);
	for (i = 0; i < ARRAY_LEN(endless); i++) {
		kill(pid[i], SIGKILL);
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	run_one(_metadata);
}

TEST_HARNESS_MAIN
