// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight VMMs at once, each with another load, stopped and continued, and killed
 * wherever they are; then the module goes, and nothing of it is left.  Again
 * and again.
 *
 * KVM_VTL_SOAK_ROUNDS and KVM_VTL_SOAK_SEED: make soak.  On one processor, for
 * the reason that load_test.c gives.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vtl_test.h"

bool vm_hooks_come_and_go = true;

#define ROUNDS			6
#define SEED			20261124
#define VMMS			8
#define ROUND_MS		1500
#define MODULE			"kvm_vtl"
#define ENABLED_FUNCTIONS	"/sys/kernel/tracing/enabled_functions"
#define SECOND_CPU		"/sys/devices/system/cpu/cpu1/online"
#define TIMER_VECTOR		0x51
#define STORM_PAGES		64

static void __attribute__((constructor)) one_cpu(void)
{
	if (!access(SECOND_CPU, F_OK))
		write_file(SECOND_CPU, "0");
}

static void __attribute__((destructor)) all_cpus(void)
{
	if (!access(SECOND_CPU, F_OK))
		write_file(SECOND_CPU, "1");
}

/* --- guests: all of them for ever ---------------------------------------- */

static u8 closed[PAGE_SIZE] __page;

/* What the VP counts, so that the VMM sees that it gets somewhere */
static void done_once(void)
{
	GUEST_SYNC(0);
}

static void switching(void)
{
	u32 i;

	vsm_init();
	for (;;) {
		for (i = 0; i < 50; i++)
			vtl_call();
		done_once();
	}
}

static u64 arm_timer(u64 a, u64 b)
{
	wrmsr(HV_MSR_STIMER0_CONFIG, HV_STIMER_VECTOR(TIMER_VECTOR) |
	      HV_STIMER_DIRECT | HV_STIMER_AUTO_ENABLE);
	wrmsr(HV_MSR_STIMER0_COUNT, rdmsr(HV_MSR_TIME_REF_COUNT) + 10000);
	return 0;
}

static void interrupted(void)
{
	volatile u32 *count = &guest_area(0, 1)->cpu.count[TIMER_VECTOR];
	u32 before;

	vsm_init();
	for (;;) {
		before = *count;
		vtl1_exec(arm_timer, 0, 0);
		GUEST_WAIT(*count != before);
		done_once();
	}
}

static void storming(void)
{
	vsm_init();
	for (;;) {
		vtl1_close((void *)GUEST_BIG, STORM_PAGES, HV_R);
		READ_ONCE(*(u8 *)GUEST_BIG);
		vtl1_close((void *)GUEST_BIG, STORM_PAGES, HV_RWX);
		WRITE_ONCE(*(u8 *)GUEST_BIG, 1);
		done_once();
	}
}

static void intercepted(void)
{
	vsm_init();
	vtl1_close(closed, 1, HV_R);
	for (;;) {
		GUEST_TRAP(GP_VECTOR, probe_write(closed, 1));
		done_once();
	}
}

static u64 stay(u64 a, u64 b)
{
	for (;;)
		done_once();
	return 0;
}

static void in_vtl1(void)
{
	vsm_init();
	vtl1_exec(stay, 0, 0);
}

static void halted(void)
{
	vsm_init();
	done_once();
	irq_wait();
}

/* VP 1 has no VTL1, and writes what VP 0 closes and opens. */
static void two_vps(void)
{
	if (this_cpu()->vp) {
		hv_init();
		for (;;)
			probe_write(closed, 1);
	}
	vsm_init();
	for (;;) {
		vtl1_close(closed, 1, HV_R);
		vtl1_close(closed, 1, HV_RWX);
		done_once();
	}
}

/* --- VMMs ---------------------------------------------------------------- */

/* Where a VMM was when it was killed */
enum phase { NOWHERE, CREATING, RUNNING, CLOSING, NR_PHASES };

static const char * const phases[] = {
	"begun", "creating", "running", "closing",
};

static struct vmm {
	enum phase phase;
	u64 reports;
	u64 machines;
} *vmms;

struct load {
	const char *name;
	void (*entry)(void);
	u32 vcpus;
	u32 stop_after;		/* reports of a machine; 0: never */
};

static const struct load loads[VMMS] = {
	{ "switches", switching, 1 },
	{ "interrupts", interrupted, 1 },
	{ "protections", storming, 1 },
	{ "intercepts", intercepted, 1 },
	{ "in VTL1", in_vtl1, 1 },
	{ "in HLT", halted, 1 },
	{ "two VPs", two_vps, 2 },
	{ "machines", switching, 1, 2 },
};

static void *run_vp1(void *vcpu)
{
	for (;;)
		vcpu_run(vcpu);
	return NULL;
}

static void run_machine(const struct load *load, struct vmm *vmm)
{
	struct vm_options options = {
		.max_vtl = 1, .entry = load->entry, .vcpus = load->vcpus,
		.big_area = load->entry == storming,
	};
	pthread_t thread;
	const char *error;
	struct vm *vm;
	u64 stop;

	vmm->phase = CREATING;
	vm = vm_create(&options, &error);
	if (!vm) {
		printf("# %s: no machine: %s\n", load->name, error);
		fflush(stdout);
		_exit(2);
	}
	vmm->phase = RUNNING;
	if (load->vcpus > 1)
		pthread_create(&thread, NULL, run_vp1, &vm->vcpu[1]);
	stop = load->stop_after ? vmm->reports + load->stop_after : ~0ULL;
	while (vmm->reports < stop) {
		if (vcpu_run(&vm->vcpu[0]) != UCALL_SYNC)
			_exit(3);
		vmm->reports++;
	}
	vmm->phase = CLOSING;
	vm_destroy(vm);
	vmm->machines++;
}

static pid_t start_vmm(u32 nr)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		run_machine(&loads[nr], &vmms[nr]);
}

/* --- the host ------------------------------------------------------------ */

static u64 state;

static u64 chance(u64 n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static int load_module(void)
{
	int fd = open(getenv("KVM_VTL_KO") ?: "/lib/modules/kvm-vtl.ko",
		      O_RDONLY | O_CLOEXEC), ret;

	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Objects of a slab cache that are in use; those kept free are given back. */
static u64 objects(const char *cache)
{
	char path[128], name[64], line[512];
	u64 active, found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	write_file(path, "1");
	f = fopen("/proc/slabinfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lu", name, &active) == 2 &&
		    !strcmp(name, cache))
			found = active;
	if (f)
		fclose(f);
	return found;
}

/* What machines have and nobody else */
static const char * const caches[] = {
	"kvm_vcpu", "kvm_mmu_page_header", "pte_list_desc",
};

struct left {
	u64 objects[ARRAY_SIZE(caches)];
	u64 files;
	u64 vendor_users;
};

static void look(struct left *left)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(caches); i++)
		left->objects[i] = objects(caches[i]);
	left->files = strtoull(read_file("/proc/sys/fs/file-nr"), NULL, 10);
	left->vendor_users =
		strtoull(read_file("/sys/module/kvm/refcnt"), NULL, 10);
}

static bool has_hooks(void)
{
	return strstr(read_file(ENABLED_FUNCTIONS), " I ");
}

/* Files and objects go a moment after their owner. */
static bool is_as(const struct left *before)
{
	struct left now;
	u32 i;

	for (i = 0; i < 100; i++) {
		look(&now);
		/* Files of the system itself come and go in batches. */
		if (!memcmp(now.objects, before->objects,
			    sizeof(now.objects)) &&
		    now.files <= before->files + 64 &&
		    now.vendor_users == before->vendor_users)
			return true;
		usleep(20000);
	}
	for (i = 0; i < ARRAY_SIZE(caches); i++)
		printf("# %s: %lu, was %lu\n", caches[i], now.objects[i],
		       before->objects[i]);
	printf("# files %lu, was %lu; users of KVM %lu, was %lu\n", now.files,
	       before->files, now.vendor_users, before->vendor_users);
	return false;
}

/* One of them sleeps for a while, and goes on. */
static void stop_one(const pid_t *pids)
{
	pid_t pid = pids[chance(VMMS)];

	kill(pid, SIGSTOP);
	usleep(1000 * (1 + chance(20)));
	kill(pid, SIGCONT);
}

static u64 killed[NR_PHASES], reports, machines;

static void end_vmm(struct __test_metadata *_metadata, pid_t pid,
		    struct vmm *vmm, const struct load *load)
{
	int status;

	killed[vmm->phase]++;
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status)) {
		TH_LOG("%s: ended with 0x%x", load->name, status);
	}
	reports += vmm->reports;
	machines += vmm->machines;
}

static void one_round(struct __test_metadata *_metadata, u32 ms)
{
	pid_t pids[VMMS];
	u32 i, nr, first;

	memset(vmms, 0, VMMS * sizeof(*vmms));
	ASSERT_EQ(0, load_module());
	for (i = 0; i < VMMS; i++) {
		pids[i] = start_vmm(i);
		ASSERT_LE(0, pids[i]);
	}
	/* Every other round ends before the machines are there. */
	for (i = chance(2) ? ms / 50 : 0; i; i--) {
		usleep(50000);
		stop_one(pids);
	}
	usleep(1000 * chance(ms / 2));
	first = chance(VMMS);
	for (i = 0; i < VMMS; i++) {
		nr = (first + i) % VMMS;
		end_vmm(_metadata, pids[nr], &vmms[nr], &loads[nr]);
		usleep(1000 * chance(20));
	}
}

static bool unload(void)
{
	u32 i;

	for (i = 0; i < 500; i++) {
		if (!syscall(SYS_delete_module, MODULE, O_NONBLOCK))
			return true;
		usleep(20000);
	}
	return false;
}

FIXTURE(load_soak) { };

FIXTURE_SETUP(load_soak)
{
	vmms = mmap(NULL, VMMS * sizeof(*vmms), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)vmms);
}

FIXTURE_TEARDOWN(load_soak)
{
	munmap(vmms, VMMS * sizeof(*vmms));
}

TEST_F_TIMEOUT(load_soak, all_at_once, 7000)
{
	u64 rounds = strtoull(getenv("KVM_VTL_SOAK_ROUNDS") ?: "0", NULL, 0) ?:
		     ROUNDS;
	u64 seed = strtoull(getenv("KVM_VTL_SOAK_SEED") ?: "0", NULL, 0);
	struct left before;
	u32 i;

	state = seed ?: SEED;
	TH_LOG("seed %llu", state);
	/* What KVM itself keeps after a first machine */
	one_round(_metadata, ROUND_MS * host_scale());
	ASSERT_TRUE(unload());
	look(&before);
	for (i = 0; i < rounds; i++) {
		one_round(_metadata, ROUND_MS * host_scale());
		ASSERT_TRUE(unload());
		EXPECT_FALSE(has_hooks());
		EXPECT_TRUE(is_as(&before));
		EXPECT_EQ(-1, access(KVM_VTL_DEVICE, F_OK));
		EXPECT_EQ(-1, access("/sys/module/" MODULE, F_OK));
	}
	for (i = 0; i < NR_PHASES; i++)
		TH_LOG("killed when %s: %llu", phases[i], killed[i]);
	TH_LOG("%llu rounds, %llu machines closed, %llu reports of guests",
	       rounds, machines, reports);
	EXPECT_LT(0, killed[RUNNING]);
}

TEST_HARNESS_MAIN
